use annals_macros::Row;
use annals_projections::Row;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(table = "balances")]
struct Balance {
    #[row(key)]
    account: String,
    #[row(index(name = "amount", fields(account, amount)))]
    amount: u64,
}

fn keeps<R: Row>() {}

fn main() {
    keeps::<Balance>();
}
