//! Strings and characters as C spells them.

/// The bytes of a string argument. What stands between double quotes is a string constant; anything else is the string
/// itself, only that escapes are read as in C. Fails with what is wrong with an escape.
pub(super) fn string(text: &str) -> Result<Vec<u8>, String> {
    unescape(quoted(text).unwrap_or(text))
}

/// What is between the double quotes, where there are any.
pub(super) fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// The value of a character constant: `'A'`, `'\n'`, `'é'`; `None` where `text` is none.
pub(super) fn character(text: &str) -> Option<u32> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut rest = inner.chars();
    match (rest.next()?, rest.as_str()) {
        ('\\', escape) => match escaped(escape).ok()? {
            (Piece::Byte(byte), "") => Some(byte.into()),
            (Piece::Char(c), "") => Some(c.into()),
            (Piece::Byte(_) | Piece::Char(_), _) => None,
        },
        (only, "") => Some(only.into()),
        (_, _) => None,
    }
}

/// What an escape stands for.
enum Piece {
    Byte(u8),
    Char(char),
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (piece, after) = escaped(escape)?;
        match piece {
            Piece::Byte(byte) => bytes.push(byte),
            Piece::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// What a backslash and the start of `escape` stand for, and what follows (C11 6.4.4.4).
fn escaped(escape: &str) -> Result<(Piece, &str), String> {
    let Some(first) = escape.chars().next() else {
        return Err("a backslash stands at its end; write \\\\ for one".into());
    };
    let rest = &escape[first.len_utf8()..];
    let byte = match first {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'v' => 11,
        'e' => 27,
        '\\' => b'\\',
        '\'' => b'\'',
        '"' => b'"',
        '?' => b'?',
        'x' => return numbered(rest, 16, usize::MAX),
        '0'..='7' => return numbered(escape, 8, 3),
        'u' => return universal(rest, 4),
        'U' => return universal(rest, 8),
        other => return Err(format!("\\{other} is no escape of C; write \\\\ for a backslash")),
    };
    Ok((Piece::Byte(byte), rest))
}

/// A byte by its number.
fn numbered(text: &str, radix: u32, most: usize) -> Result<(Piece, &str), String> {
    let (digits, rest) = digits(text, radix, most);
    match u8::from_str_radix(digits, radix) {
        Ok(byte) => Ok((Piece::Byte(byte), rest)),
        Err(_) => Err("an escape by number has digits, and at most the value 255".into()),
    }
}

/// A character by its code point.
fn universal(text: &str, count: usize) -> Result<(Piece, &str), String> {
    let (digits, rest) = digits(text, 16, count);
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == count);
    match code.and_then(char::from_u32) {
        Some(c) => Ok((Piece::Char(c), rest)),
        None => Err(format!("an escape with u has {count} hexadecimal digits that are a character's")),
    }
}

fn digits(text: &str, radix: u32, most: usize) -> (&str, &str) {
    let len = text.chars().take_while(|c| c.is_digit(radix)).take(most).count();
    text.split_at(len)
}
