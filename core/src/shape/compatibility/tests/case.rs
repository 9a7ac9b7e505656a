//! A case of reading what was written, and what Avro says of it.

use crate::shape::Schema;

/// A reader, a writer, and the verdict.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) reader: String,
    pub(super) writer: String,
    pub(super) reads: bool,
    #[cfg_attr(not(feature = "avro"), expect(dead_code, reason = "nobody is asked without the feature"))]
    pub(super) avro: Avro,
}

/// What Avro says of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Avro {
    /// The same, in its specification and its implementation in Rust.
    Same,
    /// The specification says otherwise: our rule differs on purpose, for this reason.
    Differs(&'static str),
    /// The specification says the same, but its implementation in Rust does not, for this reason.
    Misses(&'static str),
}

impl Case {
    /// Our rule differs from Avro's on purpose.
    pub(super) fn differs(self, reason: &'static str) -> Self {
        Self { avro: Avro::Differs(reason), ..self }
    }

    /// The implementation of Avro differs from its specification.
    pub(super) fn misses(self, reason: &'static str) -> Self {
        Self { avro: Avro::Misses(reason), ..self }
    }

    /// Whether our checker says what the case does.
    pub(super) fn check(&self) {
        let (reader, writer) = (schema(&self.reader), schema(&self.writer));
        let verdict = reader.can_read(&writer);
        assert_eq!(verdict.is_ok(), self.reads, "{self:#?} {verdict:#?}");
    }
}

/// What was written as `writer` can be read as `reader`.
pub(super) fn yes(reader: &str, writer: &str) -> Case {
    Case { reader: reader.into(), writer: writer.into(), reads: true, avro: Avro::Same }
}

/// It cannot.
pub(super) fn no(reader: &str, writer: &str) -> Case {
    Case { reads: false, ..yes(reader, writer) }
}

pub(super) fn schema(text: &str) -> Schema {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
