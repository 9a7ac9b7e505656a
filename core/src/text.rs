//! The one rule for short texts (ids, names, tags, keys), and the types that carry it.

use thiserror::Error;

/// The most bytes any name, id, tag or key may have.
pub const TEXT_BYTES_MAX: usize = 255;

/// A text that cannot serve as the name, id, tag or key it was meant for.
///
/// Nothing was written. Correct the text: it is never trimmed, cut or normalised for you.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} {found:?} {problem}")]
pub struct InvalidText {
    /// What the text was meant to be: `stream id`, `tag`, `table` ...
    pub what: &'static str,
    /// The text as it was given, cut to its first 80 characters.
    pub found: String,
    /// What is wrong with it.
    pub problem: TextProblem,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextProblem {
    /// It has no characters.
    #[error("is empty")]
    Empty,
    /// It has more bytes than allowed.
    #[error("has {found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length in bytes.
        found: usize,
        /// The most bytes allowed.
        limit: usize,
    },
    /// It holds a control character.
    #[error("holds the control character {character:?} at byte {at}")]
    ControlCharacter {
        /// The character.
        character: char,
        /// Its byte offset.
        at: usize,
    },
    /// It holds a character that has a meaning of its own at this place.
    #[error("holds {character:?} at byte {at}, which is not allowed here")]
    Forbidden {
        /// The character.
        character: char,
        /// Its byte offset.
        at: usize,
    },
    /// It begins with `$`, which is kept for annals itself.
    #[error("begins with '$', which is reserved for annals")]
    Reserved,
    /// A part that must be there is not.
    #[error("lacks {part}")]
    Missing {
        /// The part: `a '-' between category and key` ...
        part: &'static str,
    },
}

impl InvalidText {
    pub(crate) fn new(what: &'static str, found: &str, problem: TextProblem) -> Self {
        let found = found.chars().take(80).collect();
        Self { what, found, problem }
    }
}

/// Checks length, control characters and `forbidden` ones.
pub(crate) fn check(what: &'static str, text: &str, forbidden: &[char]) -> Result<(), InvalidText> {
    let fail = |problem| Err(InvalidText::new(what, text, problem));
    if text.is_empty() {
        return fail(TextProblem::Empty);
    }
    if text.len() > TEXT_BYTES_MAX {
        return fail(TextProblem::TooLong { found: text.len(), limit: TEXT_BYTES_MAX });
    }
    if forbidden.is_empty() && is_plain(text) {
        return Ok(());
    }
    for (at, character) in text.char_indices() {
        if character.is_control() {
            return fail(TextProblem::ControlCharacter { character, at });
        }
        if forbidden.contains(&character) {
            return fail(TextProblem::Forbidden { character, at });
        }
    }
    Ok(())
}

/// Whether all characters are printable ones of ASCII: the usual case, told in one pass without a branch a byte.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| plain & (b' '..=b'~').contains(&byte))
}

/// [`check`], and no leading `$` either.
pub(crate) fn check_unreserved(what: &'static str, text: &str, forbidden: &[char]) -> Result<(), InvalidText> {
    check(what, text, forbidden)?;
    if text.starts_with('$') {
        return Err(InvalidText::new(what, text, TextProblem::Reserved));
    }
    Ok(())
}

/// Declares a cheap-to-clone text type whose constructor checks `$check`.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path, $forbidden:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(smol_str::SmolStr);

        impl $name {
            #[doc = concat!("Takes `text` as a ", $what, ".\n\n# Errors\n[`InvalidText`](crate::InvalidText) when it breaks the rules above.")]
            pub fn new(text: impl AsRef<str>) -> Result<Self, $crate::InvalidText> {
                let text = text.as_ref();
                $check($what, text, $forbidden)?;
                Ok(Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidText;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::InvalidText;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use text_type;
