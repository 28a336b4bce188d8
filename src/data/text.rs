//! Memory for strings that C writes: `create_string_buffer` and `create_unicode_buffer` of ctypes.

use crate::error::{Error, ErrorKind};
pub use crate::sys::WideChar;
use std::fmt;

/// What stands before the first NUL, or everything.
pub(super) fn until_nul<T: Copy + Default + PartialEq>(units: &[T]) -> &[T] {
    let end = units.iter().position(|unit| *unit == T::default());
    &units[..end.unwrap_or(units.len())]
}

/// Writes `text` to the start of `to`, and a NUL behind it where there is room.
pub(super) fn put<T: Copy + Default>(to: &mut [T], text: &[T], name: &str) -> Result<(), Error> {
    let room = to.len();
    let Some(target) = to.get_mut(..text.len()) else {
        let given = format!("a text of {}", text.len());
        return Err(ErrorKind::Value {
            wanted: name.into(),
            given,
            why: Some(format!("it has room for {room}")),
        }
        .into());
    };
    target.copy_from_slice(text);
    if let Some(end) = to.get_mut(text.len()) {
        *end = T::default();
    }
    Ok(())
}

/// Text as `wchar_t`s: UTF-16 where these have two bytes, else one for each character.
pub(super) fn to_wide(text: &str) -> Vec<WideChar> {
    let unit = |unit: u32| {
        let bytes = unit.to_le_bytes();
        let (unit, _) = bytes.split_at(size_of::<WideChar>());
        WideChar::from_le_bytes(unit.try_into().unwrap_or_default())
    };
    if size_of::<WideChar>() == 2 {
        text.encode_utf16().map(|code| unit(code.into())).collect()
    } else {
        text.chars().map(|character| unit(character.into())).collect()
    }
}

/// The text of `wchar_t`s up to the first NUL.
pub(super) fn from_wide(units: &[WideChar]) -> Result<String, Error> {
    let code = |unit: &WideChar| {
        let mut bytes = [0; 4];
        let unit = unit.to_le_bytes();
        bytes[..unit.len()].copy_from_slice(&unit);
        u32::from_le_bytes(bytes)
    };
    let codes = until_nul(units).iter().map(code);
    let text = if size_of::<WideChar>() == 2 {
        let units: Vec<u16> = codes.map(|code| u16::try_from(code).unwrap_or_default()).collect();
        String::from_utf16(&units).ok()
    } else {
        codes.map(char::from_u32).collect()
    };
    text.ok_or_else(|| {
        let why = Some("a wchar_t in it is no character".into());
        ErrorKind::Value { wanted: "text".into(), given: "memory".into(), why }.into()
    })
}

/// A block of `char`s: what a `char *` parameter that C writes to takes.
///
/// ```
/// use callsmith::CharBuffer;
///
/// let mut buffer = CharBuffer::with_size(b"Hello", 10)?;
/// assert_eq!(buffer.raw(), b"Hello\0\0\0\0\0");
/// buffer.set_value(b"Hi")?;
/// assert_eq!((buffer.value(), buffer.raw()), (&b"Hi"[..], &b"Hi\0lo\0\0\0\0\0"[..]));
/// # Ok::<(), callsmith::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CharBuffer {
    bytes: Box<[u8]>,
}

impl CharBuffer {
    /// `size` NULs.
    pub fn new(size: usize) -> CharBuffer {
        CharBuffer { bytes: vec![0; size].into() }
    }

    /// The text and a NUL.
    pub fn of(text: &[u8]) -> CharBuffer {
        let bytes: Vec<u8> = text.iter().copied().chain([0]).collect();
        CharBuffer { bytes: bytes.into() }
    }

    /// The text in `size` bytes, the rest NULs: none where it just fits.
    ///
    /// # Errors
    /// A text of more than `size` bytes.
    pub fn with_size(text: &[u8], size: usize) -> Result<CharBuffer, Error> {
        let mut buffer = CharBuffer::new(size);
        buffer.set_value(text)?;
        Ok(buffer)
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// All of its bytes.
    pub fn raw(&self) -> &[u8] {
        &self.bytes
    }

    /// All of its bytes, to be written.
    pub fn raw_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The bytes up to the first NUL; all where there is none.
    pub fn value(&self) -> &[u8] {
        until_nul(&self.bytes)
    }

    /// Writes a text to its start, and a NUL behind it where there is room. What stood after that stays.
    ///
    /// # Errors
    /// A text of more bytes than it has.
    pub fn set_value(&mut self, text: &[u8]) -> Result<(), Error> {
        let name = format!("char[{}]", self.size());
        put(&mut self.bytes, text, &name)
    }
}

impl fmt::Debug for CharBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" in {} bytes", self.value().escape_ascii(), self.size())
    }
}

/// A block of `wchar_t`s: what a `wchar_t *` parameter takes.
///
/// Sizes count `wchar_t`s. Where those have two bytes, a character beyond U+FFFF takes two of them.
#[derive(Clone, PartialEq, Eq)]
pub struct WideBuffer {
    units: Box<[WideChar]>,
}

impl WideBuffer {
    /// `size` NULs.
    pub fn new(size: usize) -> WideBuffer {
        WideBuffer { units: vec![0; size].into() }
    }

    /// The text and a NUL.
    pub fn of(text: &str) -> WideBuffer {
        let mut units = to_wide(text);
        units.push(0);
        WideBuffer { units: units.into() }
    }

    /// The text in `size` `wchar_t`s, the rest NULs: none where it just fits.
    ///
    /// # Errors
    /// A text of more than `size`.
    pub fn with_size(text: &str, size: usize) -> Result<WideBuffer, Error> {
        let mut buffer = WideBuffer::new(size);
        buffer.set_value(text)?;
        Ok(buffer)
    }

    /// How many `wchar_t`s it has.
    pub fn size(&self) -> usize {
        self.units.len()
    }

    /// All of them.
    pub fn raw(&self) -> &[WideChar] {
        &self.units
    }

    /// All of them, to be written.
    pub fn raw_mut(&mut self) -> &mut [WideChar] {
        &mut self.units
    }

    /// The text up to the first NUL; all where there is none.
    ///
    /// # Errors
    /// What is no text.
    pub fn value(&self) -> Result<String, Error> {
        from_wide(&self.units)
    }

    /// Writes a text to its start, and a NUL behind it where there is room. What stood after that stays.
    ///
    /// # Errors
    /// A text of more `wchar_t`s than it has.
    pub fn set_value(&mut self, text: &str) -> Result<(), Error> {
        let name = format!("wchar_t[{}]", self.size());
        put(&mut self.units, &to_wide(text), &name)
    }
}

impl fmt::Debug for WideBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            Ok(text) => write!(f, "{text:?} in {} wchar_t", self.size()),
            Err(error) => write!(f, "{error}"),
        }
    }
}
