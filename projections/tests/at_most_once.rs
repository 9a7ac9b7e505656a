//! Events that are handed over once, or not at all.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use annals_conformance::planted::behind;
use annals_core::{Annals, OpenError, Position};
use annals_projections::{
    BoxError, Delivery, EventContext, Incoming, OperatorError, Order, Projection, ProjectionHandle, ProjectionOptions,
    ReadModels, Rebuild, Retry, Rows, ShadowError, State, Subscription, Tables, WithProjections,
};

use crate::{
    bank::*,
    stores::{Call, Effect, Forgetful, Unruly},
};

/// Notes what it is handed: that is what it does elsewhere.
#[derive(Clone, Default)]
struct Noted {
    seen: Arc<Mutex<Vec<u64>>>,
    hangs: Arc<AtomicBool>,
}

impl Noted {
    fn seen(&self) -> Vec<u64> {
        self.seen.lock().unwrap().clone()
    }
}

impl Projection for Noted {
    const NAME: &'static str = "balances";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        Balances::default().subscription()
    }
    fn tables(&self) -> Tables {
        Balances::default().tables()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        self.seen.lock().unwrap().push(cx.record().position().get());
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if let Some(AccountEvent::Deposited { cents: 13 }) = event.get() {
            return Err("an unlucky number".into());
        }
        Balances::default().handle(event, cx, rows).await
    }
}

fn once() -> ProjectionOptions {
    ProjectionOptions::default().delivery(Delivery::AtMostOnce)
}

async fn started(store: &Arc<dyn annals_core::Store>, noted: &Noted, options: ProjectionOptions) -> Annals {
    Annals::over(Arc::clone(store)).projection_with(noted.clone(), options).open().await.unwrap()
}

fn noted(annals: &Annals) -> ProjectionHandle {
    annals.projection::<Noted>().unwrap()
}

async fn until_position(annals: &Annals, position: Position) {
    let mut status = noted(annals).watch();
    let waited = status.wait_for(|status| status.position == position && status.state == State::Live);
    tokio::time::timeout(std::time::Duration::from_secs(60), waited).await.unwrap().unwrap();
}

/// What fails is passed by, not tried again, and not in the way of what comes behind.
#[tokio::test]
async fn what_fails_is_passed_by() {
    for options in [once(), once().lanes(4), once().order(Order::ByLog)] {
        let store = store();
        commit(&store, [deposited("ada", 1), deposited("ada", 13), deposited("ada", 3)]).await;
        let projection = Noted::default();
        let annals = started(&store, &projection, options.clone()).await;
        until_position(&annals, head(&store)).await;
        assert_eq!(projection.seen(), [1, 2, 3]);
        assert_eq!(row(&annals, "ada").await.unwrap().cents, 4);
        assert_eq!(noted(&annals).status().parked_events, 0);
        stop(annals).await;
        let annals = started(&store, &projection, options).await;
        commit(&store, [deposited("ada", 5)]).await;
        until_position(&annals, head(&store)).await;
        assert_eq!(projection.seen(), [1, 2, 3, 4]);
        assert_eq!(row(&annals, "ada").await.unwrap().cents, 9);
        stop(annals).await;
    }
}

/// P6: at whatever call to the store something goes wrong, no event is handed over twice, and the projection goes on.
#[tokio::test(start_paused = true)]
async fn no_event_is_handed_over_twice_whatever_fails() {
    for call in [Call::Commit, Call::Apply, Call::Get, Call::Scan, Call::ReadLog] {
        for effect in [Effect::Fail, Effect::FailBehind, Effect::Panic] {
            for before in 0..12 {
                let unruly = Unruly::default();
                let inner = store();
                for cents in 1..=10 {
                    commit(&inner, [deposited("ada", cents)]).await;
                }
                let store = behind(Arc::clone(&inner), unruly.clone());
                let projection = Noted::default();
                let annals = started(&store, &projection, once()).await;
                unruly.plan_fault(call, effect, before, 1);
                for cents in 11..=20 {
                    commit(&inner, [deposited("ada", cents)]).await;
                    tokio::task::yield_now().await;
                }
                let mut status = noted(&annals).watch();
                let is_done = |status: &annals_projections::Status| {
                    status.position == head(&inner) || matches!(status.state, State::TakenOver)
                };
                status.wait_for(is_done).await.unwrap();
                unruly.heal();
                let seen = projection.seen();
                assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{call:?} {effect:?} {before}: {seen:?}");
                stop(annals).await;
            }
        }
    }
}

/// A process that dies in the middle hands nothing over again.
#[tokio::test(start_paused = true)]
async fn what_was_under_way_is_not_handed_over_again() {
    let store = store();
    commit(&store, (1..=200).map(|cents| deposited("ada", cents))).await;
    let projection = Noted::default();
    projection.hangs.store(true, Ordering::SeqCst);
    let annals = started(&store, &projection, once()).await;
    while projection.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    stop(annals).await;
    projection.hangs.store(false, Ordering::SeqCst);
    let annals = started(&store, &projection, once()).await;
    until_position(&annals, head(&store)).await;
    let seen = projection.seen();
    // It was told of up to 64 that were about to come, and came to the first.
    assert_eq!(seen[0], 1);
    assert_eq!(seen[1..], (65..=200).collect::<Vec<_>>());
}

/// Nothing is computed anew: neither when that is asked for, nor when the rows are lost.
#[tokio::test]
async fn nothing_is_computed_anew() {
    let store = store();
    commit(&store, [deposited("ada", 1)]).await;
    let projection = Noted::default();
    let forgetful = Forgetful::default();
    let above = behind(store.clone(), forgetful.clone());
    let annals = started(&above, &projection, once()).await;
    until_position(&annals, head(&store)).await;
    let refused = noted(&annals).rebuild(Rebuild::new()).await.unwrap_err();
    assert!(matches!(refused, ShadowError::AtMostOnce { projection: "balances" }));
    let refused = noted(&annals).rebuild_key(None, "ada").await.unwrap_err();
    assert!(matches!(refused, OperatorError::AtMostOnce { projection: "balances" }));
    stop(annals).await;

    forgetful.forget(&store, usize::MAX).await;
    let annals = started(&store, &projection, once().retry(Retry::never())).await;
    until_position(&annals, head(&store)).await;
    assert_eq!(projection.seen(), [1]);
    assert_eq!(annals.view::<Balance>().unwrap().all().count().await.unwrap(), 0);
}

/// Rows in memory are computed from the whole log at each start.
#[tokio::test]
async fn rows_in_memory_cannot_be_seen_at_most_once() {
    let opened = Annals::over(store()).projection_with(Noted::default(), once().in_memory()).open().await;
    let error = opened.err().unwrap();
    assert!(matches!(error, OpenError::Component { .. }));
    assert!(error.to_string().contains("at most once, but keeps its rows in memory"), "{error}");
}
