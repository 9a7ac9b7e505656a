//! The text of shapes, and what types say of themselves.

pub(super) mod arbitrary;
mod described;
mod texts;
