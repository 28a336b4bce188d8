//! One C value whose type is known at run time.

use super::{Data, LongDouble, Ptr};
use crate::error::{Error, ErrorKind};
use callsmith_arch::layout::{Float, Scalar, Type};
use std::fmt;
use std::mem::MaybeUninit;

/// A C value: a number, a pointer, or memory of any C type.
#[derive(Clone, Debug, PartialEq)]
#[repr(C, u8)]
#[allow(missing_docs)] // the names are the documentation
pub enum Value {
    /// What a `void` function returns.
    Void,
    Bool(bool),
    I8(i8),
    U8(u8),
    I16(i16),
    U16(u16),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Pointer(Ptr),
    I128(i128),
    U128(u128),
    LongDouble(LongDouble),
    /// A struct, union, array, vector, complex number, or a scalar that has no variant of its own.
    Data(Data),
}

/// Which variant a [`Value`] is, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // as in `Value`
pub enum Tag {
    Void,
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    Pointer,
    I128,
    U128,
    LongDouble,
    Data,
}

impl Tag {
    /// The variant of [`Value`] whose content is a value of this type.
    pub(crate) fn of(ty: &Type) -> Tag {
        match ty {
            Type::Scalar(scalar) => match scalar {
                Scalar::Bool => Tag::Bool,
                Scalar::I8 => Tag::I8,
                Scalar::U8 => Tag::U8,
                Scalar::I16 => Tag::I16,
                Scalar::U16 => Tag::U16,
                Scalar::I32 => Tag::I32,
                Scalar::U32 => Tag::U32,
                Scalar::I64 => Tag::I64,
                Scalar::U64 => Tag::U64,
                Scalar::I128 => Tag::I128,
                Scalar::U128 => Tag::U128,
                Scalar::Pointer => Tag::Pointer,
                Scalar::Float(Float::F32) => Tag::F32,
                Scalar::Float(Float::F64) => Tag::F64,
                Scalar::Float(format @ (Float::X87 | Float::F128)) if *format == LongDouble::FORMAT => {
                    Tag::LongDouble
                }
                Scalar::Float(Float::F16 | Float::X87 | Float::F128) => Tag::Data,
            },
            Type::Complex(_) | Type::Vector(_) | Type::Array(_) | Type::Record(_) => Tag::Data,
        }
    }

    /// Whether the content fits a slot: a number of at most 8 bytes, a pointer, or nothing.
    #[inline(always)]
    pub(crate) fn is_word(self) -> bool {
        self as u8 <= Tag::Pointer as u8
    }
}

/// A value's memory: `#[repr(C, u8)]` is a tag, then a union of the variants' contents (Rust reference, "Type layout").
#[repr(C)]
struct Parts {
    tag: Tag,
    content: Content,
}

#[repr(C, align(16))]
struct Content {
    /// All of a content of at most 8 bytes.
    word: MaybeUninit<u64>,
    rest: MaybeUninit<[u8; size_of::<Data>() - 8]>,
}

const _: () = assert!(size_of::<Parts>() == size_of::<Value>() && align_of::<Parts>() == align_of::<Value>());

#[allow(unsafe_code)]
impl Value {
    /// Which variant this is.
    #[inline(always)]
    pub(crate) fn tag(&self) -> Tag {
        // SAFETY: `Parts` is the layout of `Value`, and `Tag` lists its variants in order.
        unsafe { (*std::ptr::from_ref(self).cast::<Parts>()).tag }
    }

    /// The first 8 bytes of the content, as a slot wants them; those that the variant does not have are uninitialised.
    #[inline(always)]
    pub(crate) fn word(&self) -> MaybeUninit<u64> {
        // SAFETY: `Parts` is the layout of `Value`; uninitialised bytes may be copied as `MaybeUninit`.
        unsafe { (*std::ptr::from_ref(self).cast::<Parts>()).content.word }
    }

    /// Where the content is.
    #[inline(always)]
    pub(crate) fn content(&self) -> *const u8 {
        // SAFETY: `Parts` is the layout of `Value`.
        unsafe { (&raw const (*std::ptr::from_ref(self).cast::<Parts>()).content).cast() }
    }

    /// The value of variant `tag` whose content's bytes start with `word`.
    ///
    /// # Safety
    /// `tag` must be a number of at most 8 bytes or a pointer; not `Bool`, whose bytes may be invalid.
    #[inline(always)]
    pub(crate) unsafe fn from_word(tag: Tag, word: u64) -> Value {
        let mut value = MaybeUninit::<Value>::uninit();
        let parts = value.as_mut_ptr().cast::<Parts>();
        // SAFETY: `Parts` is the layout of `Value`; every bit pattern of such a variant's content is valid.
        unsafe {
            (&raw mut (*parts).tag).write(tag);
            (&raw mut (*parts).content.word).write(MaybeUninit::new(word));
            value.assume_init()
        }
    }
}

impl Value {
    /// What to call this value's type in a message.
    pub fn type_name(&self) -> String {
        match self {
            Value::Void => "void".into(),
            Value::Bool(_) => "bool".into(),
            Value::I8(_) => "i8".into(),
            Value::U8(_) => "u8".into(),
            Value::I16(_) => "i16".into(),
            Value::U16(_) => "u16".into(),
            Value::I32(_) => "i32".into(),
            Value::U32(_) => "u32".into(),
            Value::I64(_) => "i64".into(),
            Value::U64(_) => "u64".into(),
            Value::F32(_) => "f32".into(),
            Value::F64(_) => "f64".into(),
            Value::Pointer(_) => "pointer".into(),
            Value::I128(_) => "i128".into(),
            Value::U128(_) => "u128".into(),
            Value::LongDouble(_) => "long double".into(),
            Value::Data(data) => data.ctype().to_string(),
        }
    }

    /// The value and its type, for a message.
    pub(crate) fn describe(&self) -> String {
        match self {
            Value::Void => "nothing".into(),
            Value::Data(data) => data.ctype().to_string(),
            _ => format!("{self} ({})", self.type_name()),
        }
    }

    /// Whether it is a pointer that is not NULL, or memory with room for pointers.
    pub(crate) fn holds_pointer(&self) -> bool {
        match self {
            Value::Pointer(pointer) => !pointer.is_null(),
            Value::Data(data) => data.layout().has(Scalar::Pointer),
            Value::Void
            | Value::Bool(_)
            | Value::I8(_)
            | Value::U8(_)
            | Value::I16(_)
            | Value::U16(_)
            | Value::I32(_)
            | Value::U32(_)
            | Value::I64(_)
            | Value::U64(_)
            | Value::F32(_)
            | Value::F64(_)
            | Value::I128(_)
            | Value::U128(_)
            | Value::LongDouble(_) => false,
        }
    }

    /// This value as an integer, where it is one: `bool` and all integers, and nothing else.
    pub fn as_integer(&self) -> Option<Integer> {
        let signed = |x: i128| Some(Integer { negative: x < 0, magnitude: x.unsigned_abs() });
        let unsigned = |x: u128| Some(Integer { negative: false, magnitude: x });
        match self {
            Value::Bool(x) => unsigned((*x).into()),
            Value::I8(x) => signed((*x).into()),
            Value::U8(x) => unsigned((*x).into()),
            Value::I16(x) => signed((*x).into()),
            Value::U16(x) => unsigned((*x).into()),
            Value::I32(x) => signed((*x).into()),
            Value::U32(x) => unsigned((*x).into()),
            Value::I64(x) => signed((*x).into()),
            Value::U64(x) => unsigned((*x).into()),
            Value::I128(x) => signed(*x),
            Value::U128(x) => unsigned(*x),
            Value::Void
            | Value::F32(_)
            | Value::F64(_)
            | Value::Pointer(_)
            | Value::LongDouble(_)
            | Value::Data(_) => None,
        }
    }

    /// This value as a floating-point number: `float`, `double`, `long double` (rounded).
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::F32(x) => Some((*x).into()),
            Value::F64(x) => Some(*x),
            Value::LongDouble(x) => Some((*x).into()),
            Value::Void
            | Value::Bool(_)
            | Value::I8(_)
            | Value::U8(_)
            | Value::I16(_)
            | Value::U16(_)
            | Value::I32(_)
            | Value::U32(_)
            | Value::I64(_)
            | Value::U64(_)
            | Value::I128(_)
            | Value::U128(_)
            | Value::Pointer(_)
            | Value::Data(_) => None,
        }
    }
}

/// An integer of any C type, as sign and magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    negative: bool,
    magnitude: u128,
}

impl Integer {
    /// Its value, where it fits `T`.
    pub fn fit<T: TryFrom<i128> + TryFrom<u128>>(self) -> Option<T> {
        if self.negative {
            // i128::MIN's magnitude is its own two's complement.
            T::try_from(self.magnitude.wrapping_neg().cast_signed()).ok()
        } else {
            T::try_from(self.magnitude).ok()
        }
    }

    /// Its value as a `double`, where that is exact.
    pub fn fit_f64(self) -> Option<f64> {
        let exact = self.magnitude as f64;
        let x = self.magnitude;
        let fits = x == 0 || 128 - x.leading_zeros() - x.trailing_zeros() <= f64::MANTISSA_DIGITS;
        fits.then_some(if self.negative { -exact } else { exact })
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad_integral(!self.negative, "", &self.magnitude.to_string())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Void => write!(f, "void"),
            Value::Bool(x) => write!(f, "{x}"),
            Value::I8(x) => write!(f, "{x}"),
            Value::U8(x) => write!(f, "{x}"),
            Value::I16(x) => write!(f, "{x}"),
            Value::U16(x) => write!(f, "{x}"),
            Value::I32(x) => write!(f, "{x}"),
            Value::U32(x) => write!(f, "{x}"),
            Value::I64(x) => write!(f, "{x}"),
            Value::U64(x) => write!(f, "{x}"),
            Value::I128(x) => write!(f, "{x}"),
            Value::U128(x) => write!(f, "{x}"),
            Value::F32(x) => write!(f, "{x}"),
            Value::F64(x) => write!(f, "{x}"),
            Value::LongDouble(x) => write!(f, "{x}"),
            Value::Pointer(p) if p.is_null() => write!(f, "NULL"),
            Value::Pointer(p) => write!(f, "{p:?}"),
            Value::Data(data) => write!(f, "{data}"),
        }
    }
}

/// From a Rust type to its variant, and back where the variant is the same.
macro_rules! conversions {
    ($($rust:ty => $variant:ident),* $(,)?) => {$(
        impl From<$rust> for Value {
            fn from(value: $rust) -> Value {
                Value::$variant(value)
            }
        }

        impl TryFrom<Value> for $rust {
            type Error = Error;

            fn try_from(value: Value) -> Result<$rust, Error> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    other => Err(mismatch(stringify!($rust), &other)),
                }
            }
        }
    )*};
}

conversions! {
    bool => Bool, i8 => I8, u8 => U8, i16 => I16, u16 => U16, i32 => I32, u32 => U32, i64 => I64, u64 => U64,
    f32 => F32, f64 => F64, i128 => I128, u128 => U128, LongDouble => LongDouble, Ptr => Pointer,
}

fn mismatch(wanted: &str, given: &Value) -> Error {
    ErrorKind::Value { wanted: wanted.into(), given: given.describe(), why: None }.into()
}

/// `isize` and `usize` are as wide as a pointer, and have no variant of their own.
macro_rules! pointer_sized {
    ($($rust:ty => $narrow:ty, $wide:ty);* $(;)?) => {$(
        impl From<$rust> for Value {
            fn from(value: $rust) -> Value {
                match <$narrow>::try_from(value) {
                    Ok(narrow) if size_of::<$rust>() == size_of::<$narrow>() => narrow.into(),
                    _ => (value as $wide).into(),
                }
            }
        }

        impl TryFrom<Value> for $rust {
            type Error = Error;

            fn try_from(value: Value) -> Result<$rust, Error> {
                let fits = value.as_integer().and_then(|integer| integer.fit());
                fits.ok_or_else(|| mismatch(stringify!($rust), &value))
            }
        }
    )*};
}

pointer_sized! { isize => i32, i64; usize => u32, u64 }

impl From<Data> for Value {
    fn from(data: Data) -> Value {
        Value::Data(data)
    }
}
