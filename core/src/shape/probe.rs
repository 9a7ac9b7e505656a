//! What derived code asks of a type of which it does not know whether it says what it is stored as.

use std::marker::PhantomData;

use super::{Field, Shape, Shaped, Types};

/// A question about `T`. Its methods are those below when `T` is [`Shaped`], and those of [`Unknown`] when it is not.
///
/// That is decided where it is written, so that `T` has to be a type, not a parameter.
///
/// ```
/// use annals_core::shape::{Probe, Types, Unknown as _};
///
/// struct Foreign;
/// let types = &mut Types::new();
/// assert_eq!(Probe::<u8>::new().shape("u8", types).to_string(), "u8");
/// assert_eq!(Probe::<Foreign>::new().shape("Foreign", types).to_string(), "opaque(\"Foreign\")");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> Probe<T> {
    /// The question.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is named where it is asked, never taken for granted")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Shaped + ?Sized> Probe<T> {
    /// What [`Shaped::OPTIONAL`] says.
    pub const OPTIONAL: bool = T::OPTIONAL;

    /// What [`Shaped::shape`] says.
    pub fn shape(&self, _written: &str, types: &mut Types) -> Shape {
        T::shape(types)
    }

    /// A field of that shape.
    pub fn field(&self, name: &str, _written: &str, types: &mut Types) -> Field {
        let field = Field::new(name, T::shape(types));
        if T::OPTIONAL { field.or_default() } else { field }
    }
}

/// The answers for a type that is not [`Shaped`].
pub trait Unknown {
    /// Unless something is known, a field must be there.
    const OPTIONAL: bool = false;

    /// [`Shape::Opaque`], with the type as it is written.
    fn shape(&self, written: &str, _types: &mut Types) -> Shape {
        Shape::opaque(written)
    }

    /// A field of that shape.
    fn field(&self, name: &str, written: &str, _types: &mut Types) -> Field {
        Field::new(name, Shape::opaque(written))
    }
}

impl<T: ?Sized> Unknown for Probe<T> {}
