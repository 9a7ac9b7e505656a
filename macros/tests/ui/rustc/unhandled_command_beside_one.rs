use annals_core::{Decision, Evolve, Handle};
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

#[derive(Clone)]
struct Open;
#[derive(Clone)]
struct Rename;

impl Handle<Open> for Account {
    type Reply = ();
    type Error = ();
    fn handle(_: &mut Decision<Self>, _: Open) -> Result<(), ()> {
        Ok(())
    }
}

async fn send(annals: &annals_core::Annals) {
    let _ = annals.on::<Account>("1".to_owned()).send(Rename).await;
}

fn main() {}
