use annals_macros::Row;
use annals_projections::Row;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Money(f64);

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(table = "balances")]
struct Balance {
    #[row(key)]
    account: String,
    #[row(index)]
    amount: Money,
}

fn keeps<R: Row>() {}

fn main() {
    keeps::<Balance>();
}
