//! The variants of an enum within a payload: a name alone, or a map of a name and the content.

use serde::de::{self, DeserializeSeed, EnumAccess, Error as _, Unexpected, VariantAccess, Visitor};

use super::{Decoder, Failure};

/// A variant's name alone.
pub(super) struct Unit<'a, 'de>(pub(super) &'a mut Decoder<'de>);

impl<'de> EnumAccess<'de> for Unit<'_, 'de> {
    type Error = Failure;
    type Variant = Self;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        Ok((seed.deserialize(&mut *self.0)?, self))
    }
}

impl<'de> VariantAccess<'de> for Unit<'_, 'de> {
    type Error = Failure;
    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Failure> {
        Err(Failure::invalid_type(Unexpected::UnitVariant, &"newtype variant"))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Failure> {
        Err(Failure::invalid_type(Unexpected::UnitVariant, &"tuple variant"))
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Failure> {
        Err(Failure::invalid_type(Unexpected::UnitVariant, &"struct variant"))
    }
}

/// A variant's name, and its content behind it.
pub(super) struct WithContent<'a, 'de>(pub(super) &'a mut Decoder<'de>);

impl<'de> EnumAccess<'de> for WithContent<'_, 'de> {
    type Error = Failure;
    type Variant = Self;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        Ok((seed.deserialize(&mut *self.0)?, self))
    }
}

impl<'de> VariantAccess<'de> for WithContent<'_, 'de> {
    type Error = Failure;
    fn unit_variant(self) -> Result<(), Failure> {
        match self.0.first()? {
            0xc0 => Ok(()),
            _ => Err(Failure::custom("a variant without fields has content")),
        }
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(self.0)
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.0.parts(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        self.0.fields(names, visitor)
    }
}

/// Takes a whole number of any size up to 64 bits.
pub(super) struct Integer;

impl Visitor<'_> for Integer {
    type Value = i128;
    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a whole number")
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i128, E> {
        Ok(number.into())
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i128, E> {
        Ok(number.into())
    }
}
