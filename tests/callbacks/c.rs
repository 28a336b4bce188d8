//! C for the tests: compiled by gcc, loaded as a library.

use callsmith::{Function, Library, callback, decl, host};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The library that gcc makes of `source`; `None`, with a printed reason, where there is no gcc.
pub(crate) fn library(source: &str, flags: &[&str]) -> Option<Library> {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let stem = format!("callbacks-{}-{}", std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (c, so) = (folder.join(format!("{stem}.c")), folder.join(format!("{stem}.so")));
    std::fs::write(&c, source).expect("a source file");
    let status = Command::new("gcc")
        .args(["-std=gnu11", "-O1", "-shared", "-fPIC"])
        .args(flags)
        .arg(&c)
        .arg("-o")
        .arg(&so)
        .status();
    let made = match status {
        Ok(status) => {
            assert!(status.success(), "gcc refused {}", c.display());
            Some(Library::open(&so).expect("a library"))
        }
        Err(error) => {
            eprintln!("skipped: no gcc: {error}");
            None
        }
    };
    let _ = (std::fs::remove_file(&c), std::fs::remove_file(&so));
    made
}

/// A callback as a function to call, of this declaration.
pub(crate) fn called_back<S, T>(callback: &callback::Callback<S, T>, declaration: &str) -> Function
where
    S: callback::Signature,
    T: callback::Threads,
{
    at(callback.address(), declaration)
}

/// A callback's address as a function to call, of this declaration.
pub(crate) fn at(address: *const std::ffi::c_void, declaration: &str) -> Function {
    let prototype = decl::parse_prototype(declaration, host::MODEL).expect("a declaration");
    // SAFETY: a callback of this prototype, or one that was dropped.
    unsafe { Function::from_address(address, prototype).expect("a function") }
}
