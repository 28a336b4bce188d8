//! Loading libraries, finding and listing them, and looking functions up.

use callsmith::{Error, ErrorKind, Library, LibraryOptions, Ptr, find_library, loaded_libraries};
use std::path::Path;

/// `cdll.LoadLibrary("libc.so.6")`, `CDLL("libc.so.6")`: an object with the library's name and handle.
#[test]
fn libc_is_loaded_by_its_name() -> Result<(), Error> {
    let libc = Library::open("libc.so.6")?;
    assert_eq!(libc.name(), "libc.so.6");
    assert!(!libc.raw_handle().is_null());
    // Loaded once, however often it is opened.
    assert_eq!(libc.raw_handle(), Library::open("libc.so.6")?.raw_handle());
    Ok(())
}

/// `libc.printf`; `kernel32.MyOwnFunction`: AttributeError, function 'MyOwnFunction' not found.
#[test]
fn functions_are_found_by_name_and_a_missing_one_is_an_error() -> Result<(), Error> {
    let libc = Library::open("libc.so.6")?;
    // SAFETY: printf's prototype.
    let printf = unsafe { libc.function("int printf(const char *format, ...)")? };
    assert_eq!((printf.name(), printf.address()), ("printf", libc.symbol("printf")?));
    // SAFETY: there is no such function.
    let missing = unsafe { libc.function("int MyOwnFunction(void)") }.expect_err("no such function");
    assert!(matches!(missing.kind(), ErrorKind::NoSymbol { symbol, .. } if symbol == "MyOwnFunction"));
    assert!(
        missing.to_string().starts_with("library 'libc.so.6' has no symbol 'MyOwnFunction'"),
        "{missing}"
    );
    assert_eq!(libc.optional_symbol("MyOwnFunction")?, None);
    Ok(())
}

/// `libc.rand()`: an integer.
#[test]
fn rand_gives_an_integer() -> Result<(), Error> {
    // SAFETY: rand's prototype.
    let rand = unsafe { Library::this_process().function("int rand(void)")? };
    let number: i32 = rand.call(())?;
    assert!(number >= 0);
    Ok(())
}

/// `libc.time == libc.time` is True, since attributes are kept; `libc['time'] == libc['time']` is False, since each is an
/// object of its own. Here each is a value of its own that calls the same function.
#[test]
fn a_function_looked_up_twice_is_the_same_function() -> Result<(), Error> {
    let libc = Library::open("libc.so.6")?;
    // SAFETY: time's prototype.
    let [one, other] = unsafe { [libc.function("long time(long *)")?, libc.function("long time(long *)")?] };
    assert_eq!(one.address(), other.address());
    assert_eq!(one.signature(), other.signature());
    Ok(())
}

/// `find_library("m")`, `("c")`, `("bz2")`: libm.so.6, libc.so.6, libbz2.so.1.0. `("AGL")` is found on macOS only.
#[test]
fn find_library_finds_m_c_and_bz2() -> Result<(), Error> {
    // What they are called with glibc.
    if cfg!(target_env = "gnu") {
        assert_eq!(find_library("m")?.name, "libm.so.6");
        assert_eq!(find_library("c")?.name, "libc.so.6");
    }
    assert!(Library::open(find_library("m")?.name)?.symbol("cos").is_ok());
    match find_library("bz2") {
        Ok(found) => assert_eq!(found.name, "libbz2.so.1.0"),
        Err(error) => println!("skipped: {error}"),
    }
    let missing = find_library("AGL").expect_err("on macOS only");
    assert!(matches!(missing.kind(), ErrorKind::NotFound { library, .. } if library == "AGL"));
    Ok(())
}

/// `dllist()`: paths, the first of which is that of the program, and with glibc empty.
#[test]
fn the_list_of_libraries_begins_with_the_program() {
    let loaded = loaded_libraries();
    if cfg!(target_env = "gnu") {
        assert_eq!(loaded[0].path, Path::new(""));
    }
    assert!(loaded[1..].iter().all(|library| library.path != Path::new("")));
    let libc = if cfg!(target_env = "musl") { "ld-musl" } else { "libc.so" };
    assert!(loaded.iter().any(|library| library.path.to_string_lossy().contains(libc)));
}

/// `CDLL(None)`: the program as a library, and with it all that it has loaded.
#[test]
fn the_c_library_is_part_of_this_process() -> Result<(), Error> {
    let (libc, process) = (Library::open("libc.so.6")?, Library::this_process());
    assert_eq!(process.symbol("labs")?, libc.symbol("labs")?);
    Ok(())
}

/// `CDLL(name, handle=…)` loads nothing, and `name` is only a name.
#[test]
fn an_open_library_is_taken_over_by_its_handle() -> Result<(), Error> {
    let libm = Library::open("libm.so.6")?;
    // SAFETY: dlopen's prototype.
    let dlopen = unsafe { Library::this_process().function("void *dlopen(const char *name, int flags)")? };
    const LAZY: i32 = 1;
    let handle: Ptr = dlopen.call((c"libm.so.6", LAZY))?;
    // SAFETY: an open handle that nobody else closes.
    let taken = unsafe { Library::from_raw_handle("any name", handle.as_ptr()) };
    assert_eq!((taken.name(), taken.symbol("cos")?), ("any name", libm.symbol("cos")?));
    Ok(())
}

/// `CDLL(path)`: a path-like object that names a file; `LibraryLoader`: an object that opens any number of libraries.
#[test]
fn options_open_any_number_of_libraries_by_name_or_path() -> Result<(), Error> {
    let loader = LibraryOptions::new().now();
    let by_name = loader.open("libm.so.6")?;
    let by_path = loader.open(find_library("m")?.path)?;
    assert_eq!(by_name.symbol("cos")?, by_path.symbol("cos")?);
    Ok(())
}
