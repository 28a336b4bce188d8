//! How a library is opened, and what its functions have in common: what ctypes' `cdll`, `windll` and `oledll` differ in.

use super::Library;
use crate::ctype::Convention;
use crate::error::Error;
use crate::function::Manner;
use std::ffi::OsStr;

/// Options for opening a library; the defaults are those of [`Library::open`].
///
/// Those that its functions have in common cost calls nothing where they are not asked for. Where they are, every call goes
/// the way of [`Function::call_values`](crate::Function::call_values), and there is no [`Typed`](crate::Typed) one.
///
/// ```ignore-windows
/// use callsmith::{LibraryOptions, get_errno};
///
/// let libc = LibraryOptions::new().swap_errno().open("libc.so.6")?;
/// // SAFETY: this is libc's prototype, without the type of its result, which is `int`.
/// let chdir = unsafe { libc.function("chdir(const char *path)")? };
/// assert_eq!(chdir.call::<_, i32>((c"/no/such/folder",))?, -1);
/// assert_eq!(get_errno(), 2); // ENOENT
/// # Ok::<(), callsmith::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LibraryOptions {
    pub(super) now: bool,
    pub(super) global: bool,
    pub(super) keep: bool,
    pub(super) only_if_loaded: bool,
    /// What Windows' loader is told.
    #[cfg(windows)]
    pub(super) flags: Option<u32>,
    pub(super) defaults: Defaults,
}

/// What the functions of a library have where their declarations do not say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    pub(super) convention: Convention,
    /// What is done around every call.
    pub(super) manner: Manner,
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

    /// Those of ctypes' `windll`: functions are `__stdcall`, which on 64 bits is the same as any other.
    #[cfg(windows)]
    pub fn windll() -> LibraryOptions {
        LibraryOptions::new().convention(Convention::Stdcall)
    }

    /// Those of ctypes' `oledll`: functions are `__stdcall`, and return an `HRESULT` whose failure is an error.
    ///
    /// ```
    /// use callsmith::{LibraryOptions, Null};
    ///
    /// let ole32 = LibraryOptions::oledll().open("ole32")?;
    /// // SAFETY: as Microsoft's documentation has it.
    /// let initialise = unsafe { ole32.function("CoInitializeEx(void *reserved, unsigned long how)")? };
    /// assert!(initialise.call::<_, i32>((Null, 0))? >= 0);
    /// let error = initialise.call::<_, i32>((Null, 2)).unwrap_err().to_string(); // RPC_E_CHANGED_MODE
    /// assert!(error.starts_with("CoInitializeEx: HRESULT 0x80010106"), "{error}");
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    #[cfg(windows)]
    pub fn oledll() -> LibraryOptions {
        LibraryOptions::windll().hresult()
    }

    /// The convention of functions whose declarations name none.
    pub fn convention(mut self, convention: Convention) -> LibraryOptions {
        self.defaults.convention = convention;
        self
    }

    /// Functions return an `HRESULT`, where their declarations say nothing of a result (`CoGetMalloc(unsigned long, void
    /// **)`; of other libraries they return an `int` then, as in C89). And a failure that one returns, by this or by its
    /// declaration (a typedef of that name), is an error with the system's text, in every call of it.
    pub fn hresult(mut self) -> LibraryOptions {
        self.defaults.manner.hresult = true;
        self
    }

    /// Every call exchanges this thread's copy of `errno` ([`get_errno`](crate::get_errno)) with the real one, before and
    /// after: ctypes' `use_errno=True`. [`Function::call_errno`](crate::Function::call_errno) takes it with the result as
    /// ever.
    pub fn swap_errno(mut self) -> LibraryOptions {
        self.defaults.manner.errno = true;
        self
    }

    /// Every call exchanges this thread's copy of the last error ([`get_last_error`](crate::get_last_error)) with the real
    /// one, before and after: ctypes' `use_last_error=True`.
    /// [`Function::call_last_error`](crate::Function::call_last_error) takes it with the result as ever.
    #[cfg(windows)]
    pub fn swap_last_error(mut self) -> LibraryOptions {
        self.defaults.manner.last_error = true;
        self
    }

    /// [`Library::this_process`], with what its functions are to have in common.
    pub fn this_process(self) -> Library {
        Library::of_this_process(self.defaults)
    }

    /// Opens a library as [`Library::open`] does.
    ///
    /// # Errors
    /// As for [`Library::open`].
    pub fn open(self, name: impl AsRef<OsStr>) -> Result<Library, Error> {
        Library::open_with(name.as_ref(), self)
    }
}
