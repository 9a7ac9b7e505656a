use annals_macros::Row;
use annals_projections::Row;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(table = "Balances", index(name = "owner amount", fields(account)))]
struct Balance {
    #[row(key)]
    account: String,
    #[row(index = "2nd")]
    amount: u64,
    #[row(unique = "")]
    iban: String,
}

fn keeps<R: Row>() {}

fn main() {
    keeps::<Balance>();
}
