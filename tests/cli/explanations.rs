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
    assert_eq!(page.lines().filter_map(instructions).filter(|word| word == "endbr64").count(), 2, "{page}");
    // A call with everything in registers ends in a jump.
    assert!(page.lines().any(|line| line.ends_with("jmp rdi")), "{page}");
    assert!(page.lines().any(|line| line.ends_with(" ret")), "{page}");
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
