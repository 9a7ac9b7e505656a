//! Types that say what they are stored as.

mod own;
mod std;

use super::{Shape, Types};

/// A type that says what it is stored as. Derive it with `#[derive(Shape)]`, which reads serde's attributes.
///
/// By hand it names the type and describes its fields:
///
/// ```
/// use annals_core::shape::{Field, Record, Schema, Shape, Shaped, Types};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Line { amount: i64, lines: Vec<Line> }
///
/// impl Shaped for Line {
///     fn shape(types: &mut Types) -> Shape {
///         types.named::<Self>("Line", |types| {
///             let fields = [Field::new("amount", i64::shape(types)), Field::new("lines", Vec::<Line>::shape(types))];
///             Record::new(fields).into()
///         })
///     }
/// }
/// assert_eq!(Schema::of::<Line>().to_string(), "Line\nLine = { amount: i64, lines: [Line] }");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it is stored as",
    note = "derive it: `#[derive(Serialize, Deserialize, Shape)]`"
)]
pub trait Shaped {
    /// What a value is stored as: what `Serialize` writes into MessagePack with structs as maps, and `Deserialize` reads.
    ///
    /// The types that it names are added to `types`.
    fn shape(types: &mut Types) -> Shape;

    /// Whether a field of this type that is missing is read without `serde(default)`: an `Option` is then `None`.
    #[must_use]
    fn is_optional() -> bool {
        false
    }
}
