use annals_macros::Row;
use annals_projections::Row;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(table = "balances", index(name = "by-amount", fields(amount, account)), unique(name = "by_amount", fields(iban)))]
struct Balance {
    #[row(key)]
    account: String,
    #[row(index)]
    amount: u64,
    #[row(unique = "amount")]
    iban: String,
}

fn keeps<R: Row>() {}

fn main() {
    keeps::<Balance>();
}
