//! Leaves: a type flattened to its scalars, each with its offset. What classifiers look at.

use super::{DataModel, Place, Record, Scalar, Type};
use crate::Size;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A scalar somewhere inside a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The scalar. A vector's leaves are its lanes, a complex number's its two parts.
    pub scalar: Scalar,
    /// Its first byte, from the start of the outermost type. For a bit-field, the first byte that it touches.
    pub offset: Size,
    /// How many bytes it touches.
    pub size: Size,
    /// Whether it is a bit-field.
    pub bit_field: bool,
}

impl Type {
    /// Calls `visit` with each leaf, in order of declaration; members of unions one after the other; unnamed bit-fields
    /// and members of no size left out. Stops where `visit` returns false, and returns whether it ran to the end.
    ///
    /// Nothing is collected, so that a classifier may look at the first leaves of a huge array and stop.
    pub fn for_each_leaf(&self, model: &DataModel, visit: &mut dyn FnMut(Leaf) -> bool) -> bool {
        Walk { model, visit }.walk(self, Size::ZERO)
    }

    /// Whether there is such a scalar anywhere in it, in arrays without elements too.
    pub fn has(&self, scalar: Scalar) -> bool {
        self.has_beyond(scalar, &mut Vec::new())
    }

    /// [`Type::has`]; records that are in `seen` were looked at already, and do not have it.
    fn has_beyond(&self, scalar: Scalar, seen: &mut Vec<*const Record>) -> bool {
        match self {
            Type::Scalar(own) => *own == scalar,
            Type::Complex(part) => Scalar::Float(*part) == scalar,
            Type::Vector(vector) => vector.lane == scalar,
            Type::Array(array) => array.element.has_beyond(scalar, seen),
            Type::Record(record) => {
                let this = Arc::as_ptr(record);
                if seen.contains(&this) {
                    return false;
                }
                let found = record.fields.iter().any(|field| field.ty.has_beyond(scalar, seen));
                seen.push(this);
                found
            }
        }
    }

    /// How many leaves there are in it; the lanes of a vector and the parts of a complex number count as one.
    pub(crate) fn leaves(&self) -> u64 {
        match self {
            Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) => 1,
            Type::Array(array) => array.len.saturating_mul(array.element.leaves()),
            Type::Record(record) => record.leaves,
        }
    }
}

/// A walk over the leaves. It recurses as deep as the type nests, which is at most [`super::MAX_DEPTH`].
struct Walk<'a> {
    model: &'a DataModel,
    visit: &'a mut dyn FnMut(Leaf) -> bool,
}

impl Walk<'_> {
    /// Visits what is in a type that starts at `base`.
    fn walk(&mut self, ty: &Type, base: Size) -> bool {
        // An array may have 2^60 elements without a leaf: do not step through them.
        if ty.leaves() == 0 {
            return true;
        }
        match ty {
            Type::Scalar(scalar) => self.scalars(*scalar, 1, base),
            Type::Complex(part) => self.scalars(Scalar::Float(*part), 2, base),
            Type::Vector(vector) => {
                let lanes = vector.size.bytes() / self.model.size_of(vector.lane).bytes();
                self.scalars(vector.lane, lanes, base)
            }
            Type::Array(array) => {
                let stride = array.element.size(self.model);
                (0..array.len).all(|index| match element_offset(base, stride, index) {
                    Some(offset) => self.walk(&array.element, offset),
                    None => false,
                })
            }
            Type::Record(record) => self.record(record, base),
        }
    }

    /// Visits `count` scalars side by side.
    fn scalars(&mut self, scalar: Scalar, count: u64, base: Size) -> bool {
        let size = self.model.size_of(scalar);
        (0..count).all(|index| match element_offset(base, size, index) {
            Some(offset) => (self.visit)(Leaf { scalar, offset, size, bit_field: false }),
            None => false,
        })
    }

    fn record(&mut self, record: &Record, base: Size) -> bool {
        record.fields.iter().filter(|field| !field.padding).all(|field| match (field.place, &field.ty) {
            (Place::Bytes(offset), ty) => match base.checked_add(offset) {
                Some(offset) => self.walk(ty, offset),
                None => false,
            },
            (Place::Bits { first, width }, Type::Scalar(scalar)) => {
                match bit_field_leaf(base, first, width) {
                    Some((offset, size)) => {
                        (self.visit)(Leaf { scalar: *scalar, offset, size, bit_field: true })
                    }
                    None => false,
                }
            }
            // `Record::new` makes bit-fields of scalars only.
            (Place::Bits { .. }, Type::Complex(_) | Type::Vector(_) | Type::Array(_) | Type::Record(_)) => {
                true
            }
        })
    }
}

/// Where element `index` is. `None` beyond the address space, where no type made here reaches.
fn element_offset(base: Size, stride: Size, index: u64) -> Option<Size> {
    base.checked_add(stride.checked_mul(index)?)
}

/// The bytes that a bit-field touches: the first one's offset, and their number.
fn bit_field_leaf(base: Size, first: u64, width: u16) -> Option<(Size, Size)> {
    let bytes = (first % 8 + u64::from(width)).div_ceil(8);
    Some((base.checked_add(Size::new(first / 8)?)?, Size::new(bytes)?))
}
