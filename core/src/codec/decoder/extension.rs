//! Extensions of MessagePack: a number that says what they are, and bytes. Given out as `rmp_serde` does: a newtype around
//! both.

use serde::de::{
    self, DeserializeSeed, Error as _, IntoDeserializer, SeqAccess, Visitor,
    value::{BorrowedBytesDeserializer, I8Deserializer},
};

use super::{Decoder, Failure};

impl<'de> Decoder<'de> {
    /// The extension that begins with the byte `first`, which was read.
    #[cold]
    pub(super) fn extension<V: Visitor<'de>>(&mut self, first: u8, visitor: V) -> Result<V::Value, Failure> {
        let length = match first {
            0xd4..=0xd8 => 1 << (first - 0xd4),
            0xc7 => self.length_u8()?,
            0xc8 => self.length_u16()?,
            0xc9 => self.length_u32()?,
            _ => return Err(Failure::custom("it is not an extension")),
        };
        let tag = i8::from_be_bytes(self.array()?);
        visitor.visit_newtype_struct(Extension { tag: Some(tag), bytes: Some(self.take(length)?) })
    }
}

/// What is still to be given out.
struct Extension<'de> {
    tag: Option<i8>,
    bytes: Option<&'de [u8]>,
}

impl<'de> SeqAccess<'de> for Extension<'de> {
    type Error = Failure;
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        if let Some(tag) = self.tag.take() {
            let tag: I8Deserializer<Failure> = tag.into_deserializer();
            return seed.deserialize(tag).map(Some);
        }
        let Some(bytes) = self.bytes.take() else { return Ok(None) };
        seed.deserialize(BorrowedBytesDeserializer::new(bytes)).map(Some)
    }
}

impl<'de> de::Deserializer<'de> for Extension<'de> {
    type Error = Failure;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(self)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
