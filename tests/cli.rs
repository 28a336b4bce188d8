//! The command, run as a user runs it: what it prints is what the C functions are known to give.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callsmith")).args(arguments).output().expect("the command starts")
}

/// What the command prints, where it succeeds.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(arguments);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success() && stderr.is_empty(), "{arguments:?}: {status}\n{stderr}");
    String::from_utf8(stdout).expect("UTF-8")
}

#[track_caller]
fn call(library: &str, declaration: &str, arguments: &[&str]) -> String {
    printed(&[&["call", library, declaration], arguments].concat())
}

/// What the command says where it fails with exit code `code` and prints nothing.
#[track_caller]
fn refused(code: i32, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(arguments);
    assert_eq!(status.code(), Some(code), "{arguments:?}");
    assert!(stdout.is_empty(), "{arguments:?} printed {}", String::from_utf8_lossy(&stdout));
    String::from_utf8(stderr).expect("UTF-8")
}

mod calls {
    use super::{call, refused};

    #[test]
    fn results_print_by_their_type() {
        assert_eq!(call("libm.so.6", "double pow(double, double)", &["2", "10"]), "1024\n");
        assert_eq!(call("libm.so.6", "double sqrt(double)", &["2"]), "1.4142135623730951\n");
        assert_eq!(call("libm.so.6", "float powf(float, float)", &["0.1f", "1"]), "0.1\n");
        assert_eq!(call("libm.so.6", "double pow(double, double)", &["1e100", "3"]), "1e300\n");
        // The digits of the square root of two: OEIS A002193.
        assert_eq!(call("libm.so.6", "long double sqrtl(long double)", &["2"]), "1.4142135623730950488\n");
        assert_eq!(
            call("-", "struct { int quot, rem; } div(int, int)", &["17", "5"]),
            "{.quot = 3, .rem = 2}\n"
        );
        assert_eq!(call("-", "char *strchr(const char *, int)", &["to be", "'b'"]), "be\n");
        assert_eq!(call("-", "char *strchr(const char *, int)", &["to be", "'x'"]), "NULL\n");
        assert_eq!(call("-", "char toupper(int)", &["'a'"]), "'A'\n");
        assert_eq!(call("-", "enum { less = -1, more = 1 } abs(int)", &["-1"]), "more (1)\n");
        assert_eq!(call("-", "void srand(unsigned)", &["1"]), "");
        assert_eq!(call("libm.so.6", "double _Complex conj(double _Complex)", &["{1.5, 2}"]), "{1.5, -2}\n");
    }

    #[test]
    fn numbers_are_spelled_as_in_c() {
        let abs = |text| call("-", "int abs(int)", &[text]);
        let numbers =
            ["42", "+42", "-42", "0x2a", "0X2A", "052", "0b101010", "42u", "42L", "42uLL", "'*'", "'\\052'"];
        for text in numbers {
            assert_eq!(abs(text), "42\n", "{text}");
        }
        let fabs = |text| call("libm.so.6", "double fabs(double)", &[text]);
        let numbers =
            ["12", "-12.0", "12.f", "1.2e1", ".12E+2", "0xc", "0x1.8p3", "-0x1.8P3L", "014", "'\\f'"];
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
        assert_eq!(call("-", "char *strdup(const char *s)", &["caf\\303\\251"]), "café\n");
    }

    #[test]
    fn variadic_arguments_are_what_they_look_like() {
        let printf = |arguments: &[&str]| call("libc.so.6", "int printf(const char *, ...)", arguments);
        assert_eq!(printf(&["n=%d x=%g\\n", "42", "2.5"]), "n=42 x=2.5\n11\n");
        assert_eq!(printf(&["%ld\\n", "5000000000"]), "5000000000\n11\n");
        assert_eq!(printf(&["%c%s%g\\n", "'a'", "bc", "1e3"]), "abc1000\n8\n");
        assert_eq!(printf(&["%s %Lg\\n", "\"42\"", "1.5L"]), "42 1.5\n7\n");
        assert_eq!(
            printf(&["%s %hhd %g\\n", "(char *)42", "(signed char)-3", "(float)0.5"]),
            "42 -3 0.5\n10\n"
        );
    }

    #[test]
    fn initialisers_make_structs_and_what_pointers_point_at() {
        let tm = "struct tm { int sec, min, hour, mday, mon, year, wday, yday, isdst; long off; const char *zone; };";
        // 2000-01-01T00:00:10Z, and the first second of 1970.
        let timegm = format!("{tm} long timegm(struct tm *)");
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
        assert!(refused(2, &["call", "-"]).contains("Usage: callsmith call"));
        assert!(refused(2, &["cull"]).contains("unrecognized subcommand"));
    }
}

mod explanations {
    use super::{printed, refused};
    use serde_json::Value;

    /// The example of the psABI, section 3.2.3, figures 3.5 and 3.6, without its `__m256`'s typedef.
    const PSABI: &str = "typedef struct { int a, b; double d; } structparm;
        extern void func(int e, int f, structparm s, int g, int h, long double ld, double m,
                         __attribute__((vector_size(32))) double y, double n, int i, int j, int k);";

    fn explained(arguments: &[&str]) -> Value {
        serde_json::from_str(&printed(&[&["explain", "--json"], arguments].concat())).expect("JSON")
    }

    /// Each argument's name with the places of its pieces.
    fn places(plan: &Value) -> Vec<(String, Vec<String>)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let arguments = plan["arguments"].as_array().expect("an array");
        let pieces = |argument: &Value| {
            let pieces = argument["passing"]["pieces"].as_array().expect("pieces");
            pieces.iter().map(|piece| text(&piece["location"]["name"])).collect()
        };
        arguments.iter().map(|argument| (text(&argument["name"]), pieces(argument))).collect()
    }

    fn expected(places: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let owned = |places: &[&str]| places.iter().map(|place| (*place).to_owned()).collect();
        places.iter().map(|(name, places)| ((*name).to_owned(), owned(places))).collect()
    }

    #[test]
    fn the_psabi_example_goes_where_its_figure_says() {
        let plan = explained(&["--abi", "sysv64", PSABI]);
        let figure = expected(&[
            ("e", &["edi"]),
            ("f", &["esi"]),
            ("s", &["rdx", "xmm0"]),
            ("g", &["ecx"]),
            ("h", &["r8d"]),
            ("ld", &["[rsp]"]),
            ("m", &["xmm1"]),
            ("y", &["ymm2"]),
            ("n", &["xmm3"]),
            ("i", &["r9d"]),
            ("j", &["[rsp+16]"]),
            ("k", &["[rsp+24]"]),
        ]);
        assert_eq!(places(&plan), figure);
        let pieces = plan["arguments"][2]["passing"]["pieces"].as_array().expect("pieces");
        let holds: Vec<_> = pieces.iter().map(|piece| piece["holds"].as_str()).collect();
        assert_eq!(holds, [Some("a, b"), Some("d")]);
        assert_eq!((&plan["stack"]["frame_bytes"], &plan["data_model"]), (&32.into(), &"LP64".into()));
    }

    /// Microsoft Learn, "x64 calling convention", "Example of argument passing 3".
    #[test]
    fn microsofts_example_goes_where_its_comment_says() {
        let plan =
            explained(&["--abi", "win64", "void func3(int a, double b, int c, float d, int e, float f)"]);
        let comment = expected(&[
            ("a", &["ecx"]),
            ("b", &["xmm1"]),
            ("c", &["r8d"]),
            ("d", &["xmm3"]),
            ("e", &["[rsp+32]"]),
            ("f", &["[rsp+40]"]),
        ]);
        assert_eq!(places(&plan), comment);
        assert_eq!(plan["stack"]["shadow_space"], 32);
    }

    #[test]
    fn each_abi_has_its_own_data_model() {
        let declaration = "long double f(long n)";
        let plans = explained(&["--abi", "all", declaration]);
        let sizes: Vec<_> = plans
            .as_array()
            .expect("an array")
            .iter()
            .map(|plan| {
                let size = |value: &Value| value["size"].as_u64().expect("a size");
                (plan["abi"].as_str().expect("a name"), size(&plan["arguments"][0]), size(&plan["result"]))
            })
            .collect();
        assert_eq!(sizes, [("SysV64", 8, 16), ("Win64", 4, 8)]);
        let mingw = explained(&["--abi", "win64", "--model", "llp64-gnu", declaration]);
        assert_eq!(mingw["result"]["size"], 16);
        let attributed = explained(&["__attribute__((ms_abi)) int f(long n)"]);
        assert_eq!((&attributed["abi"], &attributed["arguments"][0]["size"]), (&"Win64".into(), &8.into()));
    }

    /// C11 6.5.2.2p6 promotes; psABI 3.2.3 counts vector registers in al.
    #[test]
    fn a_tail_is_promoted() {
        let plan = explained(&["int printf(const char *, ...)", "--tail", "float, char, long"]);
        let types: Vec<_> = (1..4).map(|index| plan["arguments"][index]["type"].as_str()).collect();
        assert_eq!(types, [Some("double"), Some("int"), Some("long")]);
        assert_eq!(plan["vector_count"], 1);
        let message = refused(1, &["explain", "int f(int)", "--tail", "int"]);
        assert!(message.contains("no '...'"), "{message}");
    }

    #[test]
    fn the_page_shows_table_rules_and_stack_in_100_columns() {
        let page = printed(&["explain", "--abi", "all", PSABI]);
        for wanted in ["structparm", "xmm0", "psABI 3.2.3", "by reference", "rsp+24", "shadow space"] {
            assert!(page.contains(wanted), "no {wanted}:\n{page}");
        }
        let long = page.lines().filter(|line| line.chars().count() > 100).collect::<Vec<_>>();
        assert!(long.is_empty(), "{long:#?}");
    }

    #[test]
    fn the_stubs_disassemble() {
        let page = printed(&["explain", "--asm", "double pow(double x, double y)"]);
        let instructions = |line: &str| line.split_whitespace().last().map(str::to_owned);
        assert_eq!(
            page.lines().filter_map(instructions).filter(|word| word == "endbr64").count(),
            2,
            "{page}"
        );
        // A call with everything in registers ends in a jump.
        assert!(page.lines().any(|line| line.ends_with("jmp rdi")), "{page}");
        assert!(page.lines().any(|line| line.ends_with(" ret")), "{page}");
    }

    #[test]
    fn an_unknown_abi_is_answered_with_the_known_ones() {
        let message = refused(2, &["explain", "--abi", "mips", "int f(void)"]);
        assert!(message.contains("the ABIs are sysv64, win64 and all"), "{message}");
    }
}

/// What a bench says, not what it measures: times are never asserted.
mod benches {
    use super::{printed, refused};
    use serde_json::Value;

    fn measured(arguments: &[&str]) -> Value {
        let options = [&["bench", "--json", "--rounds", "1"], arguments].concat();
        serde_json::from_str(&printed(&options)).expect("JSON")
    }

    #[track_caller]
    fn assert_every_way_is_measured(report: &Value) {
        let cases = report["cases"].as_array().expect("cases");
        assert!(cases.len() >= 5);
        for case in cases {
            for way in ["direct", "typed", "invoke", "invoke_slots", "call", "call_values"] {
                let cost = &case["ways"][way];
                assert!(
                    cost["ns"].as_f64() > Some(0.0) && cost["ratio"].as_f64() > Some(0.0),
                    "{way} of {case}"
                );
            }
            assert_eq!(case["ways"]["direct"]["ratio"], 1.0);
            assert_eq!(case["ways"]["ffi_call"].is_object(), report["libffi"].is_string(), "{case}");
        }
    }

    #[test]
    fn built_in_functions_are_called_in_every_way() {
        assert_every_way_is_measured(&measured(&[]));
    }

    #[test]
    fn a_librarys_functions_are_called_in_every_way() {
        assert_every_way_is_measured(&measured(&["libm.so.6"]));
    }

    #[test]
    fn the_page_has_both_tables_in_100_columns() {
        let page = printed(&["bench", "--rounds", "1"]);
        assert!(page.contains("nanoseconds a call") && page.contains("times a direct call"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    }

    #[test]
    fn a_library_without_these_functions_is_named() {
        let message = refused(1, &["bench", "libdl.so.2"]);
        assert!(message.contains("library 'libdl.so.2' has no symbol 'fabs'"), "{message}");
    }
}
