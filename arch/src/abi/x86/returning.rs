//! Where a result is.

use super::gcc::{self, Mode};
use super::{Eax, Edx, X86Flavour, microsoft, psabi};
use crate::Error;
use crate::abi::draft::{Draft, size_of};
use crate::layout::{Float, Record, Scalar, Type};
use crate::plan::{Extension, Location, Move, ResultPlan, Rule};

static INTEGER: Rule =
    psabi("integer", "integers and pointers are returned in %eax, of 8 bytes in %edx and %eax");
static X87: Rule = psabi("x87", "floating-point values are returned on the top of the x87 stack, %st0");
static HALF: Rule = psabi("_Float16", "_Float16 and its complex are returned in %xmm0");
static VECTOR: Rule = psabi("vector", "__m128, __m256 and __m512 are returned in %xmm0, %ymm0 and %zmm0");
static MMX: Rule = psabi("__m64", "__m64 is returned in %mm0");
static MEMORY: Rule =
    psabi("memory", "the caller provides space and passes its address as a hidden first argument");
static SMALL: Rule =
    microsoft("small struct", "structs of 1, 2, 4 or 8 bytes are returned in EAX, or EDX:EAX");
static LARGE: Rule = microsoft("large struct", "larger structs are returned through a hidden address");
static AS_VECTOR: Rule =
    Rule { class: "vector", section: "clang for MSVC", text: "vectors of all sizes are returned in XMM0" };

/// Where a result is.
pub(super) enum Returned {
    /// There is none.
    Nothing,
    /// In these registers, one after the other: where, and how many bytes.
    In([Option<(Location, u32)>; 2], &'static Rule),
    /// Where the caller says.
    Memory(&'static Rule),
}

impl Returned {
    fn one(location: Location, size: u32, rule: &'static Rule) -> Returned {
        Returned::In([Some((location, size)), None], rule)
    }

    /// In EAX, and what is beyond 4 bytes in EDX.
    fn integer(size: u32, rule: &'static Rule) -> Returned {
        let rest = size.checked_sub(4).filter(|&rest| rest > 0);
        let high = rest.map(|rest| (Location::Gp(Edx.number()), rest));
        Returned::In([Some((Location::Gp(Eax.number()), size.min(4))), high], rule)
    }
}

/// Where a result of this type is.
pub(super) fn returned(ty: &Type, flavour: X86Flavour) -> Result<Returned, Error> {
    let model = flavour.data_model();
    let size = size_of(ty, model)?;
    Ok(match ty {
        Type::Scalar(Scalar::Float(Float::F16)) | Type::Complex(Float::F16) => {
            Returned::one(Location::Vector(0), size, &HALF)
        }
        // Ten bytes are the value, the rest is padding.
        Type::Scalar(Scalar::Float(Float::F32 | Float::F64 | Float::X87)) => {
            Returned::one(Location::X87(0), size.min(10), &X87)
        }
        Type::Scalar(Scalar::Float(Float::F128)) => Returned::Memory(&MEMORY),
        Type::Scalar(_) | Type::Complex(Float::F32) => Returned::integer(size, &INTEGER),
        Type::Complex(_) => Returned::Memory(&MEMORY),
        Type::Vector(vector) => match (flavour, size, vector.lane) {
            (X86Flavour::Msvc, 8, Scalar::Float(Float::F64)) => Returned::one(Location::X87(0), size, &X87),
            (X86Flavour::Msvc, ..) => Returned::one(Location::Vector(0), size, &AS_VECTOR),
            (_, 8, Scalar::Float(Float::F64)) => Returned::Memory(&MEMORY),
            (_, 8, _) => Returned::one(Location::Mmx(0), size, &MMX),
            (..) => Returned::one(Location::Vector(0), size, &VECTOR),
        },
        Type::Array(_) | Type::Record(_) => match flavour {
            // "Functions that return a structure or union": always in memory.
            X86Flavour::Linux => Returned::Memory(&MEMORY),
            X86Flavour::Mingw => match gcc::mode(ty, model) {
                Mode::Of(only) => returned(only, flavour)?,
                Mode::Integer => Returned::integer(size, &SMALL),
                Mode::Block => Returned::Memory(&LARGE),
            },
            X86Flavour::Msvc => match (ty, size) {
                (Type::Record(record), 1 | 2 | 4 | 8) if !is_kept_out(record) => {
                    Returned::integer(size, &SMALL)
                }
                _ => Returned::Memory(&LARGE),
            },
        },
    })
}

/// Whether a small record is returned through memory all the same, as clang has it: it has a flexible array member, or a
/// vector in it.
fn is_kept_out(record: &Record) -> bool {
    fn has_vector(ty: &Type) -> bool {
        match ty {
            Type::Scalar(_) | Type::Complex(_) => false,
            Type::Vector(_) => true,
            Type::Array(array) => has_vector(&array.element),
            Type::Record(record) => record.fields.iter().any(|field| has_vector(&field.ty)),
        }
    }
    gcc::has_flexible(record) || record.fields.iter().any(|field| has_vector(&field.ty))
}

/// The moves of a result in registers.
pub(super) fn direct(
    draft: &mut Draft,
    pieces: &[Option<(Location, u32)>],
    rule: &'static Rule,
) -> ResultPlan {
    let start = draft.mark();
    let mut offset = 0;
    for &(location, width) in pieces.iter().flatten() {
        draft.moves.push(Move { offset, width, location, extension: Extension::None, rule });
        offset += width;
    }
    ResultPlan::Direct(draft.since(start))
}
