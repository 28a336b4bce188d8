//! Values of callsmith with given bytes, and bytes of values.

use callsmith::arch::layout::{Float, Scalar, Type};
use callsmith::ctype::CType;
use callsmith::{Data, Error, LongDouble, Ptr, Value};
use std::ffi::c_void;

/// The value of type `ty` with these bytes.
pub(crate) fn value_of(bytes: &[u8], ty: &Type, ctype: &CType) -> Result<Value, Error> {
    fn sized<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes[..N].try_into().expect("as many")
    }
    let Type::Scalar(scalar) = ty else { return data_of(bytes, ctype) };
    Ok(match scalar {
        Scalar::Bool => Value::Bool(bytes[0] != 0),
        Scalar::I8 => i8::from_le_bytes(sized(bytes)).into(),
        Scalar::U8 => u8::from_le_bytes(sized(bytes)).into(),
        Scalar::I16 => i16::from_le_bytes(sized(bytes)).into(),
        Scalar::U16 => u16::from_le_bytes(sized(bytes)).into(),
        Scalar::I32 => i32::from_le_bytes(sized(bytes)).into(),
        Scalar::U32 => u32::from_le_bytes(sized(bytes)).into(),
        Scalar::I64 => i64::from_le_bytes(sized(bytes)).into(),
        Scalar::U64 => u64::from_le_bytes(sized(bytes)).into(),
        Scalar::I128 => i128::from_le_bytes(sized(bytes)).into(),
        Scalar::U128 => u128::from_le_bytes(sized(bytes)).into(),
        Scalar::Float(Float::F32) => f32::from_le_bytes(sized(bytes)).into(),
        Scalar::Float(Float::F64) => f64::from_le_bytes(sized(bytes)).into(),
        Scalar::Float(format @ (Float::X87 | Float::F128)) if *format == LongDouble::FORMAT => {
            LongDouble::from_bytes(sized(bytes)).into()
        }
        Scalar::Float(Float::F16 | Float::X87 | Float::F128) => data_of(bytes, ctype)?,
        Scalar::Pointer => {
            let address = usize::from_le_bytes(sized(bytes));
            // SAFETY: a number, which nobody follows.
            unsafe { Ptr::new(std::ptr::without_provenance::<c_void>(address)) }.into()
        }
    })
}

fn data_of(bytes: &[u8], ctype: &CType) -> Result<Value, Error> {
    let mut data = Data::new(ctype)?;
    // SAFETY: what pointers there are, nobody follows.
    unsafe { data.bytes_mut() }.copy_from_slice(bytes);
    Ok(data.into())
}

/// The bytes of a value, without the padding of a `long double`.
pub(crate) fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Void => Vec::new(),
        Value::Bool(x) => vec![u8::from(*x)],
        Value::I8(x) => x.to_le_bytes().to_vec(),
        Value::U8(x) => x.to_le_bytes().to_vec(),
        Value::I16(x) => x.to_le_bytes().to_vec(),
        Value::U16(x) => x.to_le_bytes().to_vec(),
        Value::I32(x) => x.to_le_bytes().to_vec(),
        Value::U32(x) => x.to_le_bytes().to_vec(),
        Value::I64(x) => x.to_le_bytes().to_vec(),
        Value::U64(x) => x.to_le_bytes().to_vec(),
        Value::I128(x) => x.to_le_bytes().to_vec(),
        Value::U128(x) => x.to_le_bytes().to_vec(),
        Value::F32(x) => x.to_le_bytes().to_vec(),
        Value::F64(x) => x.to_le_bytes().to_vec(),
        Value::LongDouble(x) => x.to_bytes().to_vec(),
        Value::Pointer(x) => x.as_ptr().addr().to_le_bytes().to_vec(),
        Value::Data(data) => data.bytes().to_vec(),
    }
}
