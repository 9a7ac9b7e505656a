use annals_core::{Decision, Evolve, Handle, Preparation, Prepare};
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
struct Close;
#[derive(Clone)]
struct Rename;

impl Prepare<Close> for Account {
    type Service = ();
    type Prepared = Close;
    type Error = ();
    async fn prepare(_: Preparation<'_, Self>, command: Close, (): &()) -> Result<Close, ()> {
        Ok(command)
    }
}

impl Prepare<Rename> for Account {
    type Service = ();
    type Prepared = Close;
    type Error = ();
    async fn prepare(_: Preparation<'_, Self>, _: Rename, (): &()) -> Result<Close, ()> {
        Ok(Close)
    }
}

impl Handle<Close> for Account {
    type Reply = ();
    type Error = ();
    fn handle(_: &mut Decision<Self>, _: Close) -> Result<(), ()> {
        Ok(())
    }
}

async fn send(annals: &annals_core::Annals) {
    let _ = annals.on::<Account>("1".to_owned()).prepare(Open).await;
}

fn main() {}
