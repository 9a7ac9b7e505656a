//! `annals streams`.

use std::{collections::BTreeMap, path::PathBuf};

use annals_core::{LoggedTable, Record, RowWrite, StreamId, Tenant};
use clap::Args;
use serde::Serialize;

use crate::{
    error::CliError,
    output::{Output, count, counted, table},
    walk::Walk,
};

/// List the streams, or those whose names begin alike
///
/// Reads the whole log. The streams of a tenant begin with its name and a slash.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Streams {
    /// The store's folder
    store: PathBuf,
    /// What the names begin with: a category, a tenant, or more
    #[arg(default_value = "")]
    prefix: String,
    /// So many of them
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

const EXAMPLES: &str = "\
Examples:
  annals streams bank.annals
  annals streams bank.annals account-
  annals streams bank.annals acme/ --output json | jq -r '.[].stream'";

/// A stream.
#[derive(Debug, Serialize)]
struct Shown {
    stream: String,
    events: u64,
    payload_bytes: u64,
    first_position: u64,
    last_position: u64,
    first_recorded: String,
    last_recorded: String,
    closed: bool,
}

impl Streams {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let found = self.find()?;
        let shown: Vec<_> = found.into_values().take(self.limit.unwrap_or(usize::MAX)).collect();
        if out.is_json() {
            return Ok(out.json(&shown)?);
        }
        let columns = ["stream", "events", "first", "last", "last recorded", ""];
        let mut streams = table(columns, &[1, 2, 3]);
        for stream in &shown {
            let closed = if stream.closed { "closed" } else { "" };
            streams.add_row([
                stream.stream.clone(),
                count(stream.events),
                count(stream.first_position),
                count(stream.last_position),
                stream.last_recorded.clone(),
                closed.to_owned(),
            ]);
        }
        out.table(streams)?;
        Ok(out.line(counted(shown.len() as u64, "stream"))?)
    }

    /// The streams, by name.
    fn find(&self) -> Result<BTreeMap<StreamId, Shown>, CliError> {
        let mut found: BTreeMap<StreamId, Shown> = BTreeMap::new();
        let mut walk = Walk::open(&self.store)?;
        while let Some(commit) = walk.next()? {
            for record in &commit.records {
                if record.stream().as_str().starts_with(&self.prefix) {
                    found.entry(record.stream().clone()).or_insert_with(|| Shown::begin(record)).take(record);
                }
            }
            for stream in commit.rows.iter().filter_map(closed_by) {
                if let Some(shown) = found.get_mut(&stream) {
                    shown.closed = true;
                }
            }
        }
        Ok(found)
    }
}

impl Shown {
    fn begin(record: &Record) -> Self {
        let (position, recorded) = (record.position().get(), record.recorded().to_string());
        Self {
            stream: record.stream().to_string(),
            events: 0,
            payload_bytes: 0,
            first_position: position,
            last_position: position,
            first_recorded: recorded.clone(),
            last_recorded: recorded,
            closed: false,
        }
    }

    fn take(&mut self, record: &Record) {
        self.events = record.version().get();
        self.payload_bytes += record.payload().len() as u64;
        self.last_position = record.position().get();
        self.last_recorded = record.recorded().to_string();
    }
}

/// The stream that a row closes.
fn closed_by(row: &RowWrite) -> Option<StreamId> {
    if row.table.name() != LoggedTable::CLOSED.name() {
        return None;
    }
    let within = std::str::from_utf8(&row.key).ok()?;
    let tenant = row.table.tenant().map(Tenant::as_str);
    tenant.map_or_else(|| within.parse(), |tenant| format!("{tenant}/{within}").parse()).ok()
}
