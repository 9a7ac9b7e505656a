//! What the cases of the examples share.

use std::{fmt::Debug, future::Future, ops::Deref};

use annals::{Annals, ExecuteError, Executed};
use annals_conformance::{Harness, ManualClock, Setup};

/// An application on an empty store, with a clock that is moved by hand.
pub(crate) struct Application<H> {
    annals: Annals,
    pub(crate) clock: ManualClock,
    _harness: H,
}

impl<H: Harness> Application<H> {
    pub(crate) async fn open() -> Self {
        let setup = Setup::default();
        let harness = H::create(setup.clone()).await;
        let annals = Annals::over(harness.store()).clock(setup.clock()).open().await.expect("it opens");
        Self { annals, clock: setup.clock, _harness: harness }
    }
}

impl<H> Deref for Application<H> {
    type Target = Annals;
    fn deref(&self) -> &Annals {
        &self.annals
    }
}

/// What the domain said against it.
pub(crate) fn refusal<R: Debug, E: Debug>(outcome: Result<Executed<R>, ExecuteError<E>>) -> E {
    match outcome {
        Err(ExecuteError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, found {other:?}"),
    }
}

/// Sixteen calls that begin together: the replies, and what was said against the others.
pub(crate) async fn at_once<F, R, E>(call: impl Fn(usize) -> F) -> (Vec<R>, Vec<E>)
where
    F: Future<Output = Result<Executed<R>, ExecuteError<E>>> + Send + 'static,
    R: Debug + Send + 'static,
    E: Debug + Send + 'static,
{
    let (mut replies, mut refusals) = (Vec::new(), Vec::new());
    for outcome in annals_conformance::at_once(call).await {
        match outcome {
            Ok(executed) => replies.push(executed.reply),
            refused => refusals.push(refusal(refused)),
        }
    }
    (replies, refusals)
}
