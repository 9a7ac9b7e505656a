//! The named types that are met while a shape is described.

use std::{
    any::TypeId,
    collections::{BTreeMap, HashMap},
};

use super::{Name, Shape};

/// The named types that were met so far. A type that is met again is referred to by its name, which is where the
/// description of a recursive type ends.
#[derive(Debug, Default)]
pub struct Types {
    known: HashMap<TypeId, Known>,
    /// `None` while it is being described.
    shapes: BTreeMap<Name, Option<Shape>>,
}

#[derive(Debug)]
struct Known {
    name: Name,
    is_referred_to: bool,
}

impl Types {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refers to `T` as `name`, and describes it when it is met for the first time.
    ///
    /// A second type of the same name is called `name2`: better give one of them another name.
    pub fn named<T: 'static>(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Shape) -> Shape {
        if let Some(reference) = self.refer::<T>() {
            return reference;
        }
        let name = self.begin::<T>(name);
        let shape = describe(self);
        self.shapes.insert(name.clone(), Some(shape));
        Shape::Named(name)
    }

    /// Describes `T` as what it is around: a newtype leaves no trace in what is stored. Only one that contains itself
    /// needs its name.
    pub fn transparent<T: 'static>(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Shape) -> Shape {
        if let Some(reference) = self.refer::<T>() {
            return reference;
        }
        let name = self.begin::<T>(name);
        let shape = describe(self);
        if self.known.get(&TypeId::of::<T>()).is_some_and(|known| known.is_referred_to) {
            self.shapes.insert(name.clone(), Some(shape));
            return Shape::Named(name);
        }
        self.known.remove(&TypeId::of::<T>());
        self.shapes.remove(&name);
        shape
    }

    /// What was described, by name.
    pub(super) fn into_shapes(self) -> BTreeMap<Name, Shape> {
        self.shapes.into_iter().filter_map(|(name, shape)| Some((name, shape?))).collect()
    }

    fn refer<T: 'static>(&mut self) -> Option<Shape> {
        let known = self.known.get_mut(&TypeId::of::<T>())?;
        known.is_referred_to = true;
        Some(Shape::Named(known.name.clone()))
    }

    fn begin<T: 'static>(&mut self, name: &str) -> Name {
        let mut free = Name::from(name);
        let mut count = 1_u32;
        while self.shapes.contains_key(&free) {
            count += 1;
            free = format!("{name}{count}").into();
        }
        self.shapes.insert(free.clone(), None);
        self.known.insert(TypeId::of::<T>(), Known { name: free.clone(), is_referred_to: false });
        free
    }
}
