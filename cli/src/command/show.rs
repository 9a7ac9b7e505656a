//! `annals show`.

use std::path::{Path, PathBuf};

use annals_core::{Metadata, Position, Record};
use clap::Args;
use serde::Serialize;

use super::events::parse_position;
use crate::{
    error::CliError,
    output::{Output, table},
    payload::{Payload, dump},
    shown::{EventLine, ShownEvent},
    walk::Walk,
};

/// Show an event: payload as JSON and in hex, metadata, what led to it and what it led to
///
/// What led to what is told by the causation in the metadata. To find it, the whole log is read.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Show {
    /// The store's folder
    store: PathBuf,
    /// The position of the event
    #[arg(value_parser = parse_position)]
    position: Position,
    /// Do not look for causes and effects: much faster in a large store
    #[arg(long)]
    alone: bool,
}

const EXAMPLES: &str = "\
Examples:
  annals show bank.annals 42
  annals show bank.annals 42 --output json | jq .payload
  annals show bank.annals 42 --output json | jq -r .payload_hex | xxd -r -p > payload.msgpack";

/// An event, what led to it, and what it led to.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    event: ShownEvent<'a>,
    payload_hex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_problem: Option<String>,
    #[serde(flatten)]
    relations: Option<&'a Relations>,
}

/// What led to an event, and what it led to.
#[derive(Debug, Default, Serialize)]
struct Relations {
    causes: Vec<EventLine>,
    effects: Vec<EventLine>,
}

impl Show {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let record = find(&self.store, self.position)?;
        let relations = if self.alone { None } else { Some(Relations::of(&self.store, &record)?) };
        let payload = Payload::of(record.payload());
        if out.is_json() {
            let event = ShownEvent::of(&record);
            let (payload_hex, payload_problem) = (payload.hex(), payload.problem());
            return Ok(out.json(&Shown { event, payload_hex, payload_problem, relations: relations.as_ref() })?);
        }
        show_facts(out, &record)?;
        out.line(format_args!("\npayload, {} bytes", record.payload().len()))?;
        match payload.problem() {
            Some(problem) => out.line(problem)?,
            None => out.line(payload.lines())?,
        }
        for line in dump(record.payload()) {
            out.line(line)?;
        }
        relations.map_or(Ok(()), |relations| relations.show(out, &record))
    }
}

/// The event at `position`.
pub(super) fn find(store: &Path, position: Position) -> Result<Record, CliError> {
    let mut walk = Walk::open(store)?;
    walk.reader().skip_to(position);
    while let Some(commit) = walk.next()? {
        let found = commit.records.into_iter().find(|record| record.position() >= position);
        if let Some(found) = found {
            // Position 0 is before the first.
            return if found.position() == position { Ok(found) } else { break_off(store, position, &mut walk) };
        }
    }
    break_off(store, position, &mut walk)
}

fn break_off(store: &Path, position: Position, walk: &mut Walk) -> Result<Record, CliError> {
    let mut last = walk.reader().head().position;
    while let Some(commit) = walk.next()? {
        last = commit.positions().map_or(last, |(_, last)| last);
    }
    Err(CliError::NoEvent { store: store.to_owned(), position, last })
}

fn show_facts(out: &mut Output, record: &Record) -> Result<(), CliError> {
    let mut facts = table(["event", &record.position().to_string()], &[]);
    let mut fact = |what: &str, value: String| {
        facts.add_row([what.to_owned(), value]);
    };
    fact("stream", format!("{}, version {}", record.stream(), record.version()));
    fact("type", format!("{}, schema version {}", record.event_type(), record.schema_version().get()));
    fact("id", record.id().to_string());
    fact("commit", record.commit().to_string());
    fact("recorded", record.recorded().to_string());
    if record.occurred() != record.recorded() {
        fact("occurred", record.occurred().to_string());
    }
    if !record.tags().is_empty() {
        let tags: Vec<_> = record.tags().iter().map(|tag| tag.as_str()).collect();
        fact("tags", tags.join(", "));
    }
    let Metadata { correlation, causation, command, actor, traceparent, extra } = record.metadata();
    let known = [
        ("correlation", correlation.map(|id| id.to_string())),
        ("causation", causation.map(|id| id.to_string())),
        ("command", command.map(|id| id.to_string())),
        ("actor", actor.as_ref().map(ToString::to_string)),
        ("traceparent", traceparent.as_ref().map(ToString::to_string)),
    ];
    for (what, value) in known {
        if let Some(value) = value {
            fact(what, value);
        }
    }
    for (what, value) in extra {
        fact(what, value.clone());
    }
    Ok(out.table(facts)?)
}

impl Relations {
    fn of(store: &Path, record: &Record) -> Result<Self, CliError> {
        let mut relations = Self::default();
        let mut walk = Walk::open(store)?;
        if record.metadata().causation.is_none() {
            // An effect stands behind its cause.
            walk.reader().skip_to(record.position());
        }
        while let Some(commit) = walk.next()? {
            for other in &commit.records {
                if Some(other.id()) == record.metadata().causation {
                    relations.causes.push(EventLine::of(other));
                }
                if other.metadata().causation == Some(record.id()) {
                    relations.effects.push(EventLine::of(other));
                }
            }
        }
        Ok(relations)
    }

    fn show(&self, out: &mut Output, record: &Record) -> Result<(), CliError> {
        if self.causes.is_empty() && self.effects.is_empty() {
            let cause = record.metadata().causation.map_or_else(
                || "it names no event as its cause".to_owned(),
                |cause| format!("the event {cause} that it names as its cause is not in this store"),
            );
            return Ok(out.line(format_args!("\nNo causes and effects: {cause}, and no event names it."))?);
        }
        let mut related = table(["", "position", "stream", "version", "type", "recorded"], &[1, 3]);
        let causes = self.causes.iter().map(|event| ("led to it", event));
        for (what, event) in causes.chain(self.effects.iter().map(|event| ("it led to", event))) {
            related.add_row([
                what.to_owned(),
                event.position.to_string(),
                event.stream.clone(),
                event.version.to_string(),
                event.event_type.clone(),
                event.recorded.clone(),
            ]);
        }
        out.line("")?;
        Ok(out.table(related)?)
    }
}
