//! Finding a library by the name that a linker knows it by.

use super::system;
use crate::error::Error;
use std::path::PathBuf;

/// A library that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLibrary {
    /// What to open, the name that programs linked with it use: `libm.so.6`. The loader finds it again under this name;
    /// where it was found elsewhere than the loader looks, the path is what to open.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// Finds a library by its short name, as a linker's `-l` does: `m` is libm. A file's name, `libm.so.6`, stands for itself.
///
/// Where it looks on Linux, in the loader's order: `LD_LIBRARY_PATH` (absolute folders in it), the loader's cache
/// `/etc/ld.so.cache`, the system's folders; in a program for musl, its list `/etc/ld-musl-*.path` instead of cache and
/// folders. Of several versions in one place the highest is taken. A linker script such as `libc.so` leads to the library
/// that it names. Files for other processors are passed over.
///
/// On Windows a name may lack its `.dll`, and is looked for in the program's folder, the system's, and along `PATH`; `c` and
/// `m` are the C library of this program.
///
/// ```
/// let libm = callsmith::find_library("m")?;
/// assert!(libm.name.starts_with(if cfg!(windows) { "msvcrt" } else { "libm.so" }));
/// let libm = callsmith::Library::open(libm.name)?;
/// # Ok::<(), callsmith::Error>(())
/// ```
///
/// # Errors
/// Not found; the message says where it was looked for.
pub fn find_library(name: &str) -> Result<FoundLibrary, Error> {
    system::find(name)
}
