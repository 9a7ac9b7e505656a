//! Two builds, brought to one place.

use std::time::Duration;

use annals_core::Position;

use super::ShadowError;
use crate::{State, checkpoint::Checkpoints, control::Control, worker::Worker};

/// How long one may take to come to where the other is.
const MEETING: Duration = Duration::from_secs(60);

/// Two builds that are held. Both go on when this is dropped.
pub(super) struct Held<'a> {
    projection: &'static str,
    live: &'a Worker,
    beside: &'a Worker,
    of_live: Option<Control>,
    of_beside: Option<Control>,
}

/// How far a build that is held has come: everything up to `floor` is done, and nothing behind `latest`.
#[derive(Debug, Clone, Copy)]
struct Place {
    floor: Position,
    latest: Position,
}

impl<'a> Held<'a> {
    pub(super) async fn both(projection: &'static str, live: &'a Worker, beside: &'a Worker) -> Self {
        let (of_live, of_beside) = futures::join!(live.hold(), beside.hold());
        Self { projection, live, beside, of_live, of_beside }
    }

    /// Brings both to one position, and says which.
    pub(super) async fn bring_to_one_position(&mut self) -> Result<Position, ShadowError> {
        let (live, beside) = (Place::of(self.live).await?, Place::of(self.beside).await?);
        let to = live.latest.max(beside.latest);
        self.of_live = advance(self.projection, self.live, self.of_live.take(), live, to).await?;
        self.of_beside = advance(self.projection, self.beside, self.of_beside.take(), beside, to).await?;
        Ok(to)
    }

    /// Lets the one beside come to where the live one is, if it is behind.
    pub(super) async fn beside_not_behind(&mut self) -> Result<(), ShadowError> {
        let (live, beside) = (Place::of(self.live).await?, Place::of(self.beside).await?);
        self.of_beside = advance(self.projection, self.beside, self.of_beside.take(), beside, live.latest).await?;
        Ok(())
    }

    /// Only the live one goes on: with what is returned, as what the other one was.
    pub(super) fn swapped(mut self) -> Option<Control> {
        self.of_beside = None;
        self.of_live.take()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        for (worker, control) in [(self.live, self.of_live.take()), (self.beside, self.of_beside.take())] {
            if let Some(control) = control {
                worker.go_on(control, None);
            }
        }
    }
}

impl Place {
    /// Asks the store: what a build was at when it was held may be stored in part.
    async fn of(worker: &Worker) -> Result<Self, ShadowError> {
        let checkpoints = Checkpoints::load(&worker.consumer()).await?;
        let floor = checkpoints.floor.checkpoint.position;
        let latest = checkpoints.ahead_of_floor().values().copied().max().unwrap_or(floor);
        Ok(Self { floor, latest })
    }
}

/// Lets a build come to `to`, where it is held again.
async fn advance(
    projection: &'static str,
    worker: &Worker,
    control: Option<Control>,
    place: Place,
    to: Position,
) -> Result<Option<Control>, ShadowError> {
    if place.floor >= to {
        return Ok(control);
    }
    let control = match control {
        Some(control) if !worker.orders.borrow().paused => worker.go_to(control, to, MEETING).await,
        control => control,
    };
    let state = worker.board.now().state;
    if Place::of(worker).await?.floor >= to && !matches!(state, State::Stopped | State::TakenOver) {
        return Ok(control);
    }
    if let Some(control) = control {
        worker.go_on(control, None);
    }
    Err(ShadowError::NotRunning { projection, state })
}
