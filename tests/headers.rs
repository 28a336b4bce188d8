//! Whole headers, after the preprocessor, bound to their libraries.

use callsmith::decl::Declarations;
use callsmith::{Bindings, Error, Library, host};
use std::ffi::CStr;
use std::io::Write;
use std::process::{Command, Stdio};

/// `#include <header>` after the preprocessor, with its definitions; `None` where there is no gcc or no such header.
fn preprocessed(header: &str) -> Option<String> {
    let mut gcc = Command::new("gcc");
    gcc.args(["-E", "-dD", "-xc", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut gcc = gcc.spawn().ok()?;
    gcc.stdin.take()?.write_all(format!("#include <{header}>\n").as_bytes()).ok()?;
    let output = gcc.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The functions of a header whose names begin so, in a library.
fn bound(header: &str, library: &str) -> Option<(Declarations, Bindings)> {
    let Some(text) = preprocessed(header) else {
        println!("skipped: no gcc, or no <{header}>");
        return None;
    };
    let library = match Library::open(library) {
        Ok(library) => library,
        Err(error) => {
            println!("skipped: {error}");
            return None;
        }
    };
    let declarations =
        Declarations::parse(&text, host::MODEL).unwrap_or_else(|error| panic!("{header}: {error}"));
    // SAFETY: the library's own header.
    let bindings = unsafe { library.bind(&declarations) };
    Some((declarations, bindings))
}

#[test]
fn zlib_whole() -> Result<(), Error> {
    let Some((header, zlib)) = bound("zlib.h", "libz.so.1") else { return Ok(()) };
    let ours: Vec<&str> =
        header.functions().map(|(name, _)| name).filter(|name| zlib.get(name).is_ok()).collect();
    assert!(ours.len() > 70, "{ours:?}");
    let version: *const i8 = zlib.get("zlibVersion")?.call(())?;
    // SAFETY: zlib's own string.
    let version = unsafe { CStr::from_ptr(version) };
    assert!(version.to_string_lossy().starts_with("1."));
    assert_eq!(header.constant("Z_BEST_COMPRESSION"), Some(9));
    assert_eq!(header.constant("Z_DATA_ERROR"), Some(-3));
    // The check value of CRC-32, as its catalogues have it.
    let crc: u64 = zlib.get("crc32")?.call((0u64, &b"123456789"[..], 9u32))?;
    assert_eq!(crc, 0xcbf4_3926);
    Ok(())
}

#[test]
fn sqlite_whole() -> Result<(), Error> {
    let Some((header, sqlite)) = bound("sqlite3.h", "libsqlite3.so.0") else { return Ok(()) };
    let declared = header.functions().filter(|(name, _)| name.starts_with("sqlite3_")).count();
    let ours = sqlite.functions().filter(|(name, _)| name.starts_with("sqlite3_")).count();
    assert!(declared > 250 && ours > declared / 2, "{ours} of {declared}");
    assert_eq!(header.constant("SQLITE_ROW"), Some(100));
    let version: i32 = sqlite.get("sqlite3_libversion_number")?.call(())?;
    assert!(version > 3_000_000);
    Ok(())
}

#[test]
fn the_standard_headers() {
    for (header, library) in [("stdio.h", "libc.so.6"), ("math.h", "libm.so.6"), ("string.h", "libc.so.6")] {
        let Some((_, bindings)) = bound(header, library) else { continue };
        assert!(bindings.functions().count() > 20, "{header}");
        for (name, error) in bindings.refused() {
            // A va_list by value is the ABI's own affair.
            assert!(error.to_string().contains("va_list"), "{name}: {error}");
        }
    }
}

#[test]
fn a_variable_is_declared_with_its_type() -> Result<(), Error> {
    let header = Declarations::parse(
        "extern char **environ; struct s { int n; }; extern struct s table[4];",
        host::MODEL,
    )?;
    let all: Vec<_> = header.variables().map(|(name, symbol, ty)| (name, symbol, ty.to_string())).collect();
    assert_eq!(
        all,
        [("environ", "environ", "char **".to_owned()), ("table", "table", "struct s[4]".to_owned())]
    );
    assert!(header.ty("struct s").is_some() && header.ty("s").is_none());
    Ok(())
}
