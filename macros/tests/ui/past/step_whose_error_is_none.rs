use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct WithdrawnV1 {}

impl TryFrom<WithdrawnV1> for AccountEvent {
    type Error = ();
    fn try_from(_: WithdrawnV1) -> Result<Self, ()> {
        Err(())
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
