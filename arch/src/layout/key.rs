//! Types as keys: what is looked up each time a function is bound.
//!
//! Equality is of content, all the way down. The hash looks less far: at a type, and at the members of a record, but not
//! into what those are made of. So it costs little, also where a record is built of itself sixty times over, and tells
//! apart what differs in practice.

use super::{Float, Place, Record, Scalar, Type};
use core::hash::{Hash, Hasher};

impl Scalar {
    /// Every scalar there is.
    pub(crate) const ALL: [Scalar; 17] = [
        Scalar::Bool,
        Scalar::I8,
        Scalar::U8,
        Scalar::I16,
        Scalar::U16,
        Scalar::I32,
        Scalar::U32,
        Scalar::I64,
        Scalar::U64,
        Scalar::I128,
        Scalar::U128,
        Scalar::Float(Float::F16),
        Scalar::Float(Float::F32),
        Scalar::Float(Float::F64),
        Scalar::Float(Float::X87),
        Scalar::Float(Float::F128),
        Scalar::Pointer,
    ];

    /// More than any [`Scalar::code`].
    pub(crate) const CODES: usize = 32;

    /// A number of its own, from 1 to 31.
    #[inline]
    pub(crate) const fn code(self) -> u8 {
        // In the order of declaration, so that it compiles to arithmetic and not to a table of jumps.
        let kind = match self {
            Scalar::Bool => 1,
            Scalar::I8 => 2,
            Scalar::U8 => 3,
            Scalar::I16 => 4,
            Scalar::U16 => 5,
            Scalar::I32 => 6,
            Scalar::U32 => 7,
            Scalar::I64 => 8,
            Scalar::U64 => 9,
            Scalar::I128 => 10,
            Scalar::U128 => 11,
            Scalar::Float(_) => 12,
            Scalar::Pointer => 13,
        };
        if let Scalar::Float(float) = self { 16 + float.code() } else { kind }
    }
}

impl Float {
    /// A number of its own, from 0 to 15.
    #[inline]
    const fn code(self) -> u8 {
        match self {
            Float::F16 => 0,
            Float::F32 => 1,
            Float::F64 => 2,
            Float::X87 => 3,
            Float::F128 => 4,
        }
    }
}

impl Type {
    /// What kind of type it is, not 0; for a scalar or a complex number, all that there is to know.
    #[inline]
    pub(crate) const fn tag(&self) -> u8 {
        match self {
            Type::Scalar(scalar) => scalar.code(),
            Type::Complex(part) => 0x20 | part.code(),
            Type::Vector(vector) => 0x40 | vector.lane.code(),
            Type::Array(_) => 0x60,
            Type::Record(_) => 0x80,
        }
    }

    /// Whether there is more to know of a type than `tag`.
    #[inline]
    pub(crate) const fn has_content(tag: u8) -> bool {
        tag >= 0x40
    }
}

impl Hash for Type {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let tag = self.tag();
        state.write_u8(tag);
        if Type::has_content(tag) {
            hash_content(self, state);
        }
    }
}

/// What a type's tag does not tell of it.
fn hash_content<H: Hasher>(ty: &Type, state: &mut H) {
    match ty {
        Type::Scalar(_) | Type::Complex(_) => {}
        Type::Vector(vector) => vector.size.hash(state),
        Type::Array(array) => {
            state.write_u8(array.element.tag());
            state.write_u64(array.len);
        }
        Type::Record(record) => hash_members(record, state),
    }
}

fn hash_members<H: Hasher>(record: &Record, state: &mut H) {
    record.kind.hash(state);
    record.size.hash(state);
    record.align.hash(state);
    for field in &record.fields {
        let (first, width) = match field.place {
            Place::Bytes(offset) => (offset.bytes(), 0),
            Place::Bits { first, width } => (first, width),
        };
        // In a record that can be passed, an offset has far fewer bits than it is left here.
        state.write_u64(first << 24 | u64::from(width) << 8 | u64::from(field.ty.tag()));
    }
}
