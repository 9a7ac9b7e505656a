//! What derived code asks of a type of which it does not know whether it says what it is stored as.

use std::{marker::PhantomData, ops::Deref};

use super::{Field, Shape, Shaped, Types};

/// A question about `T`. Its methods are those below when `T` is [`Shaped`], and those of [`Unknown`] when it is not.
///
/// That is decided where it is written, so that `T` has to be a type, not a parameter.
///
/// ```
/// use annals_core::shape::{Probe, Types};
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
    #[expect(clippy::new_without_default, reason = "a question has no default")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Shaped + ?Sized> Probe<T> {
    /// What [`Shaped::shape`] says.
    pub fn shape(&self, _written: &str, types: &mut Types) -> Shape {
        T::shape(types)
    }

    /// A field of that shape.
    pub fn field(&self, name: &str, _written: &str, types: &mut Types) -> Field {
        let field = Field::new(name, T::shape(types));
        if T::is_optional() { field.or_default() } else { field }
    }

    /// What [`Shaped::is_optional`] says.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        T::is_optional()
    }
}

/// The methods of a [`Probe`] of a type that is not [`Shaped`]: they are found where its own do not apply.
impl<T: ?Sized> Deref for Probe<T> {
    type Target = Unknown;

    fn deref(&self) -> &Unknown {
        &Unknown
    }
}

/// The answers for a type that is not [`Shaped`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Unknown;

impl Unknown {
    /// [`Shape::Opaque`], with the type as it is written.
    pub fn shape(&self, written: &str, _types: &mut Types) -> Shape {
        Shape::opaque(written)
    }

    /// A field of that shape, which must be there.
    pub fn field(&self, name: &str, written: &str, _types: &mut Types) -> Field {
        Field::new(name, Shape::opaque(written))
    }

    /// Not that anything is known of.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        false
    }
}
