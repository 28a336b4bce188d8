//! The type names of the standard headers, known without them. A declaration may declare them itself: its own wins.

use crate::ctype::{Floating, Integer, Shape};
use callsmith_arch::layout::{BitFieldRule, DataModel, RecordRule, Scalar};
use callsmith_arch::{Align, Size};

/// The type that a standard header gives `name` on the target of `model`.
pub(super) fn typedef(name: &str, model: &DataModel) -> Option<Shape> {
    let integer = match name {
        "bool" => Integer::Bool,
        "int8_t" | "int_least8_t" | "int_fast8_t" => Integer::SChar,
        "uint8_t" | "uint_least8_t" | "uint_fast8_t" | "char8_t" => Integer::UChar,
        "int16_t" | "int_least16_t" => Integer::Short,
        "uint16_t" | "uint_least16_t" | "char16_t" => Integer::UShort,
        "int32_t" | "int_least32_t" => Integer::Int,
        "uint32_t" | "uint_least32_t" | "char32_t" => Integer::UInt,
        "int64_t" | "int_least64_t" | "int_fast64_t" | "intmax_t" => int64(model).0,
        "uint64_t" | "uint_least64_t" | "uint_fast64_t" | "uintmax_t" => int64(model).1,
        "int_fast16_t" => fast16(model).0,
        "uint_fast16_t" => fast16(model).1,
        "int_fast32_t" => fast32(model).0,
        "uint_fast32_t" => fast32(model).1,
        "intptr_t" | "ptrdiff_t" | "ssize_t" => word(model).0,
        "uintptr_t" | "size_t" => word(model).1,
        "wchar_t" if model.wchar == Scalar::U16 => Integer::UShort,
        "wchar_t" if model.wchar == Scalar::U32 => Integer::UInt,
        "wchar_t" => Integer::Int,
        "wint_t" if is_windows(model) => Integer::UShort,
        "wint_t" if *model == DataModel::AAPCS64_DARWIN => Integer::Int,
        "wint_t" => Integer::UInt,
        "off_t" => Integer::Long,
        // 64 bits in Microsoft's library, also for 32-bit programs; not so in mingw's.
        "time_t" if is_windows(model) && *model != DataModel::ILP32_MINGW => Integer::LongLong,
        "time_t" => Integer::Long,
        "va_list" => return Some(Shape::VaList),
        "max_align_t" if is_microsofts(model) => return Some(Shape::Floating(Floating::Double)),
        "max_align_t" if *model == DataModel::AAPCS64_DARWIN => {
            return Some(Shape::Floating(Floating::LongDouble));
        }
        _ => return None,
    };
    Some(Shape::Integer(integer))
}

/// The struct that a standard header gives `name`, where it is one: its members, with the alignment that each has by itself.
///
/// `max_align_t` as gcc's `<stddef.h>` has it; on 32-bit x86 Linux that counts what `_Float128` asks for. Microsoft's and
/// Apple's are plain types.
pub(super) fn record(name: &str, model: &DataModel) -> Option<Vec<(&'static str, Shape, Align)>> {
    if name != "max_align_t" || typedef(name, model).is_some() {
        return None;
    }
    let long_double = model.align_of(Scalar::Float(model.long_double));
    let mut members = vec![
        ("__max_align_ll", Shape::Integer(Integer::LongLong), Align::of(8)),
        ("__max_align_ld", Shape::Floating(Floating::LongDouble), long_double),
    ];
    if *model == DataModel::ILP32_GNU {
        members.push(("__max_align_f128", Shape::Floating(Floating::Float128), Align::of(16)));
    }
    Some(members)
}

/// The fast integers of 16 bits, signed and unsigned: a machine word in glibc, an `int` in Microsoft's library, no more
/// than they need in Apple's and mingw's.
fn fast16(model: &DataModel) -> (Integer, Integer) {
    if model.records == RecordRule::Msvc {
        (Integer::Int, Integer::UInt)
    } else if is_windows(model) || *model == DataModel::AAPCS64_DARWIN {
        (Integer::Short, Integer::UShort)
    } else {
        word(model)
    }
}

/// The fast integers of 32 bits, signed and unsigned: a machine word in glibc, an `int` elsewhere.
fn fast32(model: &DataModel) -> (Integer, Integer) {
    if is_windows(model) || *model == DataModel::AAPCS64_DARWIN {
        (Integer::Int, Integer::UInt)
    } else {
        word(model)
    }
}

/// Whether the headers are Microsoft's own, and not mingw's.
fn is_microsofts(model: &DataModel) -> bool {
    model.records == RecordRule::Msvc || *model == DataModel::AAPCS64_WINDOWS
}

fn is_windows(model: &DataModel) -> bool {
    model.bit_fields == BitFieldRule::Msvc
}

/// The integers of 64 bits, signed and unsigned.
fn int64(model: &DataModel) -> (Integer, Integer) {
    if model.long == Size::of(8) {
        (Integer::Long, Integer::ULong)
    } else {
        (Integer::LongLong, Integer::ULongLong)
    }
}

/// The integers of a pointer's size, signed and unsigned.
pub(super) fn word(model: &DataModel) -> (Integer, Integer) {
    if model.pointer == Size::of(8) { int64(model) } else { (Integer::Int, Integer::UInt) }
}
