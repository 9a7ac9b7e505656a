use annals_core::Command as _;
use annals_macros::Command;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "$withdraw")]
struct Withdraw {
    cents: u64,
}

fn main() {
    let _ = Withdraw::NAME;
}
