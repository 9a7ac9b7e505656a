//! What a decision says of names.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Home, InvalidText, StreamId, Tenant};

use super::UniqueName;

/// What a decision says of one name: tests compare it (`testing::claims`). A mistake in the name shows when the decision is
/// committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameClaim {
    name: Result<UniqueName, InvalidText>,
    act: Act<Home>,
}

/// What is to become of a name; `H` names the stream that it is handed over to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act<H> {
    Claim,
    Release,
    Transfer(H),
}

/// A [`NameClaim`] and when it was said, so that what a decision says through several aggregates keeps its order.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) at: u64,
    pub(crate) claim: NameClaim,
}

impl Said {
    pub(crate) fn now(claim: NameClaim) -> Self {
        // Only the order counts, and a decision runs on one thread.
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self { at: LAST.fetch_add(1, Ordering::Relaxed), claim }
    }

    /// The same, said by `stream`.
    pub(crate) fn by(self, stream: &StreamId, tenant: Option<&Tenant>) -> Result<Claimed, InvalidText> {
        let NameClaim { name, act } = self.claim;
        let act = match act {
            Act::Claim => Act::Claim,
            Act::Release => Act::Release,
            Act::Transfer(to) => Act::Transfer(to.stream(tenant)?),
        };
        Ok(Claimed { at: self.at, name: name?, stream: stream.clone(), act })
    }
}

/// A [`NameClaim`] made by a stream, found to be in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(super) at: u64,
    pub(super) name: UniqueName,
    pub(super) stream: StreamId,
    pub(super) act: Act<StreamId>,
}

impl NameClaim {
    pub(crate) fn new(scope: &str, name: &str) -> Self {
        Self { name: UniqueName::new(scope, name), act: Act::Claim }
    }

    pub(crate) fn release(scope: &str, name: &str) -> Self {
        Self { name: UniqueName::new(scope, name), act: Act::Release }
    }

    pub(crate) fn transfer(scope: &str, name: &str, to: Home) -> Self {
        Self { name: UniqueName::new(scope, name), act: Act::Transfer(to) }
    }
}
