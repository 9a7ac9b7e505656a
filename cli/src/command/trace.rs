//! `annals trace`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use annals_core::{CorrelationId, EventId, Position, Record};
use clap::Args;
use serde::Serialize;

use super::{events::parse_position, show};
use crate::{
    error::CliError,
    output::{Output, Tone, counted},
    shown::{EventLine, cut},
    walk::Walk,
};

/// Show a conversation as the tree of what led to what, across streams
///
/// A conversation is all that one first cause led to: the events with one correlation in their metadata. The whole log is
/// read. An event whose cause is not among them stands at the root.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Trace {
    /// The store's folder
    store: PathBuf,
    /// The conversation: its correlation, or the position of one of its events
    #[arg(value_parser = parse_conversation)]
    conversation: Conversation,
}

const EXAMPLES: &str = "\
Examples:
  annals trace bank.annals 42
  annals trace bank.annals 0198c0de-0000-7000-8000-000000000001 --output json";

/// Which conversation.
#[derive(Debug, Clone, Copy)]
enum Conversation {
    Of(Position),
    Named(CorrelationId),
}

fn parse_conversation(text: &str) -> Result<Conversation, String> {
    if let Ok(position) = parse_position(text) {
        return Ok(Conversation::Of(position));
    }
    let id = text.parse().map(Conversation::Named);
    id.map_err(|_| "expected a UUID, or the position of an event".to_owned())
}

/// A conversation.
#[derive(Debug, Serialize)]
struct Shown {
    correlation: String,
    streams: u64,
    /// In the order of the tree: an event, then what it led to.
    events: Vec<ShownLink>,
}

/// An event in the tree.
#[derive(Debug, Serialize)]
struct ShownLink {
    #[serde(flatten)]
    event: EventLine,
    /// The position of the event that led to it.
    cause: Option<u64>,
    /// How many events led to it, one after the other.
    depth: usize,
    /// What stands in front of it in the drawn tree.
    #[serde(skip)]
    branch: String,
}

impl Trace {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let correlation = match self.conversation {
            Conversation::Named(correlation) => correlation,
            Conversation::Of(position) => {
                let record = show::find(&self.store, position)?;
                record.metadata().correlation.ok_or(CliError::NotInConversation { position })?
            }
        };
        let shown = Shown::of(correlation, &find(&self.store, correlation)?);
        if out.is_json() {
            return Ok(out.json(&shown)?);
        }
        let (events, streams) = (counted(shown.events.len() as u64, "event"), counted(shown.streams, "stream"));
        out.line(format_args!("conversation {correlation}: {events} in {streams}"))?;
        shown.events.iter().try_for_each(|link| link.show(out))
    }
}

/// What is kept of an event.
struct Link {
    id: EventId,
    cause: Option<EventId>,
    line: EventLine,
}

fn find(store: &Path, correlation: CorrelationId) -> Result<Vec<Link>, CliError> {
    let mut found = Vec::new();
    let mut walk = Walk::open(store)?;
    while let Some(commit) = walk.next()? {
        let belongs = |record: &&Record| record.metadata().correlation == Some(correlation);
        found.extend(commit.records.iter().filter(belongs).map(|record| Link {
            id: record.id(),
            cause: record.metadata().causation,
            line: EventLine::of(record),
        }));
    }
    if found.is_empty() {
        return Err(CliError::NoConversation { store: store.to_owned(), correlation });
    }
    Ok(found)
}

/// So deep the tree is drawn; what is deeper says how deep it is.
const DEPTH_DRAWN: usize = 30;

impl Shown {
    fn of(correlation: CorrelationId, links: &[Link]) -> Self {
        let streams: BTreeSet<_> = links.iter().map(|link| &link.line.stream).collect();
        let tree = Tree::of(links);
        let mut events = Vec::with_capacity(links.len());
        // What is still to be shown, the next one last: its index, and what is drawn in front of it and below it. No
        // recursion, however deep the tree is.
        let mut waiting: Vec<_> =
            tree.roots.iter().rev().map(|root| (*root, 0, String::new(), String::new())).collect();
        while let Some((index, depth, branch, below)) = waiting.pop() {
            let Some(link) = links.get(index) else { continue };
            let cause = tree.causes.get(index).copied().flatten().and_then(|cause| links.get(cause));
            let cause = cause.map(|cause| cause.line.position);
            events.push(ShownLink { event: link.line.clone(), cause, depth, branch });
            let effects = tree.effects.get(index).map(Vec::as_slice).unwrap_or_default();
            for (place, effect) in effects.iter().enumerate().rev() {
                let (branch, more) = if place + 1 == effects.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                let more = if depth < DEPTH_DRAWN { more } else { "" };
                waiting.push((*effect, depth + 1, format!("{below}{branch}"), format!("{below}{more}")));
            }
        }
        Self { correlation: correlation.to_string(), streams: streams.len() as u64, events }
    }
}

/// Which event led to which, by their indices.
struct Tree {
    causes: Vec<Option<usize>>,
    effects: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

impl Tree {
    /// An effect stands behind its cause: what names itself or a later event as its cause stands at the root.
    fn of(links: &[Link]) -> Self {
        let mut known: BTreeMap<EventId, usize> = BTreeMap::new();
        let mut tree = Self { causes: Vec::new(), effects: vec![Vec::new(); links.len()], roots: Vec::new() };
        for (index, link) in links.iter().enumerate() {
            let cause = link.cause.and_then(|cause| known.get(&cause).copied());
            match cause.and_then(|cause| tree.effects.get_mut(cause)) {
                Some(effects) => effects.push(index),
                None => tree.roots.push(index),
            }
            tree.causes.push(cause);
            known.entry(link.id).or_insert(index);
        }
        tree
    }
}

impl ShownLink {
    fn show(&self, out: &mut Output) -> Result<(), CliError> {
        let EventLine { position, stream, version, event_type, recorded } = &self.event;
        let deep = if self.depth > DEPTH_DRAWN { format!("({}) ", self.depth) } else { String::new() };
        let line = format!("{}{deep}{event_type}  {stream} {version}  at {position}", self.branch);
        let line = out.width().map_or_else(|| line.clone(), |width| cut(&line, width));
        let has_room = out.width().is_none_or(|width| line.chars().count() + recorded.len() + 2 <= width);
        let when = if has_room { format!("  {recorded}") } else { String::new() };
        Ok(out.line(format_args!("{line}{}", out.paint(Tone::Quiet, when)))?)
    }
}
