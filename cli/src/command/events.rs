//! `annals events`.

use std::{path::PathBuf, thread, time::Duration};

use annals_core::{
    Category, CorrelationId, EventQuery, EventType, Position, QueryItem, Record, StreamId, Tag, Timestamp,
};
use clap::Args;

use crate::{
    error::CliError,
    output::Output,
    payload::Payload,
    shown::{ShownEvent, cut},
    walk::Walk,
};

/// List events, or those that are asked for
///
/// In the order of the log. Conditions of different kinds must all hold; of several categories, streams or types one must,
/// of several tags all. Times are those at which events were recorded.
///
/// A line an event: position, time, stream and version, type, payload. On a terminal, lines are cut to its width; without
/// one, and as JSON, they are whole.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Events {
    /// The store's folder
    store: PathBuf,
    /// Of streams of this category
    #[arg(long)]
    category: Vec<Category>,
    /// Of this type, as it is stored: `account.opened`
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Vec<EventType>,
    /// With this tag
    #[arg(long)]
    tag: Vec<Tag>,
    /// Of this stream
    #[arg(long)]
    stream: Vec<StreamId>,
    /// Behind this position
    #[arg(long, value_name = "POSITION", value_parser = parse_position)]
    after: Option<Position>,
    /// In front of this position
    #[arg(long, value_name = "POSITION", value_parser = parse_position)]
    before: Option<Position>,
    /// Recorded at this time or later: `2026-03-01`, or `2026-03-01T12:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,
    /// Recorded before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,
    /// Of this conversation
    #[arg(long, value_name = "UUID")]
    correlation: Option<CorrelationId>,
    /// So many of them
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Go on with events as they are recorded, until Ctrl-C
    #[arg(long)]
    follow: bool,
}

const EXAMPLES: &str = "\
Examples:
  annals events bank.annals --limit 20
  annals events bank.annals --category account --type account.deposited --since 2026-03-01 --until 2026-04-01
  annals events bank.annals --stream account-A-0001 --output json | jq .payload
  annals events bank.annals --after 1000 --follow";

/// How often it is looked for more.
const FOLLOW_TIME: Duration = Duration::from_millis(200);

/// The widths of the columns are those of so many lines at the beginning.
const LINES_MEASURED: usize = 100;

/// How wide a column may become by what is in it.
const COLUMN_MAX: usize = 40;

impl Events {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let mut walk = Walk::silent(&self.store)?;
        walk.reader().skip_to(self.after.unwrap_or_default().next());
        if let Some(since) = self.since {
            walk.reader().skip_to_time(since);
        }
        let query = self.query();
        let mut lines = Lines::default();
        let mut left = self.limit.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(commit) = walk.next()? else {
                lines.flush(out)?;
                if !self.follow {
                    break;
                }
                out.flush()?;
                thread::sleep(FOLLOW_TIME);
                continue;
            };
            if self.is_over(commit.recorded, commit.records.first()) {
                break;
            }
            for record in &commit.records {
                if left > 0 && query.matches(record) && self.accepts(record) {
                    lines.add(out, record)?;
                    left -= 1;
                }
            }
        }
        lines.flush(out)
    }

    fn query(&self) -> EventQuery {
        let item = QueryItem {
            categories: self.category.clone(),
            streams: self.stream.clone(),
            types: self.event_type.clone(),
            tags: self.tag.clone(),
        };
        EventQuery::new([item]).any_tenant()
    }

    /// Whether what begins here and all behind it is too late.
    fn is_over(&self, recorded: Timestamp, first: Option<&Record>) -> bool {
        self.until.is_some_and(|until| recorded >= until)
            || self.before.zip(first).is_some_and(|(before, first)| first.position() >= before)
    }

    fn accepts(&self, record: &Record) -> bool {
        self.after.is_none_or(|after| record.position() > after)
            && self.before.is_none_or(|before| record.position() < before)
            && self.since.is_none_or(|since| record.recorded() >= since)
            && self.correlation.is_none_or(|correlation| record.metadata().correlation == Some(correlation))
    }
}

pub(super) fn parse_position(text: &str) -> Result<Position, String> {
    let number = text.parse::<u64>().map_err(|_| "expected a number".to_owned())?;
    Position::new(number).map_err(|error| error.to_string())
}

/// A time, or the beginning of a day in UTC.
fn parse_time(text: &str) -> Result<Timestamp, String> {
    let day = || format!("{text}T00:00:00Z").parse();
    text.parse::<Timestamp>()
        .or_else(|error| day().map_err(|_| error))
        .map_err(|_| "expected a day such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z".to_owned())
}

/// A line an event; the columns are as wide as the first lines want them.
#[derive(Debug, Default)]
struct Lines {
    /// What is not written yet, while the widths are not known.
    waiting: Vec<[String; 5]>,
    widths: Option<[usize; 4]>,
}

impl Lines {
    fn add(&mut self, out: &mut Output, record: &Record) -> Result<(), CliError> {
        if out.is_json() {
            return Ok(out.json_line(&ShownEvent::of(record))?);
        }
        let place = format!("{} {}", record.stream(), record.version());
        self.waiting.push([
            record.position().to_string(),
            record.recorded().to_string(),
            place,
            record.event_type().to_string(),
            Payload::of(record.payload()).line(),
        ]);
        if self.widths.is_some() || self.waiting.len() == LINES_MEASURED { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut Output) -> Result<(), CliError> {
        let [position, time, stream, kind] = *self.widths.get_or_insert_with(|| widths(&self.waiting));
        for [at, recorded, place, event_type, payload] in self.waiting.drain(..) {
            let line = format!("{at:>position$}  {recorded:<time$}  {place:<stream$}  {event_type:<kind$}  {payload}");
            out.line(out.width().map_or_else(|| line.clone(), |width| cut(&line, width)))?;
        }
        Ok(())
    }
}

fn widths(lines: &[[String; 5]]) -> [usize; 4] {
    let mut widths = [0; 4];
    for line in lines {
        for (width, text) in widths.iter_mut().zip(line) {
            *width = text.chars().count().min(COLUMN_MAX).max(*width);
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_first_moment() {
        assert_eq!(parse_time("2026-03-01").unwrap().to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(parse_time("2026-03-01T12:30:00Z").unwrap().to_string(), "2026-03-01T12:30:00Z");
        assert!(parse_time("yesterday").unwrap_err().contains("expected a day"));
    }
}
