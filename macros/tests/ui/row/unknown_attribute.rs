use annals_macros::Row;
use annals_projections::Row;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(tabel = "balances")]
struct Balance {
    #[row(key)]
    account: String,
}

fn keeps<R: Row>() {}

fn main() {
    keeps::<Balance>();
}
