//! An audit finds what is wrong with the books. What is wrong is written past the domain, as no command would.

use annals::{Annals, Commit, MemoryStore, testing::commit_of};
use banking::{
    audit::{Audit, Finding, audit},
    domain::{
        Account, AccountId, CustomerId, Money,
        account::{AccountEvent, Product, TransactionKind},
        transfer::TransferId,
    },
};

fn money(minor: i64) -> Money {
    Money::from_minor(minor)
}

fn opened() -> AccountEvent {
    AccountEvent::Opened { owner: CustomerId::from("ada"), iban: None, product: Product::Savings }
}

fn recorded(change: i64, balance: i64) -> AccountEvent {
    let (change, balance) = (money(change), money(balance));
    AccountEvent::TransactionRecorded { reference: "1".to_owned(), kind: TransactionKind::Fee, change, balance }
}

fn corrected(difference: i64, balance: i64) -> AccountEvent {
    AccountEvent::BalanceCorrected { difference: money(difference), balance: money(balance) }
}

fn sent(amount: i64) -> AccountEvent {
    AccountEvent::TransferSent { transfer: TransferId::new("t"), to: AccountId::from("b"), amount: money(amount) }
}

fn received(amount: i64) -> AccountEvent {
    AccountEvent::TransferReceived { transfer: TransferId::new("t"), from: AccountId::from("a"), amount: money(amount) }
}

/// Each list of events is one commit.
async fn audited(commits: &[&[(&str, AccountEvent)]]) -> Audit {
    let bank = Annals::over(MemoryStore::new()).open().await.unwrap();
    for commit in commits {
        let events = commit.iter().flat_map(|(account, event)| commit_of::<Account>(*account, [event.clone()]).events);
        bank.store().commit(Commit::of(events)).await.unwrap();
    }
    audit(&bank).await.unwrap()
}

fn account() -> AccountId {
    AccountId::from("a")
}

#[tokio::test]
async fn right_books_have_no_findings() {
    let opened = &[("a", opened()), ("b", opened())];
    let transferred = &[("a", sent(5)), ("b", received(5))];
    let imported = &[("a", recorded(-3, -7)), ("a", corrected(1, -7))];
    let audit = audited(&[opened, transferred, imported]).await;
    assert_eq!((audit.findings, audit.balance, audit.transfers), (vec![], money(-2), 1));
}

#[tokio::test]
async fn a_recorded_balance_that_is_neither_met_nor_adopted_is_found() {
    for behind in [vec![], vec![("a", recorded(1, 8))], vec![("a", corrected(2, 8))]] {
        let mut events = vec![("a", AccountEvent::Imported {}), ("a", recorded(6, 7))];
        events.extend(behind);
        let audit = audited(&[&events]).await;
        let (recorded, folded) = (money(7), money(6));
        let version = 2u32.into();
        let found = |finding: &Finding| match finding {
            Finding::Balance { account: of, version: at, recorded: found, .. } => {
                *of == account() && *at == version && *found == recorded
            }
            _ => false,
        };
        assert!(audit.findings.iter().any(found), "{:?}, folded {folded}", audit.findings);
    }
}

#[tokio::test]
async fn a_correction_of_nothing_is_found() {
    let audit = audited(&[&[("a", AccountEvent::Imported {}), ("a", recorded(6, 6)), ("a", corrected(2, 8))]]).await;
    assert!(matches!(audit.findings[..], [Finding::Balance { .. }]), "{:?}", audit.findings);
}

#[tokio::test]
async fn a_transfer_that_is_not_whole_is_found() {
    let halves: [&[&[_]]; 4] = [
        &[&[("a", sent(5))]],
        &[&[("a", sent(5)), ("b", received(4))]],
        &[&[("a", sent(5))], &[("b", received(5))]],
        &[&[("a", sent(5)), ("b", received(5))], &[("a", sent(5)), ("b", received(5))]],
    ];
    for commits in halves {
        let findings = audited(commits).await.findings;
        assert_eq!(findings, [Finding::Transfer { transfer: TransferId::new("t") }], "{commits:?}");
    }
}
