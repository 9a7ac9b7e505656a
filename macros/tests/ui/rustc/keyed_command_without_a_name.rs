use annals_core::{Annals, Decision, Evolve, Handle};
use annals_macros::{Aggregate, Event};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened,
}

#[derive(Default, Clone, Aggregate)]
#[aggregate(name = "account", event = AccountEvent)]
struct Account {
    open: bool,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, _: &AccountEvent) {
        self.open = true;
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Open;

impl Handle<Open> for Account {
    type Reply = ();
    type Error = ();
    fn handle(account: &mut Decision<Self>, _: Open) -> Result<(), ()> {
        account.emit(AccountEvent::Opened);
        Ok(())
    }
}

async fn send(annals: &Annals) {
    let _ = annals.on::<Account>("1".to_owned()).send(Open).idempotency_key("request-1").await;
}

fn main() {}
