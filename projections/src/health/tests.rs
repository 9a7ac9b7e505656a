use super::*;
use annals_core::Position;

use crate::{Failure, checkpoint::Checkpoint, status::Board};

fn status(state: State) -> Status {
    let checkpoint = Checkpoint { position: at(40), target: Some(at(50)) };
    let board = Board::new("balances", 1, checkpoint);
    board.state(state);
    board.now()
}

fn at(position: u64) -> Position {
    Position::new(position).unwrap()
}

fn judge(status: &Status) -> Health {
    vitals(status, 0, Duration::ZERO, Duration::ZERO).health(&Thresholds::default())
}

fn vitals(status: &Status, positions: u64, time: Duration, stuck: Duration) -> Vitals<'_> {
    Vitals { status, lag: Some(Lag { positions, time, eta: None }), stuck }
}

#[test]
fn a_state_has_its_concern() {
    let failed = |retrying| State::Failed { reason: "no disk".into(), retrying };
    let table = [
        (State::Live, "healthy"),
        (State::CatchingUp, "healthy"),
        (State::Starting, "healthy"),
        (State::Rebuilding, "warning: projection balances computes its rows anew: at 40 of 50"),
        (State::Paused, "warning: projection balances is paused"),
        (failed(true), "critical: projection balances failed and tries again: no disk"),
        (failed(false), "critical: projection balances stopped until it is resumed: no disk"),
        (State::TakenOver, "critical: projection balances is run by somebody else"),
        (State::Stopped, "critical: projection balances is shut down"),
    ];
    for (state, health) in table {
        assert_eq!(judge(&status(state)).to_string(), health);
    }
}

#[test]
fn figures_have_levels_by_the_thresholds() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let live = status(State::Live);
    let health =
        |positions, time, stuck| vitals(&live, positions, time, stuck).health(&Thresholds::default()).to_string();
    assert_eq!(health(9_999, minutes(1) / 2, minutes(1) / 3), "healthy");
    assert_eq!(
        health(10_000, minutes(1), Duration::from_secs(30)),
        "warning: projection balances is stuck: it has done nothing for 30s although it should; \
         projection balances is 10000 positions behind the log; \
         projection balances has not taken in an event that was recorded 60s ago"
    );
    let critical = vitals(&live, 100_000, minutes(5), minutes(5));
    let critical = critical.health(&Thresholds::default());
    assert_eq!(critical.concerns.iter().map(|concern| concern.level).collect::<Vec<_>>(), [Level::Critical; 3]);
    let lower = Thresholds::default().positions(1, 2).time(minutes(9), minutes(9)).stuck(minutes(9), minutes(9));
    let health = vitals(&live, 1, minutes(8), minutes(8)).health(&lower);
    assert_eq!(health.to_string(), "warning: projection balances is 1 positions behind the log");
}

#[test]
fn keys_that_wait_for_an_operator_are_a_warning_and_others_are_none() {
    let mut live = status(State::Live);
    (live.retrying_keys, live.parked_events) = (2, 7);
    assert!(judge(&live).is_healthy());
    live.parked_keys = 3;
    let parked = "warning: projection balances has keys that wait for an operator: 3, events: 7";
    assert_eq!(judge(&live).to_string(), parked);
}

/// What is said of a projection by its place in the log is of no use while it fills its rows, or when others do.
#[test]
fn lag_is_not_said_where_it_means_nothing() {
    for (state, level) in [(State::Rebuilding, Level::Warning), (State::TakenOver, Level::Critical)] {
        let status = status(state);
        let health = vitals(&status, 1 << 20, Duration::MAX, Duration::ZERO).health(&Thresholds::default());
        assert_eq!((health.level, health.concerns.len()), (level, 1), "{health}");
    }
}

/// Nobody reads a shadow: that it computes rows and is far behind is why it is there.
#[test]
fn a_shadow_is_a_concern_when_it_does_not_go_on() {
    let failed = State::Failed { reason: "no disk".into(), retrying: false };
    let minute = Duration::from_secs(60);
    let table = [
        (State::Rebuilding, Duration::ZERO, "healthy"),
        (State::CatchingUp, Duration::ZERO, "healthy"),
        (failed, Duration::ZERO, "critical: shadow balances stopped until it is resumed: no disk"),
        (
            State::Rebuilding,
            minute,
            "warning: shadow balances is stuck: it has done nothing for 60s although it should",
        ),
    ];
    for (state, stuck, health) in table {
        let status = status(state);
        let vitals = Vitals { status: &status, lag: None, stuck };
        assert_eq!(vitals.health(&Thresholds::default()).to_string(), health);
    }
}

#[test]
fn a_projection_that_failed_is_a_concern_until_it_has_come_further() {
    let board = Board::new("balances", 1, Checkpoint { position: at(40), target: Some(at(30)) });
    board.state(State::Failed { reason: "no disk".into(), retrying: true });
    board.state(State::Starting);
    board.state(State::CatchingUp);
    let failure = Failure { reason: "no disk".into(), position: at(40) };
    assert_eq!(board.now().failure, Some(failure.clone()));
    assert_eq!(judge(&board.now()).level, Level::Critical);
    // What is read again after a start is no progress.
    board.update(|status| status.position = at(38));
    board.update(|status| status.position = at(40));
    assert_eq!(board.now().failure, Some(failure));
    board.update(|status| status.position = at(41));
    assert_eq!(board.now().failure, None);
    assert!(judge(&board.now()).is_healthy());
    board.state(State::Failed { reason: "no disk".into(), retrying: true });
    board.state(State::Live);
    assert!(judge(&board.now()).is_healthy());
}

#[test]
fn a_projection_that_does_not_work_has_no_rate() {
    let board = Board::new("balances", 1, Checkpoint::default());
    for state in [State::Paused, State::TakenOver, State::Stopped, State::Starting] {
        board.update(|status| (status.state, status.rate) = (State::CatchingUp, 5.0));
        assert!(board.now().rate > 4.0);
        board.state(state);
        assert!(board.now().rate == 0.0);
    }
}

#[test]
fn all_together_are_as_bad_as_the_worst() {
    let all = [State::Live, State::Paused, State::TakenOver].map(|state| judge(&status(state)));
    let levels: Vec<_> = all.iter().map(|health| health.level).collect();
    assert_eq!(levels, [Level::Healthy, Level::Warning, Level::Critical]);
    let together: Health = all.into_iter().collect();
    assert_eq!((together.level, together.concerns.len()), (Level::Critical, 2));
    assert_eq!(Health::from_iter([]), Health::default());
}

#[test]
fn serde_writes_what_a_health_end_point_would() {
    let mut late = status(State::Failed { reason: "no disk".into(), retrying: true });
    late.parked_keys = 1;
    let vitals = vitals(&late, 0, Duration::from_millis(90_500), Duration::ZERO);
    let json = serde_json::to_value(vitals.health(&Thresholds::default())).unwrap();
    let expected = serde_json::json!({
        "level": "critical",
        "concerns": [
            { "projection": "balances", "level": "critical", "cause": "failed", "reason": "no disk", "retrying": true },
            { "projection": "balances", "level": "warning", "cause": "parked", "keys": 1, "events": 0 },
            { "projection": "balances", "level": "warning", "cause": "late", "seconds": 90.5 },
        ],
    });
    assert_eq!(json, expected);
    let paused = serde_json::to_value(judge(&status(State::Paused))).unwrap();
    let concern = serde_json::json!({ "projection": "balances", "level": "warning", "cause": "paused" });
    assert_eq!(paused, serde_json::json!({ "level": "warning", "concerns": [concern] }));
}
