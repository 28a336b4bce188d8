//! `GetLastError`: taken before anything else can change it.

use super::kernel32;
use callsmith::{
    Callback, Data, Error, Function, LastError, Library, LibraryOptions, Ptr, Value, get_last_error,
    set_last_error,
};
use callsmith::{ctype::CType, decl, host, swapping_last_error};

fn setter() -> Function {
    // SAFETY: as Microsoft's documentation has it.
    unsafe { kernel32().function("void WINAPI SetLastError(unsigned code)").expect("an API function") }
}

#[test]
fn a_last_error_comes_with_each_result() -> Result<(), Error> {
    let set = setter();
    for code in [1234u32, 5, 0, 87] {
        assert_eq!(set.call_last_error::<_, ()>((code,))?, ((), LastError(code)));
        // Converted first, by another way.
        assert_eq!(set.call_last_error::<_, ()>((i64::from(code),))?.1, LastError(code));
        assert_eq!(set.call_values_last_error(&[Value::U32(code)])?.1, LastError(code));
    }
    let error = set.call_last_error::<_, ()>((5u32,))?.1.error().expect("an error");
    assert_eq!((error.raw_os_error(), error.kind()), (Some(5), std::io::ErrorKind::PermissionDenied));
    // Each thread has its own, and its first call is no different.
    let elsewhere = std::thread::spawn(move || set.call_last_error::<_, ()>((99u32,)).expect("a call").1);
    assert_eq!(elsewhere.join().expect("no panic"), LastError(99));
    Ok(())
}

/// `WinDLL(name, use_last_error=True)`, for every function of the library.
#[test]
fn the_copy_is_exchanged_for_every_function_of_a_library() -> Result<(), Error> {
    let kernel32 = LibraryOptions::windll().swap_last_error().open("kernel32")?;
    // SAFETY: as Microsoft's documentation has them; the first without its result, which is an `int`.
    let (chdir, set) = unsafe {
        (
            kernel32.function("SetCurrentDirectoryA(const char *path)")?,
            kernel32.function("void SetLastError(unsigned code)")?,
        )
    };
    set_last_error(0);
    for _ in 0..2 {
        assert_eq!(chdir.call::<_, i32>((c"Q:\\no such folder",))?, 0);
        assert_ne!(get_last_error(), 0);
        set.call::<_, ()>((1234u32,))?;
        assert_eq!(get_last_error(), 1234);
        set.call_values(&[Value::U32(77)])?;
        assert_eq!(get_last_error(), 77);
        // With the result it comes as ever, and the copy stays.
        assert_eq!(set.call_last_error::<_, ()>((99u32,))?, ((), LastError(99)));
        assert_eq!(set.call_values_last_error(&[Value::U32(98)])?.1, LastError(98));
        assert_eq!(get_last_error(), 77);
    }
    Ok(())
}

/// ctypes: `GetModuleHandle.restype = ValidHandle`, a function that raises `WinError()` where the handle is 0.
#[test]
fn a_handle_that_is_null_is_the_last_error() -> Result<(), Error> {
    // SAFETY: as Microsoft's documentation has it.
    let get = unsafe { kernel32().function("void *WINAPI GetModuleHandleA(const char *name)")? };
    let valid = |name: Option<&std::ffi::CStr>| -> Result<Ptr, Box<dyn std::error::Error>> {
        let (handle, error) = get.call_last_error::<_, Ptr>((name,))?;
        if handle.is_null() { Err(error.error().ok_or("no error")?.into()) } else { Ok(handle) }
    };
    assert!(valid(None).is_ok());
    let error = valid(Some(c"something silly")).expect_err("no such module");
    let error = error.downcast::<std::io::Error>().expect("the system's error");
    // ERROR_MOD_NOT_FOUND
    assert_eq!(error.raw_os_error(), Some(126));
    Ok(())
}

/// Functions that make data, convert, or come first: what is done behind them must leave the error alone.
#[test]
fn nothing_of_ours_changes_it_on_the_way() -> Result<(), Error> {
    let source = "__declspec(dllimport) void __attribute__((stdcall)) SetLastError(unsigned);
        struct s { double x; long long n[3]; };
        struct s make(unsigned code) { struct s s = {1.5, {code}}; SetLastError(code); return s; }
        int call(int (*f)(int), unsigned code) { int r = f(1); SetLastError(code); return r; }";
    let gcc = match super::support::compiler::Compiler::native() {
        Ok(gcc) => gcc,
        Err(why) => {
            super::support::note(&format!("skipped: {why}"));
            return Ok(());
        }
    };
    let library = gcc.library(source, "last-error", &["-O1"]).unwrap_or_else(|why| panic!("{why}"));
    let library = Library::open(library)?;
    // SAFETY: as the source has them.
    let (make, call) = unsafe {
        (
            library.function("struct s { double x; long long n[3]; } make(unsigned code)")?,
            library.function("int call(int (*f)(int), unsigned code)")?,
        )
    };
    for code in 1..200u32 {
        let (value, last) = make.call_values_last_error(&[Value::U32(code)])?;
        assert_eq!(last, LastError(code));
        let Value::Data(data) = value else { panic!("no struct") };
        assert_eq!(data.get("n[0]")?, Value::I64(code.into()));
    }
    let callback: Callback<fn(i32) -> i32> = Callback::new(|n: i32| n + *Box::new(1))?;
    for code in 1..200u32 {
        assert_eq!(call.call_last_error::<_, i32>((&callback, code))?, (2, LastError(code)));
    }
    // A function that is made for each call.
    for code in 1..50u32 {
        let prototype = decl::parse_prototype("void f(unsigned code)", host::MODEL)?;
        // SAFETY: what `SetLastError` is where there is one convention, and else not called.
        let fresh = unsafe { Function::from_address(setter().address(), prototype)? };
        if host::ABI == callsmith::arch::Abi::Win64 {
            assert_eq!(fresh.call_last_error::<_, ()>((code,))?.1, LastError(code));
        }
    }
    assert!(Data::new(&CType::int()).is_ok());
    Ok(())
}

#[test]
fn the_copy_is_exchanged_around_the_call_and_in_callbacks() -> Result<(), Error> {
    let set = setter();
    // SAFETY: as Microsoft's documentation has it.
    let get = unsafe { kernel32().function("unsigned WINAPI GetLastError(void)")? };
    let found = || swapping_last_error(|| get.call::<_, u32>(()));
    found()?; // prepared
    assert_eq!(set_last_error(5), 0);
    assert_eq!(found()?, 5, "what C finds is the copy");
    swapping_last_error(|| set.call::<_, ()>((77u32,)))?;
    assert_eq!((get_last_error(), set_last_error(0)), (77, 77));
    Ok(())
}
