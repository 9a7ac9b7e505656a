//! The text of shapes, and what types say of themselves.

mod arbitrary;
mod described;
mod texts;
