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

struct Open;
struct Close;
struct Rename;

impl Handle<Open> for Account {
    type Reply = ();
    type Error = ();
    fn handle(_: &mut Decision<Self>, _: Open) -> Result<(), ()> {
        Ok(())
    }
}

impl Handle<Close> for Account {
    type Reply = ();
    type Error = ();
    fn handle(_: &mut Decision<Self>, _: Close) -> Result<(), ()> {
        Ok(())
    }
}

struct On<A>(A);

impl<A: annals_core::Aggregate> On<A> {
    fn send<C>(&self, _: C)
    where
        A: Handle<C>,
    {
    }
}

fn main() {
    On(Account::default()).send(Rename);
}
