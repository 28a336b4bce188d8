//! GCC as judge: our reading of a declaration, printed back, must be the same type to GCC as what was written.

use super::super::declaration::Function;
use super::*;
use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A compiler, and the data model that its target has.
type Compiler = (&'static str, &'static [&'static str], &'static DataModel);

const X86_64: &str =
    if cfg!(all(target_arch = "x86_64", target_os = "linux")) { "gcc" } else { "x86_64-linux-gnu-gcc" };

const COMPILERS: &[Compiler] = &[
    (X86_64, &[], LP64),
    (X86_64, &["-m32", "-msse2"], &DataModel::ILP32_GNU),
    ("x86_64-w64-mingw32-gcc", &[], &DataModel::LLP64_GNU),
    ("i686-w64-mingw32-gcc", &["-msse2"], &DataModel::ILP32_MINGW),
    ("aarch64-linux-gnu-gcc", &[], &DataModel::AAPCS64_LINUX),
];

/// What a compiler says to `source`: whether it accepts it, its output, its errors. `None` where it is not installed.
fn compile((gcc, target, _): Compiler, arguments: &[&str], source: &str) -> Option<(bool, String, String)> {
    let mut gcc = Command::new(gcc)
        .args(["-w", "-x", "c", "-std=gnu17"])
        .args(target)
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .inspect_err(|error| println!("skipped: no {gcc} ({error})"))
        .ok()?;
    let mut stdin = gcc.stdin.take().unwrap();
    let source = source.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(source.as_bytes())));
    let output = gcc.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((output.status.success(), text(output.stdout), text(output.stderr)))
}

/// Fails where the compiler finds a fault in `source`.
fn agree(compiler: Compiler, source: &str) {
    if let Some((accepted, _, errors)) = compile(compiler, &["-fsyntax-only"], source) {
        assert!(accepted, "{} {:?}\n{errors}", compiler.0, compiler.1);
    }
}

/// A C source that asserts what we think of the type `text`, after the declarations `before`.
fn assertions(source: &mut String, index: usize, before: &str, text: &str, model: &'static DataModel) {
    let ty = parse_type(&format!("{before} {text}"), model).unwrap_or_else(|error| panic!("{error}"));
    if !matches!(ty.lower(model), Ok(Some(_))) {
        // `__int128` and the like.
        assert_ne!(model.name, LP64.name, "{text}");
        return;
    }
    let (size, align) = (ty.size(model).unwrap(), ty.align(model).unwrap());
    writeln!(source, "void f{index}(void) {{ {before}").unwrap();
    writeln!(source, "_Static_assert(__builtin_types_compatible_p({text}, {ty}), \"{ty}\");").unwrap();
    writeln!(source, "_Static_assert(sizeof({text}) == {size}, \"size {size}\");").unwrap();
    writeln!(source, "_Static_assert(_Alignof({text}) == {align}, \"align {align}\");").unwrap();
    writeln!(source, "}}").unwrap();
}

/// Declarations, and a type after them.
#[rustfmt::skip]
const TYPES: &[(&str, &str)] = &[
    ("", "int"),
    ("", "long unsigned int long"),
    ("", "int (*(*[2])(void))[3]"),
    ("", "char *(*)(const char *restrict, int[static 3], int (double))"),
    ("", "int[sizeof(long double) / _Alignof(double)]"),
    ("", "char[(unsigned char)300 + ('a' == 97 ? 2 : 1/0)]"),
    ("", "char[-1 < 0u ? 3 : 4]"),
    ("", "char[(0xffffffff + 1 == 0) + 1]"),
    ("", "char[~0u >> 28]"),
    ("", "char[(1 << 3 | 5) ^ 2 & 7]"),
    ("", "char[10 - 3 - 2]"),
    ("", "char[sizeof 1L + sizeof(char) * 2 + sizeof 'a']"),
    ("", "char[(signed char)200 + 100]"),
    ("", "char['\\xff' + 2]"),
    ("", "char['\\101' + '\\n']"),
    ("", "char[0b101 + 010 + 0x1F]"),
    ("", "char[!0 + !5 + (_Bool)7]"),
    ("", "char[2147483648 > 0 && sizeof(2147483648) == 8 ? 5 : 6]"),
    ("", "char[sizeof(0x80000000)]"),
    ("", "char[(2 ?: 1/0) + (0 ?: 3)]"),
    ("enum { A = 3, B, C = A * B - 1 };", "char[C]"),
    ("enum e { A = -1, B = 1 };", "enum e"),
    ("enum e { A = 1ull << 40 };", "enum e"),
    ("enum e { A = 0xffffffff };", "enum e"),
    ("enum __attribute__((packed)) e { A = 200 };", "enum e"),
    ("enum e { A = -129 } __attribute__((packed));", "enum e"),
    ("struct s { int a : 3; unsigned : 0; char c; };", "struct s"),
    ("struct s { char c; int x[]; };", "struct s"),
    ("struct s { char c; double d; } __attribute__((packed));", "struct s"),
    ("struct __attribute__((aligned(32))) s { char c; };", "struct s"),
    ("struct s { char c; int x __attribute__((aligned(16))); };", "struct s"),
    ("struct s { char c; int x __attribute__((packed)); short y; };", "struct s"),
    ("struct s { char c; _Alignas(double) char d; _Alignas(0) char e; };", "struct s"),
    ("typedef int wide __attribute__((aligned(16))); struct s { char c; wide x; };", "struct s"),
    ("typedef int low __attribute__((aligned(2))); struct s { char c; low x[3]; };", "struct s"),
    ("typedef int low __attribute__((aligned(2)));", "low"),
    ("typedef double wide __attribute__((aligned)); struct s { char c; wide x; } __attribute__((packed));",
        "struct s"),
    ("struct s { char c; union { int i; struct { char x; long y; }; }; } ;", "struct s"),
    ("struct s { int : 5; struct t { char c; } x; struct t; };", "struct s"),
    ("struct n { struct n *next; struct m { struct n *n[2]; } m; };", "struct m"),
    ("typedef float v __attribute__((vector_size(16)));", "v"),
    ("typedef int v __attribute__((vector_size(8), aligned(4)));", "v"),
    ("", "int __attribute__((mode(HI)))"),
    ("typedef unsigned u __attribute__((__mode__(__word__)));", "u"),
    ("", "float _Complex"),
    ("", "long double _Complex"),
    ("", "_Float16"),
    ("", "_Float64x"),
    ("", "unsigned __int128"),
    ("", "max_align_t"),
    ("struct s { char c; max_align_t x; char d; };", "struct s"),
    ("typedef int row[3];", "const row *"),
    ("typedef const int *p;", "p *const *"),
    ("typedef int f(int);", "f *(*)(f)"),
];

/// Those that only x86 has.
#[rustfmt::skip]
const X86_TYPES: &[(&str, &str)] = &[
    ("typedef float f __attribute__((mode(XF)));", "f"),
    ("", "__float128"),
    ("", "int __attribute__((ms_abi)) (*)(int)"),
    ("", "int (__attribute__((ms_abi)) *)(int)"),
    ("", "int (*__attribute__((ms_abi)) (*)(int))(long)"),
    ("", "int (__attribute__((ms_abi)) *(*)(int))(long)"),
    ("typedef int f(int);", "f *(__attribute__((ms_abi)) *)(int)"),
    ("typedef int f(int);", "f *__attribute__((ms_abi)) (*)(int)"),
    ("typedef int f(int);", "f __attribute__((ms_abi)) *"),
    ("typedef int (*f)(int);", "f __attribute__((ms_abi))"),
    ("typedef int (*f)(int) __attribute__((ms_abi));", "f"),
];

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "bool", "int8_t", "uint16_t", "int32_t", "uint64_t", "int_least8_t", "uint_least64_t", "int_fast8_t",
    "int_fast16_t", "uint_fast16_t", "int_fast32_t", "uint_fast32_t", "int_fast64_t", "intptr_t", "uintptr_t",
    "size_t", "ssize_t", "ptrdiff_t", "intmax_t", "uintmax_t", "wchar_t", "wint_t", "char16_t", "char32_t", "time_t",
    "off_t",
];

#[test]
fn types_are_what_gcc_takes_them_for() {
    for compiler @ (_, _, model) in COMPILERS.iter().copied() {
        let mut source = String::from("#include <stddef.h>\n");
        let x86 = if model.char_signed { X86_TYPES } else { &[] };
        for (index, (before, text)) in TYPES.iter().chain(x86).enumerate() {
            assertions(&mut source, index, before, text, model);
        }
        agree(compiler, &source);
    }
}

#[test]
fn standard_names_are_what_gcc_takes_them_for() {
    for compiler @ (gcc, target, model) in COMPILERS.iter().copied() {
        let headers = ["stdint", "stddef", "uchar", "wchar", "sys/types", "time", "stdbool"];
        let mut source: String = headers.iter().map(|header| format!("#include <{header}.h>\n")).collect();
        if !matches!(compile(compiler, &["-fsyntax-only"], &source), Some((true, ..))) {
            println!("skipped: no headers for {gcc} {target:?}");
            continue;
        }
        for (index, name) in NAMES.iter().enumerate() {
            let ty = parse_type(name, model).unwrap().resolved();
            writeln!(source, "_Static_assert(__builtin_types_compatible_p({name}, {ty}), \"{name}\");")
                .unwrap();
            assertions(&mut source, index, "", name, model);
        }
        agree(compiler, &source);
    }
}

#[test]
fn prototypes_are_what_gcc_takes_them_for() {
    let mut source = String::from("#include <stddef.h>\n");
    for (index, text) in [
        "double NAME(double, double)",
        "void NAME(void *base, size_t n, int (*compare)(const void *, const void *))",
        "void (*NAME(int number, void (*handler)(int)))(int)",
        "int NAME(const char *restrict, ...)",
        "int (*NAME(int n, double a[n][n], char *argv[], int m[static 3]))[3]",
        "int __attribute__((ms_abi)) NAME(int)",
        "__attribute__((ms_abi)) int *NAME(int)",
        "int *NAME(int) __attribute__((ms_abi))",
        "int (*__attribute__((ms_abi)) NAME(int))(long)",
        "int (__attribute__((ms_abi)) *NAME(int))(long)",
        "int NAME(int (__attribute__((ms_abi)) *)(int), int (*)(int) __attribute__((ms_abi)))",
        "static inline int NAME(register const int x, int (double), int *const restrict p)",
        "float __attribute__((vector_size(16))) NAME(float __attribute__((vector_size(16))) x)",
        "float NAME(void) __attribute__((vector_size(16)))",
        "int *NAME(int *x __attribute__((vector_size(16)))) __attribute__((vector_size(8)))",
        "struct a { int x; } NAME(union b *, enum c { D } d)",
        "unsigned NAME()",
    ]
    .into_iter()
    .enumerate()
    {
        let text = text.replace("NAME", &format!("f{index}"));
        let tags = text.replace(" { int x; }", "").replace(" { D }", "");
        // Twice as written would define the tags twice; ours names them only.
        let forward = "struct a { int x; }; union b; enum c { D };";
        let ours = prototype(&text);
        if tags != text {
            writeln!(source, "{forward}").unwrap();
        }
        writeln!(source, "{tags};\n{ours};").unwrap();
    }
    agree(COMPILERS[0], &source);
}

/// A random declarator around `inner`, and the types that may stand in front of it.
fn random_type(random: &mut Random, depth: usize) -> String {
    #[rustfmt::skip]
    let bases = [
        "int", "const char", "unsigned long long", "double", "struct s", "union u", "enum e", "void *", "long double",
        "size_t", "t", "_Bool", "float _Complex", "volatile short", "row", "f *", "const row *",
    ];
    let base = bases[random.below(bases.len())];
    let mut declarator = String::new();
    let mut is_row = base == "row";
    for _ in 0..random.below(5) {
        match random.below(4) {
            0 => {
                declarator = format!("*{} {declarator}", ["", "const", "restrict volatile"][random.below(3)]);
                is_row = false;
            }
            1 => declarator = format!("(*{declarator})[{}]", 1 + random.below(4)),
            2 if depth > 0 && !is_row => {
                let params: Vec<_> = (0..random.below(3)).map(|_| random_type(random, depth - 1)).collect();
                let list = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
                declarator = format!("(*{declarator})({list})");
            }
            _ => {}
        }
    }
    format!("{base} {declarator}")
}

#[test]
fn random_types_are_what_gcc_takes_them_for() {
    let before = "struct s { int x; char y[3]; }; union u { double d; int i; }; enum e { E }; typedef long t;\
                  typedef short row[5]; typedef int f(double);";
    let mut source = format!("#include <stddef.h>\n{before}\n");
    for index in 0..400_u64 {
        let mut random = Random(index.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let text = random_type(&mut random, 3);
        // `restrict` on what is no pointer, functions that return `row`: GCC has the say.
        let Ok(ty) = parse_type(&format!("{before} {text}"), LP64) else { continue };
        let once = ty.to_string();
        let twice = parse_type(&format!("{before} {once}"), LP64).unwrap();
        assert!(twice.is_compatible_with(&ty), "{text} printed as {once}");
        assert_eq!(twice.to_string(), once);
        writeln!(source, "_Static_assert(__builtin_types_compatible_p({text}, {once}), \"seed {index}\");")
            .unwrap();
        writeln!(source, "_Static_assert(sizeof({text}) == {}, \"seed {index}\");", ty.size(LP64).unwrap())
            .unwrap();
    }
    agree(COMPILERS[0], &source);
}

/// Every function of a header, read by us, printed, and declared a second time to GCC.
#[test]
fn headers_are_what_gcc_takes_them_for() {
    for header in [
        "stdio.h",
        "stdlib.h",
        "string.h",
        "math.h",
        "complex.h",
        "unistd.h",
        "time.h",
        "wchar.h",
        "signal.h",
        "pthread.h",
        "sys/socket.h",
        "sys/stat.h",
        "fcntl.h",
        "dirent.h",
        "ftw.h",
        "regex.h",
        "setjmp.h",
        "locale.h",
        "zlib.h",
        "sqlite3.h",
        "immintrin.h",
    ] {
        let include = format!("#include <{header}>\n");
        let Some((true, text, _)) = compile(COMPILERS[0], &["-E", "-D_GNU_SOURCE"], &include) else {
            println!("skipped: no <{header}>");
            continue;
        };
        let mut parser = Parser::new(&text, LP64).unwrap_or_else(|error| panic!("{header}: {error}"));
        let mut functions = Vec::new();
        while !parser.at_end() {
            parser.declaration(&mut functions).unwrap_or_else(|error| panic!("{header}: {error}"));
        }
        println!("{header}: {} functions", functions.len());
        assert!(functions.len() > 1, "{header}");
        let types = Arc::new(parser.scope.types);
        let mut source = text.clone();
        for Function { name, node, .. } in &functions {
            let name = Some((*name).to_owned());
            writeln!(source, "{};", Prototype { name, ..Prototype::of(&types, node) }).unwrap();
        }
        agree(COMPILERS[0], &source);
    }
}

#[test]
fn packed_records_are_what_gcc_takes_them_for() {
    let text = "struct plain { char c; long double d; };
        #pragma pack(push, 1)
        struct one { char c; long double d; short s; } __attribute__((aligned(4)));
        #pragma pack(2)
        struct two { char c; struct { char x; int y; } inner; double d; };
        #  pragma pack ( push , label , 4 )
        struct four { char c; double d; int x __attribute__((aligned(16))); struct plain p; };
        #pragma pack(pop, label)
        struct two_again { char c; long l; };
        #pragma pack()
        struct none { char c; long l; };
        #pragma pack(pop)
        #pragma GCC diagnostic push
        struct end { char c; long l; };\n";
    let mut source = text.to_owned();
    for tag in ["plain", "one", "two", "four", "two_again", "none", "end"] {
        let ty = ty(&format!("{text} struct {tag};"));
        let (size, align) = (ty.size(LP64).unwrap(), ty.align(LP64).unwrap());
        writeln!(source, "_Static_assert(sizeof(struct {tag}) == {size}, \"{tag}\");").unwrap();
        writeln!(source, "_Static_assert(_Alignof(struct {tag}) == {align}, \"{tag}\");").unwrap();
        // The definition as we print it has the same layout.
        let copy = ty.definition().replacen(&format!("{tag} {{"), &format!("{tag}_copy {{"), 1);
        writeln!(source, "{copy}\n_Static_assert(sizeof(struct {tag}_copy) == {size}, \"{tag}\");").unwrap();
        writeln!(source, "_Static_assert(_Alignof(struct {tag}_copy) == {align}, \"{tag}\");").unwrap();
    }
    agree(COMPILERS[0], &source);
}
