//! Which earlier shapes a new one has to get along with.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{Break, Schema};
use crate::SchemaVersion;

/// Which earlier shapes a new one has to get along with, and in which direction; the modes of schema registries.
///
/// As text it is `backward`, `backward-transitive` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// With none.
    None,
    /// The new shape reads what the latest version wrote: readers are deployed first.
    #[default]
    Backward,
    /// The new shape reads what every version wrote.
    BackwardTransitive,
    /// The latest version reads what the new shape writes: writers are deployed first.
    Forward,
    /// Every version reads what the new shape writes.
    ForwardTransitive,
    /// Both ways with the latest version.
    Full,
    /// Both ways with every version.
    FullTransitive,
}

/// A text that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{found:?} is no mode of compatibility, expected one of none, backward, forward, full, or one of the last three with -transitive"
)]
pub struct InvalidMode {
    /// The text.
    pub found: String,
}

/// A place at which a shape does not get along with an earlier version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("version {version} {direction}: {broken}")]
pub struct Incompatibility {
    /// The earlier version.
    pub version: SchemaVersion,
    /// Which of the two cannot read the other.
    pub direction: Direction,
    /// Where, and why.
    pub broken: Break,
}

/// Which of two shapes reads the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The new one reads the earlier one.
    Backward,
    /// The earlier one reads the new one.
    Forward,
}

impl Mode {
    /// All of them, each with its text.
    const TEXTS: [(Self, &'static str); 7] = [
        (Self::None, "none"),
        (Self::Backward, "backward"),
        (Self::BackwardTransitive, "backward-transitive"),
        (Self::Forward, "forward"),
        (Self::ForwardTransitive, "forward-transitive"),
        (Self::Full, "full"),
        (Self::FullTransitive, "full-transitive"),
    ];

    /// Whether `new` gets along with the `earlier` versions, in whatever order they are.
    ///
    /// # Errors
    /// Every [`Incompatibility`], by version in ascending order.
    pub fn check(self, new: &Schema, earlier: &[(SchemaVersion, Schema)]) -> Result<(), Vec<Incompatibility>> {
        let mut versions: Vec<_> = earlier.iter().collect();
        versions.sort_by_key(|(version, _)| *version);
        let first = if self.is_transitive() { 0 } else { versions.len().saturating_sub(1) };
        let mut found = Vec::new();
        for (version, schema) in versions.into_iter().skip(first) {
            for direction in self.directions() {
                let breaks = match direction {
                    Direction::Backward => new.can_read(schema),
                    Direction::Forward => schema.can_read(new),
                };
                let breaks = breaks.err().unwrap_or_default().into_iter();
                found.extend(breaks.map(|broken| Incompatibility { version: *version, direction: *direction, broken }));
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// Whether all earlier versions count, not the latest alone.
    #[must_use]
    pub const fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    /// Who has to read whom.
    #[must_use]
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::None => &[],
            Self::Backward | Self::BackwardTransitive => &[Direction::Backward],
            Self::Forward | Self::ForwardTransitive => &[Direction::Forward],
            Self::Full | Self::FullTransitive => &[Direction::Backward, Direction::Forward],
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Self::TEXTS.into_iter().find(|(mode, _)| mode == self);
        f.write_str(text.map_or("none", |(_, text)| text))
    }
}

impl FromStr for Mode {
    type Err = InvalidMode;

    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        let mode = Self::TEXTS.into_iter().find(|(_, own)| *own == text);
        mode.map(|(mode, _)| mode).ok_or_else(|| InvalidMode { found: text.to_owned() })
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backward => "cannot be read by the new shape",
            Self::Forward => "cannot read the new shape",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u32) -> SchemaVersion {
        SchemaVersion::new(number).unwrap()
    }

    fn schema(text: &str) -> Schema {
        text.parse().unwrap()
    }

    /// Whether each mode, in the order of its declaration, holds.
    fn verdicts(new: &str, earlier: &[&str]) -> [bool; 7] {
        let mut earlier: Vec<_> = (1..).map(version).zip(earlier.iter().map(|text| schema(text))).collect();
        earlier.reverse();
        Mode::TEXTS.map(|(mode, _)| mode.check(&schema(new), &earlier).is_ok())
    }

    #[test]
    fn a_mode_looks_at_its_versions_in_its_directions() {
        assert_eq!(verdicts("{ a: i64 }", &[]), [true; 7]);
        // Wider: reads all before, is read by those of its width.
        assert_eq!(verdicts("{ a: i64 }", &["{ a: i32 }", "{ a: i64 }"]), [true, true, true, true, false, true, false]);
        // Narrower.
        assert_eq!(verdicts("{ a: i32 }", &["{ a: i64 }", "{ a: i32 }"]), [true, true, false, true, true, true, false]);
        // A field that must be there: it is ignored by what is older, which lacks it.
        assert_eq!(verdicts("{ a: i8, b: i8 }", &["{ a: i8 }"]), [true, false, false, true, true, false, false]);
        assert_eq!(verdicts("{ a: i8 }", &["{ a: i8, b: i8 }"]), [true, true, true, false, false, false, false]);
    }

    #[test]
    fn an_incompatibility_names_version_direction_path_and_reason() {
        let earlier = [(version(2), schema("{ lines: [{ amount: i64 }] }")), (version(1), schema("{ lines: [{}] }"))];
        let new = schema("{ lines: [{ amount: i32 }] }");
        let found = Mode::FullTransitive.check(&new, &earlier).unwrap_err();
        let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "version 1 cannot be read by the new shape: lines[].amount was not written, and has no default",
                "version 2 cannot be read by the new shape: lines[].amount is read as i32, but was written as i64",
            ]
        );
        let gone = Mode::Forward.check(&schema("{}"), &earlier).unwrap_err();
        assert_eq!(
            gone[0].to_string(),
            "version 2 cannot read the new shape: lines was not written, and has no default"
        );
    }

    #[test]
    fn a_mode_is_read_from_its_own_text() {
        for (mode, text) in Mode::TEXTS {
            assert_eq!((text.parse(), mode.to_string().as_str()), (Ok(mode), text));
        }
        assert!("sideways".parse::<Mode>().is_err());
        assert_eq!(Mode::default(), Mode::Backward);
    }
}
