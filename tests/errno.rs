//! `errno`, with the result and as ctypes has it.

use callsmith::{Error, Library, get_errno, set_errno};

#[test]
fn errno_comes_with_the_result() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: libc's prototypes.
    let (close, getpid) =
        unsafe { (libc.function("int close(int fd)")?, libc.function("int getpid(void)")?) };
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
    let close = unsafe { libc.function("int close(int fd)")? };
    assert_eq!(set_errno(0), 0);
    close.call_swapping_errno::<_, i32>((-1,))?;
    assert_eq!(get_errno(), 9);
    assert_eq!(set_errno(5), 9);
    // Each thread has its own.
    let elsewhere = std::thread::spawn(get_errno).join().expect("a number");
    assert_eq!((elsewhere, get_errno()), (0, 5));
    Ok(())
}
