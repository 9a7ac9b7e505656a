//! The testing kit: it tells when a saga does what it should, and when it does not.

use std::{panic::catch_unwind, time::Duration};

use annals_sagas::testing::{SagaTest, sent};

use crate::bank::*;

fn requested() -> SagaTest<Moving> {
    let requested = TransferEvent::Requested { from: "ada".into(), to: "bob".into(), cents: 30 };
    SagaTest::new().when::<Transfer>("t1", requested)
}

fn taken() -> AccountEvent {
    AccountEvent::Taken { cents: 30, transfer: "t1".into() }
}

/// I.16: deadlines are set, and due when the clock of the test has moved.
#[test]
fn a_saga_is_tested_event_by_event() {
    let transfer = || "t1".to_owned();
    requested()
        .then_sends([sent::<Account, _>("ada", Take { cents: 30, transfer: transfer() })])
        .then_timer("late", Duration::from_secs(60))
        .when::<Account>("ada", taken())
        .then_sends([sent::<Account, _>("bob", Give { cents: 30, transfer: transfer() })])
        .then_running()
        .when::<Account>("bob", AccountEvent::Given { cents: 30, transfer: transfer() })
        .then_sends([sent::<Transfer, _>("t1", Settle { outcome: "moved".into() })])
        .then_completed()
        .then_no_timer();
}

#[test]
fn what_was_done_is_undone_when_a_command_is_refused_or_time_passes() {
    let give = Give { cents: 30, transfer: "t1".into() };
    let back = || sent::<Account, _>("ada", Return { cents: 30, transfer: "t1".into() });
    let reclaim = sent::<Account, _>("bob", Reclaim { cents: 30, transfer: "t1".into() });
    let settled = |outcome: &str| sent::<Transfer, _>("t1", Settle { outcome: outcome.into() });
    requested()
        .when::<Account>("ada", taken())
        .refused::<Account, _>("bob", give, AccountError::NotOpen)
        .then_sends([settled("returned"), back()])
        .then_compensated();
    requested()
        .given::<Account>("ada", [taken()])
        .advance(Duration::from_micros(59_999_999))
        .then_sends([])
        .advance(Duration::from_micros(1))
        .then_sends([settled("late"), reclaim, back()]);
    // What was refused was not done.
    requested()
        .refused::<Account, _>("ada", Take { cents: 30, transfer: "t1".into() }, AccountError::Short { missing: 1 })
        .then_sends([settled("too poor")])
        .then_completed();
}

/// I.16: no deadline is expected where there is one, and the other way around.
#[test]
fn what_is_not_so_fails_the_test() {
    let message = |test: fn()| *catch_unwind(test).unwrap_err().downcast::<String>().unwrap();
    let sends = message(|| drop(requested().then_sends([])));
    assert!(sends.contains("other commands were sent") && sends.contains("account-ada"), "{sends}");
    let timer = message(|| drop(requested().then_timer("late", Duration::from_secs(61))));
    assert!(timer.contains("\"late\" was not set for 1970-01-01T00:01:01Z"), "{timer}");
    let set = message(|| drop(requested().then_no_timer()));
    assert!(set.contains("late"), "{set}");
    let boom = message(|| drop(requested().when::<Transfer>("t1", TransferEvent::Noted { text: "boom".into() })));
    assert_eq!(boom, "the saga failed: boom");
    let other = message(|| drop(requested().when::<Transfer>("t2", TransferEvent::Noted { text: "x".into() })));
    assert_eq!(other, "the event is for instance t2, the test is about t1");
    assert!(message(|| drop(requested().then_completed())).contains("Running"));
    assert!(message(|| drop(requested().then_state(Moving::default()))).contains("the state is another one"));
    let early = message(|| drop(SagaTest::<Moving>::new().when::<Account>("ada", taken())));
    assert_eq!(early, "there is no instance t1");
}
