//! Libraries: opening, names, ordinals, what is loaded, closing.

use super::support::compiler::Compiler;
use super::{kernel32, msvcrt, support};
use callsmith::{
    Error, ErrorKind, Function, Library, LibraryOptions, address_info, find_library, loaded_libraries,
};
use std::path::{Path, PathBuf};

/// A library made by mingw; `None`, with a printed reason, where there is none.
pub(crate) fn made(name: &str, source: &str, more: &[&str]) -> Option<PathBuf> {
    let gcc = Compiler::native().inspect_err(|why| support::note(&format!("skipped: {why}"))).ok()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (c, dll) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.dll")));
    std::fs::write(&c, source).expect("a source");
    gcc.library_at(&c, &dll, more).unwrap_or_else(|why| panic!("{why}"));
    Some(dll)
}

#[test]
fn a_name_without_extension_gets_one() -> Result<(), Error> {
    let [short, long] = [Library::open("kernel32")?, Library::open("KERNEL32.DLL")?];
    assert_eq!(short.raw_handle(), long.raw_handle());
    assert_eq!(short.name(), "kernel32");
    let missing = Library::open("no-such-library").expect_err("no such library").to_string();
    assert!(
        missing.starts_with("cannot open library 'no-such-library': LoadLibraryExW failed: "),
        "{missing}"
    );
    assert!(missing.ends_with("(os error 126)"), "{missing}");
    Ok(())
}

/// `winmode=`: the flags of `LoadLibraryEx`.
#[test]
fn flags_say_where_to_look() -> Result<(), Error> {
    const SEARCH_SYSTEM32: u32 = 0x800;
    const SEARCH_APPLICATION_DIR: u32 = 0x200;
    let Some(dll) = made("flags", "int one(void) { return 1; }", &[]) else { return Ok(()) };
    let with = |flags| LibraryOptions::new().flags(flags);
    assert_eq!(with(SEARCH_SYSTEM32).open("kernel32")?.raw_handle(), kernel32().raw_handle());
    // It lies elsewhere.
    assert!(with(SEARCH_SYSTEM32).open(dll.file_name().expect("a name")).is_err());
    assert!(with(SEARCH_APPLICATION_DIR).open(dll.file_name().expect("a name")).is_err());
    assert!(with(SEARCH_SYSTEM32).open(&dll).is_ok());
    Ok(())
}

/// `lib[1]`; what is not there is said as ctypes says it: "function ordinal 9999 not found".
#[test]
fn symbols_have_ordinals() -> Result<(), Error> {
    let source =
        "__declspec(dllexport) int one(void) { return 1; } __declspec(dllexport) int two(void) { return 2; }";
    let Some(dll) = made("ordinals", source, &[]) else { return Ok(()) };
    let library = Library::open(dll)?;
    // gcc numbers what it exports in the order of the names.
    assert_eq!(
        (library.symbol("#1")?, library.symbol("#2")?),
        (library.symbol("one")?, library.symbol("two")?)
    );
    // SAFETY: as the source has it.
    let two = unsafe { library.function("int two(void) __asm__(\"#2\")")? };
    assert_eq!(two.call::<_, i32>(())?, 2);
    for none in ["#3", "#0", "#99999", "#x"] {
        let error = library.symbol(none).expect_err(none);
        assert!(matches!(error.kind(), ErrorKind::NoSymbol { .. }));
        assert!(error.to_string().contains(&format!("has no symbol '{none}'")), "{error}");
    }
    assert_eq!(library.optional_symbol("#3")?, None);
    Ok(())
}

#[test]
fn this_process_is_all_that_is_loaded() -> Result<(), Error> {
    let process = Library::this_process();
    // Other libraries have a qsort, too: that of the program's own C library comes first.
    assert_eq!(process.symbol("qsort")?, msvcrt().symbol("qsort")?);
    assert_eq!(process.symbol("GetModuleHandleA")?, kernel32().symbol("GetModuleHandleA")?);
    let missing = process.symbol("no_such_symbol").expect_err("nowhere").to_string();
    assert!(missing.starts_with("library 'this process' has no symbol 'no_such_symbol': "), "{missing}");
    Ok(())
}

#[test]
fn the_program_comes_first_in_the_list() {
    let loaded = loaded_libraries();
    assert_eq!(loaded[0].path, std::env::current_exe().expect("a path"));
    assert_eq!(loaded[0].base, Library::this_process().raw_handle().addr());
    let kernel32 = kernel32();
    let listed = loaded.iter().find(|library| library.base == kernel32.raw_handle().addr()).expect("listed");
    assert!(listed.path.to_string_lossy().to_lowercase().ends_with("kernel32.dll"), "{listed:?}");
}

#[test]
fn addresses_have_names() -> Result<(), Error> {
    let qsort = msvcrt().symbol("qsort")?;
    for into in [0, 3] {
        let info = address_info(qsort.wrapping_byte_add(into)).expect("an address of msvcrt's");
        assert!(info.library.to_string_lossy().to_lowercase().ends_with("msvcrt.dll"), "{info:?}");
        assert_eq!((info.symbol.as_deref(), info.offset), (Some("qsort"), into));
    }
    assert_eq!(address_info(std::ptr::null()), None);
    Ok(())
}

#[test]
fn libraries_are_found() -> Result<(), Error> {
    for name in ["kernel32", "kernel32.dll", "KERNEL32"] {
        let found = find_library(name)?;
        assert!(found.path.is_file() && found.name.eq_ignore_ascii_case("kernel32.dll"), "{found:?}");
        Library::open(found.path)?;
    }
    let missing = find_library("no-such-library").expect_err("no such library").to_string();
    assert!(missing.to_lowercase().contains("system32"), "{missing}");
    Ok(())
}

#[test]
fn a_library_closes_with_the_last_that_needs_it() -> Result<(), Error> {
    let Some(path) = made("closing", "int one(void) { return 1; }", &[]) else { return Ok(()) };
    let loaded = || loaded_libraries().iter().any(|library| library.path.file_name() == path.file_name());
    assert!(LibraryOptions::new().only_if_loaded().open("closing.dll").is_err());
    let library = Library::open(&path)?;
    assert!(loaded() && LibraryOptions::new().only_if_loaded().open("closing.dll").is_ok());
    // SAFETY: as the source above has it.
    let one: Function = unsafe { library.function("int one(void)")? };
    let refused = library.close().expect_err("in use").to_string();
    assert!(refused.contains("stays open: 1 function"), "{refused}");
    assert_eq!(one.call::<_, i32>(())?, 1);
    drop(one);
    assert!(!loaded());
    LibraryOptions::new().keep().open(&path)?.close()?;
    assert!(loaded());
    Ok(())
}

#[test]
fn what_a_library_needs_is_looked_for_beside_it() -> Result<(), Error> {
    let Some(gone) = made("gone", "int gone(void) { return 1; }", &[]) else { return Ok(()) };
    let folder = support::program::path(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let needs = "int gone(void); int needs(void) { return gone(); }";
    let Some(needs) = made("needs", needs, &["-L", &folder, "-l:gone.dll"]) else { return Ok(()) };
    let library = Library::open(&needs)?;
    // SAFETY: as the source above has it.
    assert_eq!(unsafe { library.function("int needs(void)")? }.call::<_, i32>(())?, 1);
    library.close()?;
    std::fs::remove_file(gone).expect("removed");
    let error = Library::open(&needs).expect_err("its dependency is gone");
    let message = error.to_string();
    assert!(message.contains("needs.dll"), "{message}");
    if cfg!(feature = "symbols") {
        assert!(message.contains("which needs 'gone.dll', which was not found"), "{message}");
        assert!(
            matches!(error.kind(), ErrorKind::MissingDependency { dependency, .. } if dependency == "gone.dll")
        );
    }
    Ok(())
}
