//! The generated quarter: complete in any order, and never twice.

use annals::{Annals, MemoryStore};
use banking::{
    audit,
    progress::Progress,
    quarter::{self, Balance, Outcome, Plan, Size},
};

const SIZE: Size = Size { accounts: 20, transactions: 1_000 };

async fn bank() -> Annals {
    Annals::over(MemoryStore::new()).open().await.unwrap()
}

async fn run(bank: &Annals, plan: &Plan) -> Outcome {
    quarter::run(bank, plan, 64, Progress::silent()).await.unwrap()
}

async fn assert_as_planned(bank: &Annals, plan: &Plan) {
    let balances = quarter::balances(bank, &plan.balances()).await.unwrap();
    assert_eq!(balances.len(), 20);
    assert!(balances.iter().all(Balance::is_planned), "{balances:?}");
    let audit = audit::audit(bank).await.unwrap();
    assert_eq!((audit.accounts, audit.findings), (20, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_callers_leave_every_balance_as_planned() {
    let (bank, plan) = (bank().await, Plan::of(SIZE));
    let outcome = run(&bank, &plan).await;
    assert_eq!((outcome.opened, outcome.made, outcome.repeated), (36, 1_000, 0));
    assert_as_planned(&bank, &plan).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_opposite_order_refuses_nothing_and_ends_the_same() {
    let (bank, mut plan) = (bank().await, Plan::of(SIZE));
    plan.movements.reverse();
    assert_eq!(run(&bank, &plan).await.made, 1_000);
    assert_as_planned(&bank, &plan).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_repeats_everything_and_writes_nothing() {
    let (bank, plan) = (bank().await, Plan::of(SIZE));
    run(&bank, &plan).await;
    let head = *bank.store().head().borrow();
    let outcome = run(&bank, &plan).await;
    assert_eq!((outcome.opened, outcome.made, outcome.repeated), (0, 0, 1_000));
    assert_eq!(*bank.store().head().borrow(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_go_through_is_told_apart_and_writes_nothing() {
    use annals::ExecuteError::{Conflict, KeyReused, Names, Refused};
    let (bank, plan) = (bank().await, Plan::of(SIZE));
    run(&bank, &plan).await;
    let head = *bank.store().head().borrow();
    let (account, key) = (plan.accounts[0].id.clone(), &plan.movements[0].key);
    let apart = quarter::refuse_and_conflict(&bank, account, key).await.unwrap();
    assert!(matches!(apart.refused, Err(Refused(_))), "{apart:?}");
    assert!(matches!(apart.conflict, Err(Conflict { .. })), "{apart:?}");
    assert!(matches!(apart.key_reused, Err(KeyReused { .. })), "{apart:?}");
    assert!(matches!(apart.iban_taken, Err(Names { .. })), "{apart:?}");
    assert_eq!(*bank.store().head().borrow(), head);
}
