//! Which enum claims which stored names.

use std::collections::HashMap;

use crate::EventSchemas;

/// A stored name that two enums claim: what the one writes, the other would read as its own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClaimedTwice {
    pub(crate) name: &'static str,
    /// The enum that came first.
    pub(crate) first: &'static str,
    pub(crate) second: &'static str,
}

/// Every name that a second enum claims, in the order of the enums. Those that an enum has retired are free.
pub(crate) fn claimed_twice<'a>(events: impl IntoIterator<Item = &'a EventSchemas>) -> Vec<ClaimedTwice> {
    let mut claimed = HashMap::new();
    let mut twice = Vec::new();
    for events in events {
        for name in claimed_names(events) {
            let first = *claimed.entry(name).or_insert(events.type_name());
            let found = ClaimedTwice { name, first, second: events.type_name() };
            if first != events.type_name() && !twice.contains(&found) {
                twice.push(found);
            }
        }
    }
    twice
}

fn claimed_names(events: &EventSchemas) -> impl Iterator<Item = &'static str> {
    let present = events.kinds().iter().flat_map(|kind| std::iter::once(&kind.name).chain(kind.aliases).copied());
    present.chain(events.past().iter().map(|past| past.name))
}
