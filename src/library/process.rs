//! What is loaded in this process: libraries, and which of them an address belongs to.

use super::system;
use std::ffi::c_void;
use std::path::PathBuf;

/// A library that is loaded in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedLibrary {
    /// Its path as the loader has it; on Linux empty for the program itself.
    pub path: PathBuf,
    /// What is added to the addresses in its file (on Windows, those relative to its image).
    pub base: usize,
}

/// What an address belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressInfo {
    /// The library, or the program.
    pub library: PathBuf,
    /// The nearest exported symbol that does not begin after it.
    pub symbol: Option<String>,
    /// How many bytes after that symbol's beginning it lies; after the library's, where there is no symbol.
    pub offset: usize,
}

/// The libraries that are loaded, in the loader's order: the program first.
pub fn loaded_libraries() -> Vec<LoadedLibrary> {
    system::loaded_libraries()
}

/// Which library, and which of its symbols, `address` belongs to; `None` where it is nobody's.
pub fn address_info(address: *const c_void) -> Option<AddressInfo> {
    system::address_info(address)
}
