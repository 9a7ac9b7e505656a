//! What was ever locked has to be read for ever.

use std::collections::BTreeMap;

use crate::{EventKind, EventSchemas, EventType, SchemaVersion, Schemas, codec::Bytes, testing::stored::record_of};

use super::{Comparison, Current, FormName, LockedForm, Of, called, shown};

impl Comparison {
    /// Reads the payloads of every event that is locked, and tells of those that are not read as what they are said to be.
    pub(super) fn past(&self, schemas: &Schemas, current: &BTreeMap<FormName, Current>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, form) in self.locked.forms.iter().filter(|(name, _)| name.of == Of::Event) {
            let mut readers = schemas.events().filter(|events| events.knows(&name.name)).peekable();
            if readers.peek().is_none() {
                wrong.push(unread(name, form, current, &self.locked.forms));
            }
            for events in readers {
                let called = called(schemas, events.type_name());
                let problems = form.payloads.iter().filter_map(|payload| problem(events, &called, name, payload).err());
                wrong.extend(problems);
            }
        }
        wrong
    }
}

/// A form that nothing reads any more, and what may have become of it.
fn unread(
    name: &FormName,
    form: &LockedForm,
    current: &BTreeMap<FormName, Current>,
    locked: &BTreeMap<FormName, LockedForm>,
) -> String {
    let FormName { name: stored, .. } = name;
    let alike = current.iter().find(|(current_name, current)| {
        current_name.of == Of::Event
            && !locked.contains_key(current_name)
            && form.schemas.first() == Some(&current.schema)
    });
    let renamed = alike.map_or_else(String::new, |(_, current)| {
        format!(
            "\n{} is new and stored alike: if it was renamed, say `#[event(alias = {stored:?})]`, or keep the stored name by \
             `#[event(name = {stored:?})]`",
            current.whose
        )
    });
    format!(
        "{name} is not read by any event any more, but stores hold it: keep it, say what it is read as today \
         (`from({stored:?}, ..)`, `split(..)`), or retire it by `retired({stored:?})` on the enum{renamed}"
    )
}

/// Reads one payload, which has to be what its form is said to be read as.
fn problem(events: &EventSchemas, called: &str, name: &FormName, payload: &Bytes) -> Result<(), String> {
    let told = |problem: String| format!("{name} {problem}\nStores hold events like this one, {}", shown(payload));
    let (event_type, version) = (EventType::new(&name.name), SchemaVersion::new(name.version));
    let event_type = event_type.map_err(|error| told(error.to_string()))?;
    let version = version.ok_or_else(|| told("has no version".to_owned()))?;
    let record = record_of(&event_type, version, payload).map_err(|error| told(error.to_string()))?;
    let read = events.read(&record).map_err(|problem| told(problem.to_string()))?;
    let expected = expected(events, name);
    match read.into_iter().find(|kind| !expected.contains(kind)) {
        None => Ok(()),
        Some(other) => {
            let variants: Vec<_> = expected.iter().map(|kind| format!("`{}`", kind.variant)).collect();
            Err(told(format!(
                "is read as `{}` of {called}, but it is said to be read as {}: correct the step",
                other.variant,
                variants.join(", ")
            )))
        }
    }
}

/// The kinds that a form is said to be read as.
fn expected(events: &EventSchemas, name: &FormName) -> Vec<&'static EventKind> {
    let own = events.kind_of(&name.name);
    let present = own.map_or(name.name.as_str(), |kind| kind.name);
    let past = events.past().iter().find(|past| past.name == present && past.version == name.version);
    past.map_or_else(|| own.into_iter().collect(), |past| past.kinds.clone())
}
