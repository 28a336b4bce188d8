//! Any bytes are a library's file or an error.
#![no_main]

use callsmith::LibraryFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = LibraryFile::parse(bytes) {
        let _ = error.to_string();
    }
});
