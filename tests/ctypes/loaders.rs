//! What a library's functions have in common: `cdll`, `windll`, `oledll`, `use_errno`. Windows' own are in `../windows`.

use callsmith::{
    Callback, Error, ErrorKind, HResult, Library, LibraryOptions, Routine, Value, get_errno, set_errno,
    swapping_errno,
};

const SOURCE: &str = "
    #include <errno.h>
    int fail(int code) { errno = code; return -1; }
    int found(void) { return errno; }
    int keep(int n) { return n; }
    long long wide(int n) { return n; }
    struct pair { int a, b; } both(int a, int b) { struct pair p = {a, b}; errno = a; return p; }
    int count(int n, ...) { errno = n; return n; }
    int call(int (*f)(int)) { errno = 7; int r = f(1); return 100 * errno + r; }";

fn opened(options: LibraryOptions) -> Option<Library> {
    super::c::library_with(SOURCE, &[], options)
}

/// A function without `restype` returns `int`.
#[test]
fn a_result_that_is_not_declared_is_an_int() -> Result<(), Error> {
    let Some(library) = opened(LibraryOptions::new()) else { return Ok(()) };
    // SAFETY: the functions above; the first without its result's type.
    let (keep, wide) =
        unsafe { (library.function("keep(int n)")?, library.function("long long wide(int)")?) };
    assert_eq!(keep.prototype().to_string(), "int keep(int n)");
    assert!(keep.prototype().implicit_result && !wide.prototype().implicit_result);
    assert_eq!(keep.call_values(&[Value::I32(-5)])?, Value::I32(-5));
    assert_eq!(keep.call::<_, i32>((-5,))?, -5);
    assert_eq!(wide.call_values(&[Value::I32(-5)])?, Value::I64(-5));
    Ok(())
}

/// `oledll`: a failure is an error, and a success the result; of functions that return something else nothing changes.
#[test]
fn a_failing_hresult_is_an_error() -> Result<(), Error> {
    const NO_INTERFACE: u32 = 0x8000_4002;
    let Some(library) = opened(LibraryOptions::new().hresult()) else { return Ok(()) };
    // SAFETY: the functions above.
    let (keep, declared, number) = unsafe {
        (
            library.function("keep(int n)")?,
            library.function("typedef int HRESULT; HRESULT keep(int n)")?,
            library.function("int keep(int n)")?,
        )
    };
    assert_eq!(keep.prototype().to_string(), "HRESULT keep(int n)");
    let failure = NO_INTERFACE.cast_signed();
    for function in [&keep, &declared] {
        assert_eq!(function.call::<_, i32>((1,))?, 1, "S_FALSE is a success");
        assert_eq!(function.call::<_, HResult>((0,))?, HResult(0));
        let errors = [
            function.call::<_, i32>((failure,)).expect_err("a failure"),
            function.call::<_, HResult>((failure,)).expect_err("a failure"),
            function.call_values(&[Value::I32(failure)]).expect_err("a failure"),
            function.call_errno::<_, i32>((failure,)).expect_err("a failure"),
            function.stack_checked()?.call_values(&[Value::I32(failure)]).expect_err("a failure"),
            Routine::new(function.clone()).call().arg(failure).run().expect_err("a failure"),
        ];
        for error in errors {
            assert!(matches!(error.kind(), ErrorKind::HResult { code: NO_INTERFACE, .. }), "{error}");
            assert!(error.to_string().starts_with("keep: HRESULT 0x80004002"), "{error}");
        }
        let error = function.typed::<(i32,), i32>().expect_err("nothing would check it").to_string();
        assert!(error.contains("options"), "{error}");
    }
    assert_eq!(number.call::<_, i32>((failure,))?, failure, "declared as something else");
    assert!(number.typed::<(i32,), i32>().is_ok());
    // Elsewhere the code is the program's to look at.
    let Some(library) = opened(LibraryOptions::new()) else { return Ok(()) };
    // SAFETY: as above.
    let plain = unsafe { library.function("typedef int HRESULT; HRESULT keep(int n)")? };
    assert_eq!(plain.call::<_, HResult>((failure,))?, HResult(failure));
    Ok(())
}

/// `CDLL(name, use_errno=True)`: every way to call swaps the copy, and C finds its own `errno` again afterwards.
#[test]
fn errno_is_swapped_for_every_function_of_a_library() -> Result<(), Error> {
    let Some(library) = opened(LibraryOptions::new().swap_errno()) else { return Ok(()) };
    // SAFETY: the functions above.
    let (fail, found, both, count, call) = unsafe {
        (
            library.function("int fail(int code)")?,
            library.function("int found(void)")?,
            library.function("struct pair { int a, b; } both(int a, int b)")?,
            library.function("int count(int n, ...)")?,
            library.function("int call(int (*f)(int))")?,
        )
    };
    set_errno(0);
    for code in [5, 9] {
        assert_eq!(fail.call::<_, i32>((code,))?, -1);
        assert_eq!(get_errno(), code);
        assert_eq!(found.call::<_, i32>(())?, code, "what C finds is the copy");
        assert_eq!(found.call_values(&[])?, Value::I32(code));
        assert_eq!(fail.call::<_, i64>((i64::from(code) + 1,))?, -1, "converted");
        assert_eq!(get_errno(), code + 1);
        assert_eq!(
            both.call_values(&[code.into(), 2.into()])?.to_string(),
            format!("{{.a = {code}, .b = 2}}")
        );
        assert_eq!(get_errno(), code);
        assert_eq!(count.call::<_, i32>((code + 2, 1.5, c"tail"))?, code + 2);
        assert_eq!(get_errno(), code + 2);
        assert_eq!(fail.stack_checked()?.call_values(&[code.into()])?, Value::I32(-1));
        assert_eq!(get_errno(), code);
    }
    // And around a callback, within the call.
    let callback: Callback<fn(i32) -> i32> = Callback::new(|n: i32| swapping_errno(|| n + set_errno(33)))?;
    assert_eq!(call.call::<_, i32>((&callback,))?, 3308);
    assert_eq!(get_errno(), 33);
    Ok(())
}

/// Who asks for `errno` with the result gets it: then nothing is left for the copy.
#[test]
fn errno_with_the_result_leaves_the_copy_alone() -> Result<(), Error> {
    let Some(library) = opened(LibraryOptions::new().swap_errno()) else { return Ok(()) };
    // SAFETY: the functions above.
    let (fail, keep) = unsafe { (library.function("int fail(int)")?, library.function("int keep(int)")?) };
    set_errno(3);
    for _ in 0..2 {
        let (result, errno) = fail.call_errno::<_, i32>((11,))?;
        assert_eq!((result, errno.0), (-1, 11));
        assert_eq!(keep.call_errno::<_, i32>((1,))?.1.0, 0);
        assert_eq!(fail.call_values_errno(&[Value::I32(12)])?.1.0, 12);
    }
    let outcome = Routine::new(fail).with_errno().call().arg(13).run()?;
    assert_eq!(outcome.errno().map(|errno| errno.0), Some(13));
    assert_eq!(get_errno(), 3);
    Ok(())
}

/// `CDLL(None, use_errno=True)`.
#[test]
fn this_process_takes_options_too() -> Result<(), Error> {
    let close = if cfg!(windows) { "close(int fd) __asm__(\"_close\")" } else { "close(int fd)" };
    // SAFETY: libc's prototype, without the result's type.
    let close = unsafe { LibraryOptions::new().swap_errno().this_process().function(close)? };
    set_errno(0);
    assert_eq!(close.call::<_, i32>((-1,))?, -1);
    assert_eq!(get_errno(), 9, "EBADF");
    Ok(())
}
