use annals_core::{Decision, Event as _, Evolve, Handle};
use annals_macros::{Aggregate, Event};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened,
    Closed,
}

#[derive(Default, Clone, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "account", event = AccountEvent, snapshot(every = 0))]
struct Account {
    open: bool,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened => self.open = true,
            AccountEvent::Closed => self.open = false,
        }
    }
}

struct Open;

impl Handle<Open> for Account {
    type Reply = ();
    type Error = ();
    fn handle(account: &mut Decision<Self>, _: Open) -> Result<(), ()> {
        if account.open {
            return Err(());
        }
        account.emit(AccountEvent::Opened);
        Ok(())
    }
}

fn main() {
    let _ = AccountEvent::KINDS;
}
