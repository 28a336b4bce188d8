//! Finding a library's file.
#![allow(unsafe_code)]

use super::super::FoundLibrary;
use super::modules::Module;
use crate::error::{Error, ErrorKind};
use crate::sys;
use std::env;
use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use windows_sys::Win32::System::SystemInformation::GetSystemDirectoryW;

/// Finds a library by its name, with or without `.dll`.
pub(in super::super) fn find(name: &str) -> Result<FoundLibrary, Error> {
    // What is the mathematics library elsewhere is a part of the C library here.
    if ["c", "m"].contains(&name)
        && let Some(path) = Module::of_address(sys::in_c_library()).map(Module::path)
        && let Some(file) = path.file_name()
    {
        return Ok(FoundLibrary { name: file.to_string_lossy().into_owned(), path });
    }
    let mut folders = loaders_folders();
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths).filter(|path| path.is_absolute()));
    match in_folders(&folders, Path::new(name)) {
        Some(path) => {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok(FoundLibrary { name: file, path })
        }
        None => {
            let tried: Vec<String> = folders.iter().map(|path| path.display().to_string()).collect();
            Err(ErrorKind::NotFound { library: name.into(), tried: tried.join("; ") }.into())
        }
    }
}

/// The folders that the loader looks through: the program's, the system's.
fn loaders_folders() -> Vec<PathBuf> {
    let program = env::current_exe().ok().and_then(|path| Some(path.parent()?.to_owned()));
    program.into_iter().chain(system_folder()).collect()
}

fn system_folder() -> Option<PathBuf> {
    let mut path = [0; 1024];
    let room = u32::try_from(path.len()).unwrap_or(0);
    // SAFETY: so much room.
    let len = unsafe { GetSystemDirectoryW(path.as_mut_ptr(), room) };
    let path = path.get(..usize::try_from(len).ok()?)?;
    (!path.is_empty()).then(|| OsString::from_wide(path).into())
}

/// The file of this name in the first of `folders` that has one.
fn in_folders(folders: &[PathBuf], name: &Path) -> Option<PathBuf> {
    let mut names = vec![name.as_os_str().to_owned()];
    if !name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("dll")) {
        let mut with = names[0].clone();
        with.push(".dll");
        names.insert(0, with);
    }
    folders.iter().find_map(|folder| names.iter().map(|name| folder.join(name)).find(|path| path.is_file()))
}

/// The library that the one at `name` needs, or one that it needs does, and that the loader does not find. `None` where the
/// library itself is not there, or nothing is missing.
#[cfg(feature = "symbols")]
pub(super) fn missing_dependency(name: &Path) -> Option<String> {
    use super::super::LibraryFile;
    use std::collections::BTreeSet;

    let mut folders = loaders_folders();
    let file = if name.components().count() > 1 {
        let absolute = std::path::absolute(name).ok()?;
        let folder = absolute.parent()?.to_owned();
        let file = in_folders(std::slice::from_ref(&folder), absolute.file_name()?.as_ref())?;
        folders.insert(0, folder);
        file
    } else {
        in_folders(&folders, name)?
    };
    let (mut seen, mut files) = (BTreeSet::new(), vec![file]);
    while let Some(file) = files.pop() {
        for needed in LibraryFile::read(file).map(|file| file.needs).unwrap_or_default() {
            let needed = needed.to_ascii_lowercase();
            // An API set is a name that the loader has its own list for.
            let is_api_set = needed.starts_with("api-ms-") || needed.starts_with("ext-ms-");
            if is_api_set || !seen.insert(needed.clone()) {
                continue;
            }
            match in_folders(&folders, Path::new(&needed)) {
                Some(file) => files.push(file),
                None => return Some(needed),
            }
        }
    }
    None
}
