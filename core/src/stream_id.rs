//! Which events belong together: tenant, category and key.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::text::{self, InvalidText, TextProblem, text_type};

text_type! {
    /// One of several parties that share a store and must not see each other.
    ///
    /// 1 to 255 bytes of UTF-8 without control characters and `/`, not beginning with `$`.
    Tenant, "tenant", text::check_unreserved, &['/']
}

text_type! {
    /// The kind of thing a stream is about: `account`, `order`. Usually the name of an aggregate.
    ///
    /// 1 to 255 bytes of UTF-8 without control characters, `/`, `-` and `$`.
    Category, "category", text::check, &['/', '-', '$']
}

/// The name of a stream: an optional tenant, a category and a key.
///
/// As text `account-42` or `acme/account-42`: a `/` ends the tenant, then the first `-` ends the category. The text
/// has 1 to 255 bytes of UTF-8 and no control characters. Ids are compared byte by byte: two spellings that merely
/// look alike are two streams. Cloning is cheap.
///
/// ```
/// use annals_core::StreamId;
/// let id: StreamId = "acme/account-1-b".parse()?;
/// assert_eq!(id.tenant(), Some("acme"));
/// assert_eq!(id.category(), "account");
/// assert_eq!(id.key(), "1-b");
/// # Ok::<(), annals_core::InvalidText>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId {
    text: SmolStr,
    category_start: u8,
    category_end: u8,
}

const WHAT: &str = "stream id";

impl StreamId {
    /// The stream of `category` and `key` that belongs to no tenant.
    ///
    /// # Errors
    /// [`InvalidText`] when a part breaks its rules or the whole exceeds 255 bytes.
    pub fn new(category: impl AsRef<str>, key: impl AsRef<str>) -> Result<Self, InvalidText> {
        Self::of(None, category.as_ref(), key.as_ref())
    }

    /// The stream of `category` and `key`, of `tenant` or of none.
    ///
    /// # Errors
    /// [`InvalidText`] when a part breaks its rules or the whole exceeds 255 bytes.
    pub fn of(tenant: Option<&Tenant>, category: &str, key: &str) -> Result<Self, InvalidText> {
        let (text, category_start) = match tenant {
            None => ([category, "-", key].concat(), 0),
            Some(tenant) => ([tenant.as_str(), "/", category, "-", key].concat(), tenant.as_str().len() + 1),
        };
        // Where the text falls apart into just these parts, nothing is wrong with any of them.
        if let Some((start, end)) = plain_category(&text)
            && (usize::from(start), usize::from(end)) == (category_start, category_start + category.len())
        {
            return Ok(Self { text: text.into(), category_start: start, category_end: end });
        }
        Category::new(category)?;
        text::check("key of a stream", key, &['/'])?;
        Self::parse_thoroughly(&text)
    }

    fn parse(text: &str) -> Result<Self, InvalidText> {
        if let Some((category_start, category_end)) = plain_category(text) {
            return Ok(Self { text: text.into(), category_start, category_end });
        }
        Self::parse_thoroughly(text)
    }

    fn parse_thoroughly(text: &str) -> Result<Self, InvalidText> {
        text::check_unreserved(WHAT, text, &[])?;
        let fail = |problem| Err(InvalidText::new(WHAT, text, problem));
        let category_start = text.find('/').map_or(0, |slash| slash + 1);
        let (tenant, rest) = text.split_at(category_start);
        if tenant == "/" {
            return fail(TextProblem::Missing { part: "a tenant before the '/'" });
        }
        if let Some(slash) = rest.find('/') {
            return fail(TextProblem::Forbidden { character: '/', at: category_start + slash });
        }
        let Some((category, key)) = rest.split_once('-') else {
            return fail(TextProblem::Missing { part: "a '-' between category and key" });
        };
        if category.is_empty() {
            return fail(TextProblem::Missing { part: "a category before the '-'" });
        }
        if let Some(dollar) = category.find('$') {
            return fail(TextProblem::Forbidden { character: '$', at: category_start + dollar });
        }
        if key.is_empty() {
            return fail(TextProblem::Missing { part: "a key after the '-'" });
        }
        // The text has at most 255 bytes, so every offset fits a byte.
        let category_end = u8::try_from(category_start + category.len()).unwrap_or(u8::MAX);
        let category_start = u8::try_from(category_start).unwrap_or(u8::MAX);
        Ok(Self { text: text.into(), category_start, category_end })
    }

    /// Tenant and category of the stream whose id has this text.
    pub(crate) fn parts_of(text: &str) -> (Option<&str>, &str) {
        let (tenant, rest) = match find(text, b'/').and_then(|slash| text.split_at_checked(slash)) {
            Some((tenant, rest)) => (Some(tenant), rest.get(1..).unwrap_or_default()),
            None => (None, text),
        };
        (tenant, find(rest, b'-').and_then(|dash| rest.get(..dash)).unwrap_or(rest))
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The tenant, if the stream belongs to one.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        let end = usize::from(self.category_start).checked_sub(1)?;
        self.text.get(..end)
    }

    /// The category.
    #[must_use]
    pub fn category(&self) -> &str {
        self.text.get(usize::from(self.category_start)..usize::from(self.category_end)).unwrap_or_default()
    }

    /// The key: everything behind the first `-` of the category.
    #[must_use]
    pub fn key(&self) -> &str {
        self.text.get(usize::from(self.category_end) + 1..).unwrap_or_default()
    }

    /// The id without its tenant: `account-42`. This is the key of the stream's rows in `$streams` and `$closed`.
    #[must_use]
    pub fn within_tenant(&self) -> &str {
        self.text.get(usize::from(self.category_start)..).unwrap_or_default()
    }
}

/// Where the category of a plain id begins and ends: one of printable ASCII in which nothing is wrong. One pass, since
/// every id that is read back comes by here; `None` leaves the text to the thorough checks.
fn plain_category(text: &str) -> Option<(u8, u8)> {
    let (mut start, mut end) = (0, None);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'/' if start == 0 && at > 0 => (start, end) = (at + 1, None),
            b'-' if end.is_none() => end = Some(at),
            b'/' => return None,
            b'$' if end.is_none() => return None,
            b' '..=b'~' => {}
            _ => return None,
        }
    }
    let end = end.filter(|end| *end > start && end + 1 < text.len() && text.len() <= text::TEXT_BYTES_MAX)?;
    Some((u8::try_from(start).ok()?, u8::try_from(end).ok()?))
}

/// Where `text` has an ASCII character. For short texts this is several times faster than the standard library's search.
fn find(text: &str, character: u8) -> Option<usize> {
    text.bytes().position(|byte| byte == character)
}

impl FromStr for StreamId {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for StreamId {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl TryFrom<&str> for StreamId {
    type Error = InvalidText;
    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<StreamId> for String {
    fn from(id: StreamId) -> Self {
        id.text.into()
    }
}

impl PartialEq for StreamId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for StreamId {}

impl PartialOrd for StreamId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StreamId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for StreamId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// Lets maps that are keyed by stream be asked with the bare text.
impl std::borrow::Borrow<str> for StreamId {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamId({:?})", &*self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_dash_after_the_tenant_ends_the_category() {
        let id: StreamId = "a-b/account-1-2".parse().unwrap();
        assert_eq!((id.tenant(), id.category(), id.key()), (Some("a-b"), "account", "1-2"));
        assert_eq!(id.within_tenant(), "account-1-2");
        for text in ["a-b/account-1-2", "account-1", "a/b-c"] {
            let id: StreamId = text.parse().unwrap();
            assert_eq!(StreamId::parts_of(text), (id.tenant(), id.category()));
        }
    }

    /// The quick way and the thorough one take the same texts, and see the same parts.
    #[test]
    fn the_quick_way_agrees_with_the_thorough_one() {
        let characters = ['a', '-', '/', '$', '\n', 'é'];
        for number in 0..characters.len().pow(6) {
            let text: String = (0..6).map(|digit| characters[number / characters.len().pow(digit) % 6]).collect();
            for text in [text.as_str(), text.trim_end_matches('a')] {
                let thorough = StreamId::parse_thoroughly(text);
                assert_eq!(StreamId::parse(text).is_ok(), thorough.is_ok(), "{text:?}");
                if let (Ok(id), Some(quick)) = (thorough, plain_category(text)) {
                    assert_eq!((id.category_start, id.category_end), quick, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn parts_make_an_id_exactly_when_each_is_in_order() {
        let characters = ["", "a", "-", "/", "$", "\n", "é"];
        let texts = || characters.iter().flat_map(|one| characters.map(|other| [*one, other].concat()));
        for tenant in [None, Some(Tenant::new("t").unwrap()), Some(Tenant::new("t-t").unwrap())] {
            for (category, key) in texts().flat_map(|category| texts().map(move |key| (category.clone(), key))) {
                let id = StreamId::of(tenant.as_ref(), &category, &key);
                let in_order = Category::new(&category).is_ok() && text::check("key", &key, &['/']).is_ok();
                assert_eq!(id.is_ok(), in_order, "{category:?} {key:?}");
                if let Ok(id) = id {
                    let parts = (id.tenant(), id.category(), id.key());
                    assert_eq!(parts, (tenant.as_ref().map(Tenant::as_str), category.as_str(), key.as_str()));
                    assert_eq!(id, id.as_str().parse().unwrap());
                }
            }
        }
    }

    #[test]
    fn parts_and_text_agree() {
        let tenant = Tenant::new("acme").unwrap();
        let id = StreamId::of(Some(&tenant), "account", "42").unwrap();
        assert_eq!(id, "acme/account-42".parse().unwrap());
    }

    #[test]
    fn bad_ids_are_refused_with_their_reason() {
        let long = format!("a-{}", "x".repeat(254));
        for (text, reason) in [
            ("", "is empty"),
            ("account", "lacks a '-' between category and key"),
            ("account-", "lacks a key after the '-'"),
            ("-1", "lacks a category before the '-'"),
            ("/account-1", "lacks a tenant before the '/'"),
            ("a/b/c-1", "holds '/' at byte 3, which is not allowed here"),
            ("$all-1", "begins with '$', which is reserved for annals"),
            ("t/$all-1", "holds '$' at byte 2, which is not allowed here"),
            ("a\0b-1", "holds the control character '\\0' at byte 1"),
            (long.as_str(), "has 256 bytes, at most 255 are allowed"),
        ] {
            let error = text.parse::<StreamId>().unwrap_err();
            assert_eq!(error.problem.to_string(), reason, "{text:?}");
        }
    }

    #[test]
    fn a_key_cannot_smuggle_in_a_category_or_tenant() {
        assert!(StreamId::new("a-b", "1").is_err());
        assert!(StreamId::new("t/a", "1").is_err());
        let error = StreamId::new("a", "1/2").unwrap_err();
        assert_eq!(error.to_string(), "key of a stream \"1/2\" holds '/' at byte 1, which is not allowed here");
    }
}
