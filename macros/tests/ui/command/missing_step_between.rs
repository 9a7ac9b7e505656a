use annals_core::Command as _;
use annals_macros::Command;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(version = 3, from(1 = WithdrawV1, 2 = WithdrawV2))]
struct Withdraw {
    cents: u64,
}

#[derive(Deserialize)]
struct WithdrawV1 {}

#[derive(Deserialize)]
struct WithdrawV2 {
    cents: u64,
}

impl From<WithdrawV2> for Withdraw {
    fn from(old: WithdrawV2) -> Self {
        Self { cents: old.cents }
    }
}

fn main() {
    let _ = Withdraw::NAME;
}
