//! Finding a library by the name that a linker knows it by, without running a program.

use crate::error::{Error, ErrorKind};
use crate::library::cache;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// A library that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLibrary {
    /// What to open: `libm.so.6`. The loader finds it again under this name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// Finds a library by its short name, as a linker's `-l` does: `m` is libm.
///
/// In this order: the loader's cache, `LD_LIBRARY_PATH`, the system's directories (musl's own list where there is one). A
/// linker script such as `libc.so` leads to the library that it names. Of several versions the highest is taken.
///
/// ```
/// let libm = callsmith::find_library("m")?;
/// assert!(libm.name.starts_with("libm.so"));
/// # Ok::<(), callsmith::Error>(())
/// ```
///
/// # Errors
/// Not found; the message says where it was looked for.
pub fn find_library(short: &str) -> Result<FoundLibrary, Error> {
    let mut tried = Vec::new();
    let stem = format!("lib{short}.so");
    let cached = cache::libraries().into_iter().filter(|(name, _)| is_version_of(name, &stem));
    if let Some((name, path)) = cached.max_by(|(a, _), (b, _)| version(a).cmp(&version(b))) {
        return Ok(FoundLibrary { name, path });
    }
    tried.push(cache::PATH.to_owned());
    for directory in directories() {
        if let Some(found) = in_directory(&directory, &stem) {
            return Ok(found);
        }
        tried.push(directory.display().to_string());
    }
    Err(ErrorKind::NotFound { library: short.into(), tried: tried.join(", ") }.into())
}

/// Whether `name` is `stem`, or `stem` with a version behind it.
fn is_version_of(name: &str, stem: &str) -> bool {
    let rest = name.strip_prefix(stem);
    rest.is_some_and(|rest| {
        rest.is_empty() || (rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// The numbers of `libx.so.1.2.3`, to be compared.
fn version(name: &str) -> Vec<u64> {
    name.rsplit_once(".so")
        .map_or("", |(_, version)| version)
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect()
}

/// Where to look beside the cache.
fn directories() -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = env::var_os("LD_LIBRARY_PATH")
        .iter()
        .flat_map(env::split_paths)
        .filter(|path| path.is_absolute())
        .collect();
    let arch = env::consts::ARCH;
    let musl = fs::read_to_string(format!("/etc/ld-musl-{arch}.path")).unwrap_or_default();
    directories.extend(musl.split([':', '\n']).filter(|path| !path.is_empty()).map(PathBuf::from));
    for base in ["/lib", "/usr/lib", "/usr/local/lib"] {
        directories.push(format!("{base}/{arch}-linux-gnu").into());
        directories.push(format!("{base}64").into());
        directories.push(base.into());
    }
    let mut seen = BTreeSet::new();
    directories.retain(|path| seen.insert(path.clone()));
    directories
}

fn in_directory(directory: &Path, stem: &str) -> Option<FoundLibrary> {
    let names = fs::read_dir(directory).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_version_of(name, stem)).collect();
    names.sort_by_key(|name| version(name));
    names.into_iter().rev().find_map(|name| {
        let path = directory.join(&name);
        let start = fs::read(&path).ok()?;
        if start.starts_with(b"\x7fELF") {
            return Some(FoundLibrary { name, path });
        }
        let target = named_by_script(std::str::from_utf8(&start).ok()?)?;
        let name = target.file_name()?.to_str()?.to_owned();
        target.exists().then_some(FoundLibrary { name, path: target })
    })
}

/// The first shared library that a linker script names: `GROUP ( /lib/x86_64-linux-gnu/libc.so.6 … )`.
fn named_by_script(script: &str) -> Option<PathBuf> {
    let words = script.split(|c: char| c.is_whitespace() || "(),".contains(c));
    words
        .map(Path::new)
        .find(|path| path.is_absolute() && path.to_str().is_some_and(|path| path.contains(".so")))
        .map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_lead_to_the_library() {
        let script = "/* GNU ld script */\nOUTPUT_FORMAT(elf64-x86-64)\n\
                      GROUP ( /lib/x86_64-linux-gnu/libc.so.6 /usr/lib/libc_nonshared.a )";
        assert_eq!(named_by_script(script), Some("/lib/x86_64-linux-gnu/libc.so.6".into()));
        assert_eq!(named_by_script("INPUT(-lncursesw)"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("libx.so.10") > version("libx.so.9.1"));
        assert!(is_version_of("libm.so.6", "libm.so") && !is_version_of("libm.so.old", "libm.so"));
    }

    #[test]
    fn what_was_tried_is_said() {
        let error = find_library("no-such-library").unwrap_err().to_string();
        assert!(error.contains("no-such-library") && error.contains("/usr/lib"), "{error}");
    }
}
