use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

struct WithdrawnV1 {}

impl From<WithdrawnV1> for AccountEvent {
    fn from(_: WithdrawnV1) -> Self {
        Self::Withdrawn {}
    }
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    #[event(version = 2, from(1 = WithdrawnV1))]
    Withdrawn {},
}

fn main() {
    let _ = AccountEvent::KINDS;
}
