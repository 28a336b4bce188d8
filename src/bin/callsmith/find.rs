//! `callsmith find`: where a library is.

use crate::output;
use callsmith::find_library;

/// Find a library by its short name: m is libm
#[derive(clap::Args)]
#[command(after_help = WHERE)]
pub(crate) struct Options {
    /// The name that a linker's -l takes, or a file's name such as libm.so.6
    name: String,
}

#[cfg(not(windows))]
const WHERE: &str = "\
Where it looks: LD_LIBRARY_PATH, the loader's cache, the system's folders. Linker scripts are followed.

Example:
  callsmith find m";

#[cfg(windows)]
const WHERE: &str = "\
Where it looks: the program's folder, the system's, PATH. c and m are the C library.

Example:
  callsmith find kernel32";

/// Prints the name to open it by, and its file.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let found = find_library(&options.name)?;
    output::write(format!("{}  {}\n", found.name, found.path.display()).as_bytes())?;
    Ok(())
}
