//! The content of an enum's variant, without the variant's name, through the enum's own serde implementation.
//!
//! A serializer that is entered at the variant and hands its content on to MessagePack; a deserializer that says which
//! variant it is and takes the content from MessagePack. So every serde attribute of the user keeps its meaning.

use bytes::Bytes;
use rmp_serde::{
    Serializer,
    config::{DefaultConfig, StructMapConfig},
};
use serde::{
    Serialize,
    de::{self, DeserializeOwned, DeserializeSeed, Visitor, value::U32Deserializer},
    ser::{self, Error as _, Impossible, SerializeStruct},
};

use super::{
    CAPACITY, EncodeError, PayloadError,
    decoder::{Decoder, Failure, decode_all},
};

type Output = Serializer<Vec<u8>, StructMapConfig<DefaultConfig>>;
type Failed = rmp_serde::encode::Error;

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Bytes, EncodeError> {
    let mut output = Serializer::new(Vec::with_capacity(CAPACITY)).with_struct_map();
    value
        .serialize(VariantSerializer { output: &mut output })
        .map_err(|error| EncodeError { what: "event", reason: error.to_string() })?;
    Ok(output.into_inner().into())
}

/// `fields` is the number of fields that the variant reads, where it is known.
pub(super) fn decode<T: DeserializeOwned>(index: u32, fields: Option<usize>, bytes: &[u8]) -> Result<T, PayloadError> {
    decode_all(bytes, |content| T::deserialize(VariantDeserializer { index, fields, content }))
}

struct VariantSerializer<'a> {
    output: &'a mut Output,
}

struct StructVariant<'a>(<&'a mut Output as ser::Serializer>::SerializeStruct);

impl ser::SerializeStructVariant for StructVariant<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failed> {
        SerializeStruct::serialize_field(&mut self.0, key, value)
    }
    fn end(self) -> Result<(), Failed> {
        SerializeStruct::end(self.0)
    }
}

fn refuse<T>() -> Result<T, Failed> {
    Err(Failed::custom(
        "an event must be an enum in serde's default representation, its variants with named fields, one unnamed field or none",
    ))
}

/// Everything that is no variant of an enum is refused.
macro_rules! refuse {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, Failed> { refuse() })*
    };
}

impl<'a> ser::Serializer for VariantSerializer<'a> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Impossible<(), Failed>;
    type SerializeTuple = Impossible<(), Failed>;
    type SerializeTupleStruct = Impossible<(), Failed>;
    type SerializeTupleVariant = Impossible<(), Failed>;
    type SerializeMap = Impossible<(), Failed>;
    type SerializeStruct = Impossible<(), Failed>;
    type SerializeStructVariant = StructVariant<'a>;

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Failed> {
        SerializeStruct::end(ser::Serializer::serialize_struct(self.output, "", 0)?)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        value.serialize(self.output)
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        length: usize,
    ) -> Result<StructVariant<'a>, Failed> {
        ser::Serializer::serialize_struct(self.output, name, length).map(StructVariant)
    }

    refuse! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Failed> {
        refuse()
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Failed> {
        refuse()
    }
}

struct VariantDeserializer<'a, 'de> {
    index: u32,
    fields: Option<usize>,
    content: &'a mut Decoder<'de>,
}

impl<'de> de::Deserializer<'de> for VariantDeserializer<'_, 'de> {
    type Error = Failure;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> de::EnumAccess<'de> for VariantDeserializer<'_, 'de> {
    type Error = Failure;
    type Variant = Self;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Self::Error> {
        let name: U32Deserializer<Self::Error> = de::IntoDeserializer::into_deserializer(self.index);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for VariantDeserializer<'_, 'de> {
    type Error = Failure;
    fn unit_variant(self) -> Result<(), Self::Error> {
        // An empty map; a later version's fields are ignored.
        de::Deserializer::deserialize_map(self.content, de::IgnoredAny).map(|_| ())
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Self::Error> {
        seed.deserialize(self.content)
    }
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Self::Error> {
        de::Deserializer::deserialize_tuple(self.content, length, visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        // A field has a name at least. Where none has a second one, the number of a name is that of its field.
        match self.fields == Some(names.len()) {
            true => self.content.numbered_fields(names, visitor),
            false => de::Deserializer::deserialize_struct(self.content, "", names, visitor),
        }
    }
}

#[cfg(test)]
mod tests;
