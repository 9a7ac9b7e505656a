use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
enum AccountEvent {
    #[event(name = "account.opened")]
    Opened,
    Closed,
}

fn main() {
    let _ = AccountEvent::KINDS;
}
