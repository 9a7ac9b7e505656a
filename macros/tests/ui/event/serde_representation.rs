use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
#[serde(tag = "type", content = "content")]
enum AccountEvent {
    Opened,
    #[serde(skip)]
    Skipped,
    #[serde(other)]
    Other,
}

fn main() {
    let _ = AccountEvent::KINDS;
}
