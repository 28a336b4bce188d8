//! The C library of this process, and memory that C sees.
//!
//! # Safety
//! Calls here are of the C standard library's functions, by the prototypes that the standard gives them. Memory handed
//! to C is leaked: the function called may keep its address, as `putenv` does, and the program ends soon.
#![allow(unsafe_code)]

use callsmith::arch::layout::Float;
use callsmith::ctype::CType;
use callsmith::{Data, Error, Function, LongDouble, Ptr, Value, View, decl, host};
use std::ffi::{CStr, c_char, c_int, c_void};

mod c {
    use super::{c_int, c_void};

    // Only their addresses are taken, but for the first.
    unsafe extern "C" {
        pub(super) fn fflush(stream: *mut c_void) -> c_int;
        pub(super) fn strtof();
        pub(super) fn strtod();
        pub(super) fn strtold();
        pub(super) fn snprintf();
    }
}

/// Writes out what C functions printed and the C library still holds.
pub(crate) fn flush() {
    // SAFETY: NULL stands for all output streams (C11 7.21.5.2).
    unsafe { c::fflush(std::ptr::null_mut()) };
}

/// The address of `bytes` in memory that C may keep and write to.
pub(crate) fn leak_bytes(bytes: Vec<u8>) -> Ptr {
    // SAFETY: this memory is nobody else's, for ever.
    unsafe { Ptr::new(bytes.leak().as_ptr()) }.erase()
}

/// The address of `data` in memory that C may keep and write to.
pub(crate) fn leak_data(data: Data) -> Ptr {
    // SAFETY: this memory is nobody else's, for ever.
    unsafe { Ptr::new(Box::leak(Box::new(data)).as_mut_ptr().cast_const()) }.erase()
}

/// The pointer that the user wrote as a number.
pub(crate) fn pointer_at(address: usize) -> Ptr {
    // SAFETY: that C may follow it is the word of the user, who can as well write a wrong declaration.
    unsafe { Ptr::new(std::ptr::with_exposed_provenance(address)) }
}

/// What is now in memory that [`leak_data`] gave out as a `ctype`.
pub(crate) fn data_at(address: Ptr, ctype: &CType) -> Result<Data, Error> {
    // SAFETY: it is there for ever, and the function that wrote to it has returned.
    unsafe { View::at_address(ctype, address.as_ptr().cast()) }?.to_data()
}

/// The text that C calls a string, without its end.
pub(crate) fn text_at(pointer: Ptr) -> Option<Vec<u8>> {
    let address = pointer.as_ptr().cast::<c_char>();
    // SAFETY: the declaration says that it is a string, and it came from the function declared.
    (!address.is_null()).then(|| unsafe { CStr::from_ptr(address) }.to_bytes().to_vec())
}

/// The number at the start of `text`, in the format `wanted` or the nearest that C reads, and how many bytes of the text it takes.
pub(crate) fn parse_floating(wanted: Float, text: &CStr) -> Result<(Value, usize), Error> {
    let (declaration, address): (_, unsafe extern "C" fn()) = match wanted {
        Float::X87 | Float::F128 => ("long double strtold(const char *text, char **end)", c::strtold),
        Float::F64 => ("double strtod(const char *text, char **end)", c::strtod),
        Float::F32 | Float::F16 => ("float strtof(const char *text, char **end)", c::strtof),
    };
    let mut end = text.as_ptr();
    // SAFETY: the prototype is the C standard's; the text is a string, and `end` is this frame's.
    unsafe {
        let parse = standard(declaration, address)?;
        let arguments = [Ptr::new(text.as_ptr()).erase(), Ptr::new(&raw mut end).erase()];
        let number = parse.call_values(&arguments.map(Value::from))?;
        Ok((number, end.addr() - text.as_ptr().addr()))
    }
}

/// So many digits tell any two numbers of 113 bits apart, and of fewer.
const DIGITS: i32 = 36;

/// As many digits of `number` as tell it from all others, as `%Lg` prints them.
pub(crate) fn print_long_double(number: LongDouble) -> Result<String, Error> {
    for digits in 1..DIGITS {
        let text = print_digits(number, digits)?;
        let (back, _) = parse_floating(LongDouble::FORMAT, &text)?;
        if back == Value::LongDouble(number) {
            return Ok(text.to_string_lossy().into_owned());
        }
    }
    Ok(print_digits(number, DIGITS)?.to_string_lossy().into_owned())
}

fn print_digits(number: LongDouble, digits: i32) -> Result<std::ffi::CString, Error> {
    let mut buffer = [0u8; 64];
    let buffer_len = buffer.len();
    // SAFETY: the prototype is the C standard's, and the format matches what follows.
    unsafe {
        let print =
            standard("int snprintf(char *buffer, size_t size, const char *format, ...)", c::snprintf)?;
        print.call::<_, i32>((&mut buffer[..], buffer_len, c"%.*Lg", digits, number))?;
    }
    Ok(CStr::from_bytes_until_nul(&buffer).unwrap_or_default().to_owned())
}

/// # Safety
/// The declaration is that of the function at `address`.
unsafe fn standard(declaration: &str, address: unsafe extern "C" fn()) -> Result<Function, Error> {
    let prototype = decl::parse_prototype(declaration, host::MODEL)?;
    // SAFETY: the caller's promise.
    unsafe { Function::from_address(address as *const c_void, prototype) }
}
