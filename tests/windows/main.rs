//! Windows: its libraries, its API with callbacks, last errors, COM. What is compiled is mingw's.
#![cfg(windows)]

mod com;
#[cfg(target_arch = "x86")]
mod conventions;
mod last_errors;
mod libraries;
#[path = "../support/mod.rs"]
mod support;

use callsmith::callback::Stdcall;
use callsmith::{Callback, CharBuffer, Error, Library, LibraryOptions, Ptr, Value, callback, find_library};
use std::ffi::{CString, c_void};
use std::sync::{Arc, Mutex};

fn kernel32() -> Library {
    Library::open("kernel32").expect("kernel32")
}

fn msvcrt() -> Library {
    Library::open("msvcrt").expect("msvcrt")
}

#[test]
fn the_api_is_called_by_its_own_convention() -> Result<(), Error> {
    let kernel32 = kernel32();
    // SAFETY: as Microsoft's documentation has them; the length is the buffer's.
    let (handle, name) = unsafe {
        (
            kernel32.function("void *WINAPI GetModuleHandleA(const char *name)")?,
            kernel32
                .function("unsigned WINAPI GetModuleFileNameA(void *module, char *name, unsigned size)")?,
        )
    };
    let none = None::<&std::ffi::CStr>;
    for _ in 0..3 {
        let program: Ptr = handle.call((none,))?;
        assert_eq!(program.as_ptr(), Library::this_process().raw_handle());
        let library: Ptr = handle.call((c"kernel32",))?;
        assert_eq!(library.as_ptr(), kernel32.raw_handle());
    }
    let mut buffer = CharBuffer::new(1024);
    let length: u32 = name.call((Ptr::<c_void>::NULL, &mut buffer, 1024))?;
    let path = String::from_utf8_lossy(buffer.value()).into_owned();
    assert_eq!(length as usize, path.len());
    assert_eq!(std::path::Path::new(&path), std::env::current_exe().expect("a path"));
    Ok(())
}

#[test]
fn the_api_calls_back() -> Result<(), Error> {
    // SAFETY: as Microsoft's documentation has it.
    let enumerate = unsafe {
        kernel32()
            .function("int WINAPI EnumSystemLocalesA(int (CALLBACK *each)(char *locale), unsigned flags)")?
    };
    const INSTALLED: u32 = 1;
    let each = enumerate.prototype().params[0].ty.prototype().expect("a function");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let found = Arc::clone(&seen);
    let each = callsmith::DynCallback::new(&each, move |args| {
        let Value::Pointer(locale) = args.get(0) else { panic!("a pointer") };
        // SAFETY: a string, by the documentation.
        let locale = unsafe { callsmith::memory::string_at(locale, None) }.expect("a string");
        let mut found = found.lock().expect("no panic");
        found.push(String::from_utf8(locale).expect("digits"));
        // Not more than five.
        Value::I32((found.len() < 5).into())
    })?;
    assert_eq!(enumerate.call::<_, i32>((&each, INSTALLED))?, 1);
    let seen = seen.lock().expect("no panic");
    assert_eq!(seen.len(), 5);
    // Eight hexadecimal digits each: US English is among the installed ones of every system.
    assert!(
        seen.iter().all(|locale| locale.len() == 8 && u32::from_str_radix(locale, 16).is_ok()),
        "{seen:?}"
    );
    Ok(())
}

/// ctypes' `WINFUNCTYPE`: a typed callback, which is given what the declaration promises.
#[test]
fn stdcall_is_a_convention_of_callbacks_too() -> Result<(), Error> {
    let text = "int EnumSystemLocalesA(int (CALLBACK *each)(char *__null_terminated locale), unsigned flags)";
    // SAFETY: as Microsoft's documentation has it.
    let enumerate = unsafe { LibraryOptions::windll().open("kernel32")?.function(text)? };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let found = Arc::clone(&seen);
    type Each = fn(Option<CString>) -> i32;
    let each = Callback::<Stdcall<Each>>::new(move |locale: Option<CString>| {
        let mut found = found.lock().expect("no panic");
        found.push(locale.expect("a string").into_string().expect("digits"));
        (found.len() < 5).into()
    })?;
    assert_eq!(enumerate.call::<_, i32>((&each, 1u32))?, 1);
    let seen = seen.lock().expect("no panic");
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|locale| u32::from_str_radix(locale, 16).is_ok()), "{seen:?}");
    // Where it is one of its own, another does not fit.
    let plain = Callback::<Each>::new(|_: Option<CString>| 0)?;
    assert_eq!(enumerate.call::<_, i32>((&plain, 1u32)).is_ok(), cfg!(target_arch = "x86_64"));
    Ok(())
}

#[test]
fn the_c_library_computes_formats_and_sorts() -> Result<(), Error> {
    let msvcrt = msvcrt();
    let compare = "int (*compare)(const void *, const void *)";
    // SAFETY: the C library's prototypes; lengths and formats match below.
    let (pow, sprintf, qsort, time) = unsafe {
        (
            msvcrt.function("double pow(double x, double y)")?,
            msvcrt.function("int sprintf(char *buffer, const char *format, ...)")?,
            msvcrt.function(&format!("void qsort(void *base, size_t n, size_t size, {compare})"))?,
            msvcrt.function("long long _time64(long long *out)")?,
        )
    };
    assert_eq!(pow.call::<_, f64>((2.0, 10.0))?, 1024.0);
    let mut buffer = CharBuffer::new(100);
    let length: i32 = sprintf.call((&mut buffer, c"%d %s %.2f %I64d", 42, c"text", 2.5, 1i64 << 40))?;
    assert_eq!((length, buffer.value()), (26, &b"42 text 2.50 1099511627776"[..]));
    let mut numbers = [5, 1, 99, 7, 33];
    let compare: Callback<fn(Ptr, Ptr) -> i32> = Callback::new(|a: Ptr, b: Ptr| {
        // SAFETY: qsort gives pointers to elements.
        let (a, b) = unsafe { (*a.as_ptr().cast::<i32>(), *b.as_ptr().cast::<i32>()) };
        a.cmp(&b) as i32
    })?;
    qsort.call::<_, ()>((&mut numbers[..], 5usize, 4usize, &compare))?;
    assert_eq!(numbers, [1, 5, 7, 33, 99]);
    let count = callback::scoped::<fn(Ptr, Ptr) -> i32, _, _>(
        |_: Ptr, _: Ptr| 0,
        |compare| qsort.call::<_, ()>((&mut numbers[..], 5usize, 4usize, compare)),
    )?;
    count?;
    assert!(time.call::<_, i64>((None::<&mut i64>,))? > 1_150_640_792);
    Ok(())
}

/// Of user32 what needs no desktop: strings, one function with its own variable arguments.
#[test]
fn user32_without_a_desktop() -> Result<(), Error> {
    let user32 = match Library::open("user32") {
        Ok(user32) => user32,
        Err(error) => {
            support::note(&format!("skipped: {error}"));
            return Ok(());
        }
    };
    // SAFETY: as Microsoft's documentation has them; formats and buffers match below.
    let (format, upper) = unsafe {
        (
            user32.function("int wsprintfA(char *buffer, const char *format, ...)")?,
            user32.function("unsigned WINAPI CharUpperBuffA(char *text, unsigned length)")?,
        )
    };
    let mut buffer = CharBuffer::new(1024);
    let length: i32 = format.call((&mut buffer, c"%s=%u", c"answer", 42u32))?;
    assert_eq!((length, buffer.value()), (9, &b"answer=42"[..]));
    assert_eq!(upper.call::<_, u32>((&mut buffer, 6u32))?, 6);
    assert_eq!(buffer.value(), b"ANSWER=42");
    Ok(())
}

#[test]
fn the_c_library_is_found_under_its_short_names() -> Result<(), Error> {
    let (c, m) = (find_library("c")?, find_library("m")?);
    assert_eq!(c, m);
    assert!(c.path.is_file() && Library::open(&c.name)?.symbol("cos").is_ok());
    Ok(())
}
