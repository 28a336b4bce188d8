//! What is loaded in this process: libraries, and which of them an address belongs to.
//!
//! # Safety
//! Two calls of the loader, which give strings that live as long as their library is loaded: they are copied at once.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::path::PathBuf;

/// A library that is loaded in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedLibrary {
    /// Its path as the loader has it; empty for the program itself.
    pub path: PathBuf,
    /// What the addresses in its file are moved by.
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
    let mut libraries = Vec::new();
    // SAFETY: `add` is called before this returns, with the vector's address.
    unsafe { libc::dl_iterate_phdr(Some(add), (&raw mut libraries).cast()) };
    libraries
}

/// # Safety
/// Called by the loader, with the address of a `Vec<LoadedLibrary>`.
unsafe extern "C" fn add(info: *mut libc::dl_phdr_info, _size: usize, libraries: *mut c_void) -> c_int {
    // SAFETY: the loader's information is valid during the call, and the vector is ours.
    unsafe {
        let (info, libraries) = (&*info, &mut *libraries.cast::<Vec<LoadedLibrary>>());
        let base = usize::try_from(info.dlpi_addr).unwrap_or_default();
        libraries.push(LoadedLibrary { path: text(info.dlpi_name).unwrap_or_default().into(), base });
    }
    0
}

/// Which library, and which of its symbols, `address` belongs to; `None` where it is nobody's.
// The loader compares the address; it reads nothing there.
#[allow(clippy::not_unsafe_ptr_arg_deref)]
pub fn address_info(address: *const c_void) -> Option<AddressInfo> {
    let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address may be asked for; the loader fills the structure where it returns other than 0, and zeros are
    // one of its values.
    let info = unsafe {
        if libc::dladdr(address, info.as_mut_ptr()) == 0 {
            return None;
        }
        info.assume_init()
    };
    // SAFETY: strings of the loader's.
    let (library, symbol) = unsafe { (text(info.dli_fname)?, text(info.dli_sname)) };
    let start = if symbol.is_some() { info.dli_saddr } else { info.dli_fbase };
    Some(AddressInfo { library: library.into(), symbol, offset: address.addr().wrapping_sub(start.addr()) })
}

/// # Safety
/// NULL, or a C string.
unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
