//! MessagePack into types, in one pass that refuses what would be dear to decode before it costs anything.
//!
//! It reads what `rmp_serde` reads, and as the same: bytes are written by that. What is beyond it: no more is entered
//! than [`DEPTH_MAX`] levels, no list or map is begun that has more parts than there are bytes left, and all bytes have
//! to be read. So neither stack nor memory depends on what bytes only announce.

mod extension;
mod variant;

use std::fmt::Display;

use ascii::{AsAsciiStr, AsciiStr};
use rmp_serde::MSGPACK_EXT_STRUCT_NAME;
use serde::de::{
    self, DeserializeSeed, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
    value::{BorrowedStrDeserializer, SeqDeserializer, U64Deserializer},
};
use thiserror::Error;

use self::variant::{Unit, WithContent};
use super::{
    PayloadError,
    bounds::{self, DEPTH_MAX},
};

/// Why a value cannot be read. What is wrong with the bytes themselves is said by [`bounds`].
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct Failure(Box<str>);

impl de::Error for Failure {
    #[cold]
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string().into())
    }
}

/// What is left of the bytes.
pub(super) struct Decoder<'de> {
    rest: &'de [u8],
    /// How many more levels may be entered.
    levels: usize,
}

/// Reads one value that is all of `bytes`.
pub(super) fn decode_all<'de, T>(
    bytes: &'de [u8],
    read: impl FnOnce(&mut Decoder<'de>) -> Result<T, Failure>,
) -> Result<T, PayloadError> {
    let mut decoder = Decoder { rest: bytes, levels: DEPTH_MAX };
    match read(&mut decoder) {
        Ok(value) if decoder.rest.is_empty() => Ok(value),
        Ok(_) => Err(refused(bytes, None)),
        Err(failure) => Err(refused(bytes, Some(failure))),
    }
}

/// What is wrong with the bytes whatever they should be, and else what is wrong with their shape.
#[cold]
fn refused(bytes: &[u8], failure: Option<Failure>) -> PayloadError {
    match (bounds::check(bytes), failure) {
        (Err(error), _) => error,
        (Ok(()), Some(Failure(reason))) => PayloadError::Shape { reason: reason.into() },
        (Ok(()), None) => PayloadError::Shape { reason: "a part of it is not read by its type".to_owned() },
    }
}

#[cold]
fn ended() -> Failure {
    Failure::custom("it ends before it should")
}

impl<'de> Decoder<'de> {
    fn peek(&self) -> Result<u8, Failure> {
        self.rest.first().copied().ok_or_else(ended)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(ended)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn first(&mut self) -> Result<u8, Failure> {
        self.array().map(|[first]| first)
    }

    fn take(&mut self, count: usize) -> Result<&'de [u8], Failure> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(ended)?;
        self.rest = rest;
        Ok(taken)
    }

    fn length_u8(&mut self) -> Result<usize, Failure> {
        self.array().map(|digits| usize::from(u8::from_be_bytes(digits)))
    }

    fn length_u16(&mut self) -> Result<usize, Failure> {
        self.array().map(|digits| usize::from(u16::from_be_bytes(digits)))
    }

    fn length_u32(&mut self) -> Result<usize, Failure> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| ended())
    }

    /// Enters a list or map of so many parts, each of so many values.
    fn within<T>(
        &mut self,
        parts: usize,
        values: usize,
        read: impl FnOnce(&mut Parts<'_, 'de>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let levels = self.levels;
        // A value takes a byte at least.
        if parts > self.rest.len() / values || (levels == 0 && parts > 0) {
            return Err(ended());
        }
        self.levels = levels.saturating_sub(usize::from(parts > 0));
        let mut within = Parts { decoder: self, left: parts, names: &[] };
        let value = read(&mut within)?;
        if within.left > 0 {
            return Err(Failure::custom(format!("it has {} parts too many", within.left)));
        }
        self.levels = levels;
        Ok(value)
    }

    fn list<V: Visitor<'de>>(&mut self, parts: usize, visitor: V) -> Result<V::Value, Failure> {
        self.within(parts, 1, |list| visitor.visit_seq(list))
    }

    fn map<V: Visitor<'de>>(&mut self, parts: usize, visitor: V) -> Result<V::Value, Failure> {
        self.within(parts, 2, |map| visitor.visit_map(map))
    }

    /// A map by the names of fields, or whatever else they are read from.
    #[inline]
    fn fields<V: Visitor<'de>>(&mut self, names: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        self.named(names, visitor, |map, visitor| visitor.visit_map(map))
    }

    /// The same for one who takes the number of a name in its place.
    #[inline]
    pub(super) fn numbered_fields<V: Visitor<'de>>(
        &mut self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.named(names, visitor, |map, visitor| visitor.visit_map(Numbered { map, names: names.len() }))
    }

    #[inline]
    fn named<V: Visitor<'de>>(
        &mut self,
        names: &'static [&'static str],
        visitor: V,
        visit: impl FnOnce(&mut Parts<'_, 'de>, V) -> Result<V::Value, Failure>,
    ) -> Result<V::Value, Failure> {
        match self.rest.split_first() {
            Some((first @ 0x80..=0x8f, rest)) => {
                self.rest = rest;
                self.within(usize::from(first & 0x0f), 2, |map| {
                    map.names = names;
                    visit(map, visitor)
                })
            }
            _ => self.parts(visitor),
        }
    }

    fn text<V: Visitor<'de>>(&mut self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        let bytes = self.take(length)?;
        // Most texts are short and of ASCII alone, which is seen without a look at byte after byte.
        match bytes.as_ascii_str().map(AsciiStr::as_str).or_else(|_| str::from_utf8(bytes)) {
            Ok(text) => visitor.visit_borrowed_str(text),
            // Who takes bytes as well takes any.
            Err(error) => visitor.visit_borrowed_bytes::<Failure>(bytes).map_err(|_| Failure::custom(error)),
        }
    }

    /// Gives bytes as they are, or to one who wants a list as a list of numbers.
    fn bytes<V: Visitor<'de>>(&mut self, length: usize, visitor: V, as_list: bool) -> Result<V::Value, Failure> {
        let bytes = self.take(length)?;
        match as_list {
            false => visitor.visit_borrowed_bytes(bytes),
            true => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
        }
    }

    /// <https://github.com/msgpack/msgpack/blob/master/spec.md#formats>
    fn any<V: Visitor<'de>>(&mut self, visitor: V, as_list: bool) -> Result<V::Value, Failure> {
        let first = self.peek()?;
        if !matches!(first, 0x80..=0xbf | 0xc1 | 0xc4..=0xc9 | 0xd4..=0xdf) {
            return self.number(visitor);
        }
        self.first()?;
        match first {
            0x80..=0x8f => self.map(usize::from(first & 0x0f), visitor),
            0x90..=0x9f => self.list(usize::from(first & 0x0f), visitor),
            0xa0..=0xbf => self.text(usize::from(first & 0x1f), visitor),
            0xc4 => self.length_u8().and_then(|length| self.bytes(length, visitor, as_list)),
            0xc5 => self.length_u16().and_then(|length| self.bytes(length, visitor, as_list)),
            0xc6 => self.length_u32().and_then(|length| self.bytes(length, visitor, as_list)),
            0xd9 => self.length_u8().and_then(|length| self.text(length, visitor)),
            0xda => self.length_u16().and_then(|length| self.text(length, visitor)),
            0xdb => self.length_u32().and_then(|length| self.text(length, visitor)),
            0xdc => self.length_u16().and_then(|parts| self.list(parts, visitor)),
            0xdd => self.length_u32().and_then(|parts| self.list(parts, visitor)),
            0xde => self.length_u16().and_then(|parts| self.map(parts, visitor)),
            0xdf => self.length_u32().and_then(|parts| self.map(parts, visitor)),
            _ => self.extension(first, visitor),
        }
    }

    /// Any value.
    fn value<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Failure> {
        self.any(visitor, false)
    }

    /// Any value, for one who wants its parts.
    fn parts<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Failure> {
        self.any(visitor, true)
    }

    /// Any value: by the shortest way if it is a short text, as names are.
    #[inline]
    fn short_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Failure> {
        match self.rest.split_first() {
            Some((first @ 0xa0..=0xbf, rest)) => {
                self.rest = rest;
                self.text(usize::from(first & 0x1f), visitor)
            }
            _ => self.value(visitor),
        }
    }

    /// A number, a truth value or nil; nothing else.
    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Failure> {
        let first = self.first()?;
        match first {
            0x00..=0x7f => visitor.visit_u8(first),
            0xe0..=0xff => visitor.visit_i8(first.cast_signed()),
            0xc0 => visitor.visit_unit(),
            0xc2 | 0xc3 => visitor.visit_bool(first == 0xc3),
            0xca => visitor.visit_f32(f32::from_be_bytes(self.array()?)),
            0xcb => visitor.visit_f64(f64::from_be_bytes(self.array()?)),
            0xcc => visitor.visit_u8(u8::from_be_bytes(self.array()?)),
            0xcd => visitor.visit_u16(u16::from_be_bytes(self.array()?)),
            0xce => visitor.visit_u32(u32::from_be_bytes(self.array()?)),
            0xcf => visitor.visit_u64(u64::from_be_bytes(self.array()?)),
            0xd0 => visitor.visit_i8(i8::from_be_bytes(self.array()?)),
            0xd1 => visitor.visit_i16(i16::from_be_bytes(self.array()?)),
            0xd2 => visitor.visit_i32(i32::from_be_bytes(self.array()?)),
            0xd3 => visitor.visit_i64(i64::from_be_bytes(self.array()?)),
            _ => Err(Failure::invalid_type(kind_of(first), &visitor)),
        }
    }

    /// A number of 128 bits: a smaller one, or its bytes.
    fn wide(&mut self) -> Result<i128, Failure> {
        if self.peek()? == 0xc4 {
            let [_, 16] = self.array()? else {
                return Err(Failure::custom("a number of 128 bits is not 16 bytes long"));
            };
            return self.array().map(i128::from_be_bytes);
        }
        self.number(variant::Integer)
    }

    fn skip(&mut self) -> Result<(), Failure> {
        let length = bounds::length_of(self.rest, self.levels).map_err(Failure::custom)?;
        self.take(length).map(|_| ())
    }
}

/// What begins with this byte, to say that it is not expected.
#[cold]
fn kind_of(first: u8) -> Unexpected<'static> {
    match first {
        0x80..=0x8f | 0xde | 0xdf => Unexpected::Map,
        0x90..=0x9f | 0xdc | 0xdd => Unexpected::Seq,
        0xa0..=0xbf | 0xd9..=0xdb => Unexpected::Other("a text"),
        0xc4..=0xc6 => Unexpected::Other("bytes"),
        _ => Unexpected::Other("an extension"),
    }
}

/// What follows `name`, if `bytes` begin with it, written as a short text.
#[inline]
fn behind_name<'de>(bytes: &'de [u8], name: &str) -> Option<&'de [u8]> {
    let (first, rest) = bytes.split_first()?;
    let has_length = usize::from(first ^ 0xa0) == name.len() && name.len() < 32;
    if has_length { rest.strip_prefix(name.as_bytes()) } else { None }
}

/// The parts of a list or map that are still to be read.
struct Parts<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
    /// Names that are likely to come next as keys, in this order: those need not be looked at as text any more.
    names: &'static [&'static str],
}

impl<'de> Parts<'_, 'de> {
    #[inline]
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    /// Reads the next key if it is one of the names.
    #[inline]
    fn name(&mut self) -> Option<&'static str> {
        let left = self.left.checked_sub(1)?;
        let (name, names) = self.names.split_first()?;
        let Some(rest) = behind_name(self.decoder.rest, name) else { return self.later_name() };
        (self.left, self.names, self.decoder.rest) = (left, names, rest);
        Some(name)
    }

    /// The same where the first of the names is left out.
    #[cold]
    fn later_name(&mut self) -> Option<&'static str> {
        let left_out = self.names.iter().position(|name| behind_name(self.decoder.rest, name).is_some())?;
        self.names = self.names.get(left_out..)?;
        self.name()
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Failure;
    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.next(seed)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = Failure;
    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        match self.name() {
            None => self.next(seed),
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
        }
    }
    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(&mut *self.decoder)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The parts of a map whose keys are handed over as numbers where they are names.
struct Numbered<'a, 'b, 'de> {
    map: &'b mut Parts<'a, 'de>,
    /// How many names there are in all.
    names: usize,
}

impl<'de> MapAccess<'de> for Numbered<'_, '_, 'de> {
    type Error = Failure;
    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        match self.map.name() {
            None => self.map.next(seed),
            Some(_) => {
                let number = self.names - self.map.names.len() - 1;
                seed.deserialize(U64Deserializer::new(number as u64)).map(Some)
            }
        }
    }
    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        self.map.next_value_seed(seed)
    }
    fn size_hint(&self) -> Option<usize> {
        MapAccess::size_hint(self.map)
    }
}

/// Methods that read a value in the same way.
macro_rules! read_by {
    ($read:ident: $($method:ident)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.$read(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Decoder<'de> {
    type Error = Failure;

    fn is_human_readable(&self) -> bool {
        false
    }

    read_by! { number: deserialize_bool deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_i8
    deserialize_i16 deserialize_i32 deserialize_i64 deserialize_f32 deserialize_f64 }
    read_by! { value: deserialize_any deserialize_unit deserialize_bytes deserialize_byte_buf deserialize_map }
    read_by! { parts: deserialize_seq }
    read_by! { short_text: deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_i128(self.wide()?)
    }
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_u128(self.wide()?.cast_unsigned())
    }
    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.peek()? == 0xc0 {
            self.first()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        // It is written as an empty list.
        if self.peek()? == 0x90 {
            self.first()?;
            return visitor.visit_unit();
        }
        self.value(visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        if name == MSGPACK_EXT_STRUCT_NAME {
            let first = self.first()?;
            return self.extension(first, visitor);
        }
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.parts(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.parts(visitor)
    }
    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.fields(names, visitor)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        // A variant's name, or a map of its name and its content.
        match self.peek()? {
            0x81 => {
                self.first()?;
                self.within(1, 2, |map| {
                    map.left = 0;
                    visitor.visit_enum(WithContent(map.decoder))
                })
            }
            first @ (0x80..=0x9f | 0xdc..=0xdf) => Err(Failure::invalid_type(kind_of(first), &visitor)),
            _ => visitor.visit_enum(Unit(self)),
        }
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.skip()?;
        visitor.visit_unit()
    }
}

#[cfg(test)]
mod tests;
