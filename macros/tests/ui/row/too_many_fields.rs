use annals_macros::Row;
use annals_projections::Row;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(table = "balances", index(name = "all", fields(a, b, c, d, e, f, g)))]
struct Balance {
    #[row(key)]
    a: u8,
    #[row(key)]
    b: u8,
    #[row(key)]
    c: u8,
    #[row(key)]
    d: u8,
    #[row(key)]
    e: u8,
    #[row(key)]
    f: u8,
    #[row(key)]
    g: u8,
}

fn keeps<R: Row>() {}

fn main() {
    keeps::<Balance>();
}
