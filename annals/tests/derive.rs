//! The derives through the facade, in a crate that knows nothing but the facade and serde.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened { owner: String },
    Withdrawn(Withdrawal),
    Closed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Withdrawal {
    cents: u64,
}

#[derive(Debug, Clone, PartialEq, AggregateId)]
struct AccountId(String);

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "account", id = AccountId, event = AccountEvent, snapshot(every = 100, version = 2))]
struct Account {
    owner: Option<String>,
    withdrawn: u64,
}

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(version = 2)]
struct Withdraw {
    cents: u64,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => self.owner = Some(owner.clone()),
            AccountEvent::Withdrawn(withdrawal) => self.withdrawn += withdrawal.cents,
            AccountEvent::Closed => self.owner = None,
        }
    }
}

impl Handle<Withdraw> for Account {
    type Reply = u64;
    type Error = ();
    fn handle(account: &mut Decision<Self>, command: Withdraw) -> Result<u64, ()> {
        account.emit(AccountEvent::Withdrawn(Withdrawal { cents: command.cents }));
        Ok(account.withdrawn)
    }
}

#[test]
fn a_domain_needs_the_facade_alone() {
    let mut account = Account::default();
    for event in [AccountEvent::Opened { owner: "ada".into() }, AccountEvent::Withdrawn(Withdrawal { cents: 7 })] {
        let payload = event.encode().unwrap();
        let index = AccountEvent::KINDS.iter().position(|kind| kind == event.kind()).unwrap();
        account.evolve(&AccountEvent::decode(index, &payload).unwrap());
    }
    assert_eq!(account, Account { owner: Some("ada".into()), withdrawn: 7 });

    let snapshots = Account::snapshots().unwrap();
    assert_eq!((snapshots.version, snapshots.shape), (2, "owner: Option<String>, withdrawn: u64"));
    assert_eq!((snapshots.decode)(&(snapshots.encode)(&account).unwrap()), Ok(account));
    assert_eq!((Withdraw::NAME, Withdraw::VERSION), ("withdraw", 2));
    assert_eq!(AccountId::from("ada").to_key(), "ada");
}
