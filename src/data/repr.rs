//! Which Rust type has the representation of which C type.
#![allow(unsafe_code)]

use super::{LongDouble, Ptr};
use crate::ctype::{CType, Kind};
use crate::host;
use callsmith_arch::layout::{Float, Scalar, Type};
use std::ffi::c_void;

/// What a C pointer may point at, seen from Rust.
///
/// # Safety
/// [`Pointee::is`] must be true only of C types whose memory this type can stand for.
pub unsafe trait Pointee {
    /// Whether memory of the C type `c` may be seen as `Self`.
    fn is(c: &CType) -> bool;
}

/// A Rust type with the size, alignment and meaning of a C type, whatever its bytes.
///
/// # Safety
/// [`CRepr::ty`] must be this type's layout, and C code must be able to read and write it as such. Whatever initialised
/// bytes are in it must be a value of it, but that a `bool` is 0 or 1 and a [`Ptr`] vouched for; zeros always are.
pub unsafe trait CRepr: Pointee + Copy + 'static {
    /// Whether rustc passes a struct with such a member to and from `extern "C"` functions as C compilers do.
    const DIRECT: bool = true;

    /// The value whose bytes are all zero, as of C's `= {0}`.
    fn zeroed() -> Self {
        // SAFETY: zeros are a value of every such type: a number, `false`, NULL.
        unsafe { std::mem::zeroed() }
    }

    /// This type as C lays it out in this process.
    ///
    /// # Panics
    /// Where arrays nest deeper than [`MAX_DEPTH`](callsmith_arch::layout::MAX_DEPTH).
    fn ty() -> Type;
}

/// Whether `c` is laid out as `ty` in this process, and asks for no larger alignment by a typedef.
pub fn laid_out_as(c: &CType, ty: &Type) -> bool {
    let aligned = || c.align(host::MODEL).is_ok_and(|align| align <= ty.align(host::MODEL));
    matches!(c.lower(host::MODEL), Ok(Some(found)) if found == *ty) && !c.has_big_endian() && aligned()
}

macro_rules! scalars {
    ($($rust:ty => $scalar:expr),* $(,)?) => {$(
        // SAFETY: the same format, size and alignment under every data model that this process can have.
        unsafe impl Pointee for $rust {
            fn is(c: &CType) -> bool {
                laid_out_as(c, &Type::Scalar($scalar))
            }
        }

        // SAFETY: as above.
        unsafe impl CRepr for $rust {
            fn ty() -> Type {
                Type::Scalar($scalar)
            }
        }
    )*};
}

scalars! {
    bool => Scalar::Bool,
    i16 => Scalar::I16, u16 => Scalar::U16, i32 => Scalar::I32, u32 => Scalar::U32, i64 => Scalar::I64,
    u64 => Scalar::U64, i128 => Scalar::I128, u128 => Scalar::U128,
    isize => if cfg!(target_pointer_width = "32") { Scalar::I32 } else { Scalar::I64 },
    usize => if cfg!(target_pointer_width = "32") { Scalar::U32 } else { Scalar::U64 },
    f32 => Scalar::Float(Float::F32), f64 => Scalar::Float(Float::F64),
}

// SAFETY: the same format, size and alignment.
unsafe impl Pointee for LongDouble {
    fn is(c: &CType) -> bool {
        laid_out_as(c, &Type::Scalar(Scalar::Float(LongDouble::FORMAT)))
    }
}

// SAFETY: as above.
unsafe impl CRepr for LongDouble {
    /// To rustc it is bytes: it passes a struct of one in integer registers, C on the stack and back on the x87's, or in a
    /// vector register.
    const DIRECT: bool = false;

    fn ty() -> Type {
        Type::Scalar(Scalar::Float(LongDouble::FORMAT))
    }
}

/// Bytes are characters of any signedness to those who share their memory.
macro_rules! bytes {
    ($($rust:ty => $scalar:expr),*) => {$(
        // SAFETY: every bit pattern is valid for both signednesses.
        unsafe impl Pointee for $rust {
            fn is(c: &CType) -> bool {
                laid_out_as(c, &Type::Scalar(Scalar::I8)) || laid_out_as(c, &Type::Scalar(Scalar::U8))
            }
        }

        // SAFETY: one byte.
        unsafe impl CRepr for $rust {
            fn ty() -> Type {
                Type::Scalar($scalar)
            }
        }
    )*};
}

bytes! { i8 => Scalar::I8, u8 => Scalar::U8 }

// SAFETY: `void` says nothing of the memory, and `c_void` allows nothing with it.
unsafe impl Pointee for c_void {
    fn is(c: &CType) -> bool {
        matches!(c.resolved().kind(), Kind::Void)
    }
}

// SAFETY: a pointer in memory, whose pointee is compared in turn.
unsafe impl<T: Pointee> Pointee for Ptr<T> {
    fn is(c: &CType) -> bool {
        match c.resolved().kind() {
            Kind::Pointer(pointee) => T::is(&pointee),
            _ => false,
        }
    }
}

// SAFETY: `Ptr` is a transparent pointer.
unsafe impl<T: Pointee + 'static> CRepr for Ptr<T> {
    fn ty() -> Type {
        Type::Scalar(Scalar::Pointer)
    }
}

// SAFETY: an array's memory is its elements'; a C pointer to the first element points at the same memory.
unsafe impl<T: CRepr, const N: usize> Pointee for [T; N] {
    fn is(c: &CType) -> bool {
        match c.resolved().kind() {
            Kind::Array { element, len } => len == u64::try_from(N).ok() && T::is(&element),
            _ => T::is(c),
        }
    }
}

// SAFETY: Rust's and C's arrays are both elements side by side.
unsafe impl<T: CRepr, const N: usize> CRepr for [T; N] {
    const DIRECT: bool = T::DIRECT;

    fn ty() -> Type {
        // As large as a Rust array can be, so only nesting without end is refused.
        Type::array(T::ty(), N as u64, host::MODEL).unwrap_or_else(|error| panic!("an array type: {error}"))
    }
}
