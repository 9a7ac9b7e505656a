//! From a command to a durable event: load, decide, commit; when something came in between, fold it and decide again.
//!
//! There is one mechanism, [`execute`]: one target or several, keyed or not, prepared or not.

mod beside;
mod deciding;
mod draft;
mod error;
mod on;
mod request;
mod sending;
mod targets;
mod together;

use std::num::NonZeroU32;

use crate::{Annals, CommitError, Failure, Receipt, StreamId, load::catch, names::NameLedger};

pub use beside::Beside;
use deciding::Around;
pub(crate) use deciding::{Decide, Deciding};
pub(crate) use draft::{Draft, Encoded, Terms, Unfit};
pub use error::ExecuteError;
pub use on::{CloseError, On};
use request::Keyed;
pub(crate) use request::{Asked, Request};
pub use sending::Sending;
pub(crate) use targets::sealed;
pub use targets::{At, Targets, at};
pub use together::Together;

/// What an accepted command returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed<R> {
    /// What the decision replied; for a repetition, what the first one did.
    pub reply: R,
    /// What the commit returned; [`repeated`](Receipt::repeated) says whether an earlier one had done it.
    pub receipt: Receipt,
}

/// How often a command is decided before its sender is told of the conflict. A decision on what was kept in memory and is out of date
/// does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often it is decided at most, the first time included; 16 by default. Between two attempts there is no pause:
    /// somebody else's commit went through, so the next attempt has something new to decide on.
    pub attempts: NonZeroU32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        const ATTEMPTS: NonZeroU32 = NonZeroU32::new(16).unwrap();
        Self { attempts: ATTEMPTS }
    }
}

/// Asks the interceptors, looks the key up, else runs the loop. What decides is run again on every attempt, so it must be
/// pure; what is prepared is prepared once.
///
/// Looking the key up saves loading and preparing. Where all is kept in memory and nothing is prepared, there is nothing to
/// be saved, and the commit alone looks.
pub(crate) async fn execute<T: Targets, R, E>(
    annals: &Annals,
    targets: T,
    mut request: Request<R>,
    deciding: Deciding<'_, T, R, E>,
) -> Result<Executed<R>, ExecuteError<E>> {
    let streams = targets.streams(annals)?;
    let tags = targets.tags();
    request.intercept(annals, &streams, &tags).await.map_err(ExecuteError::Rejected)?;
    let kept = if needs_the_latest(&request, &deciding) { None } else { targets.kept(annals, &streams) };
    let Some(keyed) = request.keyed(annals, &streams, &tags)? else {
        return repeat(annals, (targets, &streams), kept, &mut request, None, deciding).await;
    };
    if kept.is_none()
        && let Some(first) = keyed.first_answer(annals.store()).await?
    {
        return Ok(first);
    }
    match repeat(annals, (targets, &streams), kept, &mut request, Some(&keyed), deciding).await {
        // The same request may have been committed since the key was looked up, and then the state that spoke against
        // this one is the state behind it.
        Err(error) if error.is_verdict() => keyed.first_answer(annals.store()).await?.ok_or(error),
        outcome => outcome,
    }
}

/// Whether nobody may see what is kept in memory before the tail was read.
fn needs_the_latest<T: Targets, R, E>(request: &Request<R>, deciding: &Deciding<'_, T, R, E>) -> bool {
    request.expected.is_some() || deciding.prepares()
}

/// What became of one decision.
enum Attempt<H, R> {
    /// It is committed, and this is what is held behind it.
    Committed { next: H, reply: R, receipt: Receipt },
    /// Something came in between.
    Conflict { failures: Vec<Failure>, names: Option<NameLedger> },
}

/// The loop: decide, commit, and again on the tail when something came in between.
///
/// What is kept in memory may be out of date, and to look costs a read that mostly finds nothing. So the first decision is made on
/// it as it is, since a commit expects the version that was decided on. Whatever else comes of it, a refusal, a conflict, a panic,
/// is told to nobody before the tail was read, and is forgotten if the state was out of date: it is no attempt.
async fn repeat<T: Targets, R, E>(
    annals: &Annals,
    (targets, streams): (T, &[StreamId]),
    kept: Option<T::Held>,
    request: &mut Request<R>,
    keyed: Option<&Keyed<R>>,
    deciding: Deciding<'_, T, R, E>,
) -> Result<Executed<R>, ExecuteError<E>> {
    let terms = request.terms(annals);
    let begun = annals.store().head().borrow().position;
    let mut held = match kept {
        Some(held) => held,
        None => targets.baseline(annals, streams).await?,
    };
    let mut is_current = needs_the_latest(request, &deciding);
    if is_current {
        T::catch_up(&mut held, annals).await?;
        request.check_version(&T::versions(&held))?;
    }
    let key = keyed.map(Keyed::key).or(request.beside.key());
    let mut decide = deciding.on(&held, Around { annals, terms: &terms, key }).await?;
    let mut attempts = 0;
    loop {
        let attempt = attempt::<T, R, E>(annals, &held, &terms, &mut decide, &request.beside, keyed).await;
        if !is_current && follows_from_the_state(&attempt) {
            is_current = true;
            let missed = T::catch_up(&mut held, annals).await?;
            // A conflict with what came only while it was decided is one.
            if missed.is_some_and(|first| attempt.is_err() || first <= begun) {
                continue;
            }
        }
        let (failures, names) = match attempt {
            Ok(Attempt::Committed { next, reply, receipt }) => {
                return finish::<T, R, E>(annals, next, keyed, reply, receipt);
            }
            Ok(Attempt::Conflict { failures, names }) => (failures, names),
            Err(error) => {
                if matches!(error, ExecuteError::Refused(_)) {
                    T::keep(held, annals);
                }
                return Err(error);
            }
        };
        check_names(names, &failures)?;
        attempts += 1;
        let unreadable = |error| ExecuteError::Store(CommitError::Unreadable(error));
        let is_registration = annals.registry().catch_up(&**annals.store(), &failures).await.map_err(unreadable)?;
        let expected = request.expected;
        let is_final = expected.is_some() && !is_registration || request.beside.has_failed(&failures);
        if is_final || attempts >= annals.retry().attempts.get() {
            return Err(ExecuteError::Conflict { failures, attempts, expected });
        }
        T::catch_up(&mut held, annals).await?;
    }
}

/// Decides on what is `held`, and commits what comes of it.
async fn attempt<'a, T: Targets + 'a, R, E>(
    annals: &Annals,
    held: &T::Held,
    terms: &Terms,
    decide: &mut Decide<'a, T, R, E>,
    beside: &Beside,
    keyed: Option<&Keyed<R>>,
) -> Result<Attempt<T::Held, R>, ExecuteError<E>> {
    let mut open = T::open(held, terms);
    let decided = catch(|| decide(T::view(&mut open))).map_err(|message| ExecuteError::Panicked { message })?;
    let reply = decided.map_err(ExecuteError::Refused)?;
    let mut draft = Draft::new(terms);
    beside.make_room(&mut draft.commit);
    let next = T::settle(held, open, &mut draft)?;
    if let Some(keyed) = keyed {
        draft.commit.once = Some(keyed.once(&reply)?);
    }
    let names = names_of(annals, &mut draft).await?;
    let registry = annals.registry();
    let registered = registry.register(&mut draft.commit)?;
    beside.add_to(&mut draft.commit);
    match annals.store().commit(draft.commit).await {
        Ok(receipt) => {
            if !receipt.repeated {
                registry.note(&registered);
            }
            Ok(Attempt::Committed { next, reply, receipt })
        }
        Err(CommitError::Conflict { failures }) => Ok(Attempt::Conflict { failures, names }),
        Err(error) => Err(error.into()),
    }
}

/// Whether another state might have led to something else, and nothing was written.
fn follows_from_the_state<H, R, E>(attempt: &Result<Attempt<H, R>, ExecuteError<E>>) -> bool {
    match attempt {
        Ok(Attempt::Committed { .. }) => false,
        Ok(Attempt::Conflict { .. }) | Err(ExecuteError::Store(CommitError::Closed { .. })) => true,
        Err(error) => error.is_verdict(),
    }
}

/// Makes conditions and rows of what was decided about names, if anything was.
async fn names_of<E>(annals: &Annals, draft: &mut Draft<'_>) -> Result<Option<NameLedger>, ExecuteError<E>> {
    if draft.names.is_empty() {
        return Ok(None);
    }
    let ledger = NameLedger::of(annals, std::mem::take(&mut draft.names)).await?;
    let ledger = ledger.map_err(|refusal| ExecuteError::Names { refusals: vec![refusal] })?;
    ledger.add_to(&mut draft.commit);
    Ok(Some(ledger))
}

/// Names that are not to be had end the loop, unless something else has moved as well.
fn check_names<E>(names: Option<NameLedger>, failures: &[Failure]) -> Result<(), ExecuteError<E>> {
    let Some(names) = names else { return Ok(()) };
    let unreadable = |error| ExecuteError::Store(CommitError::Unreadable(error));
    match names.refusals(failures).map_err(unreadable)? {
        Some(refusals) => Err(ExecuteError::Names { refusals }),
        None => Ok(()),
    }
}

/// A repetition that was noticed only by the commit gives the first answer, and what was decided now is forgotten.
fn finish<T: Targets, R, E>(
    annals: &Annals,
    next: T::Held,
    keyed: Option<&Keyed<R>>,
    reply: R,
    receipt: Receipt,
) -> Result<Executed<R>, ExecuteError<E>> {
    match keyed {
        Some(keyed) if receipt.repeated => keyed.answer(receipt),
        _ => {
            T::keep(next, annals);
            Ok(Executed { reply, receipt })
        }
    }
}

#[cfg(test)]
mod tests;
