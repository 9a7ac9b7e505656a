//! What an application stores: the events and commands that take part in lock files and checks of compatibility.

use std::{any::type_name, fmt};

use crate::{
    Aggregate, Command, DecodeProblem, Event, EventKind, Record, SchemaVersion,
    codec::{Bytes, EncodeError},
    decode_record,
    shape::Schema,
};

/// The events and commands of an application, with all there is to know of how they are stored.
///
/// An application has one function that makes it, for its lock file, its builder and its exports:
///
/// ```
/// use annals_core::Schemas;
#[doc = include_str!("doc/counter.txt")]
/// fn schemas() -> Schemas {
///     Schemas::new().aggregate::<Counter>()
/// }
/// # assert!(schemas().events().all(|event| event.type_name().ends_with("Counted")));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    events: Vec<EventSchemas>,
    commands: Vec<CommandSchema>,
}

/// The forms of one event enum.
#[derive(Clone)]
pub struct EventSchemas {
    type_name: &'static str,
    kinds: &'static [EventKind],
    past: Vec<PastForm>,
    retired: &'static [&'static str],
    forms: fn() -> Vec<KindSchema>,
    read: fn(&Record) -> Result<Vec<&'static EventKind>, DecodeProblem>,
}

/// A form that is no longer written.
#[derive(Debug, Clone)]
pub(crate) struct PastForm {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    /// What it may be read as.
    pub(crate) kinds: Vec<&'static EventKind>,
}

/// What events of one kind are stored as today.
#[derive(Debug, Clone)]
pub struct KindSchema {
    /// The kind.
    pub kind: &'static EventKind,
    /// The payload.
    pub schema: Schema,
    /// The names of the tags that may be carried.
    pub tags: &'static [&'static str],
    /// The payloads of the examples.
    pub examples: Vec<Result<Bytes, EncodeError>>,
}

/// What a command is stored as today, wherever it is scheduled, and what repetitions are recognised by.
#[derive(Debug, Clone)]
pub struct CommandSchema {
    /// Its type.
    pub type_name: &'static str,
    /// Its stable name.
    pub name: &'static str,
    /// The version of its shape.
    pub version: SchemaVersion,
    /// Its shape; `None` when it is written by hand and says nothing.
    pub schema: Option<Schema>,
}

impl Schemas {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the events of `A`.
    #[must_use]
    pub fn aggregate<A: Aggregate>(self) -> Self {
        self.event::<A::Event>()
    }

    /// With the events `E`, once however often it is said.
    #[must_use]
    pub fn event<E: Event>(mut self) -> Self {
        if self.events.iter().all(|known| known.type_name != type_name::<E>()) {
            self.events.push(EventSchemas::of::<E>());
        }
        self
    }

    /// With the command `C`, once however often it is said.
    #[must_use]
    pub fn command<C: Command>(mut self) -> Self {
        if self.commands.iter().all(|known| known.type_name != type_name::<C>()) {
            let version = SchemaVersion::new(C::VERSION).unwrap_or(SchemaVersion::FIRST);
            let (type_name, schema) = (type_name::<C>(), C::schema());
            self.commands.push(CommandSchema { type_name, name: C::NAME, version, schema });
        }
        self
    }

    /// The event enums, in the order in which they were named.
    pub fn events(&self) -> impl Iterator<Item = &EventSchemas> {
        self.events.iter()
    }

    /// The commands, in the order in which they were named.
    pub fn commands(&self) -> impl Iterator<Item = &CommandSchema> {
        self.commands.iter()
    }
}

impl EventSchemas {
    /// Those of `E`.
    #[must_use]
    pub fn of<E: Event>() -> Self {
        let kinds_of = |indexes: &[usize]| indexes.iter().filter_map(|index| E::KINDS.get(*index)).collect();
        let past = E::PAST.iter();
        let past = past.map(|past| PastForm { name: past.name, version: past.version, kinds: kinds_of(past.kinds) });
        Self {
            type_name: type_name::<E>(),
            kinds: E::KINDS,
            past: past.collect(),
            retired: E::RETIRED,
            forms: forms::<E>,
            read: |record| {
                let events = decode_record::<E>(record).map_err(|error| error.problem)?;
                Ok(events.iter().map(Event::kind).collect())
            },
        }
    }

    /// The enum's type.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The kinds of its events.
    #[must_use]
    pub const fn kinds(&self) -> &'static [EventKind] {
        self.kinds
    }

    /// Its stored names that are read as nothing.
    #[must_use]
    pub const fn retired(&self) -> &'static [&'static str] {
        self.retired
    }

    /// What each kind is stored as, in the order of the kinds; empty when the enum is written by hand and says nothing.
    #[must_use]
    pub fn forms(&self) -> Vec<KindSchema> {
        (self.forms)()
    }

    pub(crate) fn past(&self) -> &[PastForm] {
        &self.past
    }

    /// The kinds of the events that `record` is read as.
    pub(crate) fn read(&self, record: &Record) -> Result<Vec<&'static EventKind>, DecodeProblem> {
        (self.read)(record)
    }
}

fn forms<E: Event>() -> Vec<KindSchema> {
    let forms = E::KINDS.iter().zip(E::forms());
    let forms = forms.map(|(kind, form)| KindSchema {
        kind,
        schema: form.schema,
        tags: form.tags,
        examples: form.examples.iter().map(Event::encode).collect(),
    });
    forms.collect()
}

impl fmt::Debug for EventSchemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSchemas").field("type_name", &self.type_name).field("kinds", &self.kinds).finish()
    }
}
