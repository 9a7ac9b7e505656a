use annals_core::{LoggedTable, Timestamp};
use bytes::Bytes;

use super::*;
use crate::{
    stepper::Consumed,
    stored::{Cause, Pending, PendingRow},
};

fn id(key: &str) -> InstanceId {
    InstanceId { saga: "moving".into(), tenant: None, key: key.into() }
}

fn waiting(step: u64, ordinal: u32, bytes: usize) -> Waiting {
    let cause = Cause { event: None, correlation: None, depth: 0 };
    let (what, sent) = (Pending::Undone, Timestamp::EPOCH);
    let pending = PendingRow { instance: id("a"), step, ordinal, what, cause, sent, failure: None };
    Waiting { pending, row: Consumed::new((LoggedTable::COMMANDS, "key".into()), Bytes::from(vec![0; bytes])) }
}

fn first(outbox: &Outbox) -> Option<(u64, u32)> {
    outbox.first(&id("a")).map(|first| (first.pending.step, first.pending.ordinal))
}

#[test]
fn the_first_is_known_once_no_earlier_one_can_come() {
    let outbox = Outbox::default();
    let (earlier, later) = (outbox.storing(&id("a")), outbox.storing(&id("a")));
    assert!(!outbox.is_idle(), "a step that is being stored may send");
    later.sends(vec![waiting(2, 0, 1)]);
    assert_eq!(first(&outbox), None, "the earlier step may have been stored before");
    earlier.sends(vec![waiting(1, 0, 1), waiting(1, 1, 1)]);
    for expected in [(1, 0), (1, 1), (2, 0)] {
        assert_eq!(first(&outbox), Some(expected));
        outbox.done(&id("a"), Some(expected));
    }
    assert_eq!(first(&outbox), None);
}

#[test]
fn what_is_not_known_is_looked_for() {
    let after = |what: fn(&Outbox)| {
        let outbox = Outbox::default();
        outbox.storing(&id("a")).sends(vec![waiting(1, 0, 1)]);
        assert_eq!(first(&outbox), Some((1, 0)));
        what(&outbox);
        first(&outbox)
    };
    assert_eq!(after(|outbox| drop(outbox.storing(&id("a")))), None, "nobody knows what became of it");
    assert_eq!(after(|outbox| outbox.release(&id("a"))), None, "something was decided");
    assert_eq!(after(|outbox| assert!(outbox.block(&id("a")))), None, "an operator decides");
    assert_eq!(after(|outbox| outbox.add(&id("a"))), None, "it was there before");
    assert_eq!(after(|outbox| outbox.storing(&id("a")).sends(vec![waiting(2, 0, 5000)])), None, "it is large");
    assert_eq!(after(|outbox| outbox.storing(&id("a")).nothing()), Some((1, 0)));
}

#[tokio::test]
async fn an_instance_is_sent_for_by_one_at_a_time_until_nothing_waits() {
    let outbox = Outbox::default();
    outbox.storing(&id("a")).sends(vec![waiting(1, 0, 1)]);
    assert_eq!(*outbox.take().await, id("a"));
    outbox.storing(&id("a")).sends(vec![waiting(2, 0, 1)]);
    assert!(outbox.try_take().is_none(), "somebody sends for it");
    assert!(outbox.done(&id("a"), Some((1, 0))) && !outbox.is_idle());
    // A step that is being stored meanwhile sends again.
    let storing = outbox.storing(&id("a"));
    assert!(!outbox.done(&id("a"), Some((2, 0))) && !outbox.is_idle());
    storing.sends(vec![waiting(3, 0, 1)]);
    assert_eq!(*outbox.take().await, id("a"));
    assert!(outbox.queues().sendable == 1);
    assert!(outbox.block(&id("a")));
    assert!(outbox.is_idle() && outbox.queues().sendable == 0);
    outbox.release(&id("a"));
    assert!(!outbox.is_idle() && outbox.queues().sendable == 1);
}

#[test]
fn what_is_decided_before_a_queue_is_blocked_is_not_missed() {
    let (outbox, id) = (Outbox::default(), id("a"));
    outbox.add(&id);
    assert!(outbox.try_take().is_some_and(|taken| *taken == id));
    outbox.release(&id);
    assert!(!outbox.block(&id) && !outbox.is_idle());
    assert!(outbox.block(&id) && outbox.is_idle());
    outbox.release(&id);
    assert!(outbox.try_take().is_some_and(|taken| *taken == id));
}
