//! How a library is opened, and what its functions have in common.

use super::Library;
use crate::ctype::Convention;
use crate::error::Error;
use std::ffi::OsStr;

/// Options for opening a library; the defaults are those of [`Library::open`].
#[derive(Clone, Copy, Debug, Default)]
pub struct LibraryOptions {
    pub(super) now: bool,
    pub(super) global: bool,
    pub(super) keep: bool,
    pub(super) only_if_loaded: bool,
    /// What Windows' loader is told.
    #[cfg(windows)]
    pub(super) flags: Option<u32>,
    pub(super) convention: Convention,
}

impl LibraryOptions {
    /// The defaults: symbols are resolved when they are needed, and are the library's own.
    pub fn new() -> LibraryOptions {
        LibraryOptions::default()
    }

    /// Resolves every symbol at once: what is missing shows when the library is opened (`RTLD_NOW`). On Windows it always
    /// does.
    pub fn now(mut self) -> LibraryOptions {
        self.now = true;
        self
    }

    /// Lends its symbols to libraries that are opened later (`RTLD_GLOBAL`). On Windows a library names the libraries that
    /// it takes symbols from, and this changes nothing.
    pub fn global(mut self) -> LibraryOptions {
        self.global = true;
        self
    }

    /// Keeps it loaded after it is closed (`RTLD_NODELETE`).
    pub fn keep(mut self) -> LibraryOptions {
        self.keep = true;
        self
    }

    /// Opens it only if it is loaded already (`RTLD_NOLOAD`).
    pub fn only_if_loaded(mut self) -> LibraryOptions {
        self.only_if_loaded = true;
        self
    }

    /// Where Windows looks, and how it loads: the flags of `LoadLibraryEx`, in place of those that [`Library::open`] says.
    #[cfg(windows)]
    pub fn flags(mut self, flags: u32) -> LibraryOptions {
        self.flags = Some(flags);
        self
    }

    /// The convention of functions whose declarations name none: ctypes' `cdll` and `windll`.
    pub fn convention(mut self, convention: Convention) -> LibraryOptions {
        self.convention = convention;
        self
    }

    /// Opens a library as [`Library::open`] does.
    ///
    /// # Errors
    /// As for [`Library::open`].
    pub fn open(self, name: impl AsRef<OsStr>) -> Result<Library, Error> {
        Library::open_with(name.as_ref(), self)
    }
}
