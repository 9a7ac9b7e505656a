//! Keeps a consumer running, whatever happens to it.

use std::{panic::AssertUnwindSafe, time::Duration};

use annals_core::{ApplyError, CommitError, ReadError};
use futures::FutureExt;
use tracing::Instrument;

use crate::{
    State,
    consumer::TakeOverError,
    control::{Control, Discarded, Stop},
    lane::Halt,
    metrics,
    run::message,
    session::{Session, SessionError, Setup},
};

/// The pause before a consumer that failed is started again, doubled each time, up to the longest.
const RESTART_FIRST: Duration = Duration::from_millis(100);
const RESTART_MAX: Duration = Duration::from_secs(30);

/// What is done when a session ended.
enum Next {
    /// Begin anew where it was stored.
    Again,
    /// The same, after a pause.
    Later(String),
    /// The same, when an operator says so.
    WhenResumed(String),
    Rest(State),
    /// Do nothing, and say nothing.
    Hold,
}

/// Runs a consumer until it is told to end or is held, or has no right to run any more. Nothing that happens to it ends it
/// silently.
pub(crate) async fn run(setup: Setup, mut control: Control, discarded: Discarded) -> Control {
    let span = tracing::info_span!("projection", name = setup.consumer.name, build = setup.consumer.build);
    keep_running(setup, &mut control, discarded).instrument(span).await;
    control
}

async fn keep_running(setup: Setup, control: &mut Control, discarded: Discarded) {
    let board = std::sync::Arc::clone(&setup.board);
    let mut restarts = 0;
    loop {
        if control.told() == Some(Stop::Paused) {
            board.state(State::Paused);
        }
        match control.may_work().await {
            Ok(()) => {}
            Err(Stop::Held) => return,
            Err(Stop::Ended | Stop::Paused) => return board.state(State::Stopped),
        }
        board.state(State::Starting);
        let before = board.now().position;
        let session = AssertUnwindSafe(work(setup.clone(), control, discarded.clone())).catch_unwind().await;
        let next = match session {
            Ok(ended) => judge(ended),
            Err(panic) => Next::Later(format!("it panicked: {}", message(&*panic))),
        };
        if board.now().position > before {
            restarts = 0;
        }
        match next {
            Next::Again => {}
            Next::Later(reason) => {
                let name = setup.consumer.name;
                tracing::error!(projection = name, %reason, restarts, "projection failed, it is started again");
                board.state(State::Failed { reason, retrying: true });
                let pause = RESTART_FIRST.saturating_mul(1 << restarts.min(16)).min(RESTART_MAX);
                restarts += 1;
                metrics::restart(name);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = control.changed() => {}
                }
            }
            Next::WhenResumed(reason) => {
                tracing::error!(projection = setup.consumer.name, %reason, "projection stopped, it waits to be resumed");
                board.state(State::Failed { reason, retrying: false });
                control.changed().await;
            }
            Next::Rest(state) => return board.state(state),
            Next::Hold => return,
        }
    }
}

async fn work(setup: Setup, control: &mut Control, discarded: Discarded) -> Result<Stop, SessionError> {
    let mut session = Session::open(setup, discarded).await?;
    let ended = session.follow(control).await;
    if matches!(ended, Err(SessionError::Halt(Halt::Gathered))) {
        control.apart = Some(session.position());
    }
    ended
}

fn judge(ended: Result<Stop, SessionError>) -> Next {
    let error = match ended {
        Ok(Stop::Paused) => return Next::Again,
        Ok(Stop::Ended) => return Next::Rest(State::Stopped),
        Ok(Stop::Held) => return Next::Hold,
        Err(error) => error,
    };
    match &error {
        SessionError::Halt(Halt::Failed { .. } | Halt::TooManyParked { .. } | Halt::BeyondLog { .. }) => {
            Next::WhenResumed(error.to_string())
        }
        SessionError::Halt(Halt::Apply(ApplyError::Fenced { .. }))
        | SessionError::Log(CommitError::Conflict { .. }) => Next::Rest(State::TakenOver),
        SessionError::Halt(
            Halt::Gathered | Halt::Apply(ApplyError::GenerationLost { .. } | ApplyError::Conflict { .. }),
        ) => Next::Again,
        SessionError::Halt(
            Halt::Read(ReadError::ShutDown) | Halt::Apply(ApplyError::Unavailable(ReadError::ShutDown)),
        )
        | SessionError::TakeOver(TakeOverError::Read(ReadError::ShutDown)) => Next::Rest(State::Stopped),
        _ => Next::Later(error.to_string()),
    }
}
