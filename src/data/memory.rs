//! Memory that C owns, by address: what ctypes calls `memmove`, `memset`, `string_at`, `wstring_at` and `memoryview_at`.
//!
//! Each checks for NULL and leaves the rest to its caller. Memory that Rust knows of needs none of these: see
//! [`ViewMut::assign`](crate::ViewMut::assign), [`ViewMut::bytes_mut`](crate::ViewMut::bytes_mut) and slices.
#![allow(unsafe_code)]

use super::Ptr;
use super::text::{WideChar, from_wide, until_nul};
use crate::error::{Error, ErrorKind};
use std::ffi::CStr;

/// The address, if it is not NULL or nothing is wanted there.
fn checked<T>(pointer: Ptr<T>, ty: &str, count: usize) -> Result<*mut u8, Error> {
    match (pointer.is_null(), count) {
        (false, _) => Ok(pointer.as_ptr().cast()),
        (true, 0) => Ok(std::ptr::NonNull::dangling().as_ptr()),
        (true, _) => Err(ErrorKind::NullPointer { ty: ty.into() }.into()),
    }
}

/// Copies `count` bytes, which may overlap.
///
/// # Errors
/// NULL.
///
/// # Safety
/// As many bytes may be read at `from`, and written at `to`: no Rust reference to them is alive, and whoever reads them
/// later as pointers or `bool`s finds such.
pub unsafe fn memmove<T, U>(to: Ptr<T>, from: Ptr<U>, count: usize) -> Result<(), Error> {
    let (to, from) = (checked(to, "memory", count)?, checked(from, "memory", count)?);
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy(from, to, count) };
    Ok(())
}

/// Writes `byte` to `count` bytes.
///
/// # Errors
/// NULL.
///
/// # Safety
/// As for [`memmove`], of `to`.
pub unsafe fn memset<T>(to: Ptr<T>, byte: u8, count: usize) -> Result<(), Error> {
    let to = checked(to, "memory", count)?;
    // SAFETY: the caller's promise.
    unsafe { to.write_bytes(byte, count) };
    Ok(())
}

/// A copy of `size` bytes; without a size, of those before the first NUL.
///
/// # Errors
/// NULL.
///
/// # Safety
/// That many initialised bytes are there; without a size, a NUL comes at some time.
pub unsafe fn string_at<T>(pointer: Ptr<T>, size: Option<usize>) -> Result<Vec<u8>, Error> {
    let start = checked(pointer, "char", size.unwrap_or(1))?;
    // SAFETY: the caller's promise.
    Ok(unsafe {
        match size {
            Some(size) => std::slice::from_raw_parts(start, size).to_vec(),
            None => CStr::from_ptr(start.cast_const().cast()).to_bytes().to_vec(),
        }
    })
}

/// The text in `size` `wchar_t`s; without a size, in those before the first NUL. A NUL ends it in any case.
///
/// # Errors
/// NULL; what is no text.
///
/// # Safety
/// As for [`string_at`], of `wchar_t`s, at their alignment.
pub unsafe fn wstring_at<T>(pointer: Ptr<T>, size: Option<usize>) -> Result<String, Error> {
    let start = checked(pointer, "wchar_t", size.unwrap_or(1))?.cast::<WideChar>();
    if size == Some(0) {
        return Ok(String::new());
    }
    // SAFETY: the caller's promise.
    let units = unsafe {
        let size = size.unwrap_or_else(|| {
            let mut size = 0;
            while *start.add(size) != 0 {
                size += 1;
            }
            size
        });
        std::slice::from_raw_parts(start, size)
    };
    from_wide(until_nul(units))
}

/// `size` bytes where they are, to be read.
///
/// # Errors
/// NULL.
///
/// # Safety
/// That many initialised bytes are there, and nobody writes them as long as the result lives.
pub unsafe fn bytes_at<'a, T>(pointer: Ptr<T>, size: usize) -> Result<&'a [u8], Error> {
    let start = checked(pointer, "memory", size)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(start, size) })
}

/// `size` bytes where they are, to be read and written.
///
/// # Errors
/// NULL.
///
/// # Safety
/// That many initialised bytes are there, nobody else reads or writes them as long as the result lives, and whoever reads
/// them later as pointers or `bool`s finds such.
pub unsafe fn bytes_at_mut<'a, T>(pointer: Ptr<T>, size: usize) -> Result<&'a mut [u8], Error> {
    let start = checked(pointer, "memory", size)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts_mut(start, size) })
}
