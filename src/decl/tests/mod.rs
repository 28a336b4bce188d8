mod gcc;

use super::*;
use crate::ctype::Convention;

const LP64: &DataModel = &DataModel::LP64;

fn prototype(text: &str) -> Prototype {
    parse_prototype(text, LP64).unwrap_or_else(|error| panic!("{error}"))
}

fn ty(text: &str) -> CType {
    parse_type(text, LP64).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> Error {
    match parse_prototype(text, LP64) {
        Ok(prototype) => panic!("accepted as {prototype}"),
        Err(error) => error,
    }
}

/// The text with C's canonical spelling of each of these.
#[test]
fn prototypes_print_as_they_are_written() {
    for text in [
        "double pow(double, double)",
        "void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))",
        "int printf(const char *restrict format, ...)",
        "char *__null_terminated getenv(const char *)",
        "int sum(const int *__counted_by(3) numbers)",
        "int *const __counted_by(2) pair(void)",
        "void (*signal(int number, void (*handler)(int)))(int)",
        "int f()",
        "int f(void)",
        "int main(int argc, char **argv)",
        "char *const *f(const char *const *)",
        "int (*f(void))[3]",
        "int *(*f(int (*)[4], double))(void)",
        "long double _Complex f(float _Complex)",
        "__int128 f(unsigned __int128)",
        "int __stdcall f(int)",
        "void *__fastcall f(int (__stdcall *)(void))",
        "int __attribute__((ms_abi)) f(int (__attribute__((sysv_abi)) *callback)(void))",
        "int __attribute__((regparm(3))) f(int, int)",
        "int f(void) __asm__(\"f64\")",
        "float __attribute__((vector_size(16))) f(int __attribute__((vector_size(8))))",
        "struct point *f(union value *, enum color *)",
        "int f(...)",
    ] {
        assert_eq!(prototype(text).to_string(), text);
    }
}

#[test]
fn spellings_of_one_type() {
    for (written, printed) in [
        ("int long unsigned long", "unsigned long long"),
        ("short signed int", "short"),
        ("long double", "long double"),
        ("double long", "long double"),
        ("_Complex", "double _Complex"),
        ("char unsigned", "unsigned char"),
        ("signed char", "signed char"),
        ("unsigned", "unsigned int"),
        ("__int64", "long long"),
        ("unsigned __int8", "unsigned char"),
        ("__float128", "_Float128"),
        ("const char __restrict *volatile", "const restrict char *volatile"),
        ("char const * const *", "const char *const *"),
        ("int (*)(int), ", ""),
        ("int __attribute__((mode(DI)))", "long"),
        ("unsigned __attribute__((__mode__(__QI__)))", "unsigned char"),
        ("int (size_t)", "int (size_t)"),
        ("int (*(*)(void))[2][3]", "int (*(*)(void))[2][3]"),
    ] {
        match parse_type(written, LP64) {
            Ok(ty) => assert_eq!(ty.to_string(), printed, "{written}"),
            Err(error) => assert_eq!("", printed, "{written}: {error}"),
        }
    }
}

#[test]
fn parameters_decay() {
    let text = "void f(int a[static 3], char *argv[], double m[const][3], int g(void), int n, int v[n][4])";
    assert_eq!(
        prototype(text).to_string(),
        "void f(int *a, char **argv, double (*const m)[3], int (*g)(void), int n, int (*v)[4])"
    );
    let text = "typedef int row[3]; typedef int handler(void); void f(const row r, handler h)";
    assert_eq!(prototype(text).to_string(), "void f(const int *r, handler *h)");
    let text = "typedef void nothing; int f(nothing)";
    assert!(prototype(text).params.is_empty());
}

#[test]
fn conventions_belong_to_the_right_function() {
    let returned = |text| prototype(text).result.prototype().map(|inner| inner.convention);
    let text = "int (__stdcall *__cdecl f(int))(long)";
    assert_eq!(prototype(text).convention, Convention::Cdecl);
    assert_eq!(returned(text), Some(Convention::Stdcall));
    let text = "int (*__cdecl f(int))(long)";
    assert_eq!(prototype(text).convention, Convention::Cdecl);
    assert_eq!(returned(text), Some(Convention::Default));
    for (text, convention) in [
        ("int WINAPI f(int)", Convention::Stdcall),
        ("int __attribute__((ms_abi)) f(int)", Convention::Win64),
        ("__attribute__((ms_abi)) int f(int)", Convention::Win64),
        ("int f(int) __attribute__((__sysv_abi__))", Convention::SysV64),
        ("int *__stdcall f(int)", Convention::Stdcall),
        ("int (__vectorcall f)(int)", Convention::Vectorcall),
        ("__declspec(dllimport) int __thiscall f(int)", Convention::Thiscall),
        ("typedef int F(int); F __fastcall f;", Convention::Fastcall),
    ] {
        assert_eq!(prototype(text).convention, convention, "{text}");
    }
    let pointer = ty("typedef int (CALLBACK *callback)(int);").resolved();
    assert_eq!(pointer.prototype().map(|inner| inner.convention), Some(Convention::Stdcall));
}

#[test]
fn declarations_before_the_prototype() {
    let text = "/* a list */ typedef struct node node; // recursive\n\
                struct node { int value; node *next; };\n\
                # 12 \"list.h\" 3\n\
                enum { LIMIT = 4, };\n\
                extern int errno; static inline int one(int x) { return x + 1.5e-3 ? '}' : 2; }";
    let error = parse_prototype(&format!("{text} node f(node a[LIMIT]);"), LP64).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid { .. }), "the inline function counts: {error}");
    let text = text.replace("static inline int one(int x)", "int y[] =") + ";";
    assert_eq!(prototype(&format!("{text} node f(node a[LIMIT]);")).to_string(), "node f(node *a)");
}

#[test]
fn errors_point_at_the_place() {
    let mut wrong = Vec::new();
    for (text, line, column, says) in [
        ("double pow(double doubl x)", 1, 25, "expected ')' or ',' after parameter, found 'x'"),
        ("double pow(double,\n  dooble)", 2, 3, "unknown type name 'dooble'"),
        ("FILE *f(void)", 1, 1, "declare it first, e.g. `typedef struct FILE FILE;`"),
        ("int f(int", 1, 10, "')' or ',' after parameter, found the end of the text"),
        ("int f(int) x", 1, 12, "expected ';' after the declaration, found 'x'"),
        ("*f(int)", 1, 1, "expected a type, found '*'"),
        ("f x(int)", 1, 1, "unknown type name 'f'"),
        ("f(g(int))", 1, 3, "expected a type, found 'g'"),
        ("typedef f(int)", 1, 9, "expected a type, found 'f'"),
        ("int f(int *__counted_by(-1) p)", 1, 25, "-1 elements"),
        ("int f(int *__counted_by 3)", 1, 25, "expected '(' after '__counted_by', found '3'"),
        ("int f(int *__counted_by(sizeof(int) p)", 1, 37, "expected ')' after the count, found 'p'"),
        ("int f(void v)", 1, 12, "a parameter cannot have type 'void'"),
        ("int f(static int x)", 1, 7, "'static' cannot stand here"),
        ("struct s { typedef int x; }; int f(void)", 1, 12, "'typedef' cannot stand here"),
        ("int f(double m[][])", 1, 15, "an array of elements of unknown size"),
        ("struct s; int f(struct s a[2])", 1, 27, "an array of elements of unknown size"),
        ("int f[3](void)", 1, 6, "an array of functions"),
        ("int f(int)[3]", 1, 6, "a function that returns an array"),
        ("int a[-1]; int f(void)", 1, 7, "an array of -1 elements"),
        ("int a[1/0]; int f(void)", 1, 8, "a division by zero"),
        ("int a[99999999999999999999]; int f(void)", 1, 7, "does not fit unsigned long long"),
        ("int a[1.5]; int f(void)", 1, 7, "expected an integer constant, found '1.5'"),
        ("struct s; int f(struct s a)", 1, 26, "'struct s' is incomplete"),
        ("struct s f(void)", 1, 10, "'struct s' is incomplete"),
        ("int f(va_list list)", 1, 15, "cannot be passed by value"),
        ("int f(enum e a)", 1, 14, "is not defined"),
        ("unsigned double f(void)", 1, 1, "these words make no type together"),
        ("_Atomic int f(void)", 1, 1, "'_Atomic' is not supported"),
        ("typeof(1) f(void)", 1, 1, "'typeof' is not supported"),
        ("#include <math.h>\nint f(void)", 1, 1, "run the preprocessor first"),
        ("int f(void); int g(void);", 1, 18, "a second function, 'g'"),
        ("int x;", 1, 7, "expected a function"),
        ("", 1, 1, "expected a function"),
        ("int f(void) /* no end", 1, 13, "'*/' at the end of the comment"),
        ("int f(void) @", 1, 13, "found '@'"),
        ("struct s { int x : 33; }; int f(void)", 1, 20, "a bit-field of 33 bits: 'int' has 32"),
        ("struct s { int x : 0; }; int f(void)", 1, 20, "width 0 cannot have a name"),
        ("struct s { int x; float x; }; int f(void)", 1, 25, "'x' is declared a second time"),
        ("struct s { int x[]; int y; }; int f(void)", 1, 16, "is not the last member"),
        ("struct s { struct s x; }; int f(void)", 1, 21, "incomplete"),
        ("struct s { int x; }; struct s { int x; }; int f(void)", 1, 29, "'s { ... }' is declared a second"),
        ("struct s { int x; }; union s f(void)", 1, 28, "'s' is declared a second time"),
        ("typedef int t; typedef long t; int f(t)", 1, 29, "'t' is declared a second time"),
        ("int f(int x __attribute__((aligned(3))))", 1, 36, "no power of two"),
        ("_Static_assert(sizeof(long) == 4, \"\"); int f(void)", 1, 1, "does not hold"),
        ("int f(void) __attribute__((preserve_most))", 1, 28, "'preserve_most' is not supported"),
        ("#pragma pack(3)\nint f(void)", 1, 1, "only 1, 2, 4, 8, 16"),
    ] {
        let error = refused(text);
        let message = error.to_string();
        if !message.contains(says) || (error.line(), error.column()) != (line, column) {
            wrong.push(format!("wanted {line}:{column}: {says}\n{message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_error_shows_the_line() {
    let message = refused("typedef int t;\n\tint f(t,\tdooble x);").to_string();
    let expected = "2:11: unknown type name 'dooble'; declare it first, e.g. `typedef struct dooble dooble;`\n    \
                     \x20int f(t, dooble x);\n              ^^^^^^";
    assert_eq!(message, expected);
}

#[test]
fn nesting_is_bounded() {
    let deep = |open: &str, middle: &str, close: &str| {
        let count = 100_000;
        format!("int f{}{}{}", open.repeat(count), middle, close.repeat(count))
    };
    // A small stack: each level of the parser may take a few hundred bytes, not more.
    let parse = move || {
        for text in [
            deep("(", "", ")"),
            deep("(int (*)", "(void)", ")"),
            deep("(void)[", "1", "]"),
            format!("int f(int a[{}1])", "(".repeat(100_000)),
            format!("int f(int a[{}1])", "-".repeat(100_000)),
            format!("int f(int a[{}1])", "1?".repeat(100_000)),
            format!("int f(int a[{}1])", "sizeof(int[".repeat(100_000)),
            format!("int f(int {}p)", "*".repeat(100_000)),
            format!("int a{};", "[1]".repeat(100_000)),
            "struct {".repeat(100_000),
            "struct s { int x : sizeof(".repeat(100_000),
            "__attribute__((aligned(sizeof(struct { int x ".repeat(100_000),
        ] {
            assert!(parse_prototype(&text, LP64).is_err(), "{}", &text[..40]);
        }
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(parse).unwrap().join().unwrap();
}

#[test]
fn chains_of_definitions_do_not_nest() {
    let mut text = String::from("typedef int t0; struct s0 { int x; };");
    for i in 1..50_000 {
        use std::fmt::Write;
        write!(text, "typedef t{} *t{i};", i - 1).unwrap();
    }
    let prototype = prototype(&format!("{text} t49999 f(t49999);"));
    assert_eq!(prototype.result.to_string(), "t49999");
    assert!(prototype.result.is_compatible_with(&prototype.params[0].ty));
    let again = parse_type(&format!("{text} t49999"), LP64).unwrap();
    assert!(prototype.result.is_compatible_with(&again));

    let doubling: String = (1..60).map(|i| format!("struct s{i} {{ struct s{} a, b; }};", i - 1)).collect();
    let ty = parse_type(&format!("struct s0 {{ char x; }}; {doubling} struct s59"), LP64).unwrap();
    assert_eq!(ty.size(LP64).unwrap().bytes(), 1 << 59);
}

/// A small generator (xorshift64*), so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap_or(0) % limit
    }
}

#[test]
fn nothing_panics() {
    let corpus = [
        "typedef struct node { int v:3, :0; struct node *next[2]; } node; node *f(const node a[static 3], ...);",
        "#pragma pack(push, 1)\nstruct s { char c; long double d; union { int i; float f; }; };\n#pragma pack(pop)\n",
        "enum e : unsigned char { A = 1 << 3, B = sizeof(int[4]) ? -1 : 'x', C = A / 2 % 3 }; enum e f(enum e x);",
        "int (__stdcall *__cdecl f(void (*)(int), double m[const][3]))(long) __asm__(\"g\" \"h\\x41\");",
        "float __attribute__((vector_size(16), aligned(32))) f(int __attribute__((mode(DI))) x, _Complex float);",
        "struct { int x; _Alignas(16) char y[]; } __attribute__((packed)) *f(unsigned long long int a, char *[]);",
    ];
    let pieces: Vec<&str> = corpus
        .iter()
        .flat_map(|text| text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_'))
        .chain([
            "é",
            "\u{1F600}",
            "\"",
            "'",
            "\\",
            "\0",
            "0x",
            "/*",
            "#pragma pack(",
            "[[",
            "9223372036854775807",
        ])
        .collect();
    for seed in 1..4_000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut text: String = corpus[random.below(corpus.len())].to_owned();
        for _ in 0..1 + random.below(6) {
            let mut at = random.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match random.below(3) {
                0 => text.truncate(at),
                1 => text.insert_str(at, pieces[random.below(pieces.len())]),
                _ if at < text.len() => _ = text.remove(at),
                _ => {}
            }
        }
        for model in DataModel::ALL {
            let outcome = std::panic::catch_unwind(|| {
                if let Ok(prototype) = parse_prototype(&text, model) {
                    drop(prototype.to_string());
                }
                match parse_type(&text, model) {
                    Ok(ty) => drop((ty.to_string(), ty.definition(), ty.lower(model), ty.fields(model))),
                    Err(error) => drop(error.to_string()),
                }
            });
            assert!(outcome.is_ok(), "seed {seed}, {}: {text:?}", model.name);
        }
    }
}
