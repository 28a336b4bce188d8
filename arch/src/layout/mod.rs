//! C types as a compiler sees them after layout: sizes, alignments, offsets; names and typedefs gone.
//!
//! A [`Type`] is made bottom-up under one [`DataModel`]: a record is laid out from members that are laid out. What is
//! incomplete or recursive in C is so behind a pointer only, and a pointer here is a scalar.

mod bitfield;
mod gnu;
mod key;
mod leaves;
mod model;
mod msvc;
mod record;

pub use bitfield::BitFieldRule;
pub use leaves::Leaf;
pub use model::{DataModel, IntName};
pub use record::{Field, MAX_LEAVES_PER_BYTE, Member, Place, Record, RecordAttrs, RecordKind, RecordRule};

use crate::{Align, Error, Size};
use alloc::format;
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

/// A vector of 8, 16, 32 or 64 bytes, as GCC's `vector_size` or `__m128` make it. Made by [`Vector::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Vector {
    /// The type of a lane: an integer or floating type of at most 8 bytes, not `_Bool`.
    pub lane: Scalar,
    /// The whole vector's size.
    pub size: Size,
}

impl Vector {
    /// A vector of `size` bytes: 8, 16, 32 or 64. `_Bool`, pointers, the x87's format and 128-bit types are no lanes.
    ///
    /// # Errors
    /// Another size, or what is no lane.
    pub fn new(lane: Scalar, size: u32) -> Result<Vector, Error> {
        let lane_name = match lane {
            Scalar::Bool => "_Bool",
            Scalar::Pointer => "pointer",
            Scalar::I128 | Scalar::U128 => "__int128",
            Scalar::Float(Float::X87 | Float::F128) => "long double",
            Scalar::I8
            | Scalar::U8
            | Scalar::I16
            | Scalar::U16
            | Scalar::I32
            | Scalar::U32
            | Scalar::I64
            | Scalar::U64
            | Scalar::Float(Float::F16 | Float::F32 | Float::F64) => "",
        };
        if !lane_name.is_empty() {
            return Err(Error::Unsupported { what: format!("no vector has lanes of type {lane_name}") });
        }
        match size {
            8 | 16 | 32 | 64 => Ok(Vector { lane, size: Size::of(size) }),
            _ => Err(Error::Unsupported {
                what: format!("a vector of {size} bytes: vectors have 8, 16, 32 or 64"),
            }),
        }
    }

    /// Its alignment: its size, up to the target's limit.
    pub fn align(&self, model: &DataModel) -> Align {
        Align::new(self.size.bytes()).unwrap_or(Align::ONE).min(model.vector_align)
    }
}

/// An array, which C passes only inside a record. Made by [`Type::array`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Array {
    /// The element type.
    pub element: Type,
    /// How many elements; 0 for a flexible array member.
    pub len: u64,
    /// Its size in bytes, known not to overflow.
    size: Size,
    /// One more than the element's.
    depth: u16,
}

/// A complete C object type, laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Type {
    /// An array of `len` elements; 0 for a flexible array member or GNU C's array of no length.
    ///
    /// # Errors
    /// Where its size overflows, where it nests deeper than [`MAX_DEPTH`], or where `model` has no such element.
    pub fn array(element: Type, len: u64, model: &DataModel) -> Result<Type, Error> {
        element.check(model)?;
        let size = element.size(model).checked_mul(len).ok_or(Error::SizeOverflow { what: "an array" })?;
        let depth = deeper_than(element.depth())?;
        Ok(Type::Array(Arc::new(Array { element, len, size, depth })))
    }

    /// Its size in bytes, `sizeof`.
    pub fn size(&self, model: &DataModel) -> Size {
        match self {
            Type::Scalar(scalar) => model.size_of(*scalar),
            Type::Complex(part) => {
                let part = model.size_of(Scalar::Float(*part));
                part.checked_add(part).unwrap_or(part)
            }
            Type::Vector(vector) => vector.size,
            Type::Array(array) => array.size,
            Type::Record(record) => record.size,
        }
    }

    /// Its alignment inside a record, C's `_Alignof`.
    pub fn align(&self, model: &DataModel) -> Align {
        match self {
            Type::Scalar(scalar) => model.align_of(*scalar),
            Type::Complex(part) => model.align_of(Scalar::Float(*part)),
            Type::Vector(vector) => vector.align(model),
            Type::Array(array) => array.element.align(model),
            Type::Record(record) => record.align,
        }
    }

    /// Its alignment as an object of its own, GCC's `__alignof__`.
    pub fn object_align(&self, model: &DataModel) -> Align {
        match self {
            Type::Scalar(scalar) => model.object_align_of(*scalar),
            Type::Complex(part) => model.object_align_of(Scalar::Float(*part)),
            Type::Array(array) => array.element.object_align(model),
            Type::Vector(_) | Type::Record(_) => self.align(model),
        }
    }

    /// How deep arrays and records nest in it: 0 for a scalar, a complex number, a vector.
    pub fn depth(&self) -> u16 {
        match self {
            Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) => 0,
            Type::Array(array) => array.depth,
            Type::Record(record) => record.depth,
        }
    }

    /// Whether `model` has this type. Arrays and records were asked about their parts when they were made.
    pub(crate) fn check(&self, model: &DataModel) -> Result<(), Error> {
        let scalar = match self {
            Type::Scalar(scalar) => *scalar,
            Type::Complex(part) => Scalar::Float(*part),
            Type::Vector(_) | Type::Array(_) | Type::Record(_) => return Ok(()),
        };
        if model.has(scalar) {
            return Ok(());
        }
        Err(Error::Unsupported { what: format!("there is no {scalar:?} in the data model {}", model.name) })
    }
}

/// The depth of what holds something of this depth.
fn deeper_than(depth: u16) -> Result<u16, Error> {
    if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(Error::TooDeep { limit: MAX_DEPTH }) }
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

#[cfg(test)]
mod tests;
