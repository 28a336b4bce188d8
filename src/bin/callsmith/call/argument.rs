//! From an argument's text to a value of its parameter's type.

use super::{formats, number, object, text};
use crate::foreign;
use callsmith::arch::layout::Float;
use callsmith::ctype::{CType, EnumType, Integer, Kind};
use callsmith::{LongDouble, Ptr, Value, decl, host};
use std::ffi::CString;

/// Why a text is no value of the type wanted; `None` where the type says it all.
pub(super) type Refusal = Option<String>;

/// The value of type `ctype` that `text` spells, or one that is converted to it where it fits.
pub(super) fn value(text: &str, ctype: &CType) -> Result<Value, Refusal> {
    match ctype.resolved().kind() {
        Kind::Integer(Integer::Bool) if matches!(text, "true" | "false") => Ok((text == "true").into()),
        Kind::Integer(_) => integer(text),
        Kind::Enum(enumeration) => constant(text, &enumeration),
        Kind::Floating(name) => match name.format(host::MODEL) {
            format @ (Float::F32 | Float::F64) => floating(text, format),
            format @ (Float::X87 | Float::F128) if format == LongDouble::FORMAT => floating(text, format),
            format @ (Float::F16 | Float::X87 | Float::F128) => formats::read(text, ctype, format),
        },
        Kind::Pointer(target) => pointer(text, &target),
        Kind::Record(_) | Kind::Complex(_) | Kind::Vector { .. } | Kind::Array { .. } => {
            Ok(object::read(text, ctype)?.into())
        }
        Kind::Void | Kind::VaList | Kind::Function(_) | Kind::Typedef { .. } => Err(None),
    }
}

fn integer(text: &str) -> Result<Value, Refusal> {
    number::integer(text).and_then(number::Constant::value).ok_or(None)
}

fn constant(text: &str, enumeration: &EnumType) -> Result<Value, Refusal> {
    match enumeration.constants().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(value.into()),
        None => integer(text),
    }
}

fn floating(text: &str, wanted: Float) -> Result<Value, Refusal> {
    let constant = number::integer(text);
    if let Some(value) = constant.filter(|constant| !constant.is_decimal()).and_then(number::Constant::value)
    {
        return Ok(value);
    }
    match floating_constant(text, wanted) {
        Some((value, _)) => {
            let overflows = value.as_float().is_some_and(f64::is_infinite) && wanted != LongDouble::FORMAT;
            if overflows && !text.to_ascii_lowercase().contains("inf") {
                return Err(Some("it is out of range".into()));
            }
            Ok(value)
        }
        None => constant.and_then(number::Constant::value).ok_or(None),
    }
}

/// A floating constant with its suffix, in lower case: `1.5`, `1e9f`, `0x1.8p3L`, `inf`, `nan`.
pub(super) fn floating_constant(text: &str, wanted: Float) -> Option<(Value, &str)> {
    if text.starts_with(char::is_whitespace) {
        return None;
    }
    let (value, len) = foreign::parse_floating(wanted, &CString::new(text).ok()?).ok()?;
    match text.split_at_checked(len)? {
        ("", _) => None,
        (_, suffix @ ("" | "f" | "F" | "l" | "L")) => Some((value, suffix)),
        (_, _) => None,
    }
}

/// NULL, a string for what points at characters, an initialiser for other objects, an address; for `void *` also a
/// string.
fn pointer(text: &str, target: &CType) -> Result<Value, Refusal> {
    if matches!(text, "NULL" | "nullptr") {
        return Ok(Ptr::<()>::NULL.erase().into());
    }
    let target_kind = target.resolved().kind();
    if let Kind::Integer(Integer::Char | Integer::SChar | Integer::UChar) = target_kind {
        return Ok(string(text)?.into());
    }
    let address = number::integer(text).and_then(number::Constant::value).map(usize::try_from);
    match (address, target_kind) {
        (Some(Ok(address)), _) => Ok(foreign::pointer_at(address).into()),
        (Some(Err(_)), _) => Err(Some("it is no address".into())),
        (None, Kind::Void) => Ok(string(text)?.into()),
        (None, _) if text.starts_with('{') => {
            Ok(foreign::leak_data(object::read_pointee(text, target)?).into())
        }
        (None, _) => Err(None),
    }
}

/// A string in memory of its own.
fn string(text: &str) -> Result<Ptr, Refusal> {
    let mut bytes = text::string(text)?;
    bytes.push(0);
    Ok(foreign::leak_bytes(bytes))
}

/// An argument that no parameter describes: an integer where it looks like one, a `double` where it has a point or an
/// exponent, `NULL`, or else a string. A cast before it says what it is: `(long)1`, `(char *)"1"`.
pub(super) fn variadic(text: &str) -> Result<Value, Refusal> {
    if let Some((ctype, rest)) = cast(text) {
        return typed(rest, &ctype);
    }
    if text == "NULL" {
        return Ok(Ptr::<()>::NULL.erase().into());
    }
    if let Some(constant) = number::integer(text) {
        return constant.typed_value().ok_or_else(|| Some("no integer type holds it".into()));
    }
    let looks_like_number = text.contains(|c: char| c.is_ascii_digit());
    match floating_constant(text, Float::F64).filter(|_| looks_like_number) {
        Some((_, "l" | "L")) => floating(text, LongDouble::FORMAT),
        Some((_, "f" | "F")) => floating(text, Float::F32),
        Some(_) => floating(text, Float::F64),
        None => Ok(string(text)?.into()),
    }
}

/// The type in parentheses at the start of `text`, and what follows them.
pub(super) fn cast(text: &str) -> Option<(CType, &str)> {
    let (inner, rest) = text.strip_prefix('(')?.split_once(')')?;
    Some((decl::parse_type(inner, host::MODEL).ok()?, rest.trim_start()))
}

/// The value of exactly the type `ctype` that `text` spells.
fn typed(text: &str, ctype: &CType) -> Result<Value, Refusal> {
    let value = value(text, ctype)?;
    if let Value::Data(_) | Value::Pointer(_) = value {
        return Ok(value);
    }
    object::converted(&value, ctype)
}
