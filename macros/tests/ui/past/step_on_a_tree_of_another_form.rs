use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

fn rename(tree: annals_core::codec::Value) -> annals_core::codec::Value {
    tree
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    #[event(version = 2, from(1 = value(rename)))]
    Withdrawn {},
}

fn main() {
    let _ = AccountEvent::KINDS;
}
