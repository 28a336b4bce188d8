//! Data models: what a C compiler is told of its target before it lays out a type.

use super::{BitFieldRule, Float, Scalar};
use crate::{Align, Size};

/// The integer types whose format C leaves to the implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntName {
    /// `char`
    Char,
    /// `long`
    Long,
    /// `unsigned long`
    ULong,
    /// `wchar_t`
    WChar,
    /// `size_t`, `uintptr_t`
    SizeT,
    /// `ptrdiff_t`, `ssize_t`, `intptr_t`
    PtrDiff,
}

/// The sizes, alignments and layout rules of one target.
#[derive(Debug, PartialEq, Eq)]
pub struct DataModel {
    /// The name that users and tests know it by.
    pub name: &'static str,
    /// A pointer's size, and its alignment.
    pub pointer: Size,
    /// Whether `char` is signed.
    pub char_signed: bool,
    /// `long`'s size.
    pub long: Size,
    /// `wchar_t`.
    pub wchar: Scalar,
    /// The format of `long double`.
    pub long_double: Float,
    /// The size of the x87 format in memory.
    pub x87_size: Size,
    /// The x87 format's alignment.
    pub x87_align: Align,
    /// The alignment of 8-byte integers inside a record.
    pub int64_align: Align,
    /// The alignment of `double` inside a record.
    pub double_align: Align,
    /// Whether there is `__int128`.
    pub int128: bool,
    /// How bit-fields are packed.
    pub bit_fields: BitFieldRule,
}
