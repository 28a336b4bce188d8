//! Strings that C gives back.

use callsmith::{Error, ErrorKind, Library};
use std::ffi::CString;

/// ctypes: `strchr(b"abcdef", b"d")` is an integer where nothing says otherwise, with `restype = c_char_p` it is
/// `b'def'`, and `None` where C gives NULL.
#[test]
fn strchr_gives_back_a_string_or_none_where_it_is_declared_so() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: strchr's prototype, and what it gives back is the end of a string.
    let strchr = unsafe { libc.function("char *__null_terminated strchr(const char *text, int wanted)")? };
    let found: Option<CString> = strchr.call((c"abcdef", i32::from(b'd')))?;
    assert_eq!(found.as_deref(), Some(c"def"));
    let found: Option<CString> = strchr.call((c"abcdef", i32::from(b'x')))?;
    assert_eq!(found, None);
    assert_eq!(
        strchr.prototype().to_string(),
        "char *__null_terminated strchr(const char *text, int wanted)"
    );
    Ok(())
}

/// Nothing is followed that is not declared to be a string.
#[test]
fn a_pointer_is_no_string_unless_declared() -> Result<(), Error> {
    let libc = Library::this_process();
    for declaration in [
        "char *strchr(const char *, int)",
        "int *__null_terminated strchr(const char *, int)",
        "char **__null_terminated strchr(const char *, int)",
        "typedef const char *__null_terminated *pointer; pointer strchr(const char *, int)",
    ] {
        // SAFETY: strchr; what it gives back is not looked at.
        let strchr = unsafe { libc.function(declaration)? };
        for arguments in [(c"abcdef", 100), (c"abcdef", 0)] {
            let refused = strchr.call::<_, Option<CString>>(arguments).expect_err(declaration);
            assert!(matches!(refused.kind(), ErrorKind::Result { .. }), "{refused}");
        }
        // The same where arguments are converted.
        let refused = strchr.call::<_, Option<CString>>((c"abcdef", 100u8)).expect_err(declaration);
        assert!(matches!(refused.kind(), ErrorKind::Result { .. }), "{refused}");
        assert!(strchr.typed::<(&std::ffi::CStr, i32), Option<CString>>().is_err());
    }
    // SAFETY: getenv's prototype.
    let getenv = unsafe {
        libc.function("typedef char *__null_terminated text; typedef text again; again getenv(const char *)")?
    };
    let path: Option<CString> = getenv.call((c"PATH",))?;
    assert_eq!(
        path.map(|path| path.into_bytes()),
        std::env::var_os("PATH").map(|path| path.into_encoded_bytes())
    );
    Ok(())
}
