//! What an application stores: the events and commands that take part in lock files and checks of compatibility.

mod claims;
mod held;
mod registry;

use std::{any::type_name, fmt};

use crate::{
    Aggregate, Annals, Command, DecodeProblem, Event, EventKind, ReadError, Record, SchemaVersion,
    codec::{Bytes, EncodeError},
    decode_record,
    shape::{Incompatibility, Mode, Schema},
};

pub(crate) use claims::{ClaimedTwice, claimed_twice};
pub(crate) use held::{HeldSchemas, incompatibilities};
pub use registry::HeldSchema;
pub(crate) use registry::{Registry, Unregistered};

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
    mode: Mode,
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
pub struct PastForm {
    /// The stored name.
    pub name: &'static str,
    /// The version.
    pub version: u32,
    /// What it may be read as.
    pub kinds: Vec<&'static EventKind>,
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
    /// The payloads of the examples; an example of another kind is an error.
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

/// An event that is not to be stored beside what a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRefusal {
    /// Its stored name.
    pub name: String,
    /// Its version.
    pub version: SchemaVersion,
    /// The mode by which it was refused.
    pub mode: Mode,
    /// Everything that stands against it.
    pub found: Vec<Incompatibility>,
}

impl fmt::Display for SchemaRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, mode, found } = self;
        write!(f, "event {name} of version {version} does not get along with what the store holds (mode {mode})")?;
        found.iter().try_for_each(|found| write!(f, "; {found}"))
    }
}

impl Annals {
    /// What the store has ever held of the events that were registered by [`Builder::schemas`](crate::Builder::schemas):
    /// each name and version with its shapes, by name and version.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn held_schemas(&self) -> Result<Vec<HeldSchema>, ReadError> {
        registry::held_schemas(&**self.store()).await
    }
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

    /// Which earlier shapes a new one has to get along with; [`Mode::Backward`] if not said.
    #[must_use]
    pub fn compatibility(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Which earlier shapes a new one has to get along with.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it names neither events nor commands.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.commands.is_empty()
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

    /// The forms that it still reads and no longer writes.
    #[must_use]
    pub fn past(&self) -> &[PastForm] {
        &self.past
    }

    /// Whether it has, had, or has retired events of this stored name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.kind_of(name).is_some() || self.past.iter().any(|past| past.name == name) || self.retired.contains(&name)
    }

    /// The kind whose present name or alias this is.
    #[must_use]
    pub fn kind_of(&self, name: &str) -> Option<&'static EventKind> {
        self.kinds.iter().find(|kind| kind.name == name || kind.aliases.contains(&name))
    }

    /// The kinds of the events that `record` is read as.
    ///
    /// # Errors
    /// [`DecodeProblem`].
    pub fn read(&self, record: &Record) -> Result<Vec<&'static EventKind>, DecodeProblem> {
        (self.read)(record)
    }
}

fn forms<E: Event>() -> Vec<KindSchema> {
    let forms = E::KINDS.iter().zip(E::forms());
    let forms = forms.map(|(kind, form)| KindSchema {
        kind,
        schema: form.schema,
        tags: form.tags,
        examples: form.examples.iter().map(|event| example(kind, event)).collect(),
    });
    forms.collect()
}

fn example<E: Event>(kind: &'static EventKind, event: &E) -> Result<Bytes, EncodeError> {
    let found = event.kind();
    if found.name != kind.name {
        let reason = format!("it is an event `{}`, but stands as an example of `{}`", found.variant, kind.variant);
        return Err(EncodeError { what: "example", reason });
    }
    event.encode()
}

impl fmt::Debug for EventSchemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSchemas").field("type_name", &self.type_name).field("kinds", &self.kinds).finish()
    }
}
