//! What is locked beside what the code stores and reads.

mod changes;
mod past;

use std::collections::BTreeMap;

use crate::{CommandSchema, EventSchemas, KindSchema, Schemas, shape::Schema, testing::hex::to_hex};

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
    schema: Schema,
    tags: &'static [&'static str],
    examples: Vec<Vec<u8>>,
}

impl Comparison {
    pub(super) fn of(lock: LockFile, schemas: &Schemas) -> Self {
        let mut comparison = Self { locked: lock, wrong: Vec::new(), changed: Vec::new() };
        let current = comparison.current(schemas);
        comparison.look_at_the_past(schemas, &current);
        comparison.forget_commands(&current);
        for (name, current) in &current {
            match comparison.locked.forms.remove(name) {
                Some(locked) => comparison.compare(schemas.mode(), name, current, locked),
                None => comparison.add(schemas.mode(), name, current),
            }
        }
        comparison
    }

    /// What the code stores, less what is wrong with it.
    fn current(&mut self, schemas: &Schemas) -> BTreeMap<FormName, Current> {
        let mut current = BTreeMap::new();
        for events in schemas.events() {
            let forms = events.forms();
            if forms.len() < events.kinds().len() {
                self.wrong.push(format!(
                    "{} says nothing of what it is stored as: derive `Event`, or write `Event::forms`",
                    events.type_name()
                ));
            }
            for form in forms {
                let name = FormName { of: Of::Event, name: form.kind.name.to_owned(), version: form.kind.version };
                let form = self.event(events, form);
                self.insert(&mut current, name, form);
            }
        }
        for command in schemas.commands() {
            let name = FormName { of: Of::Command, name: command.name.to_owned(), version: command.version.get() };
            if let Some(form) = self.command(command) {
                self.insert(&mut current, name, form);
            }
        }
        current
    }

    fn insert(&mut self, current: &mut BTreeMap<FormName, Current>, name: FormName, form: Current) {
        if let Some(first) = current.get(&name) {
            self.wrong.push(format!("{name} is claimed by {} and by {}: rename one of them", first.whose, form.whose));
        } else {
            current.insert(name, form);
        }
    }

    fn event(&mut self, events: &EventSchemas, form: KindSchema) -> Current {
        let KindSchema { kind, schema, tags, examples } = form;
        let whose = format!("`{}::{}`", short(events.type_name()), kind.variant);
        if examples.is_empty() {
            self.wrong.push(format!(
                "{whose} has no example: give it one, `#[event(example = Self::{} {{ .. }})]`, so that a payload is kept \
                 that has to be read for ever",
                kind.variant
            ));
        }
        let mut payloads = Vec::new();
        for example in examples {
            match example {
                Ok(payload) => payloads.push(payload.to_vec()),
                Err(error) => self.wrong.push(format!("{whose}: {error}")),
            }
        }
        Current { whose, schema, tags, examples: payloads }
    }

    fn command(&mut self, command: &CommandSchema) -> Option<Current> {
        let whose = format!("`{}`", short(command.type_name));
        let Some(schema) = command.schema.clone() else {
            let told = "says nothing of what it is stored as: derive `Command`, or write `Command::schema`";
            self.wrong.push(format!("{whose} {told}"));
            return None;
        };
        Some(Current { whose, schema, tags: &[], examples: Vec::new() })
    }
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
