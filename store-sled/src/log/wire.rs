//! Reading and writing plain numbers and texts in bytes.

use bytes::Bytes;

/// Appends `number` in groups of seven bits, the lowest first, all but the last with the high bit set (LEB128).
pub(crate) fn put_varint(output: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        output.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    output.push(u8::try_from(number).unwrap_or_default());
}

/// Appends `number` so that small ones of either sign are short (zigzag).
pub(crate) fn put_signed(output: &mut Vec<u8>, number: i64) {
    put_varint(output, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Appends the length of `bytes`, then the bytes.
pub(crate) fn put_bytes(output: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(output, bytes.len() as u64);
    output.extend_from_slice(bytes);
}

/// Takes a number in groups of seven bits from the front of `bytes`, or says `None` as a [`Cursor`] does.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        *bytes = rest;
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes a number of either sign from the front of `bytes`.
pub(crate) fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let number = take_varint(bytes)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

/// Takes what the functions above wrote from the front of a buffer; every method says `None` where the buffer ends
/// too early or holds nonsense.
pub(crate) struct Cursor {
    bytes: Bytes,
}

impl Cursor {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes }
    }

    pub(crate) fn rest(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.first()?;
        self.take(1)?;
        Some(byte)
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<Bytes> {
        (count <= self.bytes.len()).then(|| self.bytes.split_to(count))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.as_ref().try_into().ok()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(crate) fn bytes(&mut self) -> Option<Bytes> {
        let length = self.varint()?;
        self.take(usize::try_from(length).ok()?)
    }

    pub(crate) fn text(&mut self) -> Option<Text> {
        let bytes = self.bytes()?;
        std::str::from_utf8(&bytes).is_ok().then_some(Text(bytes))
    }
}

/// Bytes that are known to be UTF-8.
pub(crate) struct Text(Bytes);

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut output = Vec::new();
            put_varint(&mut output, number);
            assert_eq!(Cursor::new(output.into()).varint(), Some(number));
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            let mut output = Vec::new();
            put_signed(&mut output, number);
            assert_eq!(Cursor::new(output.into()).signed(), Some(number));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Cursor::new(vec![0xff; 10].into()).varint(), None);
        assert_eq!(Cursor::new(vec![0x80].into()).varint(), None);
        assert_eq!(Cursor::new(vec![5, 1].into()).bytes(), None);
    }
}
