//! The laws hold for what is right, and each catches a planted fault.

mod decisions;
mod events;
mod golden;
mod snapshots;
mod till;

use super::*;

/// The message of a law that is broken.
fn broken(law: impl FnOnce()) -> String {
    crate::load::catch(law).expect_err("the law holds")
}

/// An aggregate in which nothing is wrong, by the macro.
mod account {
    use crate::account::{Account, AccountEvent, Deposit, DepositMany, Look, Withdraw};

    fn histories() -> Vec<Vec<AccountEvent>> {
        let opened = AccountEvent::Opened { owner: "ada".into() };
        let deposited = |amount| AccountEvent::Deposited { amount };
        let withdrawn = AccountEvent::Withdrawn { amount: 4, atm: "north".into() };
        vec![vec![opened, deposited(10), withdrawn, deposited(1)], vec![deposited(100); 3]]
    }

    /// Its replies are compared, and this one's cannot be.
    #[derive(Debug, Clone, PartialEq)]
    struct Deposits(Vec<u64>);

    impl crate::Handle<Deposits> for Account {
        type Reply = ();
        type Error = crate::account::AccountError;
        fn handle(account: &mut crate::Decision<Self>, command: Deposits) -> Result<(), Self::Error> {
            Self::handle(account, DepositMany(command.0)).map(|_| ())
        }
    }

    crate::aggregate_laws!(
        Account,
        histories: histories(),
        commands: [Deposit { amount: 3 }, Withdraw { amount: 7 }, Deposits(vec![1, 2]), Look],
        golden: "tests/golden/account.txt",
    );
}

/// The smallest form, and the one with an id, for an aggregate without snapshots.
mod counted {
    use super::till::{PayIn, Till, paid};

    mod least {
        use super::*;
        crate::aggregate_laws!(Till, histories: [vec![paid(1)], vec![]]);
    }

    mod with_id {
        use super::*;
        crate::aggregate_laws!(Till, id: "north", histories: [vec![paid(1)]], commands: [PayIn(100)]);
    }
}

#[test]
fn every_beginning_of_every_history_is_looked_at() {
    let histories = [vec![1, 2], vec![], vec![3]];
    let found: Vec<_> = beginnings(&histories).map(|(events, place)| (events.to_vec(), place.to_string())).collect();
    let place = |events: &str, history| format!("after {events} of history {history}");
    let expected = [
        (vec![], "before the first event".to_owned()),
        (vec![1], place("1 event", 1)),
        (vec![1, 2], place("2 events", 1)),
        (vec![3], place("1 event", 3)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_id_of_an_own_form_is_asked_for() {
    let message = broken(|| drop(any::<till::Odd>()));
    assert!(message.contains("give one with"), "{message}");
}
