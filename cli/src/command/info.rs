//! `annals info`.

use std::{collections::BTreeMap, path::PathBuf};

use annals_core::{Timestamp, Version};
use annals_store_sled::StoreFiles;
use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::{
    error::CliError,
    output::{Output, count, counted, table},
    walk::Walk,
};

/// Say what a store holds: format, sizes, files, streams, events by category and type
///
/// Reads the whole log, beside an application if need be.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Info {
    /// The store's folder
    store: PathBuf,
    /// Do not read the log through: say what the files alone say, at once
    #[arg(long)]
    quick: bool,
}

const EXAMPLES: &str = "\
Examples:
  annals info bank.annals
  annals info bank.annals --quick
  annals info bank.annals --output json | jq '.events_by_type[] | select(.type == \"account.opened\").events'";

/// What a store holds.
#[derive(Debug, Serialize)]
struct Shown {
    format: u32,
    log_id: String,
    closed: bool,
    log_bytes: u64,
    index_bytes: u64,
    torn_bytes: u64,
    name_key: bool,
    segments: Vec<ShownSegment>,
    #[serde(flatten)]
    content: Option<Content>,
}

#[derive(Debug, Serialize)]
struct ShownSegment {
    file: String,
    bytes: u64,
    first_commit: u64,
    first_position: u64,
}

/// What its log holds.
#[derive(Debug, Default, Serialize)]
struct Content {
    commits: u64,
    events: u64,
    streams: u64,
    rows: u64,
    idempotency_keys: u64,
    first_recorded: Option<String>,
    last_recorded: Option<String>,
    events_by_type: Vec<ShownType>,
}

#[derive(Debug, Serialize)]
struct ShownType {
    category: String,
    #[serde(rename = "type")]
    event_type: String,
    events: u64,
    payload_bytes: u64,
    last_position: u64,
}

impl Info {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let files = StoreFiles::of(&self.store).map_err(|error| CliError::opening(&self.store, error))?;
        let content = if self.quick { None } else { Some(Content::of(&mut Walk::open(&self.store)?)?) };
        let shown = Shown::of(&files, content);
        if out.is_json() {
            return Ok(out.json(&shown)?);
        }
        self.show(out, &shown)?;
        show_segments(out, &shown.segments)?;
        if let Some(content) = &shown.content {
            show_types(out, &content.events_by_type)?;
        }
        Ok(())
    }

    fn show(&self, out: &mut Output, shown: &Shown) -> Result<(), CliError> {
        let mut facts = table(["store", &self.store.display().to_string()], &[]);
        let state = if shown.closed { "closed" } else { "in use, or not closed: the next opening looks for its end" };
        let bytes = |bytes| format!("{} ({} bytes)", HumanBytes(bytes), count(bytes));
        let mut fact = |what: &str, value: String| {
            facts.add_row([what.to_owned(), value]);
        };
        fact("state", state.to_owned());
        fact("format", shown.format.to_string());
        fact("id of the log", shown.log_id.clone());
        fact("log", format!("{} in {}", bytes(shown.log_bytes), counted(shown.segments.len() as u64, "segment")));
        fact("index", bytes(shown.index_bytes));
        if shown.torn_bytes > 0 {
            fact("cut off behind whole commits", bytes(shown.torn_bytes));
        }
        fact("key of unique names", if shown.name_key { "there" } else { "none" }.to_owned());
        if let Some(content) = &shown.content {
            fact("head", format!("commit {}, position {}", content.commits, content.events));
            fact("events", format!("{} in {}", count(content.events), counted(content.streams, "stream")));
            fact("rows", format!("{} written", count(content.rows)));
            fact("idempotency keys", count(content.idempotency_keys));
            if let Some((first, last)) = content.first_recorded.as_ref().zip(content.last_recorded.as_ref()) {
                fact("recorded", format!("{first} to {last}"));
            }
        }
        Ok(out.table(facts)?)
    }
}

impl Shown {
    fn of(files: &StoreFiles, content: Option<Content>) -> Self {
        let segments = files.segments.iter().map(|segment| ShownSegment {
            file: segment.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            bytes: segment.bytes,
            first_commit: segment.behind.commit.next().get(),
            first_position: segment.behind.position.next().get(),
        });
        Self {
            format: files.format,
            log_id: files.log_id.to_string(),
            closed: files.is_closed,
            log_bytes: files.log_bytes(),
            index_bytes: files.index_bytes,
            torn_bytes: files.torn_bytes,
            name_key: files.has_name_key,
            segments: segments.collect(),
            content,
        }
    }
}

impl Content {
    fn of(walk: &mut Walk) -> Result<Self, CliError> {
        let mut content = Self::default();
        let mut types: BTreeMap<(String, String), ShownType> = BTreeMap::new();
        let mut first: Option<Timestamp> = None;
        while let Some(commit) = walk.next()? {
            first.get_or_insert(commit.recorded);
            content.last_recorded = Some(commit.recorded.to_string());
            content.commits = commit.number.get();
            content.rows += commit.rows.len() as u64;
            content.idempotency_keys += u64::from(commit.once.is_some());
            for record in &commit.records {
                content.events = record.position().get();
                content.streams += u64::from(record.version() == Version::FIRST);
                let (category, event_type) = (record.stream().category(), record.event_type().as_str());
                let counted = types.entry((category.to_owned(), event_type.to_owned())).or_insert_with(|| ShownType {
                    category: category.to_owned(),
                    event_type: event_type.to_owned(),
                    events: 0,
                    payload_bytes: 0,
                    last_position: 0,
                });
                counted.events += 1;
                counted.payload_bytes += record.payload().len() as u64;
                counted.last_position = record.position().get();
            }
        }
        content.first_recorded = first.map(|first| first.to_string());
        content.events_by_type = types.into_values().collect();
        Ok(content)
    }
}

fn show_segments(out: &mut Output, segments: &[ShownSegment]) -> Result<(), CliError> {
    let mut files = table(["segment", "bytes", "first commit", "first position"], &[1, 2, 3]);
    for segment in segments {
        let numbers = [segment.bytes, segment.first_commit, segment.first_position].map(count);
        let [bytes, commit, position] = numbers;
        files.add_row([segment.file.clone(), bytes, commit, position]);
    }
    Ok(out.table(files)?)
}

fn show_types(out: &mut Output, types: &[ShownType]) -> Result<(), CliError> {
    let mut kinds = table(["category", "type", "events", "payloads", "last position"], &[2, 3, 4]);
    for kind in types {
        kinds.add_row([
            kind.category.clone(),
            kind.event_type.clone(),
            count(kind.events),
            HumanBytes(kind.payload_bytes).to_string(),
            count(kind.last_position),
        ]);
    }
    Ok(out.table(kinds)?)
}
