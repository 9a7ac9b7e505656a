//! A shape with all that it refers to.

use std::collections::BTreeMap;

use super::{Name, Shape, Shaped, Types};

/// A shape together with the types that it refers to by name: all there is to know of a stored form.
///
/// The text form is the shape's, followed by a line `name = shape` for each type in the order of names:
///
/// ```
/// use annals_core::shape::Schema;
///
/// let schema: Schema = "{ lines: [Line] }\nLine = { amount: i64 }".parse()?;
/// assert_eq!(schema.to_string(), "{ lines: [Line] }\nLine = { amount: i64 }");
/// # Ok::<(), annals_core::shape::InvalidShape>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schema {
    pub(super) shape: Shape,
    /// Invariant: every name that occurs in `shape` and in these has an entry.
    pub(super) types: BTreeMap<Name, Shape>,
}

impl Schema {
    /// The stored form of `T`.
    #[must_use]
    pub fn of<T: Shaped>() -> Self {
        Self::describe(T::shape)
    }

    /// The stored form that `describe` says.
    ///
    /// A name that it gives out without the [`Types`] having a type of it stands for a type that nothing is known of.
    #[must_use]
    pub fn describe(describe: impl FnOnce(&mut Types) -> Shape) -> Self {
        let mut types = Types::new();
        let shape = describe(&mut types);
        let mut types = types.into_shapes();
        let mut strangers = Vec::new();
        for shape in types.values().chain([&shape]) {
            shape.visit_names(&mut |name| strangers.extend((!types.contains_key(name)).then(|| name.clone())));
        }
        types.extend(strangers.into_iter().map(|name| (name.clone(), Shape::Opaque(name))));
        Self { shape, types }
    }

    /// The shape, whose names [`get`](Self::get) knows.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The type called `name`, if the shape refers to it.
    #[must_use]
    pub fn get(&self, name: &Name) -> Option<&Shape> {
        self.types.get(name)
    }

    /// The types that the shape refers to, in the order of their names.
    pub fn types(&self) -> impl Iterator<Item = (&Name, &Shape)> {
        self.types.iter()
    }
}
