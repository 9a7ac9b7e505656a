use annals_core::Command as _;
use annals_macros::Command;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(version = 2, from(1 = value(rename)))]
struct Withdraw {
    cents: u64,
}

fn main() {
    let _ = Withdraw::NAME;
}
