use annals_macros::Row;
use annals_projections::Row;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(table = "balances")]
enum Balance {
    Positive,
    Negative,
}

fn keeps<R: Row>() {}

fn main() {
    keeps::<Balance>();
}
