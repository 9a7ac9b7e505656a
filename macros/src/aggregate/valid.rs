//! The mistakes that can be seen in an aggregate, and what is sure when there are none.

use darling::{Error, Result, util::SpannedValue};
use syn::Path;

use super::{
    ast::State,
    attr::{AggregateAttr, SnapshotAttr},
};
use crate::{
    name::{AGGREGATE, snake_case},
    past::PastForm,
    value::{Count, TypePath, Version},
};

/// An aggregate whose attributes are in order.
pub(super) struct Aggregate<'a> {
    pub(super) name: &'a str,
    pub(super) event: &'a Path,
    pub(super) snapshot: Option<Snapshot>,
}

/// How its state is kept.
pub(super) struct Snapshot {
    /// `None` is only when asked for.
    pub(super) every: Option<Count>,
    pub(super) version: Version,
    /// In ascending versions without a gap, up to the one before today's.
    pub(super) past: Vec<PastForm>,
}

pub(super) fn check<'a>(state: &'a State<'_>) -> Result<Aggregate<'a>> {
    let mut errors = Error::accumulator();
    let name = errors.handle(name(state));
    let event = errors.handle(event(state));
    let snapshot = state.attr.snapshot.as_ref().and_then(|attr| errors.handle(snapshot(attr)));
    errors.finish()?;
    match (name, event) {
        (Some(name), Some(event)) => Ok(Aggregate { name, event, snapshot }),
        _ => Err(Error::custom("the aggregate lacks a name or an event type")),
    }
}

fn name<'a>(state: &'a State<'_>) -> Result<&'a str> {
    let Some(name) = &state.attr.name else {
        let message = format!(
            "the aggregate has no name: `#[aggregate(name = \"{}\", ..)]` names its streams, for ever",
            snake_case(state.ident)
        );
        return Err(Error::custom(message).with_span(state.ident));
    };
    AGGREGATE.check_text(name)?;
    Ok(&name.text)
}

fn event<'a>(state: &'a State<'_>) -> Result<&'a Path> {
    let AggregateAttr { event, .. } = &state.attr;
    event.as_ref().map(|TypePath(path)| path).ok_or_else(|| {
        let message = format!(
            "the aggregate has no event type: `#[aggregate(event = {}Event, ..)]` says what it is folded from",
            state.ident
        );
        Error::custom(message).with_span(state.ident)
    })
}

fn snapshot(attr: &SpannedValue<SnapshotAttr>) -> Result<Snapshot> {
    let fail = |message: &str| Err(Error::custom(message).with_span(&attr.span()));
    let every = match (&attr.every, attr.explicit.is_present()) {
        (Some(_), true) => return fail("a snapshot is taken `every = n` events or is `explicit`, not both"),
        (None, false) => return fail("say when a snapshot is taken: `snapshot(every = 100)` or `snapshot(explicit)`"),
        (None, true) => None,
        (Some(every), false) => Some(*every),
    };
    let version = attr.version.unwrap_or(Version::FIRST);
    let past = attr.from.as_ref().map_or(Ok(Vec::new()), |from| from.forms(version, "state"))?;
    Ok(Snapshot { every, version, past })
}
