use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct WithdrawnV1 {}

#[derive(Deserialize)]
struct WithdrawnV2 {}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    #[event(version = 3, from(1 = WithdrawnV1))]
    Withdrawn {},
}

fn main() {
    let _ = AccountEvent::KINDS;
}
