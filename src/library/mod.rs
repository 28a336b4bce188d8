//! Shared libraries: open, close, symbols.
//!
//! # Safety
//! A library is closed only when nothing taken from it is alive: whatever is keeps its handle.
#![allow(unsafe_code)]

mod bindings;
mod decorated;
#[cfg(feature = "symbols")]
mod file;
mod find;
mod options;
mod process;
mod variable;

cfg_if::cfg_if! {
    if #[cfg(windows)] {
        mod windows;
        use windows as system;
    } else {
        mod unix;
        use unix as system;
    }
}

pub use bindings::Bindings;
#[cfg(feature = "symbols")]
pub use file::{Exported, LibraryFile, SymbolKind};
pub use find::{FoundLibrary, find_library};
pub use options::LibraryOptions;
pub use process::{AddressInfo, LoadedLibrary, address_info, loaded_libraries};
pub use variable::{DataVariable, Variable};

use crate::ctype::{CType, Convention, Prototype};
use crate::decl;
use crate::error::{Error, ErrorKind};
use crate::function::{Function, HRESULT, Manner};
use crate::host;
use options::Defaults;
use std::ffi::{OsStr, c_void};
use std::fmt;
use std::sync::Arc;

/// An open shared library.
///
/// It stays open as long as this, a clone, or anything taken from it lives.
#[derive(Clone)]
pub struct Library {
    handle: Arc<Handle>,
}

/// The open library itself.
pub(crate) struct Handle {
    name: String,
    library: system::Opened,
    defaults: Defaults,
}

impl Handle {
    /// What is done around every call of the library's functions.
    pub(crate) fn manner(&self) -> Manner {
        self.defaults.manner
    }
}

impl Library {
    /// Opens a library by path, or by a name that the system's loader searches (`libm.so.6`, `kernel32`).
    ///
    /// On Windows a name without an extension gets `.dll`. A name is looked for in the program's folder and the system's,
    /// never in the current one nor along `PATH`; what the library at a path needs is looked for beside it, too.
    ///
    /// Opening runs the library's initialisers. So does starting a program; a library that one would not run is not to be
    /// opened.
    ///
    /// # Errors
    /// No such library, or one that cannot be loaded; the system's words are in the message.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Library, Error> {
        LibraryOptions::new().open(name)
    }

    fn open_with(name: &OsStr, options: LibraryOptions) -> Result<Library, Error> {
        let library = system::open(name, &options)?;
        Ok(Library::of(name.to_string_lossy().into_owned(), library, options.defaults))
    }

    /// This process: the program, and every library loaded for all to see, the C library among them.
    ///
    /// On Windows that is every library that is loaded: after the program's own exports come those of its C library, then
    /// the others' in the loader's order. A library that a symbol was taken from in this way stays loaded.
    pub fn this_process() -> Library {
        Library::of_this_process(Defaults::default())
    }

    fn of_this_process(defaults: Defaults) -> Library {
        Library::of("this process".into(), system::this_process(), defaults)
    }

    /// A library that is open already, by the system's handle (what `dlopen` or `LoadLibrary` returned). It is closed when
    /// this and all that was taken from it is gone.
    ///
    /// # Safety
    /// `handle` is such a handle, and nobody else closes it.
    pub unsafe fn from_raw_handle(name: &str, handle: *mut c_void) -> Library {
        // SAFETY: the caller's promise.
        let library = unsafe { system::Opened::from_raw(handle) };
        Library::of(name.into(), library, Defaults::default())
    }

    fn of(name: String, library: system::Opened, defaults: Defaults) -> Library {
        Library { handle: Arc::new(Handle { name, library, defaults }) }
    }

    /// The system's handle, valid as long as the library is open.
    pub fn raw_handle(&self) -> *mut c_void {
        self.handle.library.raw()
    }

    /// The name or path it was opened by.
    pub fn name(&self) -> &str {
        &self.handle.name
    }

    /// The address of `symbol`. On Windows `#12` is the one with the ordinal 12.
    ///
    /// # Errors
    /// No such symbol.
    pub fn symbol(&self, symbol: &str) -> Result<*const c_void, Error> {
        if symbol.contains('\0') {
            return Err(ErrorKind::BadSymbolName { symbol: symbol.into() }.into());
        }
        self.handle.library.symbol(symbol).map_err(|source| self.no_symbol(symbol, source))
    }

    /// The address of `symbol`, or `None` where there is none: for what only some versions of a library have.
    ///
    /// # Errors
    /// A name that no symbol can have.
    pub fn optional_symbol(&self, symbol: &str) -> Result<Option<*const c_void>, Error> {
        match self.symbol(symbol) {
            Ok(address) => Ok(Some(address)),
            Err(error) if matches!(error.kind(), ErrorKind::NoSymbol { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The address of this version of `symbol`: `memcpy`, `GLIBC_2.2.5`.
    ///
    /// # Errors
    /// No such symbol, or not in this version.
    #[cfg(unix)]
    pub fn versioned_symbol(&self, symbol: &str, version: &str) -> Result<*const c_void, Error> {
        let found = self.handle.library.versioned(symbol, version);
        let found = found.map_err(|_| ErrorKind::BadSymbolName { symbol: symbol.into() })?;
        found.ok_or_else(|| self.no_symbol(&format!("{symbol}@{version}"), None))
    }

    fn no_symbol(&self, symbol: &str, source: Option<libloading::Error>) -> Error {
        ErrorKind::NoSymbol { library: self.name().into(), symbol: symbol.into(), source }.into()
    }

    /// The function that `declaration` declares: C as in a header, after whatever structs and typedefs it needs.
    ///
    /// # Errors
    /// A declaration that is no C, or names no function; no such symbol; a signature that cannot be called here.
    ///
    /// # Safety
    /// The declaration is the function's own, and calls of it keep to
    /// [what a safe call relies on](Function#what-a-safe-call-relies-on).
    pub unsafe fn function(&self, declaration: &str) -> Result<Function, Error> {
        let prototype = decl::parse_prototype(declaration, host::MODEL)?;
        // SAFETY: the caller's promise.
        unsafe { self.function_of(prototype) }
    }

    /// The function of this prototype. On 32-bit Windows it may have a decorated name, as `__stdcall` and `__fastcall`
    /// functions get: `_f@8`, `f@8`, `@f@8`.
    ///
    /// # Errors
    /// As for [`Library::function`].
    ///
    /// # Safety
    /// As for [`Library::function`].
    pub unsafe fn function_of(&self, prototype: Prototype) -> Result<Function, Error> {
        let found = self.find(prototype)?;
        // SAFETY: the caller's promise.
        unsafe { self.function_at(found) }
    }

    /// The address of the function of this prototype, and the prototype with what the library's options say of it.
    fn find(&self, mut prototype: Prototype) -> Result<(*const c_void, Prototype), Error> {
        if prototype.convention == Convention::Default {
            prototype.convention = self.handle.defaults.convention;
        }
        if prototype.implicit_result && self.handle.manner().hresult {
            prototype.result = CType::int().typedef(HRESULT);
        }
        let symbol = prototype.symbol.as_ref().or(prototype.name.as_ref());
        let Some(symbol) = symbol else {
            return Err(ErrorKind::Unnamed { declaration: prototype.to_string() }.into());
        };
        let address = self.symbol(symbol).or_else(|error| {
            let decorated = decorated::names(symbol, &prototype);
            decorated.iter().find_map(|name| self.symbol(name).ok()).ok_or(error)
        })?;
        Ok((address, prototype))
    }

    /// The function that was found.
    ///
    /// # Safety
    /// As for [`Library::function`].
    unsafe fn function_at(
        &self,
        (address, prototype): (*const c_void, Prototype),
    ) -> Result<Function, Error> {
        // SAFETY: the caller's promise; the library stays open as long as the function keeps the handle.
        unsafe { Function::new(address, prototype, Some(Arc::clone(&self.handle))) }
    }

    /// Closes the library, if this is the last that needs it.
    ///
    /// # Errors
    /// Something taken from it is alive: the library stays open, and closes with the last of them. Or the system's own
    /// error.
    pub fn close(self) -> Result<(), Error> {
        let name = self.handle.name.clone();
        let users = Arc::strong_count(&self.handle) - 1;
        match Arc::try_unwrap(self.handle) {
            Ok(handle) => handle
                .library
                .close()
                .map_err(|source| ErrorKind::CloseLibrary { library: name, source }.into()),
            Err(_) => Err(ErrorKind::LibraryInUse { library: name, users }.into()),
        }
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({})", self.name())
    }
}
