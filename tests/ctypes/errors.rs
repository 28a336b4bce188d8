//! `errno`: with each result, and as ctypes' copy of it.

use callsmith::{
    Callback, Errno, Error, Function, IntoArg, Library, Routine, get_errno, set_errno, swapping_errno,
};

/// Microsoft's C library has them under other names.
const CLOSE: &str = if cfg!(windows) { "int close(int fd) __asm__(\"_close\")" } else { "int close(int fd)" };
const GETPID: &str = if cfg!(windows) { "int getpid(void) __asm__(\"_getpid\")" } else { "int getpid(void)" };

#[test]
fn errno_is_taken_with_each_result() -> Result<(), Error> {
    // SAFETY: libc's prototypes.
    let close = unsafe { Library::this_process().function(CLOSE)? };
    for _ in 0..2 {
        let (result, errno) = close.call_errno::<_, i32>((-1,))?;
        assert_eq!((result, errno.0), (-1, 9), "EBADF");
    }
    let outcome = Routine::new(close).with_errno().call().arg(-1).run()?;
    assert_eq!(outcome.errno().map(|errno| errno.0), Some(9));
    // Each thread has its own.
    let errno = std::thread::spawn(|| {
        // SAFETY: as above.
        let getpid = unsafe { Library::this_process().function(GETPID).expect("libc's") };
        let first = getpid.call_errno::<_, i32>(()).expect("a number").1.0;
        (first, getpid.call_errno::<_, i32>(()).expect("a number").1.0)
    });
    assert_eq!(errno.join().expect("numbers"), (0, 0));
    Ok(())
}

/// What an argument of a program's own type does on the way is not the function's.
#[test]
fn errno_is_the_functions_and_not_its_arguments() -> Result<(), Error> {
    struct Fails<'f>(&'f Function);

    impl IntoArg for Fails<'_> {
        type Arg = i32;

        fn into_arg(self) -> i32 {
            self.0.call((-1,)).unwrap_or_default()
        }
    }

    let source =
        "#include <errno.h>\nint fail(int n) { errno = 33; return n; } int keep(int n) { return n; }";
    let Some(library) = crate::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the functions above.
    let (fail, keep) = unsafe { (library.function("int fail(int)")?, library.function("int keep(int)")?) };
    for _ in 0..2 {
        assert_eq!(keep.call_errno::<_, i32>((Fails(&fail),))?, (-1, Errno(0)));
        assert_eq!(fail.call_errno::<_, i32>((Fails(&fail),))?, (-1, Errno(33)));
    }
    set_errno(5);
    assert_eq!(keep.call_swapping_errno::<_, i32>((Fails(&fail),))?, -1);
    assert_eq!(get_errno(), 5);
    Ok(())
}

#[test]
fn the_copy_of_errno_is_swapped_around_calls_and_callbacks() -> Result<(), Error> {
    let source = "#include <errno.h>
        int call(int (*f)(int)) { errno = 11; int r = f(1); return 1000 * errno + r; }
        int fail(void) { int before = errno; errno = 22; return before; }";
    let Some(library) = crate::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the functions above.
    let (call, fail) =
        unsafe { (library.function("int call(int (*f)(int))")?, library.function("int fail(void)")?) };
    assert_eq!(set_errno(5), 0);
    assert_eq!(fail.call_swapping_errno::<_, i32>(())?, 5, "what C finds is the copy");
    assert_eq!((get_errno(), set_errno(5)), (22, 22));
    // In the callback the copy is what C had, and what it is set to is what C finds afterwards.
    let callback: Callback<fn(i32) -> i32> = Callback::new(|x: i32| swapping_errno(|| x + set_errno(33)))?;
    assert_eq!(call.call::<_, i32>((&callback,))?, 33_012);
    assert_eq!(get_errno(), 5, "as before the callback");
    Ok(())
}
