//! What the tests copy through.

use std::error::Error;

use annals_core::{
    EventType, Fate, InvalidText, NewEvent, Record, SchemaVersion, StoredCommit, StreamFate, StreamId, Tag,
    Transformation, TransformationName,
};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A bit of everything: streams renamed, joined and dropped; events dropped, split, renamed, given other tags and another
/// content; and of each stream two events merged into one, which takes remembering one record a stream.
#[derive(Clone, Default)]
pub(crate) struct Everything {
    held: Vec<Record>,
}

/// The number that the payload of an event of the source is.
fn number(record: &Record) -> Option<usize> {
    std::str::from_utf8(record.payload()).ok()?.parse().ok()
}

impl Everything {
    fn merge(&mut self, record: &Record) -> Fate {
        match self.held.iter().position(|held| held.stream() == record.stream()) {
            None => {
                self.held.push(record.clone());
                Fate::Merge
            }
            Some(at) => {
                let first = self.held.remove(at);
                let payload = [first.payload(), b"+", record.payload()].concat();
                Fate::Change(NewEvent { payload: payload.into(), id: first.id(), ..record.to_event() })
            }
        }
    }
}

impl Transformation for Everything {
    fn name(&self) -> Result<TransformationName, InvalidText> {
        TransformationName::new("everything-1")
    }

    fn stream(&self, stream: &StreamId) -> Result<StreamFate, InvalidText> {
        Ok(match stream.as_str() {
            "s-1" | "s-2" => StreamFate::Rename("joined-1".parse()?),
            "s-3" => StreamFate::Rename("other-3".parse()?),
            "s-4" => StreamFate::Drop,
            _ => StreamFate::Keep,
        })
    }

    fn record(&mut self, record: &Record) -> Result<Fate, Failure> {
        let Some(number) = number(record) else { return Ok(Fate::Keep) };
        let event = record.to_event();
        Ok(match number % 8 {
            0 => Fate::Drop,
            1 => Fate::Split((0..3).map(|index| record.part(index)).collect()),
            2 => Fate::Change(NewEvent { event_type: EventType::new("test.renamed")?, ..event }),
            3 => Fate::Change(NewEvent { tags: vec![Tag::of("number", number)?, Tag::new("again")?], ..event }),
            4 => Fate::Change(NewEvent {
                payload: format!("<{number}>").into(),
                schema_version: SchemaVersion::new(2).ok_or("no version")?,
                ..event
            }),
            5 => self.merge(record),
            _ => Fate::Keep,
        })
    }

    fn commit_end(&mut self, commit: &StoredCommit) -> Result<Vec<NewEvent>, Failure> {
        if commit.records.len() != 2 {
            return Ok(Vec::new());
        }
        let last = &commit.records[1];
        let event_type = EventType::new("test.both")?;
        Ok(vec![NewEvent { event_type, stream: "both-1".parse()?, ..last.part(9) }])
    }

    fn log_end(&mut self) -> Result<Vec<NewEvent>, Failure> {
        Ok(self.held.drain(..).map(|held| held.to_event()).collect())
    }
}

/// A transformation by a function of the record.
#[derive(Clone)]
pub(crate) struct By<F>(pub(crate) &'static str, pub(crate) F);

impl<F: Fn(&Record) -> Result<Fate, Failure> + Clone + Send> Transformation for By<F> {
    fn name(&self) -> Result<TransformationName, InvalidText> {
        TransformationName::new(self.0)
    }

    fn record(&mut self, record: &Record) -> Result<Fate, Failure> {
        (self.1)(record)
    }
}
