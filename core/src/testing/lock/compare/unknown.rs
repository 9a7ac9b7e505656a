//! Types that say nothing of what they are stored as, so that a change of them goes unnoticed.

use std::collections::BTreeSet;

use crate::shape::{Name, Schema, Shape};

use super::{Current, FormName};

/// What the file says of them, if there are any.
pub(super) fn remark(name: &FormName, current: &Current) -> Option<String> {
    Some(format!("{name}: {}", told(&current.schema)?))
}

/// What messages say of them, if there are any.
pub(super) fn told(schema: &Schema) -> Option<String> {
    let types = types(schema);
    let types: Vec<_> = types.iter().map(|name| format!("`{}`", name.as_str())).collect();
    let told = "a change of it would not be noticed. Derive `Shape` for it";
    (!types.is_empty()).then(|| format!("nothing is known of {}: {told}", types.join(", ")))
}

fn types(schema: &Schema) -> BTreeSet<&Name> {
    let mut types = BTreeSet::new();
    let mut open: Vec<_> = schema.types().map(|(_, shape)| shape).chain([schema.shape()]).collect();
    while let Some(shape) = open.pop() {
        if let Shape::Opaque(name) = shape {
            types.insert(name);
        }
        open.extend(shape.parts());
    }
    types
}
