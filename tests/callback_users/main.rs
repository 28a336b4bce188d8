//! Callbacks that real libraries call, each declared as its header has it.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)] // small numbers
#![cfg_attr(not(target_os = "linux"), allow(dead_code))] // what the libraries of Linux take

mod search;

cfg_if::cfg_if! {
    if #[cfg(target_os = "linux")] { // libraries of Linux systems
        #[path = "../callbacks/dying.rs"]
        mod dying;
        mod expat;
        mod pthread;
        mod sqlite;
        mod walk;
        mod xml2;
        mod zlib;
    }
}

use callsmith::{Library, Ptr};
use std::ffi::CStr;

/// An installed library; `None`, with a printed reason, where it is not.
fn installed(name: &str) -> Option<Library> {
    match Library::open(name) {
        Ok(library) => Some(library),
        Err(error) => {
            use std::io::Write as _;
            // Past the harness's capture: a passing run should show it.
            let _ = std::io::stderr().write_all(format!("skipped: {error}\n").as_bytes());
            None
        }
    }
}

/// The text at `text`, a C string that lives while the callback runs.
fn text(text: Ptr<i8>) -> String {
    // SAFETY: C's promise for each string that the tests here take.
    unsafe { CStr::from_ptr(text.as_ptr().cast()) }.to_string_lossy().into_owned()
}

/// Element `index` of C's array at `start`.
fn element<T: Copy>(start: Ptr<T>, index: usize) -> T {
    // SAFETY: C's promise for each array and index that the tests here ask for.
    unsafe { *start.as_ptr().add(index) }
}
