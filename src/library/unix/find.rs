//! Finding a library without running a program.

use super::super::FoundLibrary;
use super::{cache, elf};
use crate::error::{Error, ErrorKind};
use crate::host;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Finds a library, see [`crate::find_library`].
pub(in super::super) fn find(name: &str) -> Result<FoundLibrary, Error> {
    Search::of_this_process().find(name)
}

/// Where to look.
struct Search {
    /// Before the cache.
    first: Vec<PathBuf>,
    /// Whether there is a cache.
    cached: bool,
    /// Behind it.
    then: Vec<PathBuf>,
    kind: Option<elf::Kind>,
}

/// Linker scripts name each other at most so deep.
const DEPTH: u32 = 4;

impl Search {
    fn of_this_process() -> Search {
        let first = env::var_os("LD_LIBRARY_PATH")
            .iter()
            .flat_map(env::split_paths)
            .filter(|path| path.is_absolute())
            .collect();
        let then = if host::IS_MUSL { musl_folders() } else { system_folders() };
        Search { first, cached: !host::IS_MUSL, then, kind: elf::own_kind() }
    }

    fn find(&self, name: &str) -> Result<FoundLibrary, Error> {
        self.look(name, DEPTH).or_else(|| part_of_musl(name)).ok_or_else(|| {
            let folders = |paths: &[PathBuf]| -> Vec<String> {
                paths.iter().map(|path| path.display().to_string()).collect()
            };
            let cache = self.cached.then(|| cache::PATH.to_owned());
            let tried: Vec<String> =
                folders(&self.first).into_iter().chain(cache).chain(folders(&self.then)).collect();
            ErrorKind::NotFound { library: name.into(), tried: tried.join(", ") }.into()
        })
    }

    fn look(&self, name: &str, depth: u32) -> Option<FoundLibrary> {
        let wanted = Wanted::of(name);
        let in_folders =
            |folders: &[PathBuf]| folders.iter().find_map(|folder| self.in_folder(folder, &wanted, depth));
        in_folders(&self.first)
            .or_else(|| if self.cached { in_cache(&wanted) } else { None })
            .or_else(|| in_folders(&self.then))
    }

    fn in_folder(&self, folder: &Path, wanted: &Wanted, depth: u32) -> Option<FoundLibrary> {
        let names = fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| wanted.is(name)).collect();
        names.sort_by_key(|name| version(name));
        names.into_iter().rev().find_map(|name| self.in_file(folder, name, depth))
    }

    /// The library that this file is, or that it names as a linker script.
    fn in_file(&self, folder: &Path, name: String, depth: u32) -> Option<FoundLibrary> {
        let path = folder.join(&name);
        let Some(elf) = elf::read(&path).ok()? else {
            let script = fs::read_to_string(path).ok()?;
            return named_by_script(&script).find_map(|named| self.in_script(folder, named, depth));
        };
        if self.kind.is_some_and(|kind| kind != elf.kind) {
            return None;
        }
        let name = elf.soname.filter(|soname| folder.join(soname).exists()).unwrap_or(name);
        Some(FoundLibrary { name, path })
    }

    /// What a linker script in `folder` means by `named`.
    fn in_script(&self, folder: &Path, named: &str, depth: u32) -> Option<FoundLibrary> {
        let depth = depth.checked_sub(1)?;
        if let Some(short) = named.strip_prefix("-l") {
            return self.look(short, depth);
        }
        let path = folder.join(named);
        let name = path.file_name()?.to_str()?.to_owned();
        self.in_file(path.parent()?, name.clone(), depth).or_else(|| self.look(&name, depth))
    }
}

/// Which files are what is wanted.
struct Wanted {
    file: String,
    /// Whether a version may follow.
    versions: bool,
}

impl Wanted {
    fn of(name: &str) -> Wanted {
        if name.contains(".so") {
            Wanted { file: name.into(), versions: false }
        } else {
            Wanted { file: format!("lib{name}.so"), versions: true }
        }
    }

    fn is(&self, name: &str) -> bool {
        match name.strip_prefix(&self.file) {
            Some("") => true,
            Some(rest) => {
                let version = rest.strip_prefix('.').unwrap_or_default();
                self.versions && version.starts_with(|c: char| c.is_ascii_digit())
            }
            None => false,
        }
    }
}

fn in_cache(wanted: &Wanted) -> Option<FoundLibrary> {
    let found = cache::libraries().into_iter().filter(|(name, _)| wanted.is(name));
    let (name, path) = found.max_by_key(|(name, _)| version(name))?;
    Some(FoundLibrary { name, path })
}

/// The numbers of `libx.so.1.2.3`, to be compared.
fn version(name: &str) -> Vec<u64> {
    let version = name.rsplit_once(".so").map_or("", |(_, version)| version);
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// The name of this processor in the names of folders and files.
fn architecture() -> &'static str {
    match env::consts::ARCH {
        "x86" => "i386",
        other => other,
    }
}

fn system_folders() -> Vec<PathBuf> {
    let folders = ["/lib", "/usr/lib", "/usr/local/lib"].into_iter().flat_map(|base| {
        let multiarch = format!("{base}/{}-linux-gnu", architecture());
        [multiarch, format!("{base}64"), base.to_owned()]
    });
    // One may be a link to another.
    let mut seen = BTreeSet::new();
    let folders = folders.map(PathBuf::from);
    folders.filter(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone()))).collect()
}

/// musl's list, or what it takes where there is none (`ldso/dynlink.c`).
fn musl_folders() -> Vec<PathBuf> {
    let list = fs::read_to_string(format!("/etc/ld-musl-{}.path", architecture()));
    folders_in(&list.unwrap_or_else(|_| "/lib:/usr/local/lib:/usr/lib".into()))
}

/// Libraries that musl has within its own, which is its loader too: it opens that under these names, whatever follows their
/// dot, and looks for no file (`ldso/dynlink.c`, `load_library`).
const PARTS_OF_MUSL: [&str; 7] = ["c", "pthread", "rt", "m", "dl", "util", "xnet"];

fn part_of_musl(name: &str) -> Option<FoundLibrary> {
    let file = Wanted::of(name).file;
    let stem = file.strip_prefix("lib")?.split('.').next()?;
    let path = PathBuf::from(format!("/lib/ld-musl-{}.so.1", architecture()));
    let there = host::IS_MUSL && PARTS_OF_MUSL.contains(&stem) && path.exists();
    there.then_some(FoundLibrary { name: file, path })
}

fn folders_in(list: &str) -> Vec<PathBuf> {
    list.split([':', '\n']).filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

/// The shared libraries that a linker script names, in order: `GROUP ( /lib/libc.so.6 /usr/lib/libc_nonshared.a )`,
/// `INPUT(libncurses.so.6 -ltinfo)`.
fn named_by_script(script: &str) -> impl Iterator<Item = &str> {
    let words = script.split(|c: char| c.is_whitespace() || "(),".contains(c));
    words.filter(|word| word.contains(".so") || (word.starts_with("-l") && word.len() > 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_libraries() {
        let named = |script| named_by_script(script).collect::<Vec<_>>();
        let script = "/* GNU ld script */\nOUTPUT_FORMAT(elf64-x86-64)\n\
                      GROUP ( /lib/x86_64-linux-gnu/libc.so.6 /usr/lib/libc_nonshared.a )";
        assert_eq!(named(script), ["/lib/x86_64-linux-gnu/libc.so.6"]);
        assert_eq!(named("INPUT(libncurses.so.6 -ltinfo)"), ["libncurses.so.6", "-ltinfo"]);
        assert_eq!(named("INPUT(-lncursesw)"), ["-lncursesw"]);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("libx.so.10") > version("libx.so.9.1"));
        let m = Wanted::of("m");
        assert!(m.is("libm.so") && m.is("libm.so.6") && !m.is("libm.so.old") && !m.is("libmvec.so.1"));
        let exact = Wanted::of("libm.so.6");
        assert!(exact.is("libm.so.6") && !exact.is("libm.so.6.1") && !exact.is("libm.so"));
    }

    #[test]
    fn what_was_tried_is_said() {
        let error = find("no-such-library").unwrap_err().to_string();
        assert!(error.contains("no-such-library") && error.contains("/usr"), "{error}");
        assert!(error.contains(cache::PATH) || host::IS_MUSL, "{error}");
    }

    /// Folders as musl lists them; libraries are copies of the process's own C library.
    #[test]
    fn folders_are_searched_in_order_and_scripts_followed() {
        let libc = find("c").expect("libc").path;
        let root = env::temp_dir().join(format!("callsmith-find-{}", std::process::id()));
        let [a, b] = ["a", "b"].map(|name| root.join(name));
        fs::create_dir_all(&a).expect("a folder");
        fs::create_dir_all(&b).expect("a folder");
        for path in [
            a.join("liborder.so.1"),
            b.join("liborder.so.2"),
            b.join("liborder.so.10"),
            b.join("libonly.so.3"),
        ] {
            fs::copy(&libc, path).expect("copied");
        }
        for (name, text) in [
            ("libplain.so", "INPUT(libonly.so.3)"),
            ("libshort.so", "/* a script */ INPUT ( -lplain )"),
            ("libround.so", "INPUT(-lround)"),
            ("libtext.so", "no script"),
        ] {
            fs::write(b.join(name), text).expect("written");
        }
        let list = format!("{}:{}\n", a.display(), b.display());
        let search = Search { first: vec![], cached: false, then: folders_in(&list), kind: elf::own_kind() };
        let found = |name: &str| search.find(name).map(|found| found.path);
        assert_eq!(found("order").expect("in a"), a.join("liborder.so.1"));
        assert_eq!(found("liborder.so.2").expect("in b"), b.join("liborder.so.2"));
        for name in ["only", "plain", "short"] {
            assert_eq!(found(name).expect(name), b.join("libonly.so.3"), "{name}");
        }
        for name in ["round", "text"] {
            let error = found(name).unwrap_err().to_string();
            assert_eq!(error, format!("no library '{name}' was found in {}, {}", a.display(), b.display()));
        }
        // The same library, but for another machine.
        let mut head = fs::read(&libc).expect("libc")[..64].to_vec();
        head[18] ^= 0x55;
        fs::write(a.join("libforeign.so"), head).expect("written");
        assert!(search.find("foreign").is_err());
        assert!(Search { kind: None, ..search }.find("foreign").is_ok());
        fs::remove_dir_all(root).expect("removed");
    }
}
