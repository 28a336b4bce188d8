//! The words of C types that need no arena: arithmetic types, qualifiers, calling conventions.

use callsmith_arch::abi::X86Call;
use callsmith_arch::layout::{DataModel, Float, IntName, Scalar};
use callsmith_arch::{Abi, Size};
use std::fmt;

/// An integer type by its C name. Which format it has depends on the data model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the documentation
pub enum Integer {
    Bool,
    Char,
    SChar,
    UChar,
    Short,
    UShort,
    Int,
    UInt,
    Long,
    ULong,
    LongLong,
    ULongLong,
    Int128,
    UInt128,
}

impl Integer {
    /// How C spells it.
    pub fn spelling(self) -> &'static str {
        match self {
            Integer::Bool => "_Bool",
            Integer::Char => "char",
            Integer::SChar => "signed char",
            Integer::UChar => "unsigned char",
            Integer::Short => "short",
            Integer::UShort => "unsigned short",
            Integer::Int => "int",
            Integer::UInt => "unsigned int",
            Integer::Long => "long",
            Integer::ULong => "unsigned long",
            Integer::LongLong => "long long",
            Integer::ULongLong => "unsigned long long",
            Integer::Int128 => "__int128",
            Integer::UInt128 => "unsigned __int128",
        }
    }

    /// Its format under `model`.
    pub fn scalar(self, model: &DataModel) -> Scalar {
        match self {
            Integer::Bool => Scalar::Bool,
            Integer::Char => model.int(IntName::Char),
            Integer::SChar => Scalar::I8,
            Integer::UChar => Scalar::U8,
            Integer::Short => Scalar::I16,
            Integer::UShort => Scalar::U16,
            Integer::Int => Scalar::I32,
            Integer::UInt => Scalar::U32,
            Integer::Long => model.int(IntName::Long),
            Integer::ULong => model.int(IntName::ULong),
            Integer::LongLong => Scalar::I64,
            Integer::ULongLong => Scalar::U64,
            Integer::Int128 => Scalar::I128,
            Integer::UInt128 => Scalar::U128,
        }
    }

    /// Its width in bits and whether it is signed, under `model`.
    pub(crate) fn format(self, model: &DataModel) -> (u32, bool) {
        let long = if model.long > Size::of(4) { 64 } else { 32 };
        match self {
            Integer::Bool => (1, false),
            Integer::Char => (8, model.char_signed),
            Integer::SChar => (8, true),
            Integer::UChar => (8, false),
            Integer::Short => (16, true),
            Integer::UShort => (16, false),
            Integer::Int => (32, true),
            Integer::UInt => (32, false),
            Integer::Long => (long, true),
            Integer::ULong => (long, false),
            Integer::LongLong => (64, true),
            Integer::ULongLong => (64, false),
            Integer::Int128 => (128, true),
            Integer::UInt128 => (128, false),
        }
    }
}

/// A real floating-point type by its C name. `_Float64` and its like are types of their own, whatever their format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the documentation
pub enum Floating {
    Float16,
    Float,
    Double,
    LongDouble,
    Float32,
    Float64,
    Float128,
    Float32x,
    Float64x,
}

impl Floating {
    /// How C spells it.
    pub fn spelling(self) -> &'static str {
        match self {
            Floating::Float16 => "_Float16",
            Floating::Float => "float",
            Floating::Double => "double",
            Floating::LongDouble => "long double",
            Floating::Float32 => "_Float32",
            Floating::Float64 => "_Float64",
            Floating::Float128 => "_Float128",
            Floating::Float32x => "_Float32x",
            Floating::Float64x => "_Float64x",
        }
    }

    /// Its format under `model`.
    pub fn format(self, model: &DataModel) -> Float {
        match self {
            Floating::Float16 => Float::F16,
            Floating::Float | Floating::Float32 => Float::F32,
            Floating::Double | Floating::Float64 | Floating::Float32x => Float::F64,
            Floating::LongDouble | Floating::Float64x => model.long_double,
            Floating::Float128 => Float::F128,
        }
    }
}

/// The qualifiers of a type. They matter to whoever reads a declaration, never to how bytes are passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Qualifiers {
    /// `const`
    pub is_const: bool,
    /// `volatile`
    pub is_volatile: bool,
    /// `restrict`
    pub is_restrict: bool,
    /// `__null_terminated`, of a pointer: it is NULL, or what it points at ends in a zero. The word is that of Clang's
    /// `-fbounds-safety`; as everything in a declaration, it is the word of whoever declares.
    pub is_null_terminated: bool,
    /// `__counted_by(n)`, of a pointer: it points at `n` elements, and is not NULL. The word is from there too.
    pub counted_by: Option<u64>,
}

impl Qualifiers {
    /// No qualifiers.
    pub const NONE: Qualifiers = Qualifiers {
        is_const: false,
        is_volatile: false,
        is_restrict: false,
        is_null_terminated: false,
        counted_by: None,
    };

    /// The qualifiers of either.
    pub fn union(self, other: Qualifiers) -> Qualifiers {
        Qualifiers {
            is_const: self.is_const || other.is_const,
            is_volatile: self.is_volatile || other.is_volatile,
            is_restrict: self.is_restrict || other.is_restrict,
            is_null_terminated: self.is_null_terminated || other.is_null_terminated,
            counted_by: self.counted_by.max(other.counted_by),
        }
    }
}

impl fmt::Display for Qualifiers {
    /// The qualifiers as C words with single spaces between them; nothing for [`Qualifiers::NONE`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.is_const, "const"),
            (self.is_volatile, "volatile"),
            (self.is_restrict, "restrict"),
            (self.is_null_terminated, "__null_terminated"),
        ];
        let mut first = true;
        let mut space = || if std::mem::take(&mut first) { "" } else { " " };
        for (_, word) in words.into_iter().filter(|(present, _)| *present) {
            write!(f, "{}{word}", space())?;
        }
        match self.counted_by {
            Some(count) => write!(f, "{}__counted_by({count})", space()),
            None => Ok(()),
        }
    }
}

/// The calling convention that a declaration names. Which ABI it means depends on the target: on x86-64, GCC ignores the
/// conventions of 32-bit x86.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Convention {
    /// None named: the target's own.
    #[default]
    Default,
    /// `__attribute__((sysv_abi))`
    SysV64,
    /// `__attribute__((ms_abi))`
    Win64,
    /// `__cdecl`, `WINAPIV`
    Cdecl,
    /// `__stdcall`, `WINAPI`, `CALLBACK`, `APIENTRY`, `PASCAL`
    Stdcall,
    /// `__fastcall`
    Fastcall,
    /// `__thiscall`
    Thiscall,
    /// `__vectorcall`
    Vectorcall,
    /// `__attribute__((regparm(n)))`: the number of integer registers, at most 3
    Regparm(u8),
}

impl Convention {
    /// The ABI that it means where the target's own is `target`; `None` where there is none for it.
    pub const fn abi(self, target: Abi) -> Option<Abi> {
        let call = match self {
            Convention::SysV64 => return Some(Abi::SysV64),
            Convention::Win64 => return Some(Abi::Win64),
            Convention::Default => return Some(target),
            Convention::Vectorcall => return None,
            Convention::Cdecl => Some(X86Call::Cdecl),
            Convention::Stdcall => Some(X86Call::Stdcall),
            Convention::Fastcall => Some(X86Call::Fastcall),
            Convention::Thiscall => Some(X86Call::Thiscall),
            Convention::Regparm(_) => None,
        };
        match target {
            Abi::X86(_, flavour) => match call {
                Some(call) => Some(Abi::X86(call, flavour)),
                None => None,
            },
            // On x86-64 compilers ignore the 32-bit conventions.
            Abi::SysV64 | Abi::Win64 | Abi::Aapcs64(_) => Some(target),
        }
    }
}

impl fmt::Display for Convention {
    /// The convention as C words; nothing for [`Convention::Default`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Convention::Default => Ok(()),
            Convention::SysV64 => f.write_str("__attribute__((sysv_abi))"),
            Convention::Win64 => f.write_str("__attribute__((ms_abi))"),
            Convention::Cdecl => f.write_str("__cdecl"),
            Convention::Stdcall => f.write_str("__stdcall"),
            Convention::Fastcall => f.write_str("__fastcall"),
            Convention::Thiscall => f.write_str("__thiscall"),
            Convention::Vectorcall => f.write_str("__vectorcall"),
            Convention::Regparm(registers) => write!(f, "__attribute__((regparm({registers})))"),
        }
    }
}

/// In which order the bytes of a number lie in memory, and the bits of bit-fields in their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The least significant first. Every data model's own.
    Little,
    /// The most significant first.
    Big,
}

impl ByteOrder {
    /// How GCC's `scalar_storage_order` spells it.
    pub fn spelling(self) -> &'static str {
        match self {
            ByteOrder::Little => "little-endian",
            ByteOrder::Big => "big-endian",
        }
    }
}
