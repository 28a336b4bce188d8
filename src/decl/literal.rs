//! The values of integer, character and string constants.

use super::error::ErrorKind;
use super::token::Constant;
use crate::ctype::Integer;
use callsmith_arch::layout::DataModel;

impl Constant {
    pub(super) fn int(value: i128) -> Constant {
        Constant { value, bits: 32, signed: true }
    }
}

/// An integer constant with its suffixes, of the first type that holds it (C11 6.4.4.1p5).
pub(super) fn integer(text: &str, model: &DataModel) -> Result<Constant, ErrorKind> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    let wrong =
        || ErrorKind::Unexpected { expected: "an integer constant".to_owned(), found: format!("'{text}'") };
    let end = digits.find(|c: char| !c.is_digit(radix) && c != '\'').unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    let (unsigned, long) = match suffix {
        "" => (false, 0),
        "u" => (true, 0),
        "l" => (false, 1),
        "ul" | "lu" => (true, 1),
        "ll" | "i64" => (false, 2),
        "ull" | "llu" | "ui64" => (true, 2),
        _ => return Err(wrong()),
    };
    let digits = digits.replace('\'', "");
    if digits.is_empty() && radix != 8 {
        return Err(wrong());
    }
    let value = if digits.is_empty() { Ok(0) } else { u64::from_str_radix(&digits, radix) };
    let value = value.map_err(|_| ErrorKind::TooLarge {
        what: format!("'{text}'"),
        limit: "unsigned long long".to_owned(),
    })?;
    let (long_bits, _) = Integer::Long.format(model);
    let least = match long {
        0 => 32,
        1 => long_bits,
        _ => 64,
    };
    for bits in [32, 64].into_iter().filter(|bits| *bits >= least) {
        if !unsigned && value >> (bits - 1) == 0 {
            return Ok(Constant { value: value.into(), bits, signed: true });
        }
        if (unsigned || radix != 10) && (bits == 64 || value >> bits == 0) {
            return Ok(Constant { value: value.into(), bits, signed: false });
        }
    }
    // A decimal constant beyond `long long` has no type in C; compilers make it unsigned, with a warning.
    Ok(Constant { value: value.into(), bits: 64, signed: false })
}

/// A character constant's value: an `int`, from one `char` (C11 6.4.4.4p10). `inner` stands between the quotes.
pub(super) fn character(inner: &str, model: &DataModel) -> Result<Constant, ErrorKind> {
    let (value, rest) = match inner.strip_prefix('\\') {
        Some(escape) => {
            let (value, rest) = escaped(escape)?;
            // `'\xff'` has the value of a char.
            let negative = model.char_signed && (0x80..=0xff).contains(&value);
            (if negative { i128::from(value) - 0x100 } else { value.into() }, rest)
        }
        None => {
            let mut chars = inner.chars();
            let value = chars.next().map(u32::from).ok_or_else(|| invalid("an empty character constant"))?;
            (value.into(), chars.as_str())
        }
    };
    if rest.is_empty() {
        Ok(Constant::int(value))
    } else {
        Err(invalid("a character constant of more than one character"))
    }
}

/// A string constant's text. `inner` stands between the quotes.
pub(super) fn text(inner: &str) -> Result<String, ErrorKind> {
    let mut text = String::new();
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (value, tail) = escaped(&rest[at + 1..])?;
        text.push(char::from_u32(value).ok_or_else(|| invalid("an escape that is no character"))?);
        rest = tail;
    }
    text.push_str(rest);
    Ok(text)
}

/// The character after a backslash, and what follows it.
fn escaped(escape: &str) -> Result<(u32, &str), ErrorKind> {
    let mut chars = escape.chars();
    let simple = match chars.next() {
        Some('n') => 10,
        Some('t') => 9,
        Some('r') => 13,
        Some('a') => 7,
        Some('b') => 8,
        Some('f') => 12,
        Some('v') => 11,
        Some('e') => 27,
        Some(c @ ('\\' | '\'' | '"' | '?')) => u32::from(c),
        Some('x') => return digits(chars.as_str(), 16, 8),
        Some('u') => return digits(chars.as_str(), 16, 4),
        Some('U') => return digits(chars.as_str(), 16, 8),
        Some('0'..='7') => return digits(escape, 8, 3),
        _ => return Err(invalid("an unknown escape")),
    };
    Ok((simple, chars.as_str()))
}

fn digits(text: &str, radix: u32, most: usize) -> Result<(u32, &str), ErrorKind> {
    let len = text.chars().take_while(|c| c.is_digit(radix)).count().min(most);
    let (digits, rest) = text.split_at(len);
    match u32::from_str_radix(digits, radix) {
        Ok(value) => Ok((value, rest)),
        Err(_) => Err(invalid("an escape without digits")),
    }
}

fn invalid(why: &str) -> ErrorKind {
    ErrorKind::Invalid { why: why.to_owned() }
}
