//! Where an event that is emitted within a boundary is stored.

use std::fmt;

use crate::{Aggregate, AggregateId, At, InvalidText, StreamId, Tenant};

/// The stream of an event that is emitted within a boundary: that of an aggregate, [`at::<Course>(id)`](crate::at), or any
/// other, [`in_stream("course", id)`](in_stream). It belongs to the tenant of the handle that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    category: String,
    key: String,
}

/// The stream of `category` and `key`. Where they make no stream id, the decision fails when it is committed.
pub fn in_stream(category: impl Into<String>, key: impl fmt::Display) -> Home {
    Home { category: category.into(), key: key.to_string() }
}

impl<A: Aggregate> From<At<A>> for Home {
    fn from(target: At<A>) -> Self {
        Self { category: A::NAME.to_owned(), key: target.id.to_key() }
    }
}

impl Home {
    pub(crate) fn stream(&self, tenant: Option<&Tenant>) -> Result<StreamId, InvalidText> {
        StreamId::of(tenant, &self.category, &self.key)
    }
}
