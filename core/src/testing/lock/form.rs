//! One form in a lock file.

use std::{collections::BTreeSet, fmt};

use xxhash_rust::xxh3::xxh3_64;

use crate::{
    codec::Bytes,
    shape::Schema,
    testing::hex::{from_hex, to_hex},
};

/// What a form is of, its stored name, and its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FormName {
    pub(super) of: Of,
    pub(super) name: String,
    pub(super) version: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Event,
    Command,
}

/// What a form was locked as.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct LockedForm {
    /// What it is stored as; behind that what it was stored as before under the same version, latest first.
    pub(super) schemas: Vec<Schema>,
    pub(super) tags: BTreeSet<String>,
    /// Payloads that were stored, in the order in which they were locked.
    pub(super) payloads: Vec<Bytes>,
}

impl LockedForm {
    /// By which a change by hand is noticed. It covers each form for itself, so that two that were added at once are merged
    /// without a conflict.
    pub(super) fn sum(&self, name: &FormName) -> u64 {
        xxh3_64(format!("{name}\n{self}").as_bytes())
    }

    /// Takes in a line below the name; `None` when it is not understood. Lines of schemas are collected in `text`.
    pub(super) fn take(&mut self, line: &str, text: &mut String) -> Option<()> {
        if let Some(schema) = line.strip_prefix('|') {
            text.push_str(schema.strip_prefix(' ').unwrap_or(schema));
            text.push('\n');
            return Some(());
        }
        self.take_schema(text)?;
        if let Some(tag) = line.strip_prefix("tag ") {
            self.tags.insert(tag.to_owned());
        } else if let Some(payload) = line.strip_prefix("payload ") {
            self.payloads.push(from_hex(payload)?.into());
        } else if line != "was" {
            return None;
        }
        Some(())
    }

    /// Takes in the schema whose lines are complete.
    pub(super) fn take_schema(&mut self, text: &mut String) -> Option<()> {
        if !text.is_empty() {
            self.schemas.push(std::mem::take(text).parse().ok()?);
        }
        Some(())
    }
}

impl fmt::Display for FormName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.of {
            Of::Event => "event",
            Of::Command => "command",
        };
        write!(f, "{of} {} v{}", self.name, self.version)
    }
}

impl FormName {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (of, rest) = line.split_once(' ')?;
        let of = match of {
            "event" => Of::Event,
            "command" => Of::Command,
            _ => return None,
        };
        let (name, version) = rest.rsplit_once(" v")?;
        Some(Self { of, name: name.to_owned(), version: version.parse().ok().filter(|version| *version > 0)? })
    }
}

impl fmt::Display for LockedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, schema) in self.schemas.iter().enumerate() {
            if index > 0 {
                f.write_str("was\n")?;
            }
            for line in format!("{schema:#}").lines() {
                writeln!(f, "| {line}")?;
            }
        }
        for tag in &self.tags {
            writeln!(f, "tag {tag}")?;
        }
        for payload in &self.payloads {
            writeln!(f, "payload {}", to_hex(payload))?;
        }
        Ok(())
    }
}
