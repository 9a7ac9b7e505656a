//! Why one shape cannot be read as another, and where.

use std::fmt;

use thiserror::Error;

use crate::shape::{Name, Shape, Tagging};

/// A place at which what was written cannot be read. Give the event a new version with an upcaster, or take the change
/// back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path} {reason}")]
pub struct Break {
    /// The place.
    pub path: Path,
    /// What is wrong there.
    pub reason: BreakReason,
}

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BreakReason {
    /// The two have nothing to do with each other, or the reader's range is smaller.
    #[error("is read as {}, but was written as {}", Brief(.reader), Brief(.writer))]
    Different {
        /// What it is read as.
        reader: Shape,
        /// What it was written as.
        writer: Shape,
    },
    /// Nil is not among what is read. Make it an option.
    #[error("may have been written as nil, but is read as {}", Brief(.reader))]
    Nil {
        /// What it is read as.
        reader: Shape,
    },
    /// None of the alternatives reads it.
    #[error("was written as {}, which is none of the alternatives that are read", Brief(.writer))]
    NoAlternative {
        /// What it was written as.
        writer: Shape,
    },
    /// A list has another length.
    #[error("is read as {reader} items, but was written as {writer}")]
    Length {
        /// How many are read.
        reader: usize,
        /// How many were written.
        writer: usize,
    },
    /// The field is new. Give it a default, or an alias if it had another name.
    #[error("was not written, and has no default")]
    NoDefault,
    /// The field was not always written. Give it a default.
    #[error("may have been left out when it was written, and has no default")]
    MayBeLeftOut,
    /// Two fields that were written are read as one, which serde refuses. Remove an alias.
    #[error("is read from {first} and from {second}, which were both written")]
    ReadTwice {
        /// A field.
        first: Name,
        /// Another.
        second: Name,
    },
    /// The field is gone, and `deny_unknown_fields` refuses what is not known.
    #[error("was written, but fields that are not known are refused")]
    Refused,
    /// Where parts are flattened, it cannot be told what is read as what.
    #[error("stands beside flattened parts, of which it cannot be told what was written")]
    Flattened,
    /// The variant is gone. Keep it, give another its name as an alias, or have a `serde(other)`.
    #[error("may have been written, but no variant is called so")]
    NoVariant,
    /// The variant had no content.
    #[error("was written without content, but is read with some")]
    ContentMissing,
    /// The variant had content, which is not read.
    #[error("was written with content, but is read as a bare name")]
    ContentUnread,
    /// The name of the variant stands elsewhere.
    #[error("is read with the variant's name {}, but was written with it {}", Place(.reader), Place(.writer))]
    Tagging {
        /// Where it is looked for.
        reader: Tagging,
        /// Where it was written.
        writer: Tagging,
    },
    /// One of the two says nothing of itself.
    #[error("is read as {}, but was written as {}: nothing is known of what is opaque", Brief(.reader), Brief(.writer))]
    Unknown {
        /// What it is read as.
        reader: Shape,
        /// What it was written as.
        writer: Shape,
    },
    /// It is nested too deeply to be compared.
    #[error("is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// How deep shapes are compared.
pub(super) const DEPTH_MAX: usize = 256;

/// A place in a shape: `lines[].amount`.
///
/// | text | place |
/// |---|---|
/// | `a.b` | the field `b` of the field `a` |
/// | `a[]`, `a[2]` | every item; the item at index 2 |
/// | `a{key}`, `a{}` | every key; every value |
/// | `a::B` | the variant `B` |
/// | `a(2)` | the second alternative |
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path {
    steps: Vec<Step>,
}

/// A step from a shape to one inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Field(Name),
    Items,
    Item(usize),
    Keys,
    Values,
    Variant(Name),
    Alternative(usize),
}

impl Path {
    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn pop(&mut self) {
        self.steps.pop();
    }

    pub(super) fn to(&self, step: Step) -> Self {
        let mut path = self.clone();
        path.push(step);
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("the whole");
        }
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Field(name) if index == 0 => write!(f, "{name}")?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Items => f.write_str("[]")?,
                Step::Item(at) => write!(f, "[{at}]")?,
                Step::Keys => f.write_str("{key}")?,
                Step::Values => f.write_str("{}")?,
                Step::Variant(name) => write!(f, "::{name}")?,
                Step::Alternative(at) => write!(f, "({})", at + 1)?,
            }
        }
        Ok(())
    }
}

/// A shape in a few words.
struct Brief<'a>(&'a Shape);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Shape::Unit => "nil",
            Shape::Option(_) => "an option",
            Shape::List(_) => "a list",
            Shape::Array(..) | Shape::Tuple(_) => "a list of one length",
            Shape::Map(..) => "a map",
            Shape::Record(_) => "a record",
            Shape::Enum(_) => "an enum",
            Shape::Union(_) => "one of several alternatives",
            plain => return plain.fmt(f),
        })
    }
}

/// Where the name of a variant stands.
struct Place<'a>(&'a Tagging);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Tagging::External => f.write_str("in front of the content"),
            Tagging::Internal { tag } => write!(f, "in the field {tag} of the content"),
            Tagging::Adjacent { tag, content } => write!(f, "in {tag} beside the content in {content}"),
        }
    }
}
