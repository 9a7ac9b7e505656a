use annals_core::Command as _;
use annals_macros::Command;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
struct Withdraw {
    #[command(name = "cents")]
    cents: u64,
}

fn main() {
    let _ = Withdraw::NAME;
}
