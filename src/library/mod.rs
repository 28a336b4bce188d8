//! Shared libraries: open, close, symbols.
//!
//! # Safety
//! Two calls are unsafe in libloading: opening, since initialisers run, which [`Library::open`] documents; and closing,
//! which happens here only when nothing taken from the library is alive.
#![allow(unsafe_code)]

mod bindings;

pub use bindings::Bindings;

use crate::ctype::Prototype;
use crate::decl;
use crate::error::{Error, ErrorKind};
use crate::function::Function;
use crate::host;
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
    library: libloading::Library,
}

impl Library {
    /// Opens a library by path, or by a name that the system's loader searches (`libm.so.6`).
    ///
    /// Opening runs the library's initialisers. So does starting a program; a library that one would not run is not to be
    /// opened.
    ///
    /// # Errors
    /// No such library, or one that cannot be loaded; the system's words are in the message.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Library, Error> {
        let name = name.as_ref();
        // SAFETY: the initialisers are the library's own business, see above.
        let opened = unsafe { libloading::Library::new(name) };
        let shown = name.to_string_lossy().into_owned();
        match opened {
            Ok(library) => Ok(Library::of(shown, library)),
            Err(source) => Err(ErrorKind::OpenLibrary { library: shown, source }.into()),
        }
    }

    /// This process: the program, and every library loaded for all to see, the C library among them.
    pub fn this_process() -> Library {
        Library::of("this process".into(), libloading::os::unix::Library::this().into())
    }

    fn of(name: String, library: libloading::Library) -> Library {
        Library { handle: Arc::new(Handle { name, library }) }
    }

    /// The name or path it was opened by.
    pub fn name(&self) -> &str {
        &self.handle.name
    }

    /// The address of `symbol`.
    ///
    /// # Errors
    /// No such symbol.
    pub fn symbol(&self, symbol: &str) -> Result<*const c_void, Error> {
        if symbol.contains('\0') {
            return Err(ErrorKind::BadSymbolName { symbol: symbol.into() }.into());
        }
        // SAFETY: only the address is taken, as a pointer that nothing is said about.
        let found = unsafe { self.handle.library.get::<*const c_void>(symbol.as_bytes()) };
        match found {
            // SAFETY: the symbol is not used beyond its address.
            Ok(found) => Ok(unsafe { found.into_raw() }.as_raw_ptr().cast_const()),
            Err(source) => Err(self.no_symbol(symbol, Some(source))),
        }
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

    /// The function of this prototype.
    ///
    /// # Errors
    /// As for [`Library::function`].
    ///
    /// # Safety
    /// As for [`Library::function`].
    pub unsafe fn function_of(&self, prototype: Prototype) -> Result<Function, Error> {
        let symbol = prototype.symbol.as_ref().or(prototype.name.as_ref());
        let Some(symbol) = symbol else {
            return Err(ErrorKind::Unnamed { declaration: prototype.to_string() }.into());
        };
        let address = self.symbol(symbol)?;
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
