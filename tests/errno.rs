//! `errno`, with the result and as ctypes has it.

use callsmith::{Error, Library, get_errno, set_errno};

/// Microsoft's C library has them under other names.
const CLOSE: &str = if cfg!(windows) { "int close(int fd) __asm__(\"_close\")" } else { "int close(int fd)" };
const GETPID: &str = if cfg!(windows) { "int getpid(void) __asm__(\"_getpid\")" } else { "int getpid(void)" };

#[test]
fn errno_comes_with_the_result() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: libc's prototypes.
    let (close, getpid) = unsafe { (libc.function(CLOSE)?, libc.function(GETPID)?) };
    for _ in 0..2 {
        let (result, errno) = close.call_errno::<_, i32>((-1,))?;
        assert_eq!((result, errno.0), (-1, 9), "EBADF");
        let (_, errno) = getpid.call_errno::<_, i32>(())?;
        assert_eq!(errno.error().map(|error| error.to_string()), None);
        // Another integer type, so that the argument is converted first.
        let (result, errno) = close.call_errno::<_, i64>((-1i64,))?;
        assert_eq!((result, errno.0), (-1, 9));
    }
    Ok(())
}

#[test]
fn the_copy_is_exchanged_around_the_call() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: libc's prototypes.
    let close = unsafe { libc.function(CLOSE)? };
    assert_eq!(set_errno(0), 0);
    close.call_swapping_errno::<_, i32>((-1,))?;
    assert_eq!(get_errno(), 9);
    assert_eq!(set_errno(5), 9);
    // Each thread has its own.
    let elsewhere = std::thread::spawn(get_errno).join().expect("a number");
    assert_eq!((elsewhere, get_errno()), (0, 5));
    Ok(())
}
