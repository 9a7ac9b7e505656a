//! What is stored beside what is to be stored.

use std::collections::BTreeMap;

use crate::{
    SchemaVersion,
    shape::{Break, BreakReason, Direction, Incompatibility, Mode, Schema, Shape},
};

/// The shapes that an event has had, under its stored name and its aliases: by version, of each version the latest first.
pub(crate) type HeldSchemas<'a> = BTreeMap<SchemaVersion, Vec<&'a Schema>>;

/// Where `new`, to be stored as `version`, does not get along with what is held.
///
/// What is held under the same version is read as the new shape, whichever of its shapes it has, whatever the mode (unless
/// that is [`Mode::None`]). What is held under older versions is read by steps. What older code reads is the latest shape,
/// or any where the mode is transitive.
///
/// Where a type now says what it is stored as and did not before, nothing is compared: that something is known of it is no
/// change of it.
pub(crate) fn incompatibilities(
    mode: Mode,
    version: SchemaVersion,
    new: &Schema,
    held: &HeldSchemas<'_>,
) -> Vec<Incompatibility> {
    let mut found = Vec::new();
    let mut check = |version, direction, reader: &Schema, writer: &Schema| {
        let breaks = reader.can_read(writer).err().unwrap_or_default().into_iter();
        let breaks = breaks.filter(|broken| !is_learnt(broken, direction));
        found.extend(breaks.map(|broken| Incompatibility { version, direction, broken }));
    };
    if mode != Mode::None {
        for earlier in held.get(&version).into_iter().flatten() {
            check(version, Direction::Backward, new, earlier);
        }
    }
    if mode.directions().contains(&Direction::Forward) {
        let older =
            held.range(..=version).rev().flat_map(|(version, shapes)| shapes.iter().map(|shape| (*version, shape)));
        for (version, earlier) in older.take(if mode.is_transitive() { usize::MAX } else { 1 }) {
            check(version, Direction::Forward, earlier, new);
        }
    }
    found
}

/// Whether nothing was known of the earlier shape at this place, and something is of the new one.
fn is_learnt(broken: &Break, direction: Direction) -> bool {
    let BreakReason::Unknown { reader, writer } = &broken.reason else { return false };
    let (new, earlier) = match direction {
        Direction::Backward => (reader, writer),
        Direction::Forward => (writer, reader),
    };
    matches!(earlier, Shape::Opaque(_)) && !matches!(new, Shape::Opaque(_))
}
