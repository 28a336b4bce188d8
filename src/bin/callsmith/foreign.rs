//! The C library of this process, and memory that C sees.
//!
//! # Safety
//! Calls here are of the C standard library's functions, by the prototypes that the standard gives them. Memory handed
//! to C is leaked: the function called may keep its address, as `putenv` does, and the program ends soon.
#![allow(unsafe_code)]

use callsmith::arch::layout::Float;
use callsmith::ctype::CType;
use callsmith::{CharBuffer, Data, Error, Function, Library, LongDouble, Null, Ptr, Value, View, decl, host};
use std::ffi::{CStr, CString, c_char, c_int, c_void};

mod c {
    use super::{c_int, c_void};

    // Only their addresses are taken, but for the first.
    unsafe extern "C" {
        pub(super) fn fflush(stream: *mut c_void) -> c_int;
        // Microsoft's own of that time reads no hexadecimal numbers.
        #[cfg_attr(all(windows, target_env = "gnu"), link_name = "__mingw_strtof")]
        pub(super) fn strtof();
        #[cfg_attr(all(windows, target_env = "gnu"), link_name = "__mingw_strtod")]
        pub(super) fn strtod();
        pub(super) fn strtold();
        pub(super) fn snprintf();
    }
}

/// Writes out what C functions printed and the C library still holds, and what `library` holds, which may be or have another.
pub(crate) fn flush(library: &Library) {
    // SAFETY: NULL stands for all output streams (C11 7.21.5.2).
    unsafe { c::fflush(std::ptr::null_mut()) };
    // SAFETY: the C standard's prototype; only the library's own export is one, if it is a C library.
    if let Ok(flush) = unsafe { library.function("int fflush(void *stream)") } {
        // What cannot be written is lost here as at every program's end.
        let _: Result<i32, Error> = flush.call((Null,));
    }
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

fn print_digits(number: LongDouble, digits: i32) -> Result<CString, Error> {
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

/// The bytes of the `_Float128` that `text` spells, where it does, and this process's C library reads such numbers: glibc has
/// the functions of ISO/IEC TS 18661-3.
///
/// # Errors
/// Why not, where there is more to say than that the text is none.
pub(crate) fn parse_quad(text: &str) -> Result<Vec<u8>, Option<String>> {
    let unknown = |_| Some("this system's C library reads no such numbers".to_owned());
    let text = CString::new(text).map_err(|_| None)?;
    let mut end = text.as_ptr();
    // SAFETY: the prototype is that standard's; the text is a string, and `end` is this frame's.
    let number = unsafe {
        let parse = Library::this_process().function("_Float128 strtof128(const char *text, char **end)");
        let arguments = [Ptr::new(text.as_ptr()).erase(), Ptr::new(&raw mut end).erase()];
        parse.and_then(|parse| parse.call_values(&arguments.map(Value::from))).map_err(unknown)?
    };
    match number {
        Value::Data(number)
            if !text.is_empty() && end.addr() - text.as_ptr().addr() == text.count_bytes() =>
        {
            Ok(number.bytes().to_vec())
        }
        _ => Err(None),
    }
}

/// The fewest digits that tell the `_Float128` of these bytes from all others, where the C library prints such numbers.
pub(crate) fn print_quad(bytes: &[u8]) -> Option<String> {
    let prototype = "int strfromf128(char *buffer, size_t size, const char *format, _Float128 number)";
    // SAFETY: the prototype is that of TS 18661-3; the buffer's length is its own, and the format one of its formats.
    let print = unsafe { Library::this_process().function(prototype) }.ok()?;
    let number = Data::from_bytes(&print.prototype().params[3].ty, bytes).ok()?;
    let mut all = (1..=DIGITS).filter_map(|digits| {
        let (mut buffer, format) = (CharBuffer::new(64), CString::new(format!("%.{digits}g")).ok()?);
        print.call::<_, i32>((&mut buffer, 64, &*format, &number)).ok()?;
        String::from_utf8(buffer.value().to_vec()).ok()
    });
    let exact = all.find(|text| parse_quad(text).is_ok_and(|read| read == bytes));
    exact.or_else(|| all.next_back())
}

/// # Safety
/// The declaration is that of the function at `address`.
unsafe fn standard(declaration: &str, address: unsafe extern "C" fn()) -> Result<Function, Error> {
    let prototype = decl::parse_prototype(declaration, host::MODEL)?;
    // SAFETY: the caller's promise.
    unsafe { Function::from_address(address as *const c_void, prototype) }
}
