//! Microsoft's convention on x86-64. Transcribes "x64 calling convention" (Microsoft Learn), sections "Parameter
//! passing", "Varargs", "Return values"; for what Microsoft's compiler lacks (`__int128`, 80-bit `long double`,
//! `__float128`, `_Float16`, `_Complex`, values of no size), what mingw's gcc does.

use super::draft::{Draft, size_of};
use super::{Abi, Convention, Counting, Pops, RegSet, numbers};
use crate::isa::x86_64::Gp::{R8, R9, R12, R13, R14, R15, Rax, Rbp, Rbx, Rcx, Rdi, Rdx, Rsi, Rsp};
use crate::layout::{DataModel, Float, Scalar, Type};
use crate::plan::{Extension, Location, MoveRange, Passing, ResultPlan, Room, Rule};
use crate::{Align, CallPlan, Error, Signature};

/// The convention as a table: sections "Parameter passing", "Caller/callee saved registers", "Stack allocation".
pub static WIN64: Convention = Convention {
    abi: Abi::Win64,
    document: "Microsoft x64 calling convention",
    gp_params: &numbers([Rcx, Rdx, R8, R9]),
    mmx_params: &[],
    vector_params: &[0, 1, 2, 3],
    counting: Counting::ByPosition,
    gp_results: &numbers([Rax]),
    vector_results: &[0],
    hidden_returned: Some(Rax.number()),
    preserved_gp: RegSet::of(&numbers([Rbx, Rsp, Rbp, Rsi, Rdi, R12, R13, R14, R15])),
    preserved_vector: RegSet::of(&[6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
    stack_align: 16,
    stack_slot: Align::of(8),
    callee_pops: Pops::Nothing,
    shadow_space: 32,
    red_zone: 0,
};

const MODEL: &DataModel = Abi::Win64.data_model();

// The sentences that moves carry.

static INTEGER: Rule = Rule {
    class: "integer",
    section: "x64, Parameter passing",
    text: "integer arguments are passed in registers RCX, RDX, R8, and R9, by position",
};
static FLOAT: Rule = Rule {
    class: "floating-point",
    section: "x64, Parameter passing",
    text: "floating-point arguments in the first four parameters are passed in XMM0 - XMM3, by position",
};
static AGGREGATE: Rule = Rule {
    class: "as an integer",
    section: "x64, Parameter passing",
    text: "structs and unions of 8, 16, 32, or 64 bits, and __m64, are passed as if they were integers",
};
static STACK: Rule = Rule {
    class: "stack",
    section: "x64, Parameter passing",
    text: "the remaining arguments get pushed on the stack, above the shadow space",
};
static BY_REFERENCE: Rule = Rule {
    class: "by reference",
    section: "x64, Parameter passing",
    text: "what is not 1, 2, 4 or 8 bytes passes as a pointer to 16-byte aligned memory of the caller",
};
static DOUBLED: Rule = Rule {
    class: "varargs",
    section: "x64, Varargs",
    text: "both the integer register and the floating-point register must contain a floating-point value",
};
static IN_RAX: Rule = Rule {
    class: "integer",
    section: "x64, Return values",
    text: "a value of 1, 2, 4 or 8 bytes, including __m64, is returned through RAX",
};
static IN_XMM0: Rule = Rule {
    class: "floating-point",
    section: "x64, Return values",
    text: "floats, doubles, and vector types are returned in XMM0",
};
static INT128_IN_XMM0: Rule =
    Rule { class: "__int128", section: "gcc, clang", text: "returned in XMM0, as __m128i is" };
static HIDDEN: Rule = Rule {
    class: "by reference",
    section: "x64, Return values",
    text: "the caller allocates memory and passes a pointer to it as the first argument",
};

/// How a type passes, before it is known where.
enum Kind {
    /// In an integer register.
    Integer(&'static Rule),
    /// In a vector register.
    Float,
    /// As a pointer.
    Reference,
}

/// The row of the document's table "Parameter passing" that a type falls in.
fn kind(ty: &Type, size: u32) -> Kind {
    match ty {
        // "Any floating-point and double-precision arguments in the first four parameters are passed in XMM0 - XMM3."
        // Microsoft has no _Float16; clang and, since version 16, gcc pass it like float (gcc bug 115054).
        Type::Scalar(Scalar::Float(Float::F16 | Float::F32 | Float::F64)) => Kind::Float,
        // "Structs or unions of size 8, 16, 32, or 64 bits, and __m64 types, are passed as if they were integers of
        // the same size. Structs or unions of other sizes are passed as a pointer." "__m128 types, arrays, and strings
        // are never passed by immediate value. Instead, a pointer is passed."
        // gcc and clang apply the same to _Complex, __int128, and the long formats of floating-point numbers.
        Type::Scalar(_) if matches!(size, 1 | 2 | 4 | 8) => Kind::Integer(&INTEGER),
        Type::Complex(_) | Type::Vector(_) | Type::Record(_) | Type::Array(_)
            if matches!(size, 1 | 2 | 4 | 8) =>
        {
            Kind::Integer(&AGGREGATE)
        }
        Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) | Type::Record(_) | Type::Array(_) => {
            Kind::Reference
        }
    }
}

/// Plans a call.
pub(super) fn classify(signature: &Signature, room: Room) -> Result<CallPlan, Error> {
    let mut draft = Draft::new(&WIN64, signature, room);
    let returned = signature.result().map_or(Ok(Returned::Nothing), returned)?;
    let hidden = if let Returned::Memory = returned { draft.registers.next_gp() } else { None };
    for ty in signature.params() {
        let size = size_of(ty, MODEL)?;
        let passing = match kind(ty, size) {
            Kind::Integer(rule) => {
                let register = draft.registers.next_gp().map(Location::Gp);
                by_value(&mut draft, size, register, rule)?
            }
            Kind::Float if signature.fixed().is_some() => doubled(&mut draft, size)?,
            Kind::Float => {
                let register = draft.registers.next_vector().map(Location::Vector);
                by_value(&mut draft, size, register, &FLOAT)?
            }
            Kind::Reference => by_reference(&mut draft, ty, size)?,
        };
        draft.arg(ty, size, passing);
    }
    let result = match (hidden, returned) {
        // "The same pointer must be returned by the callee in RAX."
        (Some(pointer), _) => ResultPlan::Hidden {
            pointer: Location::Gp(pointer),
            returned: WIN64.hidden_returned.map(Location::Gp),
            rule: &HIDDEN,
        },
        (None, Returned::In(location, rule)) => {
            let size = signature.result().map_or(Ok(0), |ty| size_of(ty, MODEL))?;
            ResultPlan::Direct(draft.whole(size, location, Extension::None, rule))
        }
        (None, Returned::Nothing | Returned::Memory) => ResultPlan::None,
    };
    draft.finish(result, signature.result(), None)
}

/// A value in its register, or past the fourth position on the stack. Nothing is widened: "the callee can ignore the
/// upper bits of the register and access only the portion of the register necessary."
fn by_value(
    draft: &mut Draft,
    size: u32,
    register: Option<Location>,
    rule: &'static Rule,
) -> Result<Passing, Error> {
    let (location, rule) = match register {
        Some(location) => (location, rule),
        None => (draft.stack_slot(size, Align::ONE)?, &STACK),
    };
    Ok(Passing::Direct(draft.whole(size, location, Extension::None, rule)))
}

/// Varargs: "For floating-point values only, both the integer register and the floating-point register must contain
/// the value, in case the callee expects the value in the integer registers." Of all arguments, as clang has it.
fn doubled(draft: &mut Draft, size: u32) -> Result<Passing, Error> {
    let Some((gp, vector)) = draft.registers.next_pair() else {
        return by_value(draft, size, None, &STACK);
    };
    let first = draft.whole(size, Location::Vector(vector), Extension::None, &FLOAT);
    let second = draft.whole(size, Location::Gp(gp), Extension::None, &DOUBLED);
    Ok(Passing::Direct(MoveRange { start: first.start, end: second.end }))
}

/// "Structs or unions of other sizes are passed as a pointer to memory allocated by the caller […], including __m128, the
/// caller-allocated temporary memory must be 16-byte aligned."
fn by_reference(draft: &mut Draft, ty: &Type, size: u32) -> Result<Passing, Error> {
    let pointer = match draft.registers.next_gp() {
        Some(register) => Location::Gp(register),
        None => draft.stack_slot(8, Align::ONE)?,
    };
    let align = ty.align(MODEL).max(Align::of(16));
    Ok(Passing::Indirect { pointer, copy: draft.copy(size, align)?, align, rule: &BY_REFERENCE })
}

/// Where a result is.
enum Returned {
    Nothing,
    In(Location, &'static Rule),
    Memory,
}

/// Section "Return values".
fn returned(ty: &Type) -> Result<Returned, Error> {
    let size = size_of(ty, MODEL)?;
    Ok(match (kind(ty, size), ty) {
        // "A scalar return value that can fit into 64 bits, including the __m64 type, is returned through RAX."
        // "[A user-defined type of] 1, 2, 4, 8, 16, 32, or 64 bits […] is returned by value through RAX."
        (Kind::Integer(_), _) => Returned::In(Location::Gp(Rax.number()), &IN_RAX),
        // "Nonscalar types including floats, doubles, and vector types such as __m128, __m128i, __m128d are returned
        // in XMM0." So clang has it for __m256 and __m512 too; gcc returns these through memory.
        (Kind::Float, _) | (Kind::Reference, Type::Vector(_)) => Returned::In(Location::Vector(0), &IN_XMM0),
        (Kind::Reference, Type::Scalar(Scalar::I128 | Scalar::U128)) => {
            Returned::In(Location::Vector(0), &INT128_IN_XMM0)
        }
        // Not in the document: an argument of no size passes by reference, but gcc has no hidden pointer for a result.
        _ if size == 0 => Returned::Nothing,
        // "Otherwise, the caller must allocate memory for the return value and pass a pointer to it as the first
        // argument."
        (Kind::Reference, Type::Scalar(_) | Type::Complex(_) | Type::Array(_) | Type::Record(_)) => {
            Returned::Memory
        }
    })
}
