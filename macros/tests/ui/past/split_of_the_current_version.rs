use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct WithdrawnV1 {}

impl From<WithdrawnV1> for Vec<AccountEvent> {
    fn from(_: WithdrawnV1) -> Self {
        vec![AccountEvent::Withdrawn {}]
    }
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account", split("account.withdrawn", 1 = WithdrawnV1, into(Withdrawn)))]
enum AccountEvent {
    Withdrawn {},
}

fn main() {
    let _ = AccountEvent::KINDS;
}
