//! What Avro cannot express.

use thiserror::Error;

use crate::shape::Name;

/// A shape that has no counterpart in Avro. Nothing was made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AvroError {
    /// A type says nothing of itself. Derive its shape.
    #[error("{name} is opaque: nothing is known of the type {written}")]
    Opaque {
        /// Where, as the record there would be called.
        name: Name,
        /// The type.
        written: Name,
    },
    /// Fields stand beside a part that is no record. Give that part a field of its own.
    #[error("{name} has a flattened part that is no record")]
    Flattened {
        /// The record.
        name: Name,
    },
    /// A type contains itself with no record around it, or it has more than some thousands of parts, nested in more than
    /// some dozens of levels. Avro has names for records alone: make one of it.
    #[error("{name} contains itself with no record around it, or is too large")]
    TooLarge {
        /// What was exported.
        name: Name,
    },
    /// A field has a default, of whose type no zero is known. Make it an option.
    #[error("the field {field} of {name} has a default, but its type has no zero that could be written for it")]
    NoZero {
        /// The record.
        name: Name,
        /// The field.
        field: Name,
    },
    /// The rules of Avro refuse it: two alternatives of a kind, or two names that are one without the characters that Avro
    /// does not allow.
    #[error("refused by Avro: {reason}")]
    Refused {
        /// The message of Avro.
        reason: String,
    },
}
