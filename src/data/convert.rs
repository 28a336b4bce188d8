//! Numbers of one type given for another: converted where the value fits, refused with a reason where not.

use super::{CRepr, LongDouble, Tag, Value};
use crate::error::{Error, ErrorKind};
use callsmith_arch::layout::Type;
use std::any::type_name;
use std::borrow::Cow;

/// `value` as one that fits a parameter of type `ty` as it is; or why it does not.
pub(crate) fn to_type(value: &Value, ty: &Type) -> Result<Value, Option<String>> {
    match (value, Tag::of(ty)) {
        (Value::Data(data), Tag::Data) if data.layout() == ty => Ok(value.clone()),
        (Value::Data(_), _) | (_, Tag::Data | Tag::Void) => Err(None),
        (_, tag) => number(value, tag),
    }
}

fn number(value: &Value, tag: Tag) -> Result<Value, Option<String>> {
    macro_rules! integer {
        ($rust:ty) => {
            match value.as_integer() {
                Some(integer) => match integer.fit::<$rust>() {
                    Some(fits) => Ok(fits.into()),
                    None => Err(Some(format!("it holds {} to {}", <$rust>::MIN, <$rust>::MAX))),
                },
                None => Err(None),
            }
        };
    }
    match tag {
        Tag::Bool => match value.as_integer().and_then(|integer| integer.fit::<u8>()) {
            Some(bit @ (0 | 1)) => Ok(Value::Bool(bit == 1)),
            Some(_) => Err(Some("only 0 and 1 are truth values".into())),
            None => Err(None),
        },
        Tag::I8 => integer!(i8),
        Tag::U8 => integer!(u8),
        Tag::I16 => integer!(i16),
        Tag::U16 => integer!(u16),
        Tag::I32 => integer!(i32),
        Tag::U32 => integer!(u32),
        Tag::I64 => integer!(i64),
        Tag::U64 => integer!(u64),
        Tag::I128 => integer!(i128),
        Tag::U128 => integer!(u128),
        Tag::F64 => float(value).map(Value::F64),
        Tag::F32 => single(float(value)?).map(Value::F32),
        Tag::LongDouble => match value {
            Value::LongDouble(_) => Ok(value.clone()),
            other => float(other).map(|number| Value::LongDouble(LongDouble::from(number))),
        },
        Tag::Pointer => match value {
            Value::Pointer(_) => Ok(value.clone()),
            _ => Err(None),
        },
        Tag::Void | Tag::Data => Err(None),
    }
}

/// A floating-point number as it is (a `long double` rounded), an integer where it is exact.
fn float(value: &Value) -> Result<f64, Option<String>> {
    match value.as_integer() {
        Some(integer) => integer.fit_f64().ok_or_else(|| Some("it has more digits than a double".into())),
        None => value.as_float().ok_or(None),
    }
}

/// Rounded, as C converts; a finite number does not become infinite.
fn single(number: f64) -> Result<f32, Option<String>> {
    #[allow(clippy::cast_possible_truncation)] // rounding is what is wanted
    let rounded = number as f32;
    if rounded.is_infinite() && number.is_finite() {
        return Err(Some(format!("a float goes up to {}", f32::MAX)));
    }
    Ok(rounded)
}

/// Whether a value of this type is passed as another where no parameter says how (C11 6.5.2.2p6).
pub(crate) fn is_promoted(ty: &Type) -> bool {
    match Tag::of(ty) {
        Tag::Bool | Tag::I8 | Tag::U8 | Tag::I16 | Tag::U16 | Tag::F32 => true,
        Tag::Void
        | Tag::I32
        | Tag::U32
        | Tag::I64
        | Tag::U64
        | Tag::F64
        | Tag::Pointer
        | Tag::I128
        | Tag::U128
        | Tag::LongDouble
        | Tag::Data => false,
    }
}

/// `value` as it is passed where no parameter says how (C11 6.5.2.2p6): small integers as `int`, `float` as `double`.
pub(crate) fn promoted(value: &Value) -> Cow<'_, Value> {
    Cow::Owned(match value {
        Value::Bool(x) => Value::I32((*x).into()),
        Value::I8(x) => Value::I32((*x).into()),
        Value::U8(x) => Value::I32((*x).into()),
        Value::I16(x) => Value::I32((*x).into()),
        Value::U16(x) => Value::I32((*x).into()),
        Value::F32(x) => Value::F64((*x).into()),
        Value::Void
        | Value::I32(_)
        | Value::U32(_)
        | Value::I64(_)
        | Value::U64(_)
        | Value::F64(_)
        | Value::Pointer(_)
        | Value::I128(_)
        | Value::U128(_)
        | Value::LongDouble(_)
        | Value::Data(_) => return Cow::Borrowed(value),
    })
}

/// A result as a Rust number.
pub(crate) fn to_rust<R>(value: Value) -> Result<R, Error>
where
    R: CRepr + TryFrom<Value, Error = Error>,
{
    match to_type(&value, &R::ty()) {
        Ok(fits) => R::try_from(fits),
        Err(_) => Err(unfit(type_name::<R>(), &value)),
    }
}

/// A value that is not what `wanted` names.
pub(crate) fn unfit(wanted: &str, given: &Value) -> Error {
    ErrorKind::Value { wanted: wanted.into(), given: given.describe(), why: None }.into()
}
