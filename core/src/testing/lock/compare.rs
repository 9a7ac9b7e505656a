//! What is locked beside what the code stores and reads.

mod changes;
mod past;
mod unknown;

use std::collections::BTreeMap;

use crate::{
    CommandSchema, EventSchemas, KindSchema, Schemas,
    codec::{self, Bytes},
    schemas::{ClaimedTwice, claimed_twice},
    shape::{Schema, lint::warnings},
    testing::hex::to_hex,
    text,
};

use super::{
    file::LockFile,
    form::{FormName, LockedForm, Of},
};

/// The outcome.
pub(super) struct Comparison {
    /// The file as it is to be written when all changes are accepted.
    pub(super) locked: LockFile,
    /// What cannot be accepted.
    pub(super) wrong: Vec<String>,
    /// What can.
    pub(super) changed: Vec<String>,
}

/// What the code stores under one name and version.
struct Current {
    /// What messages call it.
    whose: String,
    /// Under which names else it may be stored.
    aliases: &'static [&'static str],
    schema: Schema,
    tags: &'static [&'static str],
    examples: Vec<Bytes>,
}

impl Comparison {
    pub(super) fn of(lock: LockFile, schemas: &Schemas) -> Self {
        let mut comparison = Self { locked: lock, wrong: Vec::new(), changed: Vec::new() };
        let current = comparison.current(schemas);
        let past = comparison.past(schemas, &current);
        comparison.forget_commands(&current);
        for (name, current) in &current {
            match comparison.locked.forms.remove(name) {
                Some(locked) => comparison.compare(schemas.mode(), name, current, locked),
                None => comparison.add(schemas.mode(), name, current),
            }
        }
        // Changes first: what they are says why a payload is not read.
        comparison.wrong.extend(past);
        let unknown = current.iter().filter_map(|(name, current)| unknown::remark(name, current));
        comparison.locked.remarks = unknown.chain(regretted(schemas)).collect();
        comparison
    }

    /// What the code stores, less what is wrong with it.
    fn current(&mut self, schemas: &Schemas) -> BTreeMap<FormName, Current> {
        for ClaimedTwice { name, first, second } in claimed_twice(schemas.events()) {
            let (first, second) = (called(schemas, first), called(schemas, second));
            self.wrong.push(format!(
                "event {name} is claimed by `{first}` and by `{second}`: rename one of them, or, if it moved, let the former \
                 one say `retired({name:?})`"
            ));
        }
        let mut current = BTreeMap::new();
        for events in schemas.events() {
            let forms = events.forms();
            if forms.len() < events.kinds().len() {
                self.wrong.push(format!(
                    "`{}` says nothing of what it is stored as: derive `Event`, or write `Event::forms`",
                    called(schemas, events.type_name())
                ));
            }
            for form in forms {
                let (name, version) = (form.kind.name.to_owned(), form.kind.schema_version().get());
                if let Some(form) = self.event(&called(schemas, events.type_name()), form) {
                    // One that is there already is claimed twice.
                    current.entry(FormName { of: Of::Event, name, version }).or_insert(form);
                }
            }
        }
        for command in schemas.commands() {
            let name = FormName { of: Of::Command, name: command.name.to_owned(), version: command.version.get() };
            if let Some(form) = self.command(&called(schemas, command.type_name), command) {
                self.insert_command(&mut current, name, form);
            }
        }
        current
    }

    fn insert_command(&mut self, current: &mut BTreeMap<FormName, Current>, name: FormName, form: Current) {
        if let Some(first) = current.get(&name) {
            self.wrong.push(format!("{name} is claimed by {} and by {}: rename one of them", first.whose, form.whose));
        } else {
            current.insert(name, form);
        }
    }

    /// What is stored of one kind; `None` when that cannot be locked.
    fn event(&mut self, events: &str, form: KindSchema) -> Option<Current> {
        let KindSchema { kind, schema, tags, examples } = form;
        let whose = format!("`{events}::{}`", kind.variant);
        if let Err(error) = kind.event_type() {
            self.wrong.push(format!("{whose} has no name to be stored under: {error}"));
            return None;
        }
        if examples.is_empty() {
            self.wrong.push(format!(
                "{whose} has no example: give it one, `#[event(example = Self::{} {{ .. }})]`, so that a payload is kept \
                 that has to be read for ever",
                kind.variant
            ));
        }
        let mut payloads: Vec<Bytes> = Vec::new();
        for example in examples {
            match example {
                Ok(payload) if payloads.iter().any(|known| is_same(known, &payload)) => {}
                Ok(payload) => payloads.push(payload),
                Err(error) => self.wrong.push(format!("{whose}: {error}")),
            }
        }
        Some(Current { whose, aliases: kind.aliases, schema, tags, examples: payloads })
    }

    /// What a command is stored as; `None` when that cannot be locked.
    fn command(&mut self, type_name: &str, command: &CommandSchema) -> Option<Current> {
        let whose = format!("`{type_name}`");
        if let Err(error) = text::check_unreserved("command", command.name, &[]) {
            self.wrong.push(format!("{whose} has no name to be stored under: {error}"));
            return None;
        }
        let Some(schema) = command.schema.clone() else {
            let told = "says nothing of what it is stored as: derive `Command`, or write `Command::schema`";
            self.wrong.push(format!("{whose} {told}"));
            return None;
        };
        Some(Current { whose, aliases: &[], schema, tags: &[], examples: Vec::new() })
    }
}

/// Whether two payloads say the same: a map without an order gives another one in every run.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let said = |payload| codec::fingerprint("example", &codec::decode_value(payload).ok()?).ok();
    one == other || said(one).is_some_and(|one| said(other) == Some(one))
}

/// What messages call a type: its name without its modules, unless another one of `schemas` has the same.
fn called(schemas: &Schemas, type_name: &str) -> String {
    let events = schemas.events().map(EventSchemas::type_name);
    let mut others = events.chain(schemas.commands().map(|command| command.type_name));
    let is_ambiguous = others.any(|other| other != type_name && short(other) == short(type_name));
    if is_ambiguous { type_name.to_owned() } else { short(type_name).to_owned() }
}

/// What will be regretted of the events.
fn regretted(schemas: &Schemas) -> impl Iterator<Item = String> {
    schemas.events().flat_map(|events| {
        let forms: Vec<_> = events.forms().into_iter().map(|form| (*form.kind, form.schema)).collect();
        warnings(&forms).into_iter().map(|warning| format!("{}: {warning}", short(events.type_name())))
    })
}

/// A type without its modules.
fn short(type_name: &str) -> &str {
    type_name.rsplit("::").next().unwrap_or(type_name)
}

/// So much of a payload is shown.
const SHOWN_BYTES: usize = 32;

fn shown(payload: &[u8]) -> String {
    match payload.get(..SHOWN_BYTES) {
        Some(begin) if payload.len() > SHOWN_BYTES => format!("{}..", to_hex(begin)),
        _ => to_hex(payload),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
