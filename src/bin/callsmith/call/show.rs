//! Values in print, by their type.

use super::formats;
use crate::foreign;
use callsmith::ctype::{CType, Integer, Kind};
use callsmith::{Data, Error, Value};

/// How wide a struct may be on one line.
const WIDTH: usize = 100;

/// A result as its own output: text for a string, nothing for `void`.
pub(super) fn result(value: &Value, ctype: &CType) -> Result<Vec<u8>, Error> {
    let mut bytes = match value {
        Value::Void => return Ok(Vec::new()),
        Value::Pointer(pointer) if is_string(ctype) => {
            foreign::text_at(*pointer).unwrap_or_else(|| b"NULL".to_vec())
        }
        _ => tree(value, ctype)?.lines(0).into_bytes(),
    };
    bytes.push(b'\n');
    Ok(bytes)
}

/// A value in print, not yet broken into lines.
enum Shown {
    Leaf(String),
    /// Members in braces, each with its name if it has one.
    Group(Vec<(String, Shown)>),
}

impl Shown {
    /// On one line, or with each member on its own where that is too wide.
    fn lines(&self, indent: usize) -> String {
        let Shown::Group(members) = self else { return self.line() };
        let line = self.line();
        if indent + line.len() <= WIDTH {
            return line;
        }
        let inner = indent + 4;
        let mut text = "{\n".to_owned();
        for (name, member) in members {
            text += &format!("{:inner$}{name}{},\n", "", member.lines(inner));
        }
        text + &format!("{:indent$}}}", "")
    }

    fn line(&self) -> String {
        match self {
            Shown::Leaf(text) => text.clone(),
            Shown::Group(members) => {
                let members: Vec<String> =
                    members.iter().map(|(name, member)| format!("{name}{}", member.line())).collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }
}

fn tree(value: &Value, ctype: &CType) -> Result<Shown, Error> {
    match value {
        Value::Data(data) => part(data, ctype, ""),
        _ => Ok(Shown::Leaf(scalar(value, ctype)?)),
    }
}

/// The part of `data` at `path`, which is of type `ctype`.
fn part(data: &Data, ctype: &CType, path: &str) -> Result<Shown, Error> {
    match ctype.resolved().kind() {
        Kind::Record(record) => {
            let mut members = Vec::new();
            for member in record.members() {
                match member.name {
                    Some(name) => {
                        let shown = part(data, &member.ty, &format!("{path}.{name}"))?;
                        members.push((format!(".{name} = "), shown));
                    }
                    // An unnamed struct or union; its members are found by their own names.
                    None if member.bits.is_none() => {
                        members.push((String::new(), part(data, &member.ty, path)?));
                    }
                    None => {}
                }
            }
            Ok(Shown::Group(members))
        }
        Kind::Array { element, len } => elements(data, &element, len.unwrap_or(0), path),
        Kind::Vector { lane, bytes } => {
            let size = lane.size(callsmith::host::MODEL).map_or(1, |size| size.bytes());
            elements(data, &lane, bytes / size.max(1), path)
        }
        Kind::Complex(part) => elements(data, &part.into(), 2, path),
        Kind::Void
        | Kind::VaList
        | Kind::Integer(_)
        | Kind::Floating(_)
        | Kind::Pointer(_)
        | Kind::Function(_)
        | Kind::Enum(_)
        | Kind::Typedef { .. } => leaf(data, ctype, path),
    }
}

fn elements(data: &Data, element: &CType, len: u64, path: &str) -> Result<Shown, Error> {
    if let Kind::Integer(Integer::Char) = element.resolved().kind()
        && let Some(text) = characters(data, len, path)?
    {
        return Ok(Shown::Leaf(text));
    }
    let elements =
        (0..len).map(|index| Ok((String::new(), part(data, element, &format!("{path}[{index}]"))?)));
    Ok(Shown::Group(elements.collect::<Result<_, Error>>()?))
}

/// An array of characters as a string constant, where it holds a string.
fn characters(data: &Data, len: u64, path: &str) -> Result<Option<String>, Error> {
    let mut bytes = Vec::new();
    for index in 0..len {
        match data.get(&format!("{path}[{index}]"))? {
            Value::I8(0) | Value::U8(0) => return Ok(Some(quoted(&bytes))),
            Value::I8(byte) => bytes.push(byte.cast_unsigned()),
            Value::U8(byte) => bytes.push(byte),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn leaf(data: &Data, ctype: &CType, path: &str) -> Result<Shown, Error> {
    let text = match data.get(path) {
        // What has no variant of its own comes back as bytes.
        Ok(Value::Data(other)) => formats::print(&other),
        Ok(value) => scalar(&value, ctype)?,
        // A pointer among the members of a union is not to be followed, and cannot be told from a number.
        Err(_) => "?".into(),
    };
    Ok(Shown::Leaf(text))
}

fn scalar(value: &Value, ctype: &CType) -> Result<String, Error> {
    Ok(match (value, ctype.resolved().kind()) {
        (Value::Pointer(pointer), _) if is_string(ctype) => {
            foreign::text_at(*pointer).map_or_else(|| "NULL".into(), |text| quoted(&text))
        }
        (Value::I8(byte), Kind::Integer(Integer::Char)) => character(byte.cast_unsigned()),
        (Value::U8(byte), Kind::Integer(Integer::Char)) => character(*byte),
        (_, Kind::Enum(enumeration)) => {
            let number = value.as_integer().and_then(|integer| integer.fit::<i128>());
            let constant = enumeration.constants().find(|(_, value)| Some(*value) == number);
            constant.map_or_else(|| value.to_string(), |(name, _)| format!("{name} ({value})"))
        }
        (Value::F32(number), _) => floating(&format!("{number:?}")),
        (Value::F64(number), _) => floating(&format!("{number:?}")),
        (Value::LongDouble(number), _) => foreign::print_long_double(*number)?,
        (_, _) => value.to_string(),
    })
}

/// Rust's shortest form that reads back as the same number, with C's words.
pub(super) fn floating(debug: &str) -> String {
    debug.strip_suffix(".0").unwrap_or(debug).to_ascii_lowercase()
}

fn character(byte: u8) -> String {
    if byte.is_ascii_graphic() || byte == b' ' {
        format!("'{}'", char::from(byte).escape_default())
    } else {
        byte.to_string()
    }
}

/// A C string constant.
fn quoted(bytes: &[u8]) -> String {
    let text: String = bytes
        .utf8_chunks()
        .map(|chunk| {
            let valid = chunk.valid().chars().map(|c| match c {
                '"' => "\\\"".into(),
                '\\' => "\\\\".into(),
                '\n' => "\\n".into(),
                '\t' => "\\t".into(),
                c if c.is_control() && c.is_ascii() => format!("\\{:03o}", u32::from(c)),
                c => c.to_string(),
            });
            let invalid = chunk.invalid().iter().map(|byte| format!("\\{byte:03o}"));
            valid.chain(invalid).collect::<String>()
        })
        .collect();
    format!("\"{text}\"")
}

/// Whether `ctype` is `char *`.
fn is_string(ctype: &CType) -> bool {
    match ctype.resolved().kind() {
        Kind::Pointer(target) => matches!(target.resolved().kind(), Kind::Integer(Integer::Char)),
        _ => false,
    }
}
