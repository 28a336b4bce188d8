//! C types as a compiler sees them after layout: sizes, alignments, offsets; names and typedefs gone.
//!
//! A [`Type`] is made bottom-up under one [`DataModel`]: a record is laid out from members that are laid out. What is
//! incomplete or recursive in C is so behind a pointer only, and a pointer here is a scalar.

mod bitfield;
mod leaves;
mod model;
mod record;

pub use bitfield::BitFieldRule;
pub use leaves::Leaf;
pub use model::{DataModel, IntName};
pub use record::{Field, Member, Place, Record, RecordAttrs, RecordKind};

use crate::{Align, Error, Size};
use alloc::sync::Arc;

/// How deep records and arrays may nest.
pub const MAX_DEPTH: u16 = 64;

/// A floating-point format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Float {
    /// IEEE 754 binary16, C's `_Float16`.
    F16,
    /// IEEE 754 binary32, C's `float`.
    F32,
    /// IEEE 754 binary64, C's `double`.
    F64,
    /// The x87's 80-bit format, `long double` on x86 outside MSVC: 10 significant bytes.
    X87,
    /// IEEE 754 binary128, `long double` on AArch64 Linux, `__float128` elsewhere.
    F128,
}

/// A scalar. Enumerations are their underlying integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the documentation
pub enum Scalar {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    I128,
    U128,
    Float(Float),
    /// Any pointer, to object or function.
    Pointer,
}

/// A vector of 8, 16, 32 or 64 bytes, as GCC's `vector_size` or `__m128` make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vector {
    /// The type of a lane. Never `Bool` or `Pointer`.
    pub lane: Scalar,
    /// The whole vector's size, which is its alignment too.
    pub size: Size,
}

/// An array, which C passes only inside a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Array {
    /// The element type.
    pub element: Type,
    /// How many elements; 0 for a flexible array member.
    pub len: u64,
}

/// A complete C object type, laid out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A number or a pointer.
    Scalar(Scalar),
    /// `_Complex` of a floating type: real part, then imaginary part.
    Complex(Float),
    /// A vector.
    Vector(Vector),
    /// An array.
    Array(Arc<Array>),
    /// A struct or union.
    Record(Arc<Record>),
}

impl From<Scalar> for Type {
    fn from(scalar: Scalar) -> Type {
        Type::Scalar(scalar)
    }
}

impl From<Record> for Type {
    fn from(record: Record) -> Type {
        Type::Record(Arc::new(record))
    }
}
