//! Bad inputs on the way through `annals_core::Annals` (T17; F9, F11): each is a typed error, and nothing is written.

use std::{fmt::Debug, future::IntoFuture};

use annals_core::{
    Annals, Decision, ExecuteError, Executed, HolderError, InvalidCommit, Limits, LoadError, at, boundary, in_stream,
};

use crate::{
    Harness, Setup,
    fixture::*,
    seats::{Anything, Hall, SeatEvent},
    tally::{Count, Tallied, Tally},
};

/// What is said against `sending`, which must change nothing.
async fn refused<R: Debug, E: Debug>(
    annals: &Annals,
    what: &str,
    sending: impl IntoFuture<Output = Result<Executed<R>, ExecuteError<E>>>,
) -> ExecuteError<E> {
    let before = contents(annals.store()).await;
    let error = match sending.await {
        Err(error) => error,
        Ok(executed) => panic!("{what}: {executed:?}"),
    };
    assert_eq!(contents(annals.store()).await, before, "{what}");
    assert!(!error.is_retryable(), "{what}: {error:?}");
    error
}

async fn open<H: Harness>() -> (H, Annals) {
    let harness = H::create(Setup::default()).await;
    let annals = Annals::over(harness.store()).open().await.expect("it opens");
    annals.on::<Tally>("a").send(Count { by: 1 }).await.expect("it counts");
    (harness, annals)
}

/// Emits one event within the boundary around a hall.
macro_rules! emit {
    ($annals:expr, $hall:expr, $home:expr, $event:expr) => {{
        let (home, event) = ($home, $event);
        $annals.together(boundary::<Hall>($hall), move |hall| {
            hall.emit(home.clone(), event.clone());
            Ok::<_, ()>(hall.taken)
        })
    }};
}

fn count(tally: &mut Decision<Tally>) {
    tally.emit(Tallied::Counted { by: 1 });
}

/// A boundary that would be everything, ids that make no stream or no tag, one aggregate twice.
pub async fn targets_that_cannot_be_decided_about_are_refused<H: Harness>() {
    let (_harness, annals) = open::<H>().await;
    for has_alternative in [true, false] {
        let deciding = annals.together(boundary::<Anything>(has_alternative), |_| Ok::<_, ()>(()));
        let error = refused(&annals, "a boundary without kinds", deciding).await;
        assert!(matches!(error, ExecuteError::Load(LoadError::Unbounded { .. })), "{error:?}");
    }
    for (id, what) in [("a\nb", "a control character"), (&"x".repeat(256), "a tag that is too long")] {
        let error = refused(&annals, what, emit!(annals, id, in_stream("seat", 1), SeatEvent::taken("main"))).await;
        assert!(matches!(error, ExecuteError::Load(LoadError::InvalidId(_))), "{what}: {error:?}");
    }
    for id in ["a/b", "", "a\nb", &"x".repeat(256)] {
        let sent = refused(&annals, id, annals.on::<Tally>(id).send(Count { by: 1 })).await;
        let deciding = annals.together((at::<Tally>("a"), at::<Tally>(id)), |(a, _)| {
            count(a);
            Ok::<_, ()>(())
        });
        let decided = refused(&annals, id, deciding).await;
        for error in [sent, decided] {
            assert!(matches!(error, ExecuteError::Load(LoadError::InvalidId(_))), "{id:?}: {error:?}");
        }
    }
    let pair = annals.together((at::<Tally>("a"), at::<Tally>("a")), |(a, b)| {
        count(a);
        count(b);
        Ok::<_, ()>(())
    });
    let list = annals.together((vec![at::<Tally>("b"), at::<Tally>("a")], at::<Tally>("a")), |(_, a)| {
        count(a);
        Ok::<_, ()>(())
    });
    for error in [refused(&annals, "a pair", pair).await, refused(&annals, "a list", list).await] {
        assert!(
            matches!(&error, ExecuteError::SameStream { stream: twice } if *twice == stream("tally-a")),
            "{error:?}"
        );
    }
}

/// Events with too many tags, with texts that make no tag, for streams that are none, too large; and a panic.
pub async fn events_that_cannot_be_stored_are_refused<H: Harness>() {
    let (_harness, annals) = open::<H>().await;
    let seat = || in_stream("seat", 1);
    let tags = Limits::default().tags;
    let error = refused(&annals, "65 tags", emit!(annals, "main", seat(), SeatEvent::tagged("main", tags + 1))).await;
    let ExecuteError::Invalid(InvalidCommit::TooLarge { found: 65, limit: 64, .. }) = error else {
        panic!("{error:?}")
    };
    emit!(annals, "main", seat(), SeatEvent::tagged("main", tags)).await.expect("64 tags are allowed");
    for (home, event) in [
        (in_stream("a/b", 1), SeatEvent::taken("main")),
        (in_stream("$seat", 1), SeatEvent::taken("main")),
        (in_stream("", 1), SeatEvent::taken("main")),
        (in_stream("seat", ""), SeatEvent::taken("main")),
        (in_stream("seat", "x".repeat(255)), SeatEvent::taken("main")),
        (seat(), SeatEvent::taken("a\nb")),
        (seat(), SeatEvent::taken(&"x".repeat(255))),
    ] {
        let error = refused(&annals, "no stream, or no tag", emit!(annals, "main", home, event)).await;
        assert!(matches!(error, ExecuteError::InvalidName(_)), "{error:?}");
    }
    let wide = SeatEvent::Taken { hall: "main".into(), wishes: vec!["x".repeat(200); 6_000] };
    let error = refused(&annals, "1 MiB", emit!(annals, "main", seat(), wide)).await;
    assert!(matches!(error, ExecuteError::Invalid(InvalidCommit::TooLarge { limit: 1_048_576, .. })), "{error:?}");
    let panicking = annals.together(boundary::<Hall>("main"), |hall| -> Result<(), ()> {
        hall.emit(in_stream("seat", 1), SeatEvent::taken("main"));
        panic!("no seat")
    });
    let error = refused(&annals, "a panic", panicking).await;
    assert!(matches!(&error, ExecuteError::Panicked { message } if message == "no seat"), "{error:?}");
}

/// 10,000 events are one decision, one more is none; the boundary sees each.
pub async fn ten_thousand_events_are_one_decision<H: Harness>() {
    let (_harness, annals) = open::<H>().await;
    let take = |count: u64| {
        annals.together((boundary::<Hall>("main"), at::<Tally>("a")), move |(hall, tally)| {
            for seat in 0..count {
                hall.emit(in_stream("seat", seat % 7), SeatEvent::taken("main"));
            }
            tally.emit(Tallied::Counted { by: hall.taken });
            Ok::<_, ()>(hall.taken)
        })
    };
    let error = refused(&annals, "10,001 events", take(10_000)).await;
    let ExecuteError::Invalid(InvalidCommit::TooLarge { found, limit, .. }) = error else { panic!("{error:?}") };
    assert_eq!((found, limit), (10_001, 10_000));
    let executed = take(9_999).await.expect("10,000 events are allowed");
    assert_eq!((executed.reply, executed.receipt.versions.len()), (9_999, 8));
    assert_eq!(executed.receipt.positions, Some((position(2), position(10_001))));
    let looked = annals.together(boundary::<Hall>("main"), |hall| Ok::<_, ()>(hall.taken)).await;
    assert_eq!(looked.expect("to look is allowed").reply, 9_999);
}

/// P4: alone, beside others, and through a boundary; a repetition still gets its first answer.
pub async fn a_closed_stream_takes_no_decision<H: Harness>() {
    let (_harness, annals) = open::<H>().await;
    let keyed = || annals.on::<Tally>("closed").send(Count { by: 1 }).idempotency_key("before");
    keyed().await.expect("it is open");
    annals.on::<Tally>("closed").close().await.expect("it is closed");
    let alone = refused(&annals, "alone", annals.on::<Tally>("closed").send(Count { by: 1 })).await;
    let beside = annals.together((at::<Tally>("a"), at::<Tally>("closed")), |(a, closed)| {
        count(a);
        count(closed);
        Ok::<_, ()>(())
    });
    let beside = refused(&annals, "beside", beside).await;
    let within = emit!(annals, "main", at::<Tally>("closed"), SeatEvent::taken("main"));
    let within = refused(&annals, "within a boundary", within).await;
    for error in [alone, beside, within] {
        let ExecuteError::Closed { streams } = error else { panic!("{error:?}") };
        assert_eq!(streams, [stream("tally-closed")]);
    }
    assert!(keyed().await.expect("it was done before").receipt.repeated);
}

/// What decides that nothing happens is told where the store stands, and writes nothing; under a key it is remembered.
pub async fn a_decision_that_emits_nothing_writes_nothing<H: Harness>() {
    let (_harness, annals) = open::<H>().await;
    let look = || {
        annals.together((at::<Tally>("a"), boundary::<Hall>("main")), |(tally, hall)| {
            Ok::<_, ()>(tally.total + hall.taken)
        })
    };
    let before = contents(annals.store()).await;
    let looked = look().await.expect("to look is allowed");
    assert_eq!(contents(annals.store()).await, before);
    let head = head(annals.store());
    assert_eq!((looked.reply, looked.receipt.positions, looked.receipt.commit), (1, None, head.commit));
    let keyed = || look().idempotency_key("look", &Count { by: 0 });
    let first = keyed().await.expect("it is new");
    assert_eq!((first.receipt.positions, first.receipt.commit), (None, head.commit.next()));
    count_once(&annals).await;
    let again = keyed().await.expect("it is a repetition");
    assert_eq!((again.reply, again.receipt.repeated), (1, true), "the first answer, although it is 2 by now");
}

async fn count_once(annals: &Annals) {
    annals.on::<Tally>("a").send(Count { by: 1 }).await.expect("it counts");
}

/// P5: a key is of one request: another command, another aggregate, another boundary; and keys and names that are none.
pub async fn keys_of_other_requests_are_refused<H: Harness>() {
    let (_harness, annals) = open::<H>().await;
    let send = |id: &str, by| annals.on::<Tally>(id).send(Count { by }).idempotency_key("key");
    send("a", 1).await.expect("it is new");
    for (id, by) in [("a", 2), ("b", 1)] {
        let error = refused(&annals, id, send(id, by)).await;
        assert!(matches!(&error, ExecuteError::KeyReused { key, .. } if key.as_str() == "key"), "{error:?}");
    }
    let take = |hall: &str, by| {
        let event = SeatEvent::taken(hall);
        emit!(annals, hall, in_stream("seat", 1), event).idempotency_key("seat", &Count { by })
    };
    take("main", 1).await.expect("it is new");
    for (hall, by) in [("main", 2), ("other", 1)] {
        let error = refused(&annals, hall, take(hall, by)).await;
        assert!(matches!(error, ExecuteError::KeyReused { .. }), "{error:?}");
    }
    for key in ["", "a\nb", &"x".repeat(256)] {
        let error = refused(&annals, key, annals.on::<Tally>("a").send(Count { by: 1 }).idempotency_key(key)).await;
        assert!(matches!(error, ExecuteError::InvalidName(_)), "{key:?}: {error:?}");
        let name = key.to_owned();
        let claiming = annals.together(at::<Tally>("a"), move |tally| {
            tally.claim("iban", &name);
            Ok::<_, ()>(())
        });
        let error = refused(&annals, key, claiming).await;
        assert!(matches!(error, ExecuteError::InvalidName(_)), "{key:?}: {error:?}");
        assert!(matches!(annals.holder("iban", key).await, Err(HolderError::InvalidName(_))));
    }
}
