//! Where the scalars of a type are, and the pattern that each carries.

use crate::support::ctype::{CLeaf, CType};
use crate::support::rng::Rng;
use callsmith::arch::layout::{DataModel, Float, Place, Scalar, Type};

/// A scalar that carries a pattern.
pub(crate) struct Spot {
    /// How C names it.
    pub(crate) leaf: CLeaf,
    pub(crate) scalar: Scalar,
    /// Its first bit in the whole value.
    first: usize,
    /// How many bits count.
    pub(crate) width: usize,
}

/// The scalars of `c`, of which `ty` is the layout; of those that share memory in a union, a random few that do not.
pub(crate) fn spots(c: &CType, ty: &Type, model: &DataModel, rng: &mut Rng) -> Vec<Spot> {
    let mut places = Vec::new();
    walk(ty, 0, model, &mut places);
    let leaves = c.leaves();
    assert_eq!(leaves.len(), places.len(), "the number of leaves of {c:?}");
    let mut order: Vec<usize> = (0..places.len()).collect();
    for index in (1..order.len()).rev() {
        let other = rng.below(index as u64 + 1);
        order.swap(index, usize::try_from(other).expect("below a length"));
    }
    let mut kept: Vec<usize> = Vec::new();
    for candidate in order {
        let own = &places[candidate];
        if kept.iter().all(|&index| places[index].end() <= own.first || own.end() <= places[index].first) {
            kept.push(candidate);
        }
    }
    kept.sort_unstable();
    let mut spots = Vec::new();
    for (index, (leaf, Bits { scalar, first, size })) in leaves.into_iter().zip(places).enumerate() {
        if kept.contains(&index) {
            // The rest of a long double is padding.
            let width = if scalar == Scalar::Float(Float::X87) { 80 } else { size };
            spots.push(Spot { leaf, scalar, first, width });
        }
    }
    spots
}

/// The bits that a leaf has for itself.
struct Bits {
    scalar: Scalar,
    first: usize,
    size: usize,
}

impl Bits {
    fn end(&self) -> usize {
        self.first + self.size
    }
}

fn number(x: u64) -> usize {
    usize::try_from(x).expect("types are small here")
}

/// The leaves of a type that starts at bit `base`, in the order of [`CType::leaves`].
fn walk(ty: &Type, base: usize, model: &DataModel, out: &mut Vec<Bits>) {
    let mut scalars = |scalar: Scalar, count: usize| {
        let size = number(model.size_of(scalar).bytes() * 8);
        out.extend((0..count).map(|index| Bits { scalar, first: base + index * size, size }));
    };
    match ty {
        Type::Scalar(scalar) => scalars(*scalar, 1),
        Type::Complex(part) => scalars(Scalar::Float(*part), 2),
        Type::Vector(vector) => {
            let lanes = vector.size.bytes() / model.size_of(vector.lane).bytes();
            scalars(vector.lane, number(lanes));
        }
        Type::Array(array) => {
            let stride = number(array.element.size(model).bytes() * 8);
            (0..number(array.len)).for_each(|index| walk(&array.element, base + index * stride, model, out));
        }
        Type::Record(record) => {
            for field in record.fields.iter().filter(|field| !field.padding) {
                match (field.place, &field.ty) {
                    (Place::Bytes(offset), ty) => walk(ty, base + number(offset.bytes() * 8), model, out),
                    (Place::Bits { first, width }, Type::Scalar(scalar)) => {
                        let first = base + number(first);
                        out.push(Bits { scalar: *scalar, first, size: width.into() });
                    }
                    (Place::Bits { .. }, other) => panic!("a bit-field of type {other:?}"),
                }
            }
        }
    }
}

/// The pattern as `runtime.c` has it: field number and byte number, and a normal number where it is a floating-point one.
pub(crate) fn pattern(field: u32, salt: u8, scalar: Scalar) -> [u8; 16] {
    let mut out: [u8; 16] = std::array::from_fn(|at| {
        let [low, ..] = ((field << 4 | u32::try_from(at).expect("below 16")) ^ field >> 4).to_le_bytes();
        low ^ salt
    });
    let mut exponent = |at: usize, kept: u8, set: u8| out[at] = (out[at] & kept) | set;
    match scalar {
        Scalar::Bool => out[0] = (out[0] ^ out[0] >> 4) & 1,
        Scalar::Float(Float::F16) => exponent(1, 0x83, 0x38),
        Scalar::Float(Float::F32) => exponent(3, 0x80, 0x3f),
        Scalar::Float(Float::F64) => exponent(7, 0x80, 0x3f),
        Scalar::Float(Float::X87) => {
            exponent(9, 0x80, 0x3f);
            exponent(7, 0xff, 0x80);
        }
        Scalar::Float(Float::F128) => exponent(15, 0x80, 0x3f),
        Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 | Scalar::U32 => {}
        Scalar::I64 | Scalar::U64 | Scalar::I128 | Scalar::U128 | Scalar::Pointer => {}
    }
    out
}

impl Spot {
    /// One past its last bit in the whole value.
    pub(crate) fn end(&self) -> usize {
        self.first + self.width
    }

    /// The pattern's bytes, as many as the scalar has bits for.
    pub(crate) fn wanted(&self, field: u32, salt: u8) -> Vec<u8> {
        let pattern = pattern(field, salt, self.scalar);
        self.each_bit(|bit| bit_of(&pattern, bit))
    }

    /// The bytes that are in the whole value `bytes`.
    pub(crate) fn got(&self, bytes: &[u8]) -> Vec<u8> {
        self.each_bit(|bit| bit_of(bytes, self.first + bit))
    }

    /// Writes the pattern into the whole value `bytes`.
    pub(crate) fn write(&self, field: u32, salt: u8, bytes: &mut [u8]) {
        let pattern = pattern(field, salt, self.scalar);
        for bit in 0..self.width {
            let at = self.first + bit;
            let byte = &mut bytes[at / 8];
            *byte = *byte & !(1 << (at % 8)) | bit_of(&pattern, bit) << (at % 8);
        }
    }

    fn each_bit(&self, bit: impl Fn(usize) -> u8) -> Vec<u8> {
        let mut bytes = vec![0; self.width.div_ceil(8)];
        (0..self.width).for_each(|at| bytes[at / 8] |= bit(at) << (at % 8));
        bytes
    }
}

fn bit_of(bytes: &[u8], bit: usize) -> u8 {
    bytes[bit / 8] >> (bit % 8) & 1
}
