use annals_macros::{Event, projection};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened { owner: String },
    Deposited { amount: u64, reason: Option<String> },
    Closed,
}

struct Balances;

#[projection(name = "sums")]
struct Sums;

fn main() {
    let _ = (Balances, Sums);
}
