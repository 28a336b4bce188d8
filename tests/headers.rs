//! Whole headers, after the preprocessor, bound to their libraries.

mod support;

use callsmith::decl::Declarations;
use callsmith::{Bindings, Error, Library, address_info, host};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;
use std::io::Write;
use std::process::{Command, Stdio};
use support::compiler::Compiler;

/// `#include <header>` after the preprocessor, with its definitions; `None` where there is no gcc or no such header.
fn preprocessed(header: &str) -> Option<String> {
    let mut gcc = Compiler::native().ok()?.command();
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
    let version = unsafe { CStr::from_ptr(version.cast()) };
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

/// The words of `text` that `library` exports as its own.
fn exported(text: &str, library: &Library) -> BTreeSet<String> {
    let file = |symbol: &str| address_info(library.symbol(symbol).ok()?).map(|info| info.library);
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let words: BTreeSet<&str> = words.collect();
    let own = loaded_as(library);
    words.into_iter().filter(|word| file(word) == own && own.is_some()).map(str::to_owned).collect()
}

/// The library's own file, by a symbol that it exports for certain.
fn loaded_as(library: &Library) -> Option<std::path::PathBuf> {
    let known = ["zlibVersion", "sqlite3_libversion", "cos"];
    let known = known.iter().find_map(|symbol| address_info(library.symbol(symbol).ok()?));
    known.map(|info| info.library)
}

/// Whatever a library exports and its header mentions is declared there, and bound.
#[test]
fn all_that_a_header_mentions_of_its_library_is_bound() -> Result<(), Error> {
    for (header, file) in [("zlib.h", "libz.so.1"), ("sqlite3.h", "libsqlite3.so.0"), ("math.h", "libm.so.6")]
    {
        let (Some(text), Ok(library)) = (preprocessed(header), Library::open(file)) else {
            println!("skipped: no <{header}> or no {file}");
            continue;
        };
        let declarations = Declarations::parse(&text, host::MODEL)?;
        // SAFETY: the library's own header.
        let bindings = unsafe { library.bind(&declarations) };
        let exported = exported(&text, &library);
        assert!(exported.len() > 60, "{header}: {exported:?}");
        let unknown: Vec<&String> = exported
            .iter()
            .filter(|name| bindings.get(name).is_err() && declarations.variable(name).is_none())
            .collect();
        // Functions of a va_list cannot be called from outside C; each is refused by name.
        let refused: Vec<&String> = bindings.refused().iter().map(|(name, _)| name).collect();
        assert!(unknown.iter().all(|name| refused.contains(name)), "{header}: {unknown:?} but {refused:?}");
        for (name, error) in bindings.refused() {
            assert!(error.to_string().contains("va_list"), "{name}: {error}");
        }
    }
    Ok(())
}

/// The lines of C, from 1, that gcc refuses, each for its own sake. gcc names an undeclared word once, however many lines have
/// it, so what is left is shown to it again until it has nothing to say.
fn wrong_lines(source: &str) -> BTreeSet<usize> {
    let mut lines: Vec<&str> = source.lines().collect();
    let mut wrong = BTreeSet::new();
    loop {
        let found = refused_lines(&lines.join("\n"));
        let before = wrong.len();
        for line in found {
            lines[line - 1] = "";
            wrong.insert(line);
        }
        if wrong.len() == before {
            return wrong;
        }
    }
}

/// The lines, from 1, for which gcc has an error.
fn refused_lines(source: &str) -> Vec<usize> {
    let mut gcc = Compiler::native().expect("gcc").command();
    gcc.args(["-fsyntax-only", "-fmax-errors=0", "-w", "-xc", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let mut gcc = gcc.spawn().expect("gcc");
    gcc.stdin.take().expect("a pipe").write_all(source.as_bytes()).expect("written");
    let output = gcc.wait_with_output().expect("gcc");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = |line: &str| line.strip_prefix("<stdin>:")?.split_once(':')?.0.parse().ok();
    said.lines().filter(|line| line.contains("error")).filter_map(line).collect()
}

/// The values that gcc gives to these names.
fn values(header: &str, names: &[&str]) -> BTreeMap<String, i128> {
    let shown: String =
        names.iter().map(|name| format!("show(\"{name}\", ({name}) < 0, {name});\n")).collect();
    let source = format!(
        "#include <{header}>\n#include <stdio.h>
        static void show(const char *name, int negative, unsigned long long value) {{
            if (negative) printf(\"%s %lld\\n\", name, (long long)value); else printf(\"%s %llu\\n\", name, value);
        }}
        int main(void) {{ {shown} return 0; }}"
    );
    let stem = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("header-{header}-{}", std::process::id()));
    let c = stem.with_extension("c");
    std::fs::write(&c, source).expect("a source");
    let gcc = Compiler::native().expect("gcc");
    let made = gcc.command().args(["-w", "-o"]).arg(&stem).arg(&c).status().expect("gcc");
    assert!(made.success(), "{header}");
    let output = Command::new(&stem).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let pair = |line: &str| {
        line.split_once(' ').map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
    };
    text.lines().filter_map(pair).collect()
}

/// Every `#define` that gcc takes for an integer constant is one, with gcc's value; nothing else is.
#[test]
fn definitions_have_the_values_that_gcc_gives_them() -> Result<(), Error> {
    for header in ["zlib.h", "sqlite3.h", "math.h", "stdio.h", "limits.h"] {
        let Some(text) = preprocessed(header) else {
            println!("skipped: no gcc, or no <{header}>");
            continue;
        };
        let declarations = Declarations::parse(&text, host::MODEL)?;
        let defined = text.lines().filter_map(|line| line.strip_prefix("#define ")?.split(' ').next());
        let undefined: BTreeSet<&str> =
            text.lines().filter_map(|line| line.strip_prefix("#undef ")).collect();
        let names: BTreeSet<&str> =
            defined.filter(|name| !name.contains('(') && !undefined.contains(name)).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let lines: String = names
            .iter()
            .enumerate()
            .map(|(n, name)| format!("enum {{ constant_{n} = {name} }};\n"))
            .collect();
        // One line before them.
        let wrong = wrong_lines(&format!("#include <{header}>\n{lines}"));
        let constants: Vec<&str> = names
            .iter()
            .enumerate()
            .filter(|(n, _)| !wrong.contains(&(n + 2)))
            .map(|(_, name)| *name)
            .collect();
        let ours: Vec<&str> =
            names.iter().copied().filter(|name| declarations.constant(name).is_some()).collect();
        assert_eq!(ours, constants, "{header}");
        let values = values(header, &constants);
        assert!(values.len() > 50, "{header}");
        for (name, value) in values {
            assert_eq!(declarations.constant(&name), Some(value), "{header}: {name}");
        }
    }
    Ok(())
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
