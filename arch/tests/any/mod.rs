//! Any signature there is, from bytes: shared by property tests and fuzz targets.

use arbitrary::Unstructured;
use arbtest::arbitrary;
use callsmith_arch::layout::{
    DataModel, Float, Member, Record, RecordAttrs, RecordKind, Scalar, Type, Vector,
};
use callsmith_arch::{Abi, Align, Signature};

/// Any signature of up to twelve parameters, of any ABI.
pub(crate) fn signature(u: &mut Unstructured<'_>) -> arbitrary::Result<Signature> {
    let abi = *u.choose(Abi::ALL)?;
    let model = abi.data_model();
    let result = if u.ratio(1, 8)? { None } else { Some(ty(u, model, 3)?) };
    let mut params = Vec::new();
    for _ in 0..u.int_in_range(0..=12)? {
        params.push(ty(u, model, 3)?);
    }
    let signature = match u.ratio(1, 4)? {
        true => Signature::variadic(abi, result, params.clone(), u.int_in_range(0..=params.len())?),
        false => Signature::new(abi, result, params),
    };
    Ok(signature.unwrap())
}

/// Any type of up to 80 bytes or so.
fn ty(u: &mut Unstructured<'_>, model: &DataModel, depth: u32) -> arbitrary::Result<Type> {
    const FLOATS: [Float; 5] = [Float::F16, Float::F32, Float::F64, Float::X87, Float::F128];
    const SCALARS: [Scalar; 14] = [
        Scalar::Bool,
        Scalar::I8,
        Scalar::U16,
        Scalar::I32,
        Scalar::U32,
        Scalar::I64,
        Scalar::I128,
        Scalar::Pointer,
        Scalar::Float(Float::F16),
        Scalar::Float(Float::F32),
        Scalar::Float(Float::F64),
        Scalar::Float(Float::F64),
        Scalar::Float(Float::X87),
        Scalar::Float(Float::F128),
    ];
    let scalar = *u.choose(&SCALARS)?;
    let scalar = if model.has(scalar) { scalar } else { Scalar::Float(Float::F64) };
    Ok(match u.int_in_range(0..=if depth == 0 { 5 } else { 9 })? {
        0..=3 => scalar.into(),
        4 => {
            let part = *u.choose(&FLOATS)?;
            Type::Complex(if model.has(Scalar::Float(part)) { part } else { Float::F64 })
        }
        5 => {
            let lane = *u.choose(&[Scalar::I8, Scalar::Float(Float::F32)])?;
            Type::Vector(Vector::new(lane, *u.choose(&[8, 16, 32, 64])?).unwrap())
        }
        _ => record(u, model, depth - 1)?,
    })
}

/// Any record: struct or union, packed or over-aligned, with arrays and bit-fields.
fn record(u: &mut Unstructured<'_>, model: &DataModel, depth: u32) -> arbitrary::Result<Type> {
    let mut members = Vec::new();
    for _ in 0..u.int_in_range(0..=4)? {
        let ty = ty(u, model, depth)?;
        members.push(match u.int_in_range(0..=5)? {
            0 => Member::bits(Scalar::U32, u.int_in_range(1..=32)?),
            1 => Member::new(Type::array(ty, u.int_in_range(0..=4)?, model).unwrap()),
            _ => Member::new(ty),
        });
    }
    let mut attrs =
        RecordAttrs::new(*u.choose(&[RecordKind::Struct, RecordKind::Struct, RecordKind::Union])?);
    attrs.packed = u.ratio(1, 5)?;
    attrs.align = *u.choose(&[None, None, None, Some(Align::of(16)), Some(Align::of(32))])?;
    Ok(Record::new(model, attrs, &members).unwrap().into())
}
