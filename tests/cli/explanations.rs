//! `callsmith explain`.

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
    let plan = explained(&["--abi", "win64", "void func3(int a, double b, int c, float d, int e, float f)"]);
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
    for expected in [
        ("SysV64", 8, 16),
        ("Win64", 4, 8),
        ("Aapcs64-Linux", 8, 16),
        ("Aapcs64-Darwin", 8, 8),
        ("Aapcs64-Windows", 4, 8),
        ("cdecl", 4, 12),
        ("stdcall", 4, 12),
        ("fastcall", 4, 12),
        ("thiscall", 4, 12),
        ("stdcall-mingw", 4, 12),
        ("stdcall-msvc", 4, 8),
    ] {
        assert!(sizes.contains(&expected), "{sizes:?}");
    }
    let mingw = explained(&["--abi", "win64", "--model", "llp64-gnu", declaration]);
    assert_eq!(mingw["result"]["size"], 16);
    let attributed = explained(&["--abi", "sysv64", "__attribute__((ms_abi)) int f(long n)"]);
    assert_eq!((&attributed["abi"], &attributed["arguments"][0]["size"]), (&"Win64".into(), &8.into()));
}

/// C11 6.5.2.2p6 promotes; psABI 3.2.3 counts vector registers in al.
#[test]
fn a_tail_is_promoted() {
    let plan =
        explained(&["--abi", "sysv64", "int printf(const char *, ...)", "--tail", "float, char, long"]);
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
    let page = printed(&["explain", "--abi", "sysv64", "--asm", "double pow(double x, double y)"]);
    let instructions = |line: &str| line.split_whitespace().last().map(str::to_owned);
    assert_eq!(page.lines().filter_map(instructions).filter(|word| word == "endbr64").count(), 2, "{page}");
    // A call with everything in registers ends in a jump, from code of its own convention.
    let same = !cfg!(all(windows, target_arch = "x86_64"));
    assert_eq!(page.lines().any(|line| line.ends_with("jmp rdi")), same, "{page}");
    assert!(page.lines().any(|line| line.ends_with(" ret")), "{page}");
}

/// The code in JSON is that of the page.
#[test]
fn json_has_the_code_too() {
    for more in [&["double pow(double x, double y)"][..], &["--callback", "int f(int)"]] {
        let options = [&["--asm", "--abi", "all"], more].concat();
        let (json, page) = (explained(&options), printed(&[&["explain"], &options[..]].concat()));
        let mut instructions = 0;
        for plan in json.as_array().expect("one for each ABI") {
            for piece in plan["code"].as_array().expect("code") {
                assert!(piece["name"].as_str().is_some_and(|name| page.contains(name)), "{piece}");
                for line in piece["instructions"].as_array().expect("instructions") {
                    let (bytes, text) = (line["bytes"].as_str(), line["text"].as_str());
                    let shown = format!("{:30} {}", bytes.expect("bytes"), text.expect("text"));
                    assert!(page.contains(&shown), "{shown}");
                    instructions += 1;
                }
            }
        }
        let number = |text: Option<&str>| text.and_then(|text| u32::from_str_radix(text.trim(), 16).ok());
        let listed = |line: &&str| {
            line.get(8..10) == Some("  ") && number(line.get(4..8)).and(number(line.get(10..12))).is_some()
        };
        assert_eq!(instructions, page.lines().filter(listed).count(), "{page}");
        assert!(explained(more)["code"].is_null());
    }
}

#[test]
fn an_unknown_abi_is_answered_with_the_known_ones() {
    let message = refused(2, &["explain", "--abi", "mips", "int f(void)"]);
    assert!(
        message.contains("the ABIs are sysv64, win64, aapcs64-linux, aapcs64-darwin, aapcs64-windows, "),
        "{message}"
    );
    assert!(message.contains(", cdecl, stdcall, fastcall, thiscall, cdecl-mingw, "), "{message}");
}

/// psABI, figure 3.3: the first eightbyte of the stack arguments is at 16(%rbp), once rbp is pushed below the return address;
/// i386 psABI, figure 2.2: at 8(%ebp). AAPCS64 6.8.2: the return address is in a register, the first argument at sp.
#[test]
fn a_callback_finds_stack_arguments_above_the_return_address() {
    let many = "void f(long a, long b, long c, long d, long e, long f, long g, long h, long i, int j)";
    let found = |abi: &str, index: usize| {
        let plan = explained(&["--callback", "--abi", abi, many]);
        plan["arguments"][index]["passing"]["pieces"][0]["location"]["name"].as_str().map(str::to_owned)
    };
    assert_eq!(found("sysv64", 6).as_deref(), Some("[rsp+8]"));
    assert_eq!(found("sysv64", 7).as_deref(), Some("[rsp+16]"));
    assert_eq!(found("cdecl", 0).as_deref(), Some("[esp+4]"));
    assert_eq!(found("aapcs64-linux", 8).as_deref(), Some("[sp]"));
    // The home space of four registers lies between the return address and them.
    assert_eq!(found("win64", 4).as_deref(), Some("[rsp+40]"));
    // As the caller sees it.
    assert_eq!(places(&explained(&["--abi", "sysv64", many]))[6].1, ["[rsp]"]);
}

#[test]
fn a_callbacks_context_is_in_the_next_register() {
    let context = |declaration: &str, abi: &str| {
        let plan = explained(&["--callback", "--abi", abi, declaration]);
        (plan["context"]["typed"].clone(), plan["context"]["dynamic"].clone())
    };
    let compare = "int compare(const void *a, const void *b)";
    assert_eq!(context(compare, "sysv64"), ("rdx".into(), "r10".into()));
    assert_eq!(context(compare, "win64"), ("r8".into(), "r10".into()));
    assert_eq!(context(compare, "aapcs64-linux").0, "x2");
    // Behind the result's address.
    assert_eq!(context("struct { long x[3]; } f(double)", "sysv64").0, "rsi");
    assert_eq!(context("void f(long, long, long, long, long, long)", "sysv64").0, Value::Null);
}

#[test]
fn thunks_and_adapters_disassemble() {
    let declaration = "struct p { long n; double x; } f(int a, struct p p, float b)";
    let page = printed(&["explain", "--callback", "--asm", "--abi", "sysv64", declaration]);
    let code = |heading: &str| -> Vec<&str> {
        let lines = page.lines().skip_while(|line| !line.contains(heading)).skip(1);
        lines.take_while(|line| !line.is_empty()).map(|line| line.get(40..).unwrap_or("").trim()).collect()
    };
    let typed = code("thunk of a typed callback");
    assert_eq!(typed[..2], ["endbr64", "mov rdx, [0x3000]"], "{page}");
    assert_eq!(typed[2..4], ["lock inc qword ptr [rdx+8]", "jmp qword ptr [0x3008]"]);
    assert_eq!(code("thunk of a dynamic callback")[1], "mov r10, [0x3000]");
    let adapter = code("adapter, which calls a handler under");
    assert!(adapter.contains(&"call qword ptr [r10]") && adapter.last() == Some(&"ret"), "{page}");
}

#[test]
fn a_callback_is_explained_under_every_abi() {
    let page =
        printed(&["explain", "--callback", "--asm", "--abi", "all", "double f(int a, double b, short c)"]);
    let abis = page.lines().filter(|line| line.contains("types laid out as")).count();
    assert!(abis >= 2);
    assert_eq!(page.lines().filter(|line| line.contains("where it is entered")).count(), abis, "{page}");
    assert_eq!(
        page.lines().filter(|line| line.starts_with("  adapter, which calls")).count(),
        abis,
        "{page}"
    );
    let plans = explained(&["--callback", "--abi", "all", "double f(int a, double b, short c)"]);
    assert_eq!(plans.as_array().map(Vec::len), Some(abis));
    let long = page.lines().filter(|line| line.chars().count() > 100).collect::<Vec<_>>();
    assert!(long.is_empty(), "{long:#?}");
    let message = refused(1, &["explain", "--callback", "int f(int, ...)"]);
    assert!(message.contains("a variadic function cannot be a callback"), "{message}");
}
