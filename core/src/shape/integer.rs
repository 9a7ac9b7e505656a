//! Whole numbers.

use std::fmt;

/// A type of whole numbers, which is a range: MessagePack stores a number in as few bytes as it needs, whatever its type.
///
/// The two of 128 bits are stored as 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the type of Rust of that name")]
pub enum Integer {
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
}

impl Integer {
    /// All of them.
    pub const ALL: [Self; 10] =
        [Self::I8, Self::I16, Self::I32, Self::I64, Self::I128, Self::U8, Self::U16, Self::U32, Self::U64, Self::U128];

    /// Whether it has negative numbers.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64 | Self::I128)
    }

    /// How many bits a number has.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::I8 | Self::U8 => 8,
            Self::I16 | Self::U16 => 16,
            Self::I32 | Self::U32 => 32,
            Self::I64 | Self::U64 => 64,
            Self::I128 | Self::U128 => 128,
        }
    }

    /// Whether its range includes that of `other`.
    #[must_use]
    pub const fn includes(self, other: Self) -> bool {
        match (self.is_signed(), other.is_signed()) {
            (true, true) | (false, false) => self.bits() >= other.bits(),
            (true, false) => self.bits() > other.bits(),
            (false, true) => false,
        }
    }

    /// The type's name in Rust, which is also its text form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
        }
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
