//! What an event is about, beyond its stream.

use std::fmt;

use crate::text::{self, InvalidText, text_type};

text_type! {
    /// What an event is about, beyond its stream: `student:42`, `course:7`. Queries and conditions select by it.
    ///
    /// 1 to 255 bytes of UTF-8 without control characters. A tag belongs to the tenant of its record's stream.
    Tag, "tag", text::check, &[]
}

impl Tag {
    /// The tag `name:value`.
    ///
    /// # Errors
    /// [`InvalidText`] when the text is longer than 255 bytes or holds control characters.
    pub fn of(name: &str, value: impl fmt::Display) -> Result<Self, InvalidText> {
        Self::new(format!("{name}:{value}"))
    }
}
