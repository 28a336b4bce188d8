//! "Arm C and C++ Language Mappings": from a C type to the machine type that stage C speaks of; "Homogeneous Aggregates".

use crate::Align;
use crate::layout::{DataModel, RecordKind, Scalar, Type};

/// A machine type, as far as stage C tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    /// "An Integral or Pointer Type" of at most 8 bytes.
    Integral(Scalar),
    /// "An Integral Type, the size of the argument is equal to 16."
    Quad,
    /// "A Half-, Single-, Double- or Quad-precision Floating-point or Short Vector Type."
    Float,
    /// "An HFA or an HVA" of `count` members of `member` bytes each.
    Homogeneous {
        /// How many: one to four.
        count: u32,
        /// A member's size in bytes.
        member: u32,
        /// A member's alignment.
        align: Align,
    },
    /// Any other "Composite Type".
    Composite,
}

impl Machine {
    /// The machine type of a C type that has bytes.
    pub(super) fn of(ty: &Type, size: u32, model: &DataModel) -> Machine {
        match ty {
            Type::Scalar(Scalar::Float(_)) => Machine::Float,
            Type::Scalar(Scalar::I128 | Scalar::U128) => Machine::Quad,
            Type::Scalar(scalar) => Machine::Integral(*scalar),
            // "Short Vectors" have 8 or 16 bytes. What gcc and clang make of larger ones passes as a composite.
            Type::Vector(_) if size <= 16 => Machine::Float,
            Type::Vector(_) | Type::Array(_) => Machine::Composite,
            // Table 3: a complex number's "Layout is struct {float re; float im;}".
            Type::Complex(_) | Type::Record(_) => match Homogeneous::of(ty, size, model) {
                Some(machine) => machine,
                None => Machine::Composite,
            },
        }
    }
}

/// The fundamental data type of an aggregate's members. "For short-vector types the fundamental types are 64-bit vector
/// and 128-bit vector; the type of the elements in the short vector does not form part of the test for homogeneity."
#[derive(Clone, Copy, PartialEq, Eq)]
struct Base {
    vector: bool,
    size: u32,
    align: Align,
}

/// The test for homogeneity: which base type has been seen.
struct Homogeneous<'a> {
    model: &'a DataModel,
    base: Option<Base>,
}

/// "At most four uniquely addressable members", of at most 16 bytes each.
const MOST: u64 = 4;

impl Homogeneous<'_> {
    /// The HFA or HVA that an aggregate is. "The test for homogeneity is applied after data layout is completed."
    fn of(ty: &Type, size: u32, model: &DataModel) -> Option<Machine> {
        // Before anything else: what is larger may nest without end.
        if u64::from(size) > MOST * 16 {
            return None;
        }
        let mut test = Homogeneous { model, base: None };
        let count = test.members(ty).filter(|&count| count <= MOST)?;
        let (base, count) = (test.base?, u32::try_from(count).ok()?);
        // "The overall size is the size of the Base Type multiplied by the number [of] uniquely addressable Members."
        let whole = count > 0 && base.size * count == size;
        whole.then_some(Machine::Homogeneous { count, member: base.size, align: base.align })
    }

    /// How many members of the one base type a type has; `None` where it has others.
    fn members(&mut self, ty: &Type) -> Option<u64> {
        match ty {
            Type::Scalar(Scalar::Float(_)) => self.base(ty, false),
            Type::Vector(_) => self.base(ty, true),
            Type::Complex(part) => Some(2 * self.base(&Type::Scalar(Scalar::Float(*part)), false)?),
            Type::Scalar(_) => None,
            Type::Array(array) => self.members(&array.element)?.checked_mul(array.len),
            Type::Record(record) => {
                let mut most = 0u64;
                let mut sum = 0u64;
                for field in &record.fields {
                    let inside = match &field.ty {
                        _ if field.padding => return None,
                        ty if is_empty_array(ty) => return None,
                        // "All members of a Composite Type have nonzero size": an empty struct is no member.
                        ty if ty.leaves() == 0 => 0,
                        ty => self.members(ty)?,
                    };
                    most = most.max(inside);
                    sum = sum.checked_add(inside)?;
                }
                Some(match record.kind {
                    RecordKind::Struct => sum,
                    RecordKind::Union => most,
                })
            }
        }
    }

    /// One member of this base type, if it is the one seen before.
    fn base(&mut self, ty: &Type, vector: bool) -> Option<u64> {
        let size = u32::try_from(ty.size(self.model).bytes()).ok()?;
        if vector && size > 16 {
            return None;
        }
        let base = Base { vector, size, align: ty.align(self.model) };
        (*self.base.get_or_insert(base) == base).then_some(1)
    }
}

/// Whether it is an array of no elements, or of such: with one in it, gcc and clang see no HFA.
fn is_empty_array(ty: &Type) -> bool {
    match ty {
        Type::Array(array) => array.len == 0 || is_empty_array(&array.element),
        Type::Scalar(_) | Type::Complex(_) | Type::Vector(_) | Type::Record(_) => false,
    }
}
