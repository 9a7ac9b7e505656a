//! The types of the standard library, as serde writes them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque},
    marker::PhantomData,
    num::{
        NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32,
        NonZeroU64, NonZeroU128, NonZeroUsize, Wrapping,
    },
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use super::Shaped;
use crate::shape::{Field, Integer, Record, Shape, Types};

/// Types whose shape is always the same.
macro_rules! plain {
    ($($type:ty => $shape:expr),* $(,)?) => {$(
        impl Shaped for $type {
            fn shape(_: &mut Types) -> Shape {
                $shape
            }
        }
    )*};
}

plain! {
    () => Shape::Unit,
    bool => Shape::Bool,
    i8 => Shape::Integer(Integer::I8),
    i16 => Shape::Integer(Integer::I16),
    i32 => Shape::Integer(Integer::I32),
    i64 => Shape::Integer(Integer::I64),
    i128 => Shape::Integer(Integer::I128),
    isize => Shape::Integer(Integer::I64),
    u8 => Shape::Integer(Integer::U8),
    u16 => Shape::Integer(Integer::U16),
    u32 => Shape::Integer(Integer::U32),
    u64 => Shape::Integer(Integer::U64),
    u128 => Shape::Integer(Integer::U128),
    usize => Shape::Integer(Integer::U64),
    NonZeroI8 => Shape::Integer(Integer::I8),
    NonZeroI16 => Shape::Integer(Integer::I16),
    NonZeroI32 => Shape::Integer(Integer::I32),
    NonZeroI64 => Shape::Integer(Integer::I64),
    NonZeroI128 => Shape::Integer(Integer::I128),
    NonZeroIsize => Shape::Integer(Integer::I64),
    NonZeroU8 => Shape::Integer(Integer::U8),
    NonZeroU16 => Shape::Integer(Integer::U16),
    NonZeroU32 => Shape::Integer(Integer::U32),
    NonZeroU64 => Shape::Integer(Integer::U64),
    NonZeroU128 => Shape::Integer(Integer::U128),
    NonZeroUsize => Shape::Integer(Integer::U64),
    f32 => Shape::F32,
    f64 => Shape::F64,
    char => Shape::Char,
    str => Shape::Text,
    String => Shape::Text,
    Duration => Record::new([
        Field::new("secs", Shape::Integer(Integer::U64)),
        Field::new("nanos", Shape::Integer(Integer::U32)),
    ]).into(),
}

impl<T: ?Sized> Shaped for PhantomData<T> {
    fn shape(_: &mut Types) -> Shape {
        // A unit struct, which is stored as an empty list.
        Shape::Tuple(Vec::new())
    }
}

impl<T: Shaped> Shaped for Option<T> {
    fn shape(types: &mut Types) -> Shape {
        Shape::option(T::shape(types))
    }

    fn is_optional() -> bool {
        true
    }
}

/// Types that are stored as what they hold.
macro_rules! pointer {
    ($($pointer:ty),*) => {$(
        impl<T: Shaped + ?Sized> Shaped for $pointer {
            fn shape(types: &mut Types) -> Shape {
                T::shape(types)
            }

            fn is_optional() -> bool {
                T::is_optional()
            }
        }
    )*};
}

pointer!(&T, Box<T>, Rc<T>, Arc<T>);

impl<T: Shaped + ToOwned + ?Sized> Shaped for Cow<'_, T> {
    fn shape(types: &mut Types) -> Shape {
        T::shape(types)
    }
}

impl<T: Shaped> Shaped for Wrapping<T> {
    fn shape(types: &mut Types) -> Shape {
        T::shape(types)
    }
}

impl<T: Shaped> Shaped for [T] {
    fn shape(types: &mut Types) -> Shape {
        Shape::list(T::shape(types))
    }
}

/// Types that are stored as a list of what they hold; the parameters behind the first are not stored.
macro_rules! list {
    ($($list:ident<T $(, $other:ident)?>),*) => {$(
        impl<T: Shaped $(, $other)?> Shaped for $list<T $(, $other)?> {
            fn shape(types: &mut Types) -> Shape {
                Shape::list(T::shape(types))
            }
        }
    )*};
}

list!(Vec<T>, VecDeque<T>, LinkedList<T>, BinaryHeap<T>, BTreeSet<T>, HashSet<T, S>);

impl<K: Shaped, V: Shaped, S> Shaped for HashMap<K, V, S> {
    fn shape(types: &mut Types) -> Shape {
        Shape::map(K::shape(types), V::shape(types))
    }
}

impl<K: Shaped, V: Shaped> Shaped for BTreeMap<K, V> {
    fn shape(types: &mut Types) -> Shape {
        Shape::map(K::shape(types), V::shape(types))
    }
}

impl<T: Shaped, const LENGTH: usize> Shaped for [T; LENGTH] {
    fn shape(types: &mut Types) -> Shape {
        Shape::array(T::shape(types), LENGTH)
    }
}

macro_rules! tuple {
    ($($item:ident)*) => {
        impl<$($item: Shaped),*> Shaped for ($($item,)*) {
            fn shape(types: &mut Types) -> Shape {
                Shape::Tuple(vec![$($item::shape(types)),*])
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
