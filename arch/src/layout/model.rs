//! Data models: what a C compiler is told of its target before it lays out a type.

use super::{BitFieldRule, Float, RecordRule, Scalar};
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
    /// The alignment beyond which a vector is not aligned to its size.
    pub vector_align: Align,
    /// Whether there is `__int128`. On 64-bit Windows clang has it, Microsoft's compiler has not.
    pub int128: bool,
    /// Who lays out structs and unions.
    pub records: RecordRule,
    /// How bit-fields are packed.
    pub bit_fields: BitFieldRule,
    /// Whether a bit-field without a name aligns its record as one with a name does.
    pub unnamed_bit_fields_align: bool,
}

impl DataModel {
    /// x86-64 on Linux and the BSDs (System V psABI AMD64, "Data Representation").
    pub const LP64: DataModel = DataModel {
        name: "LP64",
        pointer: Size::of(8),
        char_signed: true,
        long: Size::of(8),
        wchar: Scalar::I32,
        long_double: Float::X87,
        x87_size: Size::of(16),
        x87_align: Align::of(16),
        int64_align: Align::of(8),
        double_align: Align::of(8),
        vector_align: Align::of(64),
        int128: true,
        records: RecordRule::Gnu,
        bit_fields: BitFieldRule::Gnu,
        unnamed_bit_fields_align: false,
    };

    /// x86-64 Windows as GCC for mingw-w64 sees it: `long double` is the x87's, bit-fields are Microsoft's.
    pub const LLP64_GNU: DataModel = DataModel {
        name: "LLP64-gnu",
        long: Size::of(4),
        wchar: Scalar::U16,
        bit_fields: BitFieldRule::Msvc,
        ..DataModel::LP64
    };

    /// x86-64 Windows as Microsoft's compiler sees it (x64 ABI conventions, "x64 type and storage layout").
    pub const LLP64_MSVC: DataModel = DataModel {
        name: "LLP64-msvc",
        long_double: Float::F64,
        records: RecordRule::Msvc,
        ..DataModel::LLP64_GNU
    };

    /// i386 on Linux (System V psABI Intel386, "Fundamental Types"): 8-byte scalars are aligned to 4 in records.
    pub const ILP32_GNU: DataModel = DataModel {
        name: "ILP32-gnu",
        pointer: Size::of(4),
        long: Size::of(4),
        x87_size: Size::of(12),
        x87_align: Align::of(4),
        int64_align: Align::of(4),
        double_align: Align::of(4),
        int128: false,
        ..DataModel::LP64
    };

    /// x86 Windows as GCC for mingw-w64 sees it: 8-byte scalars are aligned to 8, bit-fields are Microsoft's.
    pub const ILP32_MINGW: DataModel = DataModel {
        name: "ILP32-mingw",
        wchar: Scalar::U16,
        int64_align: Align::of(8),
        double_align: Align::of(8),
        bit_fields: BitFieldRule::Msvc,
        ..DataModel::ILP32_GNU
    };

    /// x86 Windows as Microsoft's compiler sees it.
    pub const ILP32_MSVC: DataModel = DataModel {
        name: "ILP32-msvc",
        long_double: Float::F64,
        records: RecordRule::Msvc,
        ..DataModel::ILP32_MINGW
    };

    /// AArch64 on Linux (AAPCS64, "Data types and alignment", "Arm C and C++ language mappings").
    pub const AAPCS64_LINUX: DataModel = DataModel {
        name: "AAPCS64-linux",
        char_signed: false,
        wchar: Scalar::U32,
        long_double: Float::F128,
        vector_align: Align::of(16),
        unnamed_bit_fields_align: true,
        ..DataModel::LP64
    };

    /// AArch64 on Apple's systems ("Writing ARM64 Code for Apple Platforms").
    pub const AAPCS64_DARWIN: DataModel = DataModel {
        name: "AAPCS64-darwin",
        char_signed: true,
        wchar: Scalar::I32,
        long_double: Float::F64,
        records: RecordRule::Apple,
        unnamed_bit_fields_align: false,
        ..DataModel::AAPCS64_LINUX
    };

    /// AArch64 Windows ("Overview of ARM64 ABI conventions").
    pub const AAPCS64_WINDOWS: DataModel =
        DataModel { name: "AAPCS64-windows", vector_align: Align::of(16), ..DataModel::LLP64_MSVC };

    /// Every data model there is.
    pub const ALL: &'static [&'static DataModel] = &[
        &DataModel::LP64,
        &DataModel::LLP64_GNU,
        &DataModel::LLP64_MSVC,
        &DataModel::ILP32_GNU,
        &DataModel::ILP32_MINGW,
        &DataModel::ILP32_MSVC,
        &DataModel::AAPCS64_LINUX,
        &DataModel::AAPCS64_DARWIN,
        &DataModel::AAPCS64_WINDOWS,
    ];

    /// The format of an integer type that C leaves to the implementation.
    pub const fn int(&self, name: IntName) -> Scalar {
        match name {
            IntName::Char if self.char_signed => Scalar::I8,
            IntName::Char => Scalar::U8,
            IntName::Long => signed(self.long),
            IntName::ULong => unsigned(self.long),
            IntName::WChar => self.wchar,
            IntName::SizeT => unsigned(self.pointer),
            IntName::PtrDiff => signed(self.pointer),
        }
    }

    /// Whether a compiler for this target has the type at all.
    pub const fn has(&self, scalar: Scalar) -> bool {
        match scalar {
            Scalar::I128 | Scalar::U128 => self.int128,
            Scalar::Float(Float::X87) => matches!(self.long_double, Float::X87),
            // `__float128` goes with the compilers whose `long double` is not `double`.
            Scalar::Float(Float::F128) => !matches!(self.long_double, Float::F64),
            Scalar::Float(Float::F16 | Float::F32 | Float::F64)
            | Scalar::Bool
            | Scalar::I8
            | Scalar::U8
            | Scalar::I16
            | Scalar::U16
            | Scalar::I32
            | Scalar::U32
            | Scalar::I64
            | Scalar::U64
            | Scalar::Pointer => true,
        }
    }

    /// A scalar's size, `sizeof`.
    pub const fn size_of(&self, scalar: Scalar) -> Size {
        match scalar {
            Scalar::Bool | Scalar::I8 | Scalar::U8 => Size::of(1),
            Scalar::I16 | Scalar::U16 | Scalar::Float(Float::F16) => Size::of(2),
            Scalar::I32 | Scalar::U32 | Scalar::Float(Float::F32) => Size::of(4),
            Scalar::I64 | Scalar::U64 | Scalar::Float(Float::F64) => Size::of(8),
            Scalar::I128 | Scalar::U128 | Scalar::Float(Float::F128) => Size::of(16),
            Scalar::Float(Float::X87) => self.x87_size,
            Scalar::Pointer => self.pointer,
        }
    }

    /// A scalar's alignment inside a record, C's `_Alignof`.
    pub const fn align_of(&self, scalar: Scalar) -> Align {
        match scalar {
            Scalar::I64 | Scalar::U64 => self.int64_align,
            Scalar::Float(Float::F64) => self.double_align,
            Scalar::Bool
            | Scalar::I8
            | Scalar::U8
            | Scalar::I16
            | Scalar::U16
            | Scalar::I32
            | Scalar::U32
            | Scalar::I128
            | Scalar::U128
            | Scalar::Float(Float::F16 | Float::F32 | Float::F128 | Float::X87)
            | Scalar::Pointer => self.object_align_of(scalar),
        }
    }

    /// A scalar's alignment as an object of its own, GCC's `__alignof__`: on i386 `long long` and `double` have 8 here
    /// and 4 inside a record.
    pub const fn object_align_of(&self, scalar: Scalar) -> Align {
        match scalar {
            Scalar::Bool | Scalar::I8 | Scalar::U8 => Align::of(1),
            Scalar::I16 | Scalar::U16 | Scalar::Float(Float::F16) => Align::of(2),
            Scalar::I32 | Scalar::U32 | Scalar::Float(Float::F32) => Align::of(4),
            Scalar::I64 | Scalar::U64 | Scalar::Float(Float::F64) => Align::of(8),
            Scalar::I128 | Scalar::U128 | Scalar::Float(Float::F128) => Align::of(16),
            Scalar::Float(Float::X87) => self.x87_align,
            Scalar::Pointer => match Align::new(self.pointer.bytes()) {
                Some(align) => align,
                None => Align::ONE,
            },
        }
    }
}

/// The signed integer of `size` bytes: 8, or else 4.
const fn signed(size: Size) -> Scalar {
    if size.bytes() == 8 { Scalar::I64 } else { Scalar::I32 }
}

/// The unsigned integer of `size` bytes: 8, or else 4.
const fn unsigned(size: Size) -> Scalar {
    if size.bytes() == 8 { Scalar::U64 } else { Scalar::U32 }
}
