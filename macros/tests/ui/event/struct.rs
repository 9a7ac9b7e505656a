use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
struct AccountEvent {
    owner: String,
}

fn main() {
    let _ = AccountEvent::KINDS;
}
