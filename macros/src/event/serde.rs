//! serde attributes under which an enum is not written in serde's default way.
//!
//! A variant is stored under its own name, its content as a map, and read back by its number: whatever moves the name
//! into the content, drops it, or changes the numbers makes events that cannot be read back.

use darling::{Error, Result};
use syn::{Attribute, spanned::Spanned};

use crate::attr;

const ON_ENUM: [&str; 7] = ["tag", "content", "untagged", "from", "try_from", "into", "remote"];
const ON_VARIANT: [&str; 5] = ["skip", "skip_serializing", "skip_deserializing", "other", "untagged"];

pub(super) fn check_enum(attrs: &[Attribute]) -> Result<()> {
    check(attrs, &ON_ENUM)
}

pub(super) fn check_variant(attrs: &[Attribute]) -> Result<()> {
    check(attrs, &ON_VARIANT)
}

fn check(attrs: &[Attribute], refused: &[&str]) -> Result<()> {
    let mut errors = Error::accumulator();
    for entry in attr::entries(attrs, "serde") {
        if let Some(name) = refused.iter().find(|name| entry.path().is_ident(name)) {
            let message = format!(
                "`serde({name})` cannot be used with `derive(Event)`: a variant is stored under its own name and read back by it"
            );
            errors.push(Error::custom(message).with_span(&entry.span()));
        }
    }
    errors.finish()
}
