//! Events that could not be taken in.
//!
//! Of an instance, one row says from which event on it waits: those behind it are read in the log again. An event of which it
//! cannot be told which instance it is for is alone, and nobody waits for it.

use std::collections::HashMap;

use annals_core::{Commit, Condition, LoggedTable, Position, RowIs, RowWrite, Scan, Timestamp};
use annals_projections::{KeyBytes, engine::Log};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{
    InstanceId,
    ended::{self, Forgotten},
    follower::{Arrival, FollowError, follow, receive, take_all},
    metrics::Counted,
    status::Board,
    stepper::{Consumed, Input, StepError, Stepper},
    stored::{self, AsideRow, Failure},
};

/// What is set aside of a saga, by the key of its row.
#[derive(Default)]
pub(crate) struct Aside {
    all: HashMap<Bytes, Entry>,
}

struct Entry {
    row: AsideRow,
    stored: Bytes,
}

/// What an operator asks of what is set aside.
pub(crate) enum Request {
    List(oneshot::Sender<Vec<AsideEvent>>),
    /// Try it again now. Answered with whether it could be taken in.
    Retry(Position, oneshot::Sender<Option<bool>>),
    /// Pass it by.
    Discard(Position, String, oneshot::Sender<Option<bool>>),
    /// Forget ended instances of a page. Answered with nothing when that is not to be done yet.
    Forget(Scan, Timestamp, oneshot::Sender<Option<Forgotten>>),
}

/// An event that could not be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsideEvent {
    /// Its place in the log.
    pub position: Position,
    /// The instance that it is for, whose later events wait; none when that cannot be told.
    pub instance: Option<InstanceId>,
    /// Why, how often, since when.
    pub failure: Failure,
    /// Whether it is part of a circle: more events and commands led to it, one by the other, than may.
    pub in_circle: bool,
}

impl Aside {
    pub(crate) async fn load(stepper: &Stepper) -> Result<Self, FollowError> {
        let mut aside = Self::default();
        let mut scan = Some(Scan::prefix(LoggedTable::ASIDE, InstanceId::prefix(stepper.saga())));
        while let Some(next) = scan {
            let page = stepper.annals.store().scan(next).await?;
            for (key, stored) in page.rows {
                let row = stored::decode(&stored)?;
                aside.all.insert(key, Entry { row, stored });
            }
            scan = page.next;
        }
        Ok(aside)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many wait for an operator, and how many of these are part of a circle.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let waiting = self.all.values().filter(|entry| entry.row.failure.given_up);
        waiting.fold((0, 0), |(all, circles), entry| (all + 1, circles + usize::from(entry.row.in_circle)))
    }

    pub(crate) fn has(&self, id: &InstanceId) -> bool {
        !self.all.is_empty() && self.all.contains_key(&id.aside().1)
    }

    /// What is to be tried again first, and when.
    pub(crate) fn next_due(&self) -> Option<(Timestamp, Bytes)> {
        let due = self.all.iter().filter_map(|(key, entry)| Some((entry.row.due?, key)));
        due.min().map(|(due, key)| (due, key.clone()))
    }

    /// An instance could not take the event at `position`: it waits there.
    pub(crate) async fn add_instance(
        &mut self,
        stepper: &Stepper,
        id: InstanceId,
        position: Position,
        error: &StepError,
    ) -> Result<(), FollowError> {
        let row = AsideRow { in_circle: error.is_circle(), ..AsideRow::new(Some(id), position) };
        self.add(stepper, row, error.to_string(), error.may_pass()).await
    }

    /// It cannot be told which instance the event at `position` is for.
    pub(crate) async fn add_record(
        &mut self,
        stepper: &Stepper,
        position: Position,
        error: &crate::BoxError,
    ) -> Result<(), FollowError> {
        self.add(stepper, AsideRow::new(None, position), error.to_string(), false).await
    }

    async fn add(
        &mut self,
        stepper: &Stepper,
        mut row: AsideRow,
        error: String,
        may_pass: bool,
    ) -> Result<(), FollowError> {
        row.failure = Failure::next(None, error, stepper.now(), false);
        let (_, key) = row.row(stepper.saga());
        let before = stored_at(stepper, &key).await?;
        self.put(stepper, key, before, row, may_pass).await
    }

    /// Stores that an event failed, and when it is tried again.
    async fn put(
        &mut self,
        stepper: &Stepper,
        key: Bytes,
        before: Option<Bytes>,
        mut row: AsideRow,
        may_pass: bool,
    ) -> Result<(), FollowError> {
        let attempts = row.failure.attempts;
        let pause = stepper.options.retry.pause(attempts, row.position.get()).filter(|_| may_pass);
        row.failure.given_up = pause.is_none();
        row.due = pause.map(|pause| stepper.now().saturating_add(pause));
        let (saga, position, error) = (stepper.saga(), row.position.get(), &row.failure.error);
        let instance = row.instance.as_ref().map(|instance| instance.key.as_str());
        tracing::error!(saga, position, instance, %error, attempts, given_up = pause.is_none(), "event set aside");
        stepper.counts.add(Counted::InputFailed);
        let stored = stored::encode("event set aside", &row)?;
        let is = before.map_or(RowIs::Absent, RowIs::Equals);
        let commit = Commit::new()
            .when(Condition::Row { table: LoggedTable::ASIDE, key: key.clone(), is })
            .row(RowWrite::put(LoggedTable::ASIDE, key.clone(), stored.clone()));
        if stepper.commit(commit).await? {
            self.all.insert(key, Entry { row, stored });
        }
        Ok(())
    }

    /// Tries again what is set aside under `key`, and what waits for it up to `position`.
    pub(crate) async fn retry(
        &mut self,
        stepper: &Stepper,
        log: &Log,
        key: &Bytes,
        position: Position,
    ) -> Result<bool, FollowError> {
        let Some(entry) = self.all.remove(key) else { return Ok(true) };
        let failed = match entry.row.instance.clone() {
            Some(id) => again(stepper, log, &id, entry.row.position, position).await?,
            None => late(stepper, log, key, &entry).await?,
        };
        let Some((failed_at, error)) = failed else {
            let row = Consumed::new((LoggedTable::ASIDE, key.clone()), entry.stored);
            // That of a single event went with it.
            stepper.commit(row.take(Commit::new())).await?;
            return Ok(true);
        };
        // Of an event for several instances, some may have taken it by now.
        let before = stored_at(stepper, key).await?;
        let mut row = before.as_deref().map(stored::decode).transpose()?.unwrap_or(entry.row);
        let same = (row.position == failed_at).then_some(&row.failure);
        row.failure = Failure::next(same, error.to_string(), stepper.now(), false);
        (row.position, row.in_circle) = (failed_at, error.is_circle());
        self.put(stepper, key.clone(), before, row, error.may_pass()).await?;
        Ok(false)
    }

    /// Passes by the event that failed: what waits for it is taken in.
    async fn discard(
        &mut self,
        stepper: &Stepper,
        log: &Log,
        key: &Bytes,
        reason: &str,
        position: Position,
    ) -> Result<bool, FollowError> {
        let Some(entry) = self.all.get(key) else { return Ok(true) };
        let at = entry.row.position;
        let row = Consumed::new((LoggedTable::ASIDE, key.clone()), entry.stored.clone());
        let decided = decision(stepper.saga(), at, reason);
        if entry.row.instance.is_none() {
            stepper.commit(row.take(Commit::new()).row(decided)).await?;
            self.all.remove(key);
            return Ok(true);
        }
        let failure = Failure { attempts: 0, ..entry.row.failure.clone() };
        let moved = AsideRow { position: at.next(), failure, ..entry.row.clone() };
        let stored = stored::encode("event set aside", &moved)?;
        if stepper.commit(row.put(Commit::new(), stored.clone()).row(decided)).await? {
            self.all.insert(key.clone(), Entry { row: moved, stored });
        }
        self.retry(stepper, log, key, position).await
    }

    pub(crate) async fn answer(
        &mut self,
        stepper: &Stepper,
        log: &Log,
        request: Request,
        board: &Board,
    ) -> Result<(), FollowError> {
        let position = board.now().position;
        // Whoever asked may have gone. Whoever is answered sees what came of it.
        match request {
            Request::List(answer) => drop(answer.send(self.list())),
            Request::Retry(at, answer) => {
                let done = match self.key_of(at) {
                    Some(key) => Some(self.retry(stepper, log, &key, position).await?),
                    None => None,
                };
                board.reached(position, self);
                let _ = answer.send(done);
            }
            Request::Discard(at, reason, answer) => {
                let done = match self.key_of(at) {
                    Some(key) => Some(self.discard(stepper, log, &key, &reason, position).await?),
                    None => None,
                };
                board.reached(position, self);
                let _ = answer.send(done);
            }
            Request::Forget(scan, before, answer) => {
                let _ = answer.send(Some(ended::forget(stepper, self, scan, before).await?));
            }
        }
        Ok(())
    }

    fn key_of(&self, position: Position) -> Option<Bytes> {
        let found = self.all.iter().find(|(_, entry)| entry.row.position == position);
        found.map(|(key, _)| key.clone())
    }

    fn list(&self) -> Vec<AsideEvent> {
        let mut all: Vec<_> = self.all.values().map(|entry| entry.row.show()).collect();
        all.sort_by_key(|event| event.position);
        all
    }
}

impl AsideRow {
    fn show(&self) -> AsideEvent {
        let Self { instance, position, failure, in_circle, .. } = self.clone();
        AsideEvent { position, instance, failure, in_circle }
    }
}

/// Gives an instance its events from `from` to `until`, up to the first that fails.
async fn again(
    stepper: &Stepper,
    log: &Log,
    id: &InstanceId,
    from: Position,
    until: Position,
) -> Result<Option<(Position, StepError)>, FollowError> {
    let mut position = before(from);
    let mut following = follow(stepper, log, position);
    while position < until {
        let piece = following.next().await?;
        let mut arrivals = Vec::new();
        for (_, record, events) in piece.records().filter(|(_, record, _)| record.position() <= until) {
            // One that cannot be read is set aside by itself.
            let received = events.ok().and_then(|events| receive(stepper, events).ok());
            let for_it = |arrival: &Arrival<'_>| stepper.instance_id(record, &arrival.reception) == *id;
            arrivals.extend(received.into_iter().flatten().filter(for_it));
        }
        let failed = take_all(stepper, id, arrivals).await?;
        if failed.is_some() {
            return Ok(failed);
        }
        position = piece.end();
    }
    Ok(None)
}

/// Gives the events of one record to their instances, although these may have taken later ones.
async fn late(
    stepper: &Stepper,
    log: &Log,
    key: &Bytes,
    entry: &Entry,
) -> Result<Option<(Position, StepError)>, FollowError> {
    let at = entry.row.position;
    let piece = follow(stepper, log, before(at)).next().await?;
    let Some((_, record, events)) = piece.records().next().filter(|(_, record, _)| record.position() == at) else {
        return Ok(None);
    };
    let received = events.map_err(|error| error.clone().into()).and_then(|events| receive(stepper, events));
    let arrivals = match received {
        Ok(arrivals) => arrivals,
        Err(error) => return Ok(Some((at, StepError::Handler(error)))),
    };
    let mut row = entry.row.clone();
    let mut stored = entry.stored.clone();
    let count = arrivals.len();
    for (index, Arrival { event, reception }) in arrivals.into_iter().enumerate().skip(entry.row.next) {
        row.next = index + 1;
        let becomes = if row.next < count { Some(stored::encode("event set aside", &row)?) } else { None };
        let next = becomes.clone();
        let consumed = Consumed { becomes, ..Consumed::new((LoggedTable::ASIDE, key.clone()), stored.clone()) };
        let id = stepper.instance_id(record, &reception);
        let input = Input::Event { event, reception: &reception, late: Some(&consumed) };
        match stepper.take(&id, &input).await {
            Ok(_) => stored = next.unwrap_or_default(),
            Err(error) if error.is_of_the_store() => return Err(error.into()),
            Err(error) => return Ok(Some((at, error))),
        }
    }
    Ok(None)
}

async fn stored_at(stepper: &Stepper, key: &Bytes) -> Result<Option<Bytes>, FollowError> {
    let found = stepper.annals.store().get(&[(LoggedTable::ASIDE.into(), key.clone())]).await?;
    Ok(found.into_iter().next().flatten())
}

/// The row that records that an event is passed by, and why.
fn decision(saga: &str, position: Position, reason: &str) -> RowWrite {
    let mut key = KeyBytes::of(&(InstanceId::category(saga).as_str(), "discarded"));
    key.push_raw(&position.get().to_be_bytes());
    let reason = Bytes::copy_from_slice(reason.as_bytes());
    RowWrite::put(LoggedTable::CONSUMERS, Bytes::copy_from_slice(key.as_slice()), reason)
}

fn before(position: Position) -> Position {
    Position::new(position.get().saturating_sub(1)).unwrap_or_default()
}
