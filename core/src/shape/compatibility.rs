//! Whether what was written as one shape can be read as another.
//!
//! The rules are those of [Avro's schema resolution](https://avro.apache.org/docs/1.12.0/specification/#schema-resolution),
//! asked of all values at once: a reader can read a writer when it can read every value that the writer may have written.
//!
//! | read as | what may have been written |
//! |---|---|
//! | an integer | an integer whose range it includes (Avro: int as long) |
//! | `f32`, `f64` | any integer of up to 64 bits, as the nearest number; `f64` also an `f32` |
//! | `text` | `char` |
//! | `bytes` | `text`, `bytes(n)`, `uuid` |
//! | `bytes(16)`, `uuid` | each other |
//! | `T?` | nil, and whatever can be read as `T` |
//! | a list, a map, a tuple | the same of something that can be read; a list also what has a fixed length |
//! | a record | a record: fields by name or the reader's alias; one that was not written needs a default |
//! | an enum | an enum: variants by name or the reader's alias; one that is not known needs a default |
//! | a union | whatever one of its alternatives can read |
//! | anything | a union of which it can read every alternative |
//! | `opaque("T")` | `opaque("T")` |
//!
//! # Where this differs from Avro
//!
//! * **Names of records, enums and fixed bytes do not count.** They are not stored; a struct may be renamed.
//! * **`bytes` cannot be read as `text`**: bytes that are no UTF-8 are refused when they are read. Avro has it so, and leaves
//!   the error to the reader.
//! * **`bytes(n)` and `uuid` can be read as `bytes`**: they are stored alike.
//! * **A list can be read from what has a fixed length**, which Avro does not have.
//! * **A missing field that is an option is none**, where Avro wants the default to be written.
//! * **Two fields that were written cannot be read as one**, of which one is an alias: serde refuses it. Avro takes the first.
//! * **Variants have content**, which is compared too, and a variant may have aliases; Avro's symbols have neither. A default
//!   takes over only what it can skip: a name with content in front of it is an error to serde.
//! * **Fields may be left out, flattened, or refused when they are not known**, as serde's attributes have it. What cannot
//!   be told is a break.
//! * **A flattened map may hold any name** but those of the fields that are always beside it: that of a field that was left out,
//!   of a new one, of an alias. It reads whatever no field took: the entries of every other flattened map, and the fields of
//!   parts that are declared behind it, or that have flattened parts of their own.

mod breaks;
mod entries;
mod fields;
mod names;
#[cfg(test)]
mod tests;
mod variants;

use std::collections::HashSet;

pub use breaks::{Break, BreakReason, Path};
use breaks::{DEPTH_MAX, Step};
#[cfg(feature = "avro")]
pub(super) use entries::{Entries, Entry};

use super::{Integer, Schema, Shape};

impl Schema {
    /// Whether everything that was written as `writer` can be read as this.
    ///
    /// # Errors
    /// Every [`Break`]; for a type that occurs at several places, where it is met first.
    pub fn can_read(&self, writer: &Self) -> Result<(), Vec<Break>> {
        let mut check = Check::new(self, writer);
        check.shapes(&self.shape, &writer.shape);
        if check.breaks.is_empty() { Ok(()) } else { Err(check.breaks) }
    }

    /// What `shape` is when it is the name of a type; a name that only leads back to itself stays one.
    pub(super) fn resolve<'a>(&'a self, shape: &'a Shape) -> &'a Shape {
        let mut resolved = shape;
        for _ in 0..=self.types.len() {
            let Shape::Named(name) = resolved else {
                return resolved;
            };
            resolved = self.types.get(name).unwrap_or(resolved);
        }
        resolved
    }
}

/// A shape that is read and one that was written.
type Pair<'a> = (&'a Shape, &'a Shape);

/// One comparison of two schemas.
struct Check<'a> {
    reader: &'a Schema,
    writer: &'a Schema,
    path: Path,
    breaks: Vec<Break>,
    /// Pairs with a name in them that were met: taken to hold until a break says otherwise, which is where recursion ends.
    assumed: HashSet<Pair<'a>>,
    /// The same in the order in which they were met.
    assumptions: Vec<Pair<'a>>,
    /// Pairs with a name in them that do not hold, as far as a trial has told.
    refuted: HashSet<Pair<'a>>,
    /// How many trials are under way.
    trials: usize,
    /// How many shapes are being compared that are inside each other.
    depth: usize,
}

static NIL: Shape = Shape::Unit;

impl<'a> Check<'a> {
    fn new(reader: &'a Schema, writer: &'a Schema) -> Self {
        Self {
            reader,
            writer,
            path: Path::default(),
            breaks: Vec::new(),
            assumed: HashSet::new(),
            assumptions: Vec::new(),
            refuted: HashSet::new(),
            trials: 0,
            depth: 0,
        }
    }

    /// Adds the breaks between two shapes.
    fn shapes(&mut self, reader: &'a Shape, writer: &'a Shape) {
        if self.depth == DEPTH_MAX {
            return self.break_here(BreakReason::TooDeep);
        }
        self.depth += 1;
        self.remembered(reader, writer);
        self.depth -= 1;
    }

    fn remembered(&mut self, reader: &'a Shape, writer: &'a Shape) {
        if !matches!((reader, writer), (Shape::Named(_), _) | (_, Shape::Named(_))) {
            return self.resolved(reader, writer);
        }
        let pair = (reader, writer);
        if self.trials > 0 && self.refuted.contains(&pair) {
            return self.differ(reader, writer);
        }
        if !self.assumed.insert(pair) {
            return;
        }
        self.assumptions.push(pair);
        let before = self.breaks.len();
        self.resolved(self.reader.resolve(reader), self.writer.resolve(writer));
        if self.breaks.len() > before {
            self.refuted.insert(pair);
        }
    }

    fn resolved(&mut self, reader: &'a Shape, writer: &'a Shape) {
        match (reader, writer) {
            (_, Shape::Option(some)) => {
                if !self.holds(reader, &NIL) {
                    self.break_here(BreakReason::Nil { reader: reader.clone() });
                }
                self.shapes(reader, some);
            }
            (_, Shape::Union(alternatives)) => {
                for (index, alternative) in alternatives.iter().enumerate() {
                    self.inside(Step::Alternative(index), reader, alternative);
                }
            }
            (Shape::Option(_), Shape::Unit) => {}
            (Shape::Option(some), _) => self.shapes(some, writer),
            (Shape::Union(alternatives), _) => {
                if !alternatives.iter().any(|alternative| self.holds(alternative, writer)) {
                    self.break_here(BreakReason::NoAlternative { writer: writer.clone() });
                }
            }
            (Shape::List(_) | Shape::Array(..) | Shape::Tuple(_), _) => self.lists(reader, writer),
            (Shape::Map(key, value), Shape::Map(written_key, written_value)) => {
                self.inside(Step::Keys, key, written_key);
                self.inside(Step::Values, value, written_value);
            }
            (Shape::Record(record), Shape::Record(written)) => self.records(record, written),
            (Shape::Enum(one_of), Shape::Enum(written)) => self.enums(one_of, written),
            (Shape::Opaque(one), Shape::Opaque(other)) if one == other => {}
            (Shape::Opaque(_), _) | (_, Shape::Opaque(_)) => {
                self.break_here(BreakReason::Unknown { reader: reader.clone(), writer: writer.clone() });
            }
            _ if plain(reader, writer) => {}
            _ => self.differ(reader, writer),
        }
    }

    fn lists(&mut self, reader: &'a Shape, writer: &'a Shape) {
        if let (Some(read), Some(written)) = (length(reader), length(writer))
            && read != written
        {
            return self.break_here(BreakReason::Length { reader: read, writer: written });
        }
        match (reader, writer) {
            (Shape::List(item), Shape::List(written)) => self.inside(Step::Items, item, written),
            (Shape::List(_) | Shape::Array(..), Shape::Array(_, 0)) => {}
            (Shape::List(item) | Shape::Array(item, _), Shape::Array(written, _)) => {
                self.inside(Step::Items, item, written);
            }
            (Shape::List(item) | Shape::Array(item, _), Shape::Tuple(written)) => {
                for (index, written) in written.iter().enumerate() {
                    self.inside(Step::Item(index), item, written);
                }
            }
            (Shape::Tuple(items), Shape::Array(written, _)) => {
                for (index, item) in items.iter().enumerate() {
                    self.inside(Step::Item(index), item, written);
                }
            }
            (Shape::Tuple(items), Shape::Tuple(written)) => {
                for (index, (item, written)) in items.iter().zip(written).enumerate() {
                    self.inside(Step::Item(index), item, written);
                }
            }
            (_, Shape::Opaque(_)) => {
                self.break_here(BreakReason::Unknown { reader: reader.clone(), writer: writer.clone() });
            }
            _ => self.differ(reader, writer),
        }
    }

    /// Adds the breaks between shapes that are a step further inside.
    fn inside(&mut self, step: Step, reader: &'a Shape, writer: &'a Shape) {
        self.path.push(step);
        self.shapes(reader, writer);
        self.path.pop();
    }

    /// Whether there are no breaks between two shapes. None is added.
    fn holds(&mut self, reader: &'a Shape, writer: &'a Shape) -> bool {
        let (breaks, assumptions) = (self.breaks.len(), self.assumptions.len());
        self.trials += 1;
        self.shapes(reader, writer);
        self.trials -= 1;
        let holds = self.breaks.len() == breaks;
        if !holds {
            self.breaks.truncate(breaks);
            // What was met on the way may not hold either.
            for pair in self.assumptions.drain(assumptions..) {
                self.assumed.remove(&pair);
            }
        }
        holds
    }

    fn differ(&mut self, reader: &Shape, writer: &Shape) {
        self.break_here(BreakReason::Different { reader: reader.clone(), writer: writer.clone() });
    }

    fn break_here(&mut self, reason: BreakReason) {
        self.breaks.push(Break { path: self.path.clone(), reason });
    }

    fn break_at(&mut self, step: Step, reason: BreakReason) {
        self.breaks.push(Break { path: self.path.to(step), reason });
    }
}

/// How many items a list always has.
fn length(shape: &Shape) -> Option<usize> {
    match shape {
        Shape::Array(_, length) => Some(*length),
        Shape::Tuple(items) => Some(items.len()),
        _ => None,
    }
}

/// The rules for shapes that have nothing inside.
fn plain(reader: &Shape, writer: &Shape) -> bool {
    match (reader, writer) {
        (Shape::Integer(read), Shape::Integer(written)) => read.includes(*written),
        // The larger ones are stored as bytes.
        (Shape::F32 | Shape::F64, Shape::Integer(written)) => !matches!(written, Integer::I128 | Integer::U128),
        (Shape::F64, Shape::F32) | (Shape::Text, Shape::Char) => true,
        (Shape::Bytes, Shape::Text | Shape::Char | Shape::FixedBytes(_) | Shape::Uuid) => true,
        (Shape::FixedBytes(16), Shape::Uuid) | (Shape::Uuid, Shape::FixedBytes(16)) => true,
        (Shape::Unit, Shape::Unit)
        | (Shape::Bool, Shape::Bool)
        | (Shape::F32, Shape::F32)
        | (Shape::F64, Shape::F64)
        | (Shape::Char, Shape::Char)
        | (Shape::Text, Shape::Text)
        | (Shape::Bytes, Shape::Bytes)
        | (Shape::Uuid, Shape::Uuid) => true,
        (Shape::FixedBytes(read), Shape::FixedBytes(written)) => read == written,
        _ => false,
    }
}
