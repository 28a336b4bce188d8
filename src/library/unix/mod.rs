//! Libraries where the loader is `dlopen`'s.
//!
//! # Safety
//! The loader's functions, given valid handles and C strings. What it gives out, strings that live as long as their library
//! is loaded, is copied at once.
#![allow(unsafe_code)]

mod cache;
mod elf;
mod find;

pub(super) use find::find;

use super::{AddressInfo, LibraryOptions, LoadedLibrary};
use crate::error::{Error, ErrorKind};
use libloading::os::unix::Library;
use std::ffi::{CStr, CString, NulError, OsStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;

/// An open library.
pub(super) struct Opened {
    library: Library,
    /// What the system calls it; libloading keeps it valid.
    raw: *mut c_void,
}

// SAFETY: the loader's functions may be called with it on any thread.
unsafe impl Send for Opened {}
// SAFETY: as above.
unsafe impl Sync for Opened {}

/// Opens a library.
pub(super) fn open(name: &OsStr, options: &LibraryOptions) -> Result<Opened, Error> {
    let either = |choice, yes, no| if choice { yes } else { no };
    let flags = either(options.now, libc::RTLD_NOW, libc::RTLD_LAZY)
        | either(options.global, libc::RTLD_GLOBAL, libc::RTLD_LOCAL)
        | either(options.keep, libc::RTLD_NODELETE, 0)
        | either(options.only_if_loaded, libc::RTLD_NOLOAD, 0);
    // SAFETY: the initialisers are the library's own business, see `Library::open`.
    let opened = unsafe { Library::open(Some(name), flags) };
    let library = || name.to_string_lossy().into_owned();
    opened.map(Opened::of).map_err(|source| ErrorKind::OpenLibrary { library: library(), source }.into())
}

/// The program, and every library loaded for all to see.
pub(super) fn this_process() -> Opened {
    Opened::of(Library::this())
}

impl Opened {
    fn of(library: Library) -> Opened {
        let raw = library.into_raw();
        // SAFETY: the handle just taken out.
        Opened { library: unsafe { Library::from_raw(raw) }, raw }
    }

    /// # Safety
    /// `handle` is what `dlopen` gave, and nobody else closes it.
    pub(super) unsafe fn from_raw(handle: *mut c_void) -> Opened {
        // SAFETY: the caller's promise.
        Opened::of(unsafe { Library::from_raw(handle) })
    }

    pub(super) fn raw(&self) -> *mut c_void {
        self.raw
    }

    /// The address of a symbol, whose name has no NUL byte inside.
    pub(super) fn symbol(&self, symbol: &str) -> Result<*const c_void, Option<libloading::Error>> {
        // SAFETY: only the address is taken, as a pointer that nothing is said about.
        let found = unsafe { self.library.get::<*const c_void>(symbol.as_bytes()) };
        found.map(|found| found.as_raw_ptr().cast_const()).map_err(Some)
    }

    /// The address of one version of a symbol; `None` where there is none.
    pub(super) fn versioned(&self, symbol: &str, version: &str) -> Result<Option<*const c_void>, NulError> {
        let (symbol, version) = (CString::new(symbol)?, CString::new(version)?);
        // SAFETY: an open library, and two C strings.
        let address = unsafe { dlvsym(self.raw, symbol.as_ptr(), version.as_ptr()) };
        Ok((!address.is_null()).then_some(address.cast_const()))
    }

    pub(super) fn close(self) -> Result<(), libloading::Error> {
        self.library.close()
    }
}

#[cfg(target_env = "gnu")]
use libc::dlvsym;

/// Other C libraries than glibc know no versions.
///
/// # Safety
/// Nothing is done with the arguments.
#[cfg(not(target_env = "gnu"))]
unsafe fn dlvsym(_: *mut c_void, _: *const c_char, _: *const c_char) -> *mut c_void {
    std::ptr::null_mut()
}

/// The libraries that are loaded, in the loader's order.
pub(super) fn loaded_libraries() -> Vec<LoadedLibrary> {
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

/// What an address belongs to.
pub(super) fn address_info(address: *const c_void) -> Option<AddressInfo> {
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
