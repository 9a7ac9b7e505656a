use annals_macros::Row;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(table = "balances")]
struct Balance<T> {
    #[row(key)]
    account: T,
}

fn main() {
    let _ = Balance { account: 1 };
}
