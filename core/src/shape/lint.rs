//! Warnings about events that will be regretted.

#[cfg(test)]
mod tests;
mod verbs;

use std::fmt;

use super::{Field, Name, Schema, Shape};
use crate::EventKind;

/// Fewer events of one field each are no pattern.
const FIELD_EVENTS_MIN: usize = 3;

/// Fewer optional fields are no sign of one event for everything.
const OPTIONAL_FIELDS_MIN: usize = 4;

/// What is known to go wrong with an event, and what to do instead. Nothing fails on it.
///
/// `Display` says all of it in a sentence or two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// Several events that each carry one field that changed.
    FieldEvents {
        /// Their variants.
        variants: Vec<Name>,
    },
    /// An event that stands for any change.
    CatchAll {
        /// Its variant.
        variant: Name,
        /// How many of its fields may be missing.
        optional: usize,
        /// How many fields it has.
        fields: usize,
    },
    /// A name that does not say that something has happened.
    NotPast {
        /// The variant.
        variant: Name,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldEvents { variants } => {
                let variants: Vec<_> = variants.iter().map(Name::as_str).collect();
                write!(
                    f,
                    "{} each say that one field changed: why it did is lost, and what changes together is torn apart; name what happened (`Moved`, `Married`), with all fields that it changes",
                    variants.join(", ")
                )
            }
            Self::CatchAll { variant, optional, fields } => write!(
                f,
                "{} is one event for everything, {optional} of its {fields} fields may be missing: each reader has to guess what happened; make an event of each thing that can happen",
                variant.as_str()
            ),
            Self::NotPast { variant } => write!(
                f,
                "{} is not in the past tense: an event is a fact that nobody can refuse any more (`Deposited`), a request is a command (`Deposit`)",
                variant.as_str()
            ),
        }
    }
}

/// The warnings about the events of one enum, each with the schema of its content, in the order of declaration. They are
/// few rather than many: what may well be meant is let pass.
#[must_use]
pub fn warnings(events: &[(EventKind, Schema)]) -> Vec<Warning> {
    let of_fields: Vec<_> = events.iter().filter(|(kind, schema)| is_field_event(kind.variant, schema)).collect();
    let mut warnings = Vec::new();
    if of_fields.len() >= FIELD_EVENTS_MIN {
        let variants = of_fields.iter().map(|(kind, _)| kind.variant.into()).collect();
        warnings.push(Warning::FieldEvents { variants });
    }
    for (kind, schema) in events {
        warnings.extend(catch_all(kind.variant, schema));
        if !words(kind.variant).iter().any(|word| verbs::is_past(word)) {
            warnings.push(Warning::NotPast { variant: kind.variant.into() });
        }
    }
    warnings
}

/// Whether it is something like `EmailChanged { email }`.
fn is_field_event(variant: &str, schema: &Schema) -> bool {
    let words = words(variant);
    let Some((verb, subject)) = words.split_last() else {
        return false;
    };
    if !matches!(verb.as_str(), "changed" | "set" | "updated" | "modified" | "edited" | "replaced") {
        return false;
    }
    match fields(schema) {
        Some([field]) => {
            let (name, subject) = (field.name.as_str(), subject.join("_"));
            !subject.is_empty() && name.ends_with(&subject) || matches!(name, "value" | "new" | "to")
        }
        Some(_) => false,
        // One value without a name.
        None => !subject.is_empty(),
    }
}

/// Whether it is something like `Updated` with fields any of which may be there.
fn catch_all(variant: &str, schema: &Schema) -> Option<Warning> {
    let words = words(variant);
    let verb = words.last()?;
    let is_vague = matches!(verb.as_str(), "updated" | "changed" | "modified" | "edited" | "saved" | "altered");
    let fields = fields(schema).filter(|_| is_vague)?;
    let optional = fields.iter().filter(|field| field.has_default || matches!(field.shape, Shape::Option(_))).count();
    (optional >= OPTIONAL_FIELDS_MIN && optional * 3 >= fields.len() * 2).then(|| Warning::CatchAll {
        variant: variant.into(),
        optional,
        fields: fields.len(),
    })
}

/// The fields of an event, if it is a record.
fn fields(schema: &Schema) -> Option<&[Field]> {
    match schema.resolve(schema.shape()) {
        Shape::Record(record) => Some(&record.fields),
        _ => None,
    }
}

/// `HTTPCallFailed` as `http`, `call`, `failed`.
fn words(variant: &str) -> Vec<String> {
    let letters: Vec<char> = variant.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let ends_word = before.is_none_or(|before| !before.is_uppercase());
        let begins_word = letters.get(at + 1).is_some_and(|after| after.is_lowercase());
        if *letter == '_' || letter.is_uppercase() && (ends_word || begins_word) || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| *letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
