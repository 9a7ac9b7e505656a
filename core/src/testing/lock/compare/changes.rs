//! What the code stores beside what it stored when it was locked.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Difference, SchemaVersion,
    schemas::{HeldSchemas, incompatibilities},
    shape::{Direction, Mode},
};

use super::{Comparison, Current, FormName, LockedForm, Of, indented, is_same, unknown};

impl Comparison {
    /// A form that is not locked yet.
    pub(super) fn add(&mut self, mode: Mode, name: &FormName, current: &Current) {
        let schema = indented(&format!("{:#}", current.schema));
        let told = format!("{name} of {} is new:\n{schema}", current.whose);
        self.tell(mode, name, current, &LockedForm::default(), told);
        let form = LockedForm {
            schemas: vec![current.schema.clone()],
            tags: tags(current),
            payloads: current.examples.clone(),
        };
        self.locked.forms.insert(name.clone(), form);
    }

    /// A form that is locked, and is stored today too.
    pub(super) fn compare(&mut self, mode: Mode, name: &FormName, current: &Current, mut locked: LockedForm) {
        if locked.schemas.first() != Some(&current.schema) {
            let before = locked.schemas.first().map(|schema| format!("{schema:#}")).unwrap_or_default();
            let difference = Difference::of_lines(&before, &format!("{:#}", current.schema));
            let told = "is stored in another shape (- before, + now)";
            self.tell(mode, name, current, &locked, format!("{name} of {} {told}:\n{difference}", current.whose));
            locked.schemas.retain(|schema| *schema != current.schema);
            locked.schemas.insert(0, current.schema.clone());
        }
        self.compare_tags(name, current, &locked);
        locked.tags = tags(current);
        for example in &current.examples {
            if !locked.payloads.iter().any(|payload| is_same(payload, example)) {
                self.changed.push(format!("{name} of {} has another example", current.whose));
                locked.payloads.push(example.clone());
            }
        }
        self.locked.forms.insert(name.clone(), locked);
    }

    /// Tells of a new or changed shape, and what stands against it.
    fn tell(&mut self, mode: Mode, name: &FormName, current: &Current, locked: &LockedForm, told: String) {
        let Some(version) = SchemaVersion::new(name.version) else { return };
        let mut held = HeldSchemas::from([(version, locked.schemas.iter().collect::<Vec<_>>())]);
        for (other, form) in &self.locked.forms {
            let is_former = other.name == name.name || current.aliases.contains(&other.name.as_str());
            if let Some(version) = SchemaVersion::new(other.version).filter(|_| other.of == name.of && is_former) {
                held.entry(version).or_default().extend(&form.schemas);
            }
        }
        let found = incompatibilities(mode, version, &current.schema, &held);
        let mut told = vec![told.trim_end().to_owned()];
        told.extend(found.iter().map(|found| format!("{found} (mode {mode})")));
        if found.iter().any(|found| found.direction == Direction::Backward) {
            told.push(advice(name));
        } else if found.is_empty() && !locked.schemas.is_empty() {
            told.push("What is stored can still be read, so the version may stay".to_owned());
        }
        told.extend(unknown::told(&current.schema).map(|unknown| format!("But {unknown}")));
        let told = told.join("\n");
        if found.is_empty() { self.changed.push(told) } else { self.wrong.push(told) }
    }

    fn compare_tags(&mut self, name: &FormName, current: &Current, locked: &LockedForm) {
        let tags = tags(current);
        for added in tags.difference(&locked.tags) {
            self.changed.push(format!(
                "{name} of {} has a new tag `{added}`: events that are stored already do not carry it, and are not found \
                 by it. Select by the type too, or copy the store and tag them anew",
                current.whose
            ));
        }
        for gone in locked.tags.difference(&tags) {
            let told = "queries and boundaries that select by it do not find new events";
            self.changed.push(format!("{name} of {} has no tag `{gone}` any more: {told}", current.whose));
        }
    }

    /// Commands are stored only for a while, so that one may go.
    pub(super) fn forget_commands(&mut self, current: &BTreeMap<FormName, Current>) {
        let is_gone = |name: &FormName| {
            name.of == Of::Command && !current.keys().any(|current| current.of == name.of && current.name == name.name)
        };
        let gone: Vec<_> = self.locked.forms.keys().filter(|name| is_gone(name)).cloned().collect();
        for name in gone {
            self.changed.push(format!("{name} is gone"));
            self.locked.forms.remove(&name);
        }
    }
}

fn tags(current: &Current) -> BTreeSet<String> {
    current.tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn advice(name: &FormName) -> String {
    let (next, version) = (name.version.saturating_add(1), name.version);
    match name.of {
        Of::Event => format!(
            "Raise the version and say how the older one is read: `#[event(version = {next}, from({version} = ..))]`"
        ),
        Of::Command => format!("Raise the version: `#[command(version = {next})]`"),
    }
}
