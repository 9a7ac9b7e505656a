use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    #[event(alias = "account.closed")]
    Withdrawn {},
    Closed {},
}

fn main() {
    let _ = AccountEvent::KINDS;
}
