//! Scalars in memory: values out of little-endian bytes, and back; and the other byte order.

use super::{LongDouble, Ptr, Value};
use crate::host;
use callsmith_arch::Size;
use callsmith_arch::layout::{Float, Place, RecordKind, Scalar, Type};

/// The scalar that these bytes are, where there is a variant for it.
pub(super) fn scalar_value(layout: &Type, bytes: &[u8]) -> Option<Value> {
    macro_rules! number {
        ($rust:ty) => {
            Some(<$rust>::from_le_bytes(bytes.try_into().ok()?).into())
        };
    }
    let Type::Scalar(scalar) = layout else { return None };
    match scalar {
        Scalar::Bool => Some(Value::Bool(bytes.first().is_some_and(|byte| *byte != 0))),
        Scalar::I8 => number!(i8),
        Scalar::U8 => number!(u8),
        Scalar::I16 => number!(i16),
        Scalar::U16 => number!(u16),
        Scalar::I32 => number!(i32),
        Scalar::U32 => number!(u32),
        Scalar::I64 => number!(i64),
        Scalar::U64 => number!(u64),
        Scalar::I128 => number!(i128),
        Scalar::U128 => number!(u128),
        Scalar::Float(Float::F32) => number!(f32),
        Scalar::Float(Float::F64) => number!(f64),
        Scalar::Float(format @ (Float::X87 | Float::F128)) if *format == LongDouble::FORMAT => {
            let significant = bytes.get(..LongDouble::SIGNIFICANT)?.try_into().ok()?;
            Some(LongDouble::from_bytes(significant).into())
        }
        Scalar::Pointer => {
            let address = usize::from_le_bytes(bytes.try_into().ok()?);
            Some(Value::Pointer(Ptr::exposed(address)))
        }
        Scalar::Float(Float::F16 | Float::X87 | Float::F128) => None,
    }
}

/// Writes a value of exactly this many bytes.
pub(super) fn store(value: &Value, bytes: &mut [u8]) {
    fn put(bytes: &mut [u8], from: &[u8]) {
        let len = bytes.len().min(from.len());
        bytes[..len].copy_from_slice(&from[..len]);
    }
    match value {
        Value::Void => {}
        Value::Bool(x) => put(bytes, &[u8::from(*x)]),
        Value::I8(x) => put(bytes, &x.to_le_bytes()),
        Value::U8(x) => put(bytes, &x.to_le_bytes()),
        Value::I16(x) => put(bytes, &x.to_le_bytes()),
        Value::U16(x) => put(bytes, &x.to_le_bytes()),
        Value::I32(x) => put(bytes, &x.to_le_bytes()),
        Value::U32(x) => put(bytes, &x.to_le_bytes()),
        Value::I64(x) => put(bytes, &x.to_le_bytes()),
        Value::U64(x) => put(bytes, &x.to_le_bytes()),
        Value::I128(x) => put(bytes, &x.to_le_bytes()),
        Value::U128(x) => put(bytes, &x.to_le_bytes()),
        Value::F32(x) => put(bytes, &x.to_le_bytes()),
        Value::F64(x) => put(bytes, &x.to_le_bytes()),
        Value::LongDouble(x) => put(bytes, &x.to_bytes()),
        Value::Pointer(x) => put(bytes, &x.as_ptr().expose_provenance().to_le_bytes()),
        Value::Data(data) => put(bytes, data.bytes()),
    }
}

/// Turns the bytes of every scalar around, in arrays too. Vectors have no other order, and records their own (GCC manual,
/// "Common Type Attributes", `scalar_storage_order`).
pub(super) fn turn_around(layout: &Type, bytes: &mut [u8]) {
    let part = match layout {
        Type::Scalar(_) => return bytes.reverse(),
        Type::Complex(part) => &Type::Scalar(Scalar::Float(*part)),
        Type::Array(array) => &array.element,
        Type::Vector(_) | Type::Record(_) => return,
    };
    let size = usize::try_from(part.size(host::MODEL).bytes()).unwrap_or(usize::MAX);
    if size > 0 {
        bytes.chunks_exact_mut(size).for_each(|bytes| turn_around(part, bytes));
    }
}

/// Whether these bytes may be seen as Rust's type for `layout`: each `_Bool` outside of unions is 0 or 1.
pub(super) fn bools_are_valid(layout: &Type, bytes: &[u8]) -> bool {
    if !layout.has(Scalar::Bool) {
        return true;
    }
    let size = |layout: &Type| usize::try_from(layout.size(host::MODEL).bytes()).unwrap_or(usize::MAX);
    match layout {
        Type::Scalar(_) => bytes.iter().all(|byte| *byte <= 1),
        Type::Complex(_) | Type::Vector(_) => true,
        Type::Array(array) => {
            let size = size(&array.element).max(1);
            bytes.chunks_exact(size).all(|bytes| bools_are_valid(&array.element, bytes))
        }
        Type::Record(record) if record.kind == RecordKind::Union => true,
        Type::Record(record) => record.fields.iter().all(|field| match field.place {
            Place::Bits { .. } => true,
            Place::Bytes(offset) => {
                let start = usize::try_from(offset.bytes()).unwrap_or(usize::MAX);
                let member = bytes.get(start..start.saturating_add(size(&field.ty)));
                member.is_some_and(|bytes| bools_are_valid(&field.ty, bytes))
            }
        }),
    }
}

/// Calls `visit` with the offset of each pointer that is in no union.
pub(super) fn for_each_pointer(layout: &Type, base: usize, visit: &mut dyn FnMut(usize)) {
    if !layout.has(Scalar::Pointer) {
        return;
    }
    let bytes = |size: Size| usize::try_from(size.bytes()).unwrap_or(usize::MAX);
    match layout {
        Type::Scalar(_) => visit(base),
        Type::Complex(_) | Type::Vector(_) => {}
        Type::Array(array) => {
            let stride = bytes(array.element.size(host::MODEL));
            let count = usize::try_from(array.len).unwrap_or(usize::MAX);
            (0..count).for_each(|index| for_each_pointer(&array.element, base + index * stride, visit));
        }
        Type::Record(record) if record.kind == RecordKind::Union => {}
        Type::Record(record) => {
            for field in &record.fields {
                if let Place::Bytes(offset) = field.place {
                    for_each_pointer(&field.ty, base + bytes(offset), visit);
                }
            }
        }
    }
}
