//! Libraries on Windows.
//!
//! # Safety
//! The loader's functions, given handles that are open, or that the loader has just listed; and wide strings that end with
//! a NUL.
#![allow(unsafe_code)]

mod exports;
mod find;
mod modules;

pub(super) use find::find;
pub(super) use modules::{address_info, loaded_libraries};

use super::LibraryOptions;
use crate::error::{Error, ErrorKind};
use libloading::os::windows::{LOAD_LIBRARY_SEARCH_DEFAULT_DIRS, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, Library};
use modules::Module;
use std::ffi::{CString, OsStr, OsString, c_void};
use std::path::Path;

/// An open library.
pub(super) struct Opened {
    library: Library,
    /// What the system calls it; libloading keeps it valid.
    module: Module,
    /// Whether symbols are looked for in all libraries that are loaded.
    whole_process: bool,
}

/// Opens a library.
pub(super) fn open(name: &OsStr, options: &LibraryOptions) -> Result<Opened, Error> {
    load(name, options).map(|library| Opened::of(library, false)).map_err(|source| why_not(name, source))
}

fn load(name: &OsStr, options: &LibraryOptions) -> Result<Library, libloading::Error> {
    let library = if options.only_if_loaded {
        Library::open_already_loaded(name)?
    } else {
        let (name, flags) = where_to_look(name);
        // SAFETY: the initialisers are the library's own business, see `Library::open`.
        unsafe { Library::load_with_flags(&name, options.flags.unwrap_or(flags))? }
    };
    if options.keep {
        library.pin()?;
    }
    Ok(library)
}

/// The name for the loader, and where it is to look: never in the current folder, nor along `PATH`. A path is made
/// absolute, and the libraries that the file there needs are looked for beside it, too.
fn where_to_look(name: &OsStr) -> (OsString, u32) {
    let path = Path::new(name);
    if path.components().count() > 1
        && let Ok(absolute) = std::path::absolute(path)
    {
        return (absolute.into(), LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
    }
    (name.to_owned(), LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)
}

/// The error for a library that could not be loaded: the library that it needs and that is not there, where that is why.
fn why_not(name: &OsStr, source: libloading::Error) -> Error {
    let library = name.to_string_lossy().into_owned();
    #[cfg(feature = "symbols")]
    if let Some(dependency) = find::missing_dependency(Path::new(name)) {
        return ErrorKind::MissingDependency { library, dependency, source }.into();
    }
    ErrorKind::OpenLibrary { library, source }.into()
}

/// The program and all libraries that are loaded.
pub(super) fn this_process() -> Opened {
    let module = Module::program();
    // SAFETY: the program stays loaded: its handle may be closed as often as one likes.
    let library = unsafe { Library::from_raw(module.raw().expose_provenance().cast_signed()) };
    Opened { library, module, whole_process: true }
}

impl Opened {
    fn of(library: Library, whole_process: bool) -> Opened {
        let raw = library.into_raw();
        // SAFETY: the handle just taken out.
        let library = unsafe { Library::from_raw(raw) };
        let module = Module::new(std::ptr::with_exposed_provenance_mut(raw.cast_unsigned()));
        Opened { library, module, whole_process }
    }

    /// # Safety
    /// `handle` is what `LoadLibrary` gave, and nobody else closes it.
    pub(super) unsafe fn from_raw(handle: *mut c_void) -> Opened {
        // SAFETY: the caller's promise.
        Opened::of(unsafe { Library::from_raw(handle.expose_provenance().cast_signed()) }, false)
    }

    pub(super) fn raw(&self) -> *mut c_void {
        self.module.raw()
    }

    /// The address of a symbol, whose name has no NUL byte inside; `#12` is the one with this ordinal.
    pub(super) fn symbol(&self, symbol: &str) -> Result<*const c_void, Option<libloading::Error>> {
        if let Some(ordinal) = symbol.strip_prefix('#') {
            // 0 stands for none: no library exports it.
            let Some(ordinal) = ordinal.parse().ok().filter(|ordinal| *ordinal != 0) else {
                return Err(None);
            };
            // SAFETY: only the address is taken, as a pointer that nothing is said about.
            let found = unsafe { self.library.get_ordinal::<*const c_void>(ordinal) };
            return found.map(|found| found.as_raw_ptr().cast_const()).map_err(Some);
        }
        // SAFETY: as above.
        let found = unsafe { self.library.get::<*const c_void>(symbol.as_bytes()) };
        match found {
            Ok(found) => Ok(found.as_raw_ptr().cast_const()),
            Err(source) if self.whole_process => in_any(symbol).ok_or(Some(source)),
            Err(source) => Err(Some(source)),
        }
    }

    pub(super) fn close(self) -> Result<(), libloading::Error> {
        self.library.close()
    }
}

/// A symbol of the program's C library, or of the first library that has it. That one stays loaded from then on: nobody
/// would know that its code is in use.
fn in_any(symbol: &str) -> Option<*const c_void> {
    let symbol = CString::new(symbol).ok()?;
    let c_library = Module::of_address(crate::sys::in_c_library());
    let mut modules = c_library.into_iter().chain(modules::list());
    modules.find_map(|module| {
        let address = module.symbol(&symbol)?;
        Module::pin(address);
        Some(address)
    })
}
