//! How a library is opened, and what its functions have in common.

use super::Library;
use crate::ctype::Convention;
use crate::error::Error;
use std::ffi::OsStr;

/// Options for opening a library; the defaults are those of [`Library::open`].
#[derive(Clone, Copy, Debug)]
pub struct LibraryOptions {
    pub(super) flags: i32,
    pub(super) convention: Convention,
}

impl Default for LibraryOptions {
    fn default() -> LibraryOptions {
        LibraryOptions { flags: libc::RTLD_LAZY | libc::RTLD_LOCAL, convention: Convention::Default }
    }
}

impl LibraryOptions {
    /// The defaults: symbols are resolved when they are needed, and are the library's own.
    pub fn new() -> LibraryOptions {
        LibraryOptions::default()
    }

    /// Resolves every symbol at once: what is missing shows when the library is opened (`RTLD_NOW`).
    pub fn now(mut self) -> LibraryOptions {
        self.flags = self.flags & !libc::RTLD_LAZY | libc::RTLD_NOW;
        self
    }

    /// Lends its symbols to libraries that are opened later (`RTLD_GLOBAL`).
    pub fn global(mut self) -> LibraryOptions {
        self.flags = self.flags & !libc::RTLD_LOCAL | libc::RTLD_GLOBAL;
        self
    }

    /// Keeps it loaded after it is closed (`RTLD_NODELETE`).
    pub fn keep(mut self) -> LibraryOptions {
        self.flags |= libc::RTLD_NODELETE;
        self
    }

    /// Opens it only if it is loaded already (`RTLD_NOLOAD`).
    pub fn only_if_loaded(mut self) -> LibraryOptions {
        self.flags |= libc::RTLD_NOLOAD;
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
