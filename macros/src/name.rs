//! Names: made from identifiers, and checked by the rules that `annals-core` has for them.

use darling::{Error, Result};
use syn::{Ident, ext::IdentExt};

use crate::value::Text;

/// The most characters of a name that a message repeats.
const SHOWN_CHARACTERS_MAX: usize = 40;

/// A kind of name and its rule. What passes here never fails when the program runs.
pub(crate) struct Rule {
    /// What the messages call it.
    pub(crate) what: &'static str,
    /// Characters that have a meaning of their own in it.
    pub(crate) forbidden: &'static [char],
    /// Whether a leading `$` is kept for annals.
    pub(crate) reserved: bool,
    /// Whether it is made of lower-case letters, digits, `_` and `-` alone, and begins with a letter.
    pub(crate) plain: bool,
    /// The most bytes.
    pub(crate) bytes_max: usize,
}

/// The stored name of a kind of event or command.
pub(crate) const STORED: Rule =
    Rule { what: "stored name", forbidden: &[], reserved: true, plain: false, bytes_max: 255 };

/// The first part of the stored names of an enum's variants.
pub(crate) const PREFIX: Rule = Rule { what: "prefix", ..STORED };

/// The category of an aggregate's streams; the id's key and a `-` follow it.
pub(crate) const AGGREGATE: Rule =
    Rule { what: "aggregate name", forbidden: &['/', '-', '$'], reserved: false, plain: false, bytes_max: 253 };

/// The first part of a tag; a `:` and the value follow it.
pub(crate) const TAG: Rule =
    Rule { what: "tag name", forbidden: &[':'], reserved: false, plain: false, bytes_max: 253 };

/// What a type is called in shapes.
pub(crate) const TYPE: Rule =
    Rule { what: "name of a shape", forbidden: &[], reserved: false, plain: false, bytes_max: 255 };

/// What a projection's rows and checkpoint are kept under.
pub(crate) const PROJECTION: Rule =
    Rule { what: "projection name", forbidden: &[], reserved: false, plain: true, bytes_max: 64 };

/// What a saga's instances are kept under; a `-` and the key follow it.
pub(crate) const SAGA: Rule = Rule { what: "saga name", forbidden: &['-'], ..PROJECTION };

/// What a reaction's place in the log and its commands are kept under; a `-` and the key follow it.
pub(crate) const REACTION: Rule = Rule { what: "reaction name", ..SAGA };

/// A table of a read model.
pub(crate) const TABLE: Rule = Rule { what: "table name", ..PROJECTION };

/// An index of a table.
pub(crate) const INDEX: Rule = Rule { what: "index name", ..PROJECTION };

impl Rule {
    /// Checks `name`; the error says what is wrong and has no place yet.
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        match self.fault(name) {
            Some(fault) => {
                let shown = name.chars().take(SHOWN_CHARACTERS_MAX).collect::<String>();
                Err(Error::custom(format!("the {} {shown:?} {fault}", self.what)))
            }
            None => Ok(()),
        }
    }

    /// Checks `name`; the error stands at its place.
    pub(crate) fn check_text(&self, name: &Text) -> Result<()> {
        self.check(&name.text).map_err(|error| error.with_span(&name.span))
    }

    fn fault(&self, name: &str) -> Option<String> {
        if name.is_empty() {
            return Some("is empty".into());
        }
        if name.len() > self.bytes_max {
            return Some(format!("has {} bytes, at most {} are allowed", name.len(), self.bytes_max));
        }
        if self.reserved && name.starts_with('$') {
            return Some("begins with '$', which is reserved for annals".into());
        }
        if let Some(character) = name.chars().find(|character| character.is_control()) {
            return Some(format!("holds the control character {character:?}"));
        }
        if let Some(character) = name.chars().find(|character| self.forbidden.contains(character)) {
            return Some(format!("holds {character:?}, which is not allowed here"));
        }
        self.plain.then(|| self.unplain(name)).flatten()
    }

    /// What keeps `name` from being a plain one.
    fn unplain(&self, name: &str) -> Option<String> {
        let is_part = |character: &char| character.is_ascii_lowercase() || matches!(character, '0'..='9' | '_' | '-');
        if let Some(character) = name.chars().find(|character| !is_part(character)) {
            let allowed = if self.forbidden.contains(&'-') { "digits and `_`" } else { "digits, `_` and `-`" };
            return Some(format!("holds {character:?}: lower-case letters, {allowed} are allowed"));
        }
        let first = name.chars().next().filter(|first| !first.is_ascii_lowercase())?;
        Some(format!("begins with {first:?}: it begins with a letter"))
    }
}

/// `HttpV2Called` as `http_v2_called`; a run of capitals is one word: `HTTPCalled` as `http_called`.
pub(crate) fn snake_case(ident: &Ident) -> String {
    let letters: Vec<char> = ident.unraw().to_string().chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let ends_word = before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
        let begins_word = before.is_some_and(|before| before.is_uppercase())
            && letters.get(at + 1).is_some_and(|after| after.is_lowercase());
        if letter.is_uppercase() && (ends_word || begins_word) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn identifiers_become_words() {
        for (ident, snake) in [
            ("Opened", "opened"),
            ("BalanceCorrected", "balance_corrected"),
            ("HTTPCalled", "http_called"),
            ("HttpV2Called", "http_v2_called"),
            ("Already_Snake", "already_snake"),
            ("X", "x"),
            ("CallHTTP", "call_http"),
        ] {
            assert_eq!(snake_case(&Ident::new(ident, Span::call_site())), snake);
        }
        assert_eq!(snake_case(&Ident::new_raw("type", Span::call_site())), "type");
    }

    #[test]
    fn names_that_core_would_refuse_are_refused_here() {
        let long = "x".repeat(256);
        for (rule, name, message) in [
            (STORED, "", "the stored name \"\" is empty"),
            (STORED, "$a", "the stored name \"$a\" begins with '$', which is reserved for annals"),
            (STORED, "a\n", "the stored name \"a\\n\" holds the control character '\\n'"),
            (AGGREGATE, "a-b", "the aggregate name \"a-b\" holds '-', which is not allowed here"),
            (TAG, "a:b", "the tag name \"a:b\" holds ':', which is not allowed here"),
            (PROJECTION, "", "the projection name \"\" is empty"),
            (TABLE, "a:b", "the table name \"a:b\" holds ':': lower-case letters, digits, `_` and `-` are allowed"),
            (SAGA, "a-b", "the saga name \"a-b\" holds '-', which is not allowed here"),
            (SAGA, "a b", "the saga name \"a b\" holds ' ': lower-case letters, digits and `_` are allowed"),
            (REACTION, "a-b", "the reaction name \"a-b\" holds '-', which is not allowed here"),
            (INDEX, "2nd", "the index name \"2nd\" begins with '2': it begins with a letter"),
        ] {
            assert_eq!(rule.check(name).unwrap_err().to_string(), message);
        }
        assert!(STORED.check(&long).unwrap_err().to_string().ends_with("has 256 bytes, at most 255 are allowed"));
        assert!(STORED.check(&long[1..]).is_ok());
        assert!(
            PROJECTION.check(&long[..65]).unwrap_err().to_string().ends_with("has 65 bytes, at most 64 are allowed")
        );
        assert!(PROJECTION.check("daily_turnover-2").is_ok());
    }
}
