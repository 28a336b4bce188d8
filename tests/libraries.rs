//! Libraries on Linux: finding, opening, listing, symbols, variables, closing. Those of Windows are in `windows`.
#![cfg(target_os = "linux")]

mod support;

use callsmith::{
    Error, ErrorKind, Function, Library, LibraryOptions, address_info, c_struct, find_library,
    loaded_libraries,
};
use std::path::PathBuf;
use support::compiler::Compiler;

/// A library made by gcc from `source`; `None`, with a printed reason, where there is no gcc.
fn made(name: &str, source: &str, more: &[&str]) -> Option<PathBuf> {
    let folder = std::env::temp_dir().join(format!("callsmith-libraries-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (c, so) = (folder.join(format!("{name}.c")), folder.join(format!("lib{name}.so")));
    std::fs::write(&c, source).expect("a source");
    let gcc = match Compiler::native() {
        Ok(gcc) => gcc,
        Err(why) => {
            println!("skipped: {why}");
            return None;
        }
    };
    let gcc = gcc
        .command()
        .args(["-shared", "-fPIC", "-o"])
        .arg(&so)
        .arg(&c)
        .arg("-L")
        .arg(&folder)
        .args(more)
        .status();
    match gcc {
        Ok(status) => {
            assert!(status.success(), "gcc refused {}", c.display());
            Some(so)
        }
        Err(error) => {
            println!("skipped: no gcc: {error}");
            None
        }
    }
}

#[test]
fn libraries_are_found_by_their_short_names() -> Result<(), Error> {
    let libc = find_library("c")?;
    assert_eq!(libc.name, "libc.so.6");
    assert!(libc.path.is_absolute());
    let m = Library::open(find_library("m")?.name)?;
    assert!(m.symbol("cos").is_ok());
    Ok(())
}

#[test]
fn the_program_comes_first_in_the_list() {
    let loaded = loaded_libraries();
    assert_eq!(loaded[0].path, PathBuf::new());
    assert!(loaded.iter().any(|library| library.path.to_string_lossy().contains("libc.so")));
}

#[test]
fn addresses_have_names() -> Result<(), Error> {
    let libc = Library::open("libc.so.6")?;
    let info = address_info(libc.symbol("qsort")?).expect("an address of libc's");
    assert!(info.library.to_string_lossy().contains("libc"));
    assert_eq!((info.symbol.as_deref(), info.offset), (Some("qsort"), 0));
    assert_eq!(address_info(std::ptr::null()), None);
    Ok(())
}

#[test]
fn symbols_may_be_optional_or_of_a_version() -> Result<(), Error> {
    let libc = Library::open("libc.so.6")?;
    assert!(libc.optional_symbol("strlen")?.is_some());
    assert!(libc.optional_symbol("strlen_of_the_future")?.is_none());
    if cfg!(target_arch = "x86_64") {
        let old = libc.versioned_symbol("memcpy", "GLIBC_2.2.5")?;
        assert_ne!(old, libc.versioned_symbol("memcpy", "GLIBC_2.14")?);
    }
    let error = libc.versioned_symbol("memcpy", "GLIBC_0").unwrap_err().to_string();
    assert_eq!(error, "library 'libc.so.6' has no symbol 'memcpy@GLIBC_0'");
    Ok(())
}

#[test]
fn one_handle_for_one_library_and_looked_up_each_time() -> Result<(), Error> {
    let (a, b) = (Library::open("libm.so.6")?, Library::open("libm.so.6")?);
    assert_eq!(a.raw_handle(), b.raw_handle());
    assert_eq!(a.symbol("sin")?, b.symbol("sin")?);
    Ok(())
}

#[test]
fn what_is_not_loaded_can_be_refused() {
    let refused = LibraryOptions::new().only_if_loaded().open("libno-such-library.so.1");
    let message = refused.expect_err("no such library").to_string();
    assert!(message.starts_with("cannot open library 'libno-such-library.so.1'"), "{message}");
    assert!(LibraryOptions::new().now().global().only_if_loaded().open("libc.so.6").is_ok());
}

#[test]
fn a_missing_dependency_is_named() {
    let Some(gone) = made("gone", "int gone(void) { return 1; }", &[]) else { return };
    let Some(needs) = made("needs", "int gone(void); int needs(void) { return gone(); }", &["-lgone"]) else {
        return;
    };
    std::fs::remove_file(gone).expect("removed");
    let message = Library::open(&needs).expect_err("its dependency is gone").to_string();
    assert!(message.contains("libneeds.so") && message.contains("libgone.so"), "{message}");
}

c_struct! {
    #[derive(Debug, PartialEq)]
    struct Row { name: callsmith::Ptr<i8>, size: i32 }
}

#[test]
fn variables_are_read_and_written() -> Result<(), Error> {
    let source = "int version = 7; int get(void) { return version; }
        struct row { const char *name; int size; } table[3] = {{\"a\", 1}, {\"b\", -2}, {0, 0}}; struct row *frozen = table;";
    let Some(path) = made("variables", source, &[]) else { return Ok(()) };
    let library = Library::open(path)?;
    // SAFETY: as the source above has it.
    let (version, frozen, get) = unsafe {
        (
            library.variable::<i32>("version")?,
            library.variable::<[Row; 3]>("table")?,
            library.function("int get(void)")?,
        )
    };
    assert_eq!(version.get(), 7);
    version.set(8);
    let seen: i32 = get.call(())?;
    assert_eq!(seen, 8);
    assert_eq!(frozen.get().map(|row| row.size), [1, -2, 0]);
    Ok(())
}

#[test]
fn a_library_closes_with_the_last_that_needs_it() -> Result<(), Error> {
    let Some(path) = made("closing", "int one(void) { return 1; }", &[]) else { return Ok(()) };
    let loaded = || loaded_libraries().iter().any(|library| library.path == path);
    let library = Library::open(&path)?;
    // SAFETY: as the source above has it.
    let one: Function = unsafe { library.function("int one(void)")? };
    let refused = library.close().expect_err("in use").to_string();
    assert!(refused.contains("stays open: 1 function"), "{refused}");
    let value: i32 = one.call(())?;
    assert_eq!(value, 1);
    drop(one);
    assert!(!loaded());
    let again = Library::open(&path)?;
    assert!(loaded());
    again.close()?;
    assert!(!loaded());
    Ok(())
}

/// `mode=RTLD_GLOBAL`, `RTLD_LOCAL`, which is the default: whether others that are loaded later find its symbols.
#[test]
fn symbols_are_lent_to_later_libraries_where_they_are_global() {
    let Some(lender) = made("lender", "int lent(void) { return 7; }", &[]) else { return };
    let source = "int lent(void); int borrowed(void) { return lent(); }";
    let Some(borrower) = made("borrower", source, &["-Wl,-z,lazy"]) else { return };
    let all_at_once = LibraryOptions::new().now();
    let local = Library::open(&lender).expect("loads");
    let missing = all_at_once.open(&borrower).expect_err("nobody lends").to_string();
    assert!(missing.contains("undefined symbol: lent"), "{missing}");
    // A function that is called is looked for then.
    assert!(Library::open(&borrower).is_ok());
    let global = all_at_once.global().open(&lender).expect("loads");
    let library = all_at_once.open(&borrower).expect("all there");
    // SAFETY: as the source has it.
    let borrowed = unsafe { library.function("int borrowed(void)") }.expect("found");
    assert_eq!(borrowed.call::<_, i32>(()).expect("a call"), 7);
    drop((local, global));
}

/// `getattr(cdll.msvcrt, "??2@YAPAXI@Z")`: names that no identifier could be.
#[test]
fn symbols_need_not_be_identifiers() -> Result<(), Error> {
    let source = r#"int f(void) __asm__("\"??2-YAPAXI\""); int f(void) { return 2; }"#;
    let Some(path) = made("odd", source, &[]) else { return Ok(()) };
    let library = Library::open(path)?;
    assert!(!library.symbol("??2-YAPAXI")?.is_null());
    // SAFETY: as the source has it.
    let new = unsafe { library.function(r#"int new(void) __asm__("??2-YAPAXI")"#)? };
    assert_eq!((new.name(), new.call::<_, i32>(())?), ("new", 2));
    assert!(matches!(library.symbol("nul\0").expect_err("no name").kind(), ErrorKind::BadSymbolName { .. }));
    Ok(())
}
