//! C for the tests: compiled by gcc, loaded as a library.

use crate::support::compiler::Compiler;
use crate::support::note;
use callsmith::{Function, Library, LibraryOptions, callback, decl, host};

/// The library that gcc makes of `source`; `None`, with a printed reason, where there is no gcc.
pub(crate) fn library(source: &str, flags: &[&str]) -> Option<Library> {
    library_with(source, flags, LibraryOptions::new())
}

/// The same, opened with `options`.
pub(crate) fn library_with(source: &str, flags: &[&str], options: LibraryOptions) -> Option<Library> {
    if cfg!(miri) {
        note("skipped: Miri runs no other program");
        return None;
    }
    let gcc = Compiler::native().inspect_err(|why| note(&format!("skipped: {why}"))).ok()?;
    let flags = [&["-std=gnu11", "-O1"], flags].concat();
    let file = gcc.library(source, "callbacks", &flags).unwrap_or_else(|why| panic!("{why}"));
    let library = options.open(&file).expect("a library");
    // Where a file that is loaded can be removed.
    let _ = std::fs::remove_file(file);
    Some(library)
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
