use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use crate::{
    account::{Account, AccountError, AccountEvent, Deposit, Withdraw},
    testing::{CommitFault, FaultyStore, commit_of},
    *,
};
use serde::{Deserialize, Serialize};

use std::sync::Arc;

/// A bank that is asked for an amount; it counts how often.
struct Lender {
    asked: AtomicU32,
    answer: Mutex<Result<u64, AccountError>>,
    /// Who asked last: aggregate, version, key.
    seen: Mutex<Option<(String, Version, Option<String>)>>,
}

impl Lender {
    fn new(answer: Result<u64, AccountError>) -> Arc<Self> {
        Arc::new(Self { asked: AtomicU32::new(0), answer: Mutex::new(answer), seen: Mutex::new(None) })
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Borrow {
    share: u64,
}

impl Command for Borrow {
    const NAME: &'static str = "borrow";
    const VERSION: u32 = 1;
}

impl Prepare<Borrow> for Account {
    type Service = Arc<Lender>;
    type Prepared = Deposit;
    type Error = AccountError;
    async fn prepare(
        account: Preparation<'_, Self>,
        command: Borrow,
        lender: &Arc<Lender>,
    ) -> Result<Deposit, AccountError> {
        lender.asked.fetch_add(1, Ordering::Relaxed);
        let key = account.key().map(ToString::to_string);
        *lender.seen.lock().unwrap() = Some((account.id().clone(), account.version(), key));
        assert!(account.metadata().command.is_some() && account.now() > Timestamp::EPOCH);
        tokio::task::yield_now().await;
        assert!(command.share < 100, "no such share");
        let answer = lender.answer.lock().unwrap().clone()?;
        Ok(Deposit { amount: answer / command.share + account.balance })
    }
}

async fn bank(store: &FaultyStore, lender: &Arc<Lender>) -> Annals {
    Annals::over(store.clone()).service(Arc::clone(lender)).open().await.unwrap()
}

#[tokio::test]
async fn a_service_is_asked_once_and_sees_the_loaded_state() {
    let (store, lender) = (FaultyStore::default(), Lender::new(Ok(10)));
    let annals = bank(&store, &lender).await;
    annals.on::<Account>("a").send(Deposit { amount: 100 }).await.unwrap();
    store.next_commit(CommitFault::SomebodyFirst(commit_of::<Account>("a", [AccountEvent::Deposited { amount: 1 }])));
    let executed = annals.on::<Account>("a").prepare(Borrow { share: 2 }).await.unwrap();
    assert_eq!(executed.reply, 206, "the decision ran again on what came in between, with what was prepared before");
    assert_eq!(lender.asked(), 1);
    assert_eq!(*lender.seen.lock().unwrap(), Some(("a".into(), Version::FIRST, None)));
}

/// P5: the first answer is found before anything is prepared.
#[tokio::test]
async fn a_repetition_prepares_nothing() {
    let (store, lender) = (FaultyStore::default(), Lender::new(Ok(10)));
    let annals = bank(&store, &lender).await;
    let borrow = |share| annals.on::<Account>("a").prepare(Borrow { share }).idempotency_key("loan");
    assert_eq!(borrow(2).await.unwrap().reply, 5);
    let seen = Some(("a".into(), Version::ZERO, Some("loan".into())));
    assert_eq!(*lender.seen.lock().unwrap(), seen, "a service can be told the key");
    *lender.answer.lock().unwrap() = Ok(1000);
    let again = borrow(2).await.unwrap();
    assert_eq!((again.reply, again.receipt.repeated, lender.asked()), (5, true, 1));
    assert!(matches!(borrow(5).await, Err(ExecuteError::KeyReused { .. })), "the key is of the command as it was sent");
    assert_eq!(lender.asked(), 1);
}

#[tokio::test]
async fn what_is_refused_or_fails_while_preparing_writes_nothing() {
    let (store, lender) = (FaultyStore::default(), Lender::new(Err(AccountError::Short { missing: 7 })));
    let annals = bank(&store, &lender).await;
    let borrow = |share| annals.on::<Account>("a").prepare(Borrow { share });
    let refused = borrow(2).await;
    assert!(matches!(refused, Err(ExecuteError::Refused(AccountError::Short { missing: 7 }))));
    let ExecuteError::Panicked { message } = borrow(100).await.unwrap_err() else { panic!("it panicked") };
    assert_eq!(message, "no such share");
    let early = borrow(2).expect_version(Version::FIRST).await;
    assert!(matches!(early, Err(ExecuteError::Conflict { .. })));
    assert_eq!(lender.asked(), 2, "a version that has passed is known before");
    assert_eq!(annals.store().head().borrow().commit, CommitNumber::ZERO);
}

#[tokio::test]
async fn a_service_that_was_not_registered_is_named() {
    let annals = Annals::over(FaultyStore::default()).open().await.unwrap();
    let error = annals.on::<Account>("a").prepare(Borrow { share: 2 }).await.unwrap_err();
    assert!(matches!(error, ExecuteError::NoService { service } if service.contains("Lender")), "{error:?}");
    annals.on::<Account>("a").send(Withdraw { amount: 0 }).await.unwrap();
}

#[tokio::test]
async fn a_prepared_command_can_be_spawned() {
    let (store, lender) = (FaultyStore::default(), Lender::new(Ok(10)));
    let annals = bank(&store, &lender).await;
    let sending = tokio::spawn(async move { annals.on::<Account>("a").prepare(Borrow { share: 1 }).await });
    assert_eq!(sending.await.unwrap().unwrap().reply, 10);
}
