//! Leaves: a type flattened to its scalars, each with its offset. What classifiers look at.

use super::{Scalar, Type};
use crate::Size;

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
    pub fn for_each_leaf(&self, _visit: &mut dyn FnMut(Leaf) -> bool) -> bool {
        true
    }
}
