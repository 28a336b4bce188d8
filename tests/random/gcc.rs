//! Where gcc 12 is no judge: types that it passes otherwise than the document says, than other compilers, or than itself
//! elsewhere. Random signatures leave these out. What is said of clang was seen with clang 22.

use crate::support::ctype::{CScalar, CType};
use callsmith::arch::Abi;
use callsmith::arch::layout::{Place, Scalar, Type};
use callsmith::host;

/// What a type is needed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Argument,
    /// Behind a `...`.
    Variadic,
    Result,
}

/// Whether gcc's word counts for values of type `c`, of which `ty` is the layout.
pub(crate) fn is_judge(c: &CType, ty: &Type, role: Role, abi: Abi) -> bool {
    let size = ty.size(host::MODEL).bytes();
    let doubted = match abi {
        Abi::SysV64 => is_only_padding(c, size) || in_sysv64(c, ty, role),
        Abi::Win64 => is_only_padding(c, size) || in_ms_abi(c, size, role),
        Abi::Aapcs64(_) => in_aapcs64(c, ty),
        Abi::X86(..) => is_only_padding(c, size) || in_mmx(c, role) || is_aligned_nothing(ty, size),
    };
    !doubted
}

/// A record in which all members are unnamed bit-fields: gcc passes nothing for it on the stack and under `ms_abi`, but
/// takes a register for it where one is left. clang takes none in SysV64.
fn is_only_padding(c: &CType, size: u64) -> bool {
    size > 0 && c.leaves().is_empty()
}

/// The psABI is silent, and clang has it otherwise; or gcc is plainly wrong.
fn in_sysv64(c: &CType, ty: &Type, role: Role) -> bool {
    // An array of length 0 that does not start at an eightbyte: gcc gives the eightbyte the class of the element, clang
    // does not.
    let array =
        any(c, &|c| matches!(c, CType::Array { len: Some(0), .. })) && has_array_inside_eightbyte(ty, 0);
    // gcc makes the union INTEGER. In a struct it does not, clang in neither.
    let zero_width = has_zero_width_in_union(c);
    // "When __m256 or __m512 is passed as variable-argument, it should always be passed on stack": gcc forgets that where
    // the vector is in a union, and reads 64 bytes from where 16 were saved.
    let variable = role == Role::Variadic
        && any(c, &|c| matches!(c, CType::Record(record) if record.is_union))
        && any(c, &|c| matches!(c, CType::Vector { bytes: 32.., .. }));
    // A record of 16 bytes aligned to 16, saved from two general registers: at -O2 gcc takes the place for aligned.
    let saved = role == Role::Variadic
        && matches!(ty, Type::Record(_))
        && ty.size(host::MODEL).bytes() == 16
        && ty.align(host::MODEL).bytes() >= 16;
    // On Windows gcc takes what is not a number of 1, 2, 4 or 8 bytes from behind a `...` as its own convention has it.
    // And it aligns no argument to more than 16 bytes.
    let on_windows = host::ABI == Abi::Win64
        && match role {
            Role::Variadic => !matches!((c, ty.size(host::MODEL).bytes()), (CType::Scalar(_), 1 | 2 | 4 | 8)),
            Role::Argument => ty.align(host::MODEL).bytes() > 16,
            Role::Result => false,
        };
    // An array of _Complex _Float16 of which an element reaches into the next eightbyte: gcc moves 2 bytes of that.
    let halves = any(c, &|c| match c {
        CType::Array { element, .. } => any(element, &|c| matches!(c, CType::Complex(CScalar::Float16))),
        CType::Scalar(_) | CType::Complex(_) | CType::Vector { .. } | CType::Record(_) => false,
    });
    array || zero_width || variable || on_windows || saved || halves || has_unaligned_element(ty)
}

/// gcc's `ms_abi` has it otherwise than Microsoft's document, or than mingw's gcc and clang.
fn in_ms_abi(c: &CType, size: u64, role: Role) -> bool {
    match c {
        // gcc before 16 passes _Float16 in integer registers (gcc bug 115054).
        CType::Scalar(CScalar::Float16) => true,
        // gcc passes a vector of one double by reference, and returns it in RAX; Microsoft has none.
        CType::Vector { lane: CScalar::Double, bytes: 8 } => role != Role::Result,
        // gcc returns these through memory, the document has "vector types" in XMM0.
        CType::Vector { bytes: 32.., .. } => role == Role::Result,
        // gcc has a hidden pointer for a result of no size if it has a flexible array member, and else none.
        CType::Record(_) => {
            role == Role::Result && size == 0 && any(c, &|c| matches!(c, CType::Array { len: None, .. }))
        }
        CType::Scalar(_) | CType::Complex(_) | CType::Vector { .. } | CType::Array { .. } => false,
    }
}

/// Whether there is a bit-field of no width in a union.
fn has_zero_width_in_union(c: &CType) -> bool {
    any(c, &|c| match c {
        CType::Record(record) => {
            record.is_union && record.members.iter().any(|member| member.bits == Some(0))
        }
        CType::Scalar(_) | CType::Complex(_) | CType::Vector { .. } | CType::Array { .. } => false,
    })
}

/// A value of no size that is aligned as a vector: to gcc the next stack argument is aligned so by `fastcall` and `thiscall`,
/// but not by `cdecl` and `stdcall`.
fn is_aligned_nothing(ty: &Type, size: u64) -> bool {
    size == 0 && ty.align(host::MODEL).bytes() >= 16
}

/// An argument in a register of MMX: before gcc's callee can give the x87's registers back, it has moved doubles with them.
fn in_mmx(c: &CType, role: Role) -> bool {
    // What is behind a `...` is on the stack, but a callback takes it for one more parameter.
    matches!(c, CType::Vector { bytes: 8, .. }) && role != Role::Result
}

/// gcc has it otherwise than clang, and than the document's "natural alignment".
fn in_aapcs64(c: &CType, ty: &Type) -> bool {
    // gcc takes no such union for an HFA. In a struct it does.
    if has_zero_width_in_union(c) {
        return true;
    }
    let (CType::Record(c), Type::Record(record)) = (c, ty) else { return false };
    // An array of no elements: gcc sees no HFA where it is in an empty struct inside; but it does beside a complex number or
    // a vector that fills the struct.
    let is_empty_array = |c: &CType| matches!(c, CType::Array { len: None | Some(0), .. });
    let has_empty_array = |c: &CType| any(c, &is_empty_array);
    let inside = c.members.iter().any(|member| !is_empty_array(&member.ty) && has_empty_array(&member.ty));
    let beside = c.members.iter().any(|member| is_empty_array(&member.ty))
        && c.members
            .iter()
            .any(|member| any(&member.ty, &|c| matches!(c, CType::Complex(_) | CType::Vector { .. })));
    if inside || beside {
        return true;
    }
    // A bit-field of a 16-byte type asks for an even register, also where it is packed.
    let is_wide = |ty: &CType| ty.lower(host::MODEL).is_ok_and(|ty| ty.size(host::MODEL).bytes() == 16);
    let wide_bits = c.members.iter().any(|member| member.bits.is_some() && is_wide(&member.ty));
    wide_bits && record.natural_align.bytes() < 16
}

/// Whether `holds` for `c` or for a type inside it.
fn any(c: &CType, holds: &dyn Fn(&CType) -> bool) -> bool {
    let inside = match c {
        CType::Scalar(_) | CType::Complex(_) | CType::Vector { .. } => false,
        CType::Array { element, .. } => any(element, holds),
        CType::Record(record) => record.members.iter().any(|member| any(&member.ty, holds)),
    };
    inside || holds(c)
}

fn has_array_inside_eightbyte(ty: &Type, offset: u64) -> bool {
    match ty {
        Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) => false,
        Type::Array(array) => {
            let stride = array.element.size(host::MODEL).bytes();
            let mut elements = (0..array.len).map(|index| offset + index * stride);
            (array.len == 0 && !offset.is_multiple_of(8))
                || elements.any(|offset| has_array_inside_eightbyte(&array.element, offset))
        }
        Type::Record(record) => record.fields.iter().any(|field| match field.place {
            Place::Bytes(at) => has_array_inside_eightbyte(&field.ty, offset + at.bytes()),
            Place::Bits { .. } => false,
        }),
    }
}

/// Whether there is an array in which the first element alone keeps its scalars aligned: gcc looks at no other, clang
/// looks at all.
fn has_unaligned_element(ty: &Type) -> bool {
    match ty {
        Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) => false,
        Type::Array(array) => {
            let stride = array.element.size(host::MODEL).bytes();
            let unaligned = array.len > 1 && !stride.is_multiple_of(largest_basic(&array.element));
            unaligned || has_unaligned_element(&array.element)
        }
        Type::Record(record) => record.fields.iter().any(|field| has_unaligned_element(&field.ty)),
    }
}

/// The size of the largest basic type in `ty`, bit-fields left out, in bytes.
fn largest_basic(ty: &Type) -> u64 {
    match ty {
        Type::Scalar(_) | Type::Vector(_) => ty.size(host::MODEL).bytes(),
        Type::Complex(part) => host::MODEL.size_of(Scalar::Float(*part)).bytes(),
        Type::Array(array) => largest_basic(&array.element),
        Type::Record(record) => {
            let plain = record.fields.iter().filter(|field| matches!(field.place, Place::Bytes(_)));
            plain.map(|field| largest_basic(&field.ty)).max().unwrap_or(1)
        }
    }
}
