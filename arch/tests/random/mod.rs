//! Random signatures over every kind of type that C passes. The same seed gives the same signatures everywhere.

#[path = "../../../tests/support/rng.rs"]
pub(crate) mod rng;

use callsmith_arch::layout::{
    DataModel, Float, Member, Record, RecordAttrs, RecordKind, Scalar, Type, Vector,
};
use callsmith_arch::{Abi, Align, Signature};
use rng::Rng;

const FLOATS: &[Float] = &[Float::F16, Float::F32, Float::F64, Float::X87, Float::F128];
const INTEGERS: &[Scalar] = &[
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
];
const LANES: &[Scalar] =
    &[Scalar::I8, Scalar::I32, Scalar::Float(Float::F16), Scalar::Float(Float::F32), Scalar::U64];

/// A signature of up to about 20 parameters.
pub(crate) fn signature(rng: &mut Rng, abi: Abi) -> Signature {
    let len = match rng.below(10) {
        0..7 => rng.below(7),
        7..9 => rng.below(12),
        _ => rng.below(22),
    };
    // Signatures of scalars alone are common, and short ones end in a jump: not left to chance.
    let depth = if rng.chance(30) { None } else { Some(2) };
    let result = if rng.chance(15) { None } else { Some(value(rng, depth)) };
    let params: Vec<Type> = (0..len).map(|_| value(rng, depth)).collect();
    let signature = if rng.chance(15) {
        let fixed = usize::try_from(rng.below(len + 1)).expect("few");
        Signature::variadic(abi, result, params, fixed)
    } else {
        Signature::new(abi, result, params)
    };
    signature.expect("few parameters")
}

/// A type that a parameter may have; a scalar where there is no depth.
fn value(rng: &mut Rng, depth: Option<u32>) -> Type {
    let Some(depth) = depth else { return scalar(rng) };
    match rng.below(100) {
        0..45 => scalar(rng),
        45..53 => Type::Complex(rng.pick(FLOATS)),
        53..61 => vector(rng),
        61..75 => bytes(rng),
        _ => record(rng, depth),
    }
}

fn scalar(rng: &mut Rng) -> Type {
    Type::Scalar(match rng.below(100) {
        0..55 => rng.pick(INTEGERS),
        55..90 => Scalar::Float(rng.pick(FLOATS)),
        _ => Scalar::Pointer,
    })
}

fn vector(rng: &mut Rng) -> Type {
    let lane = rng.pick(LANES);
    Type::Vector(Vector::new(lane, rng.pick(&[8, 16, 16, 32, 64])).expect("a lane and a size of vectors"))
}

/// A struct of bytes: small odd sizes, or around where copies change their ways.
fn bytes(rng: &mut Rng) -> Type {
    let len = match rng.below(10) {
        0..5 => rng.below(17),
        5..8 => rng.below(80),
        8 => 240 + rng.below(40),
        _ => rng.below(3000),
    };
    let array = Type::array(Type::Scalar(Scalar::U8), len, &DataModel::LP64);
    structure(vec![Member::new(array.expect("a short array"))], RecordAttrs::new(RecordKind::Struct))
}

fn record(rng: &mut Rng, depth: u32) -> Type {
    let kind = if rng.chance(20) { RecordKind::Union } else { RecordKind::Struct };
    let mut attrs = RecordAttrs::new(kind);
    attrs.packed = rng.chance(20);
    attrs.align = rng.chance(12).then(|| Align::of(rng.pick(&[1, 2, 4, 8, 16, 32, 64, 4096, 8192])));
    attrs.pack = rng.chance(10).then(|| Align::of(rng.pick(&[1, 2, 4])));
    let len = rng.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 6]);
    structure((0..len).map(|_| member(rng, depth)).collect(), attrs)
}

fn member(rng: &mut Rng, depth: u32) -> Member {
    let mut member = match rng.below(100) {
        0..12 => return bit_field(rng),
        12..45 => Member::new(Type::Scalar(Scalar::Float(rng.pick(FLOATS)))),
        45..75 => Member::new(scalar(rng)),
        75..90 if depth > 0 => Member::new(array(rng, depth - 1)),
        _ if depth > 0 => Member::new(value(rng, Some(depth - 1))),
        _ => Member::new(vector(rng)),
    };
    member.packed = rng.chance(5);
    member
}

/// Half of them without a name: their bytes belong to no field.
fn bit_field(rng: &mut Rng) -> Member {
    let ty = rng.pick(&[Scalar::U8, Scalar::I32, Scalar::U64]);
    let bits = 1 + rng.below(8);
    let bits = u32::try_from(bits).expect("at most 8");
    if rng.chance(50) { Member::unnamed_bits(ty, bits) } else { Member::bits(ty, bits) }
}

fn array(rng: &mut Rng, depth: u32) -> Type {
    let element = value(rng, Some(depth));
    // C wants an element's size to be a multiple of its alignment.
    let model = &DataModel::LP64;
    let whole = element.size(model).is_aligned(element.align(model));
    let element = if whole { element } else { scalar(rng) };
    Type::array(element, rng.below(5), model).expect("a short array")
}

fn structure(members: Vec<Member>, attrs: RecordAttrs) -> Type {
    Record::new(&DataModel::LP64, attrs, &members).expect("members that C allows").into()
}
