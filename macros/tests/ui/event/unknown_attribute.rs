use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefx = "account")]
enum AccountEvent {
    #[event(versoin = 2)]
    Opened {
        #[tag(nam = "owner")]
        owner: String,
    },
}

fn main() {
    let _ = AccountEvent::KINDS;
}
