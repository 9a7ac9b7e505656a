use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened {
        #[tag(name = "")]
        owner: String,
        #[tag(name = "branch:")]
        branch: u32,
    },
}

fn main() {
    let _ = AccountEvent::KINDS;
}
