//! `callsmith find` and `callsmith symbols`. What is of ELF is not tested on Windows.

#[cfg(not(windows))]
use super::support::compiler::Compiler;
use super::support::program;
use super::{printed, refused};
use std::path::Path;
#[cfg(not(windows))]
use std::path::PathBuf;
#[cfg(not(windows))]
use std::process::Command;

/// A library that gcc makes, in a folder of its own.
#[cfg(not(windows))]
fn made(name: &str, source: &str, more: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (c, so) = (folder.join("source.c"), folder.join(format!("lib{name}.so")));
    std::fs::write(&c, source).expect("a source");
    let made = Compiler::native()
        .map(|gcc| gcc.command().args(["-shared", "-fPIC", "-o"]).arg(&so).arg(&c).args(more).status());
    match made {
        Ok(status) => {
            assert!(status.expect("gcc runs").success(), "gcc refused {}", c.display());
            Some(so)
        }
        Err(error) => {
            println!("skipped: no gcc: {error}");
            None
        }
    }
}

#[test]
fn libraries_are_found_by_short_and_by_full_name() {
    let found = printed(&["find", "m"]);
    let (name, path) = found.trim_end().split_once("  ").expect("a name and a path");
    // Opened, not looked at: an emulator may have the files of its system elsewhere, and see to what is opened alone.
    let known = if cfg!(windows) { "msvcrt" } else { "libm.so" };
    assert!(name.starts_with(known) && std::fs::File::open(path).is_ok(), "{found}");
    assert_eq!(printed(&["find", name]), found);
    let message = refused(1, &["find", "no-such-library"]);
    assert!(message.starts_with("callsmith: no library 'no-such-library' was found in "), "{message}");
}

/// The loader looks there first, so it is found there first; and under the name that the loader knows.
#[cfg(not(windows))]
#[test]
fn the_library_path_comes_first_and_a_soname_is_the_name() {
    let Some(so) = made("soname", "int one(void) { return 1; }", &["-Wl,-soname,libsoname.so.7"]) else {
        return;
    };
    let folder = so.parent().expect("a folder");
    let found = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callsmith"));
        let output = command.args(["find", name]).env("LD_LIBRARY_PATH", folder).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    // Under its soname there is no file yet: only the path opens it.
    assert_eq!(found("soname"), format!("libsoname.so  {}\n", so.display()));
    std::fs::copy(&so, folder.join("libsoname.so.7")).expect("copied");
    assert_eq!(found("soname"), format!("libsoname.so.7  {}.7\n", so.display()));
    std::fs::copy(&so, folder.join("libm.so.6")).expect("copied");
    assert!(found("m").ends_with(&format!("  {}\n", folder.join("libm.so.6").display())));
}

#[cfg(not(windows))]
#[test]
fn exported_symbols_are_listed_with_their_kinds() {
    let source = "int counter = 3; __thread int mine; static int hidden(void) { return 1; } int shown(void) { return hidden(); }";
    let Some(so) = made("exports", source, &["-lm", "-Wl,--no-as-needed"]) else { return };
    let path = so.to_string_lossy().into_owned();
    let text = printed(&["symbols", &path]);
    let kind = |name: &str| {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.and_then(|line| line.split_whitespace().nth(1)).map(str::to_owned)
    };
    assert_eq!(kind("counter").as_deref(), Some("variable"));
    assert_eq!(kind("mine").as_deref(), Some("thread-local"));
    assert_eq!(kind("shown").as_deref(), Some("function"));
    assert_eq!(kind("hidden"), None);
    assert_eq!(printed(&["symbols", &path, "no such part"]).lines().count(), 1);
    assert!(printed(&["symbols", "--needs", &path]).contains("libc.so"));
}

#[cfg(not(windows))]
/// What `readelf` lists as defined and global is what is listed here; the names of versions (`ABS`) are no symbols.
#[test]
fn the_c_librarys_symbols_are_those_that_readelf_has() {
    let found = printed(&["find", "c"]);
    let path = found.trim_end().split_once("  ").expect("a path").1;
    // A copy: under an emulator readelf, which is not of its system, may find another file under that name, or none.
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libc-{}.so", std::process::id()));
    std::fs::copy(path, &copy).expect("copied");
    let output = Command::new("readelf").args(["-W", "--dyn-syms"]).arg(&copy).output();
    std::fs::remove_file(copy).expect("removed");
    let Ok(output) = output else {
        println!("skipped: no readelf");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let defined = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [_, _, _, _, "GLOBAL" | "WEAK" | "UNIQUE", _, index, name, ..]
                if !["UND", "ABS"].contains(&index) =>
            {
                Some(name.to_owned())
            }
            _ => None,
        }
    };
    let mut expected: Vec<String> = text.lines().filter_map(defined).collect();
    let listed = printed(&["symbols", "c"]);
    let mut ours: Vec<String> = listed
        .lines()
        .skip(1)
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let version = words.iter().find(|word| word.starts_with('@'));
            format!("{}{}", words[0], version.unwrap_or(&""))
        })
        .collect();
    expected.sort();
    ours.sort();
    assert!(ours.len() > 1000);
    assert_eq!(ours, expected);
}

/// mingw's libraries are PE files, with ordinals.
#[test]
fn a_windows_library_is_read_too() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pe-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (c, dll) = (folder.join("pe.c"), folder.join("pe.dll"));
    std::fs::write(
        &c,
        "__declspec(dllexport) int one(void) { return 1; } __declspec(dllexport) int two = 2;",
    )
    .expect("a source");
    let (from, to) = (program::path(&c), program::path(&dll));
    let gcc = program::run(&["x86_64-w64-mingw32-gcc", "-shared", "-o", &to, &from]);
    if let Err(why) = gcc.and_then(program::Ran::ok) {
        super::support::note(&format!("skipped: no mingw: {why}"));
        return;
    }
    let path = dll.to_string_lossy().into_owned();
    let text = printed(&["symbols", &path]);
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
    assert_eq!(words[1..], [["one", "1"], ["two", "2"]], "{text}");
    let needs = printed(&["symbols", "--needs", &path]);
    assert!(needs.to_lowercase().contains("kernel32.dll"), "{needs}");
}

/// The system's own, by their names: 825 is nobody's promise, but that there are ordinals is.
#[cfg(windows)]
#[test]
fn windows_libraries_are_read_by_name() {
    let text = printed(&["symbols", "kernel32.dll", "MulDiv"]);
    let words: Vec<&str> = text.lines().nth(1).expect("a line").split_whitespace().collect();
    assert!(words[0] == "MulDiv" && words[1].parse::<u32>().is_ok_and(|ordinal| ordinal > 0), "{text}");
    assert!(printed(&["symbols", "--needs", "ole32"]).contains("kernel32.dll"));
    let found = printed(&["find", "kernel32"]);
    assert!(found.starts_with("kernel32.dll  ") && found.to_lowercase().contains("system32"), "{found}");
}

#[test]
fn what_is_no_library_is_refused() {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml").to_string_lossy().into_owned();
    let message = refused(1, &["symbols", &text]);
    assert!(message.starts_with(&format!("callsmith: cannot read the library file '{text}': ")), "{message}");
    assert!(refused(1, &["symbols", "/no/such/file"]).contains("(os error "));
}
