use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct WithdrawnV1 {}

#[derive(Deserialize)]
struct WithdrawnV2 {}

impl From<WithdrawnV1> for WithdrawnV2 {
    fn from(_: WithdrawnV1) -> Self {
        Self {}
    }
}

impl From<WithdrawnV2> for AccountEvent {
    fn from(_: WithdrawnV2) -> Self {
        Self::Withdrawn {}
    }
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    #[event(version = 2, from(1 = WithdrawnV1, 3 = WithdrawnV2))]
    Withdrawn {},
}

fn main() {
    let _ = AccountEvent::KINDS;
}
