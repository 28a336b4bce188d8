//! `callsmith call`.

#[cfg(all(target_arch = "x86_64", not(windows)))]
use super::support::compiler::Compiler;
use super::{LIBC, LIBM, call, printed, refused};

#[test]
fn results_print_by_their_type() {
    assert_eq!(call(LIBM, "double pow(double, double)", &["2", "10"]), "1024\n");
    assert_eq!(call(LIBM, "double sqrt(double)", &["2"]), "1.4142135623730951\n");
    // Microsoft's for 32 bits has no functions of floats.
    if cfg!(not(all(windows, target_arch = "x86"))) {
        assert_eq!(call(LIBM, "float powf(float, float)", &["0.1f", "1"]), "0.1\n");
    }
    assert_eq!(call(LIBM, "double pow(double, double)", &["1e100", "3"]), "1e300\n");
    assert_eq!(call("-", "struct { int quot, rem; } div(int, int)", &["17", "5"]), "{.quot = 3, .rem = 2}\n");
    assert_eq!(call("-", "rand()", &[]).lines().count(), 1, "an int, where no result is declared");
    assert_eq!(call("-", "char *strchr(const char *, int)", &["to be", "'b'"]), "be\n");
    assert_eq!(call("-", "char *strchr(const char *, int)", &["to be", "'x'"]), "NULL\n");
    assert_eq!(call("-", "char toupper(int)", &["'a'"]), "'A'\n");
    assert_eq!(call("-", "enum { less = -1, more = 1 } abs(int)", &["-1"]), "more (1)\n");
    assert_eq!(call("-", "void srand(unsigned)", &["1"]), "");
}

/// Microsoft's C library has neither.
#[cfg(not(windows))]
#[test]
fn results_of_long_double_and_of_complex_types() {
    // The digits of the square root of two (OEIS A002193), as far as 64 bits go, or 113.
    let root = call(LIBM, "long double sqrtl(long double)", &["2"]);
    assert!(
        root == "1.4142135623730950488\n" || root.starts_with("1.41421356237309504880168872420969"),
        "{root}"
    );
    assert_eq!(call(LIBM, "double _Complex conj(double _Complex)", &["{1.5, 2}"]), "{1.5, -2}\n");
}

/// Numbers that Rust has no type for, halved and doubled by gcc. The digits of 2 to the power of -112 are bc's.
#[cfg(all(target_arch = "x86_64", not(windows)))]
#[test]
fn numbers_of_16_and_of_128_bits() {
    let source = "_Float16 half(_Float16 x) { return x / 2; } _Float128 quad(_Float128 x) { return x * 2; }
        struct both { _Float16 h[2]; _Float128 q; } both(struct both b) { b.h[1] = b.h[0]; return b; }
        double tail(int n, ...) { __builtin_va_list l; __builtin_va_start(l, n); return __builtin_va_arg(l, _Float128); }";
    let made = Compiler::native().and_then(|gcc| gcc.library(source, "formats", &["-O1"]));
    let Ok(file) = made.inspect_err(|why| super::support::note(&format!("skipped: {why}"))) else { return };
    let library = file.to_string_lossy().into_owned();
    let half = |text: &str| call(&library, "_Float16 half(_Float16 x)", &[text]);
    let halves = [("1", "0.5"), ("-0x1.8p1", "-1.5"), ("65504", "32750"), ("0.1", "0.05"), ("0x10", "8")];
    for (text, printed) in halves.into_iter().chain([("1.2e-7", "6e-8"), ("-inf", "-inf"), ("nan", "nan")]) {
        assert_eq!(half(text), format!("{printed}\n"), "{text}");
    }
    let message = refused(1, &["call", &library, "_Float16 half(_Float16 x)", "65520"]);
    assert!(
        message.contains("argument 1 'x': wanted _Float16, given '65520': it is out of range"),
        "{message}"
    );
    assert!(refused(1, &["call", &library, "_Float16 half(_Float16)", "much"]).contains("given 'much'"));
    let quad = |text: &str| call(&library, "_Float128 quad(_Float128)", &[text]);
    assert_eq!(quad("0.1"), "0.2\n");
    assert_eq!(quad("1e4000"), "2e+4000\n");
    let least = quad("0x1p-113");
    assert!(
        "1.9259299443872358530559779425849273185381".contains(least.trim_end_matches("e-34\n")),
        "{least}"
    );
    assert!(refused(1, &["call", &library, "_Float128 quad(_Float128)", "1.5x"]).contains("given '1.5x'"));
    let both = "struct both { _Float16 h[2]; _Float128 q; } both(struct both)";
    assert_eq!(call(&library, both, &["{{0.1}, 0.3}"]), "{.h = {0.1, 0.1}, .q = 0.3}\n");
    assert_eq!(call(&library, "double tail(int, ...)", &["1", "(_Float128)2.5"]), "2.5\n");
    let _ = std::fs::remove_file(file);
}

#[test]
fn numbers_are_spelled_as_in_c() {
    let abs = |text| call("-", "int abs(int)", &[text]);
    let numbers =
        ["42", "+42", "-42", "0x2a", "0X2A", "052", "0b101010", "42u", "42L", "42uLL", "'*'", "'\\052'"];
    for text in numbers {
        assert_eq!(abs(text), "42\n", "{text}");
    }
    let fabs = |text| call(LIBM, "double fabs(double)", &[text]);
    let numbers = ["12", "-12.0", "12.f", "1.2e1", ".12E+2", "0xc", "0x1.8p3", "-0x1.8P3L", "014", "'\\f'"];
    for text in numbers {
        assert_eq!(fabs(text), "12\n", "{text}");
    }
    assert_eq!(fabs("-inf"), "inf\n");
    assert_eq!(fabs("nan"), "nan\n");
    let llabs = |text| call("-", "unsigned long long llabs(unsigned long long)", &[text]);
    assert_eq!(llabs("0x7fffffffffffffff"), "9223372036854775807\n");
    assert_eq!(call("-", "_Bool abs(_Bool)", &["true"]), "true\n");
}

#[test]
fn strings_are_read_as_in_c() {
    let strlen = |text| call("-", "size_t strlen(const char *s)", &[text]);
    assert_eq!(strlen("four"), "4\n");
    assert_eq!(strlen("\\x41\\102\\n\\\\"), "4\n");
    assert_eq!(strlen("\\u00e9"), "2\n");
    assert_eq!(strlen("\"four\""), "4\n");
    assert_eq!(strlen("-42"), "3\n");
    assert_eq!(strlen("0"), "1\n");
    assert_eq!(strlen(""), "0\n");
    let copy = if cfg!(windows) { "char *_strdup(const char *s)" } else { "char *strdup(const char *s)" };
    assert_eq!(call("-", copy, &["caf\\303\\251"]), "café\n");
}

#[test]
fn variadic_arguments_are_what_they_look_like() {
    let printf = |arguments: &[&str]| call(LIBC, "int printf(const char *, ...)", arguments);
    assert_eq!(printf(&["n=%d x=%g\\n", "42", "2.5"]), "n=42 x=2.5\n11\n");
    assert_eq!(printf(&["%lld\\n", "5000000000"]), "5000000000\n11\n");
    assert_eq!(printf(&["%c%s%g\\n", "'a'", "bc", "1e3"]), "abc1000\n8\n");
    // To Microsoft's C library, which is not mingw's, a long double is a double.
    let long = if cfg!(windows) { ["%s %g\\n", "\"42\"", "1.5"] } else { ["%s %Lg\\n", "\"42\"", "1.5L"] };
    assert_eq!(printf(&long), "42 1.5\n7\n");
    assert_eq!(printf(&["%s %hhd %g\\n", "(char *)42", "(signed char)-3", "(float)0.5"]), "42 -3 0.5\n10\n");
}

#[test]
fn initialisers_make_structs_and_what_pointers_point_at() {
    let tm =
        "struct tm { int sec, min, hour, mday, mon, year, wday, yday, isdst; long off; const char *zone; };";
    // 2000-01-01T00:00:10Z, and the first second of 1970.
    let timegm =
        if cfg!(windows) { "long long _mkgmtime64(struct tm *)" } else { "long timegm(struct tm *)" };
    let timegm = format!("{tm} {timegm}");
    assert_eq!(call("-", &timegm, &["{10, .mday = 1, .year = 100}"]), "946684810\n");
    assert_eq!(call("-", &timegm, &["{.year = 70, .mday = 1, .mon = 0}"]), "0\n");
    assert_eq!(call("-", "void *memchr(const void *, int, size_t)", &["abc", "'x'", "3"]), "NULL\n");
    assert_eq!(call("-", "void *realloc(void *, size_t)", &["0", "0"]).get(..2), Some("0x"));
    // The same two integers, given back by the C library's division in a structure.
    let nested = "struct { struct { int a; } x; union { int b; float c; }; } div(int, int)";
    assert!(call("-", nested, &["17", "5"]).starts_with("{.x = {.a = 3}, {.b = 2, .c = "));
    assert_eq!(
        call("-", "int memcmp(const int *, const int *, size_t)", &["{1, 2}", "{[1] = 2, [0] = 1}", "8"]),
        "0\n"
    );
}

#[test]
fn out_parameters_are_printed_after_the_result() {
    assert_eq!(call(LIBM, "double modf(double, double *out)", &["3.75", "out"]), "0.75\nout = 3\n");
    assert_eq!(call(LIBM, "double frexp(double, int *)", &["8", "out"]), "0.5\nargument 2 = 4\n");
    let strtol = "long strtol(const char *text, char **end, int base)";
    assert_eq!(call("-", strtol, &["12xyz", "out", "10"]), "12\nend = \"xyz\"\n");
    let swab = if cfg!(windows) { "_swab" } else { "swab" };
    assert_eq!(
        call("-", &format!("void {swab}(const void *, void *to, long)"), &["abcd", "out[4]", "4"]),
        "to = {98, 97, 100, 99}\n"
    );
    assert_eq!(
        call("-", "int sprintf(char *buffer, const char *, ...)", &["out[8]", "%d", "42"]),
        "2\nbuffer = \"42\"\n"
    );
    let tm =
        "struct tm { int sec, min, hour, mday, mon, year, wday, yday, isdst; long off; const char *zone; };";
    let printed = if cfg!(windows) {
        call("-", &format!("{tm} int _gmtime64_s(struct tm *at, const long long *)"), &["out", "{86400}"])
    } else {
        call("-", &format!("{tm} struct tm *gmtime_r(const long *, struct tm *at)"), &["{86400}", "out"])
    };
    assert!(
        printed.contains("at = {\n    .sec = 0,\n")
            && printed.contains(".mday = 2,\n    .mon = 0,\n    .year = 70,"),
        "{printed}"
    );
    // What is there before is read, and written again.
    let swap = format!("void {swab}(const short *from, short *both, long)");
    assert_eq!(call("-", &swap, &["{0x1234}", "out{7, 9}", "2"]), "both = {13330, 9}\n");
    let sscanf = "int sscanf(const char *, const char *, ...)";
    let arguments = ["1 3.5 Hello", "%d %f %s", "(int *)out", "(float *)out", "(char *)out[16]"];
    assert_eq!(
        call("-", sscanf, &arguments),
        "3\nargument 3 = 1\nargument 4 = 3.5\nargument 5 = \"Hello\"\n"
    );
    // A string where strings are read.
    assert_eq!(call("-", "size_t strlen(const char *)", &["out"]), "3\n");
    let message = refused(1, &["call", "-", "struct x; int fclose(struct x *)", "out"]);
    assert!(message.contains("argument 1: wanted struct x *, given 'out'"), "{message}");
}

#[test]
fn errno_is_printed_where_it_is_asked_for() {
    let chdir = if cfg!(windows) { "int _chdir(const char *path)" } else { "int chdir(const char *path)" };
    let chdir = ["call", "--errno", "-", chdir];
    let errno = |path| printed(&[&chdir[..], &[path]].concat());
    // POSIX's numbers, as Linux has them.
    assert_eq!(errno("/no/such/folder"), "-1\nerrno = 2 (No such file or directory)\n");
    assert_eq!(errno("/"), "0\nerrno = 0 (no error)\n");
}

/// Not of this process: another C library than the command's own, whose output waits elsewhere.
#[cfg(windows)]
#[test]
fn windows_libraries_are_called_by_name() {
    assert_eq!(call("msvcrt.dll", "int abs(int)", &["-5"]), "5\n");
    assert_eq!(call("ucrtbase", "int puts(const char *)", &["first"]), "first\n0\n");
    assert_eq!(call("kernel32", "int WINAPI MulDiv(int, int, int)", &["6", "7", "2"]), "21\n");
    let last = ["call", "--last-error", "kernel32", "int WINAPI SetCurrentDirectoryA(const char *)"];
    // ERROR_FILE_NOT_FOUND, or of a path.
    let said = printed(&[&last[..], &["Q:\\\\no such folder"]].concat());
    assert!(
        said.starts_with("0\nlast error = ") && !said.contains("= 0") && !said.contains("os error"),
        "{said}"
    );
    let message = refused(1, &["call", "kernel32", "int WINAPI NoSuchFunction(int)", "1"]);
    assert!(message.contains("library 'kernel32' has no symbol 'NoSuchFunction'"), "{message}");
}

#[test]
fn mistakes_are_named() {
    let abs = "int abs(int number)";
    let message = refused(1, &["call", "-", abs, "five"]);
    assert_eq!(message, "callsmith: abs: argument 1 'number': wanted int, given 'five'\n");
    let message = refused(1, &["call", "-", abs, "5000000000"]);
    assert!(message.contains("argument 1 'number': wanted int, given 5000000000"), "{message}");
    let message = refused(1, &["call", "-", abs]);
    assert!(message.contains("1 argument(s) wanted, 0 given"), "{message}");
    let message = refused(1, &["call", "-", abs, "1", "2"]);
    assert!(message.contains("1 argument(s) wanted, 2 given"), "{message}");
    let message = refused(1, &["call", "no-such-library.so", abs, "1"]);
    assert!(message.contains("cannot open library 'no-such-library.so'"), "{message}");
    let message = refused(1, &["call", "-", "int no_such_symbol(void)"]);
    assert!(message.contains("has no symbol 'no_such_symbol'"), "{message}");
    let message = refused(1, &["call", "-", "int puts(const char *)", "\\q"]);
    assert!(message.contains("\\q is no escape"), "{message}");
    let message = refused(1, &["call", "-", "int abs(struct { int x; } p)", "{.y = 1}"]);
    assert!(message.contains("has no .y"), "{message}");
    let message = refused(1, &["call", "-", "int abs(double _Complex z)", "3+4i"]);
    assert!(message.ends_with("given '3+4i': its parts go into braces: {1, 2}\n"), "{message}");
    let message = refused(1, &["call", "-", "int f(va_list list)", "1"]);
    assert_eq!(message.matches("cannot be passed by value").count(), 1, "{message}");
    let message = refused(1, &["call", "-", "int abs(struct { int x; } p)", &"{".repeat(100_000)]);
    assert!(message.contains("nest more than 64 deep"), "{message}");
}

#[test]
fn a_wrong_declaration_is_shown_with_its_place() {
    let message = refused(1, &["call", "-", "int abs(intt number)", "1"]);
    let lines: Vec<&str> = message.lines().collect();
    assert!(lines[0].starts_with("callsmith: 1:9: unknown type name 'intt'"), "{message}");
    assert_eq!(lines[1..], ["    int abs(intt number)", "            ^^^^"]);
}

#[test]
fn wrong_usage_is_its_own_exit_code() {
    assert!(refused(2, &["call", "-"]).contains(if cfg!(windows) {
        "Usage: callsmith.exe call"
    } else {
        "Usage: callsmith call"
    }));
    assert!(refused(2, &["cull"]).contains("unrecognized subcommand"));
}
