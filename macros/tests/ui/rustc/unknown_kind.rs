use annals_core::{Boundary, Evolve, Selection, kinds};
use annals_macros::{Aggregate, Event};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened,
    Closed,
}

#[derive(Default, Clone, Aggregate)]
#[aggregate(name = "account", event = AccountEvent)]
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

impl Boundary for Account {
    type Id = ();
    fn select((): &()) -> Selection<Self> {
        Selection::of(kinds![AccountEvent::Opened, AccountEvent::Renamed])
    }
}

fn main() {
    let _ = Account::select(&());
}
