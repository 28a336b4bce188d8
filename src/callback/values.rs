//! Values out of what an adapter points at, and into it.
//!
//! # Safety
//!
//! An adapter's pointers are to values of the types that its prototype has, and to room for its result.
#![allow(unsafe_code)]

use super::dynamic::Shape;
use crate::data::{Data, LongDouble, Tag, Value, to_type};
use crate::function::Expected;
use std::ffi::c_void;

/// The value at `from`.
///
/// # Safety
/// It is a value of the type that is expected.
#[inline]
pub(super) unsafe fn load(expected: &Expected, from: *const c_void) -> Value {
    if !expected.tag.is_word() {
        // SAFETY: the caller's promise.
        return unsafe { load_wide(expected, from) };
    }
    // SAFETY: the caller's promise; numbers of at most 8 bytes and pointers are all that is left.
    unsafe {
        let word = match expected.size {
            1 => from.cast::<u8>().read().into(),
            2 => from.cast::<u16>().read_unaligned().into(),
            4 => from.cast::<u32>().read_unaligned().into(),
            8 => from.cast::<u64>().read_unaligned(),
            _ => return Value::Void,
        };
        // C's `_Bool` is a byte that need not be 0 or 1.
        let word = if expected.tag == Tag::Bool { u64::from(word != 0) } else { word };
        Value::from_word(expected.tag, word)
    }
}

/// [`load`], for what takes more than a word.
///
/// # Safety
/// As for `load`.
#[inline(never)]
unsafe fn load_wide(expected: &Expected, from: *const c_void) -> Value {
    if let Some(shape) = expected.shape {
        // SAFETY: the caller's promise.
        return Data::filled(shape, |to| unsafe {
            from.cast::<u8>().copy_to_nonoverlapping(to, expected.size)
        })
        .into();
    }
    // SAFETY: the caller's promise.
    unsafe {
        match expected.tag {
            Tag::I128 => Value::I128(from.cast::<i128>().read_unaligned()),
            Tag::U128 => Value::U128(from.cast::<u128>().read_unaligned()),
            Tag::LongDouble => {
                Value::LongDouble(LongDouble::from_bytes(from.cast::<[u8; LongDouble::SIGNIFICANT]>().read()))
            }
            Tag::Void
            | Tag::Bool
            | Tag::I8
            | Tag::U8
            | Tag::I16
            | Tag::U16
            | Tag::I32
            | Tag::U32
            | Tag::I64
            | Tag::U64
            | Tag::F32
            | Tag::F64
            | Tag::Pointer
            | Tag::Data => Value::Void,
        }
    }
}

/// Gives C a value as one of the prototype's result; or says why it is none.
///
/// # Safety
/// `to` has room for the prototype's result.
#[inline(always)]
pub(super) unsafe fn give(shape: &Shape, value: &Value, to: *mut c_void) -> Result<(), String> {
    let Shape { result, result_type, .. } = shape;
    let as_it_is = value.tag() == result.tag
        && if let Value::Data(data) = value {
            result.shape.is_some_and(|shape| data.is_shape(shape))
                || Some(data.layout()) == result_type.as_ref() && same_order(shape, data)
        } else {
            true
        };
    // SAFETY: the caller's promise; a value of the result's type has as many bytes.
    unsafe {
        if as_it_is {
            copy(value, to, result.size);
        } else if let Some(ty) = result_type {
            if matches!(value, Value::Data(data) if !same_order(shape, data)) {
                return Err(format!("{}, whose byte order is another", value.describe()));
            }
            let fitting = to_type(value, ty).map_err(|why| why.unwrap_or_else(|| value.describe()))?;
            copy(&fitting, to, result.size);
        }
    }
    Ok(())
}

/// Whether the numbers in `data` have their bytes in the order of the result's.
fn same_order(shape: &Shape, data: &Data) -> bool {
    data.ctype().has_big_endian() == shape.prototype.result.has_big_endian()
}

/// Copies the first `size` bytes of what a value holds.
///
/// # Safety
/// So many are there, and have room.
#[inline(always)]
unsafe fn copy(value: &Value, to: *mut c_void, size: usize) {
    let from = if let Value::Data(data) = value { data.as_ptr() } else { value.content() };
    // SAFETY: the caller's promise.
    unsafe {
        match size {
            // The usual ones without a call.
            4 => to.cast::<[u8; 4]>().write(from.cast::<[u8; 4]>().read()),
            8 => to.cast::<[u8; 8]>().write(from.cast::<[u8; 8]>().read()),
            _ => from.copy_to_nonoverlapping(to.cast(), size),
        }
    }
}
