//! From a command to a durable event: load, decide, commit; when something came in between, fold it and decide again.
//!
//! There is one mechanism, [`execute`]: one target or several, keyed or not.

mod draft;
mod error;
mod on;
mod request;
mod sending;
mod targets;
mod together;

use std::num::NonZeroU32;

use crate::{Annals, CommitError, Receipt, load::catch};

pub(crate) use draft::{Draft, Terms};
pub use error::ExecuteError;
pub use on::{CloseError, On};
pub(crate) use request::{Asked, Request};
pub use sending::Sending;
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

/// How often a command is decided before its sender is told of the conflict.
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

/// The loop. `decide` is run again on every attempt, so it must be pure.
pub(crate) async fn execute<T: Targets, R, E>(
    annals: &Annals,
    targets: T,
    request: Request<R>,
    mut decide: impl for<'d> FnMut(T::In<'d>) -> Result<R, E> + Send,
) -> Result<Executed<R>, ExecuteError<E>> {
    let streams = targets.streams(annals)?;
    let keyed = request.keyed(annals, &streams)?;
    if let Some(keyed) = &keyed
        && let Some(first) = keyed.first_answer(annals.store()).await?
    {
        return Ok(first);
    }
    let terms = request.terms(annals);
    let mut held = targets.load(annals).await?;
    request.check_version(&T::versions(&held))?;
    for attempt in 1.. {
        let mut open = T::open(&held, &terms);
        let decided = catch(|| decide(T::view(&mut open))).map_err(|message| ExecuteError::Panicked { message })?;
        let reply = match decided {
            Ok(reply) => reply,
            Err(refusal) => {
                T::keep(held, annals);
                return Err(ExecuteError::Refused(refusal));
            }
        };
        let mut draft = Draft::new(&terms);
        let next = T::settle(&held, open, &mut draft)?;
        if let Some(keyed) = &keyed {
            draft.commit.once = Some(keyed.once(&reply)?);
        }
        match annals.store().commit(draft.commit).await {
            Ok(receipt) => return finish::<T, R, E>(annals, next, &keyed, reply, receipt),
            Err(CommitError::Conflict { failures }) => {
                if request.expected.is_some() || attempt >= annals.retry().attempts.get() {
                    let expected = request.expected;
                    return Err(ExecuteError::Conflict { failures, attempts: attempt, expected });
                }
            }
            Err(error) => return Err(error.into()),
        }
        T::catch_up(&mut held, annals).await?;
    }
    // More attempts than an u32 counts; the policy ends the loop before.
    Err(ExecuteError::Conflict { failures: Vec::new(), attempts: u32::MAX, expected: request.expected })
}

/// A repetition that was noticed only by the commit gives the first answer, and what was decided now is forgotten.
fn finish<T: Targets, R, E>(
    annals: &Annals,
    next: T::Held,
    keyed: &Option<request::Keyed<R>>,
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
