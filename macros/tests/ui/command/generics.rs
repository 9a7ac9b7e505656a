use annals_macros::Command;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
struct Withdraw<T> {
    amount: T,
}

fn main() {
    let _ = Withdraw { amount: 1 };
}
