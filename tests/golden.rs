//! The expected plans: one case file of C prototypes, one table for each ABI, all on every host. The tables come from the
//! ABI documents and from compilers, each with its source, never from our own output.

use callsmith::arch::abi::{self, Aapcs64, X86Call, X86Flavour};
use callsmith::arch::isa::InstructionSet;
use callsmith::arch::layout::Type;
use callsmith::arch::plan::{Extension, Location, Move, Passing, ResultPlan};
use callsmith::arch::{Abi, Align, CallPlan, Signature};
use callsmith::ctype::CType;
use callsmith::decl::{parse_prototype, parse_type};
use std::collections::{BTreeMap, BTreeSet};

const CASES: &str = include_str!("golden/cases.txt");

/// A case: its lines by keyword, several lines of one keyword joined.
type Case = BTreeMap<String, String>;

/// Reads `[name]` sections of `keyword: text` lines.
fn sections(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push((name.to_owned(), Vec::new()));
            continue;
        }
        let (keyword, text) = line.split_once(": ").unwrap_or_else(|| panic!("no keyword in {line:?}"));
        let (_, lines) = sections.last_mut().unwrap_or_else(|| panic!("{line:?} is in no section"));
        lines.push((keyword.to_owned(), text.to_owned()));
    }
    sections
}

fn cases() -> Vec<(String, Case)> {
    let case = |lines: Vec<(String, String)>| {
        let mut case = Case::new();
        for (keyword, text) in lines {
            assert!(
                ["tags", "types", "proto", "tail"].contains(&keyword.as_str()),
                "unknown keyword {keyword}"
            );
            *case.entry(keyword).or_default() += &format!("{text}\n");
        }
        case
    };
    sections(CASES).into_iter().map(|(name, lines)| (name, case(lines))).collect()
}

/// The parameters' names and the signature of one call of a case; or why the ABI's data model has no such types.
fn signature(abi: Abi, case: &Case) -> Result<(Vec<String>, Signature), String> {
    let types = case.get("types").map_or("", String::as_str);
    let model = abi.data_model();
    let prototype =
        parse_prototype(&format!("{types}{}", case["proto"]), model).map_err(|e| e.to_string())?;
    let lower = |ty: &CType| ty.lower(model).map_err(|error| error.to_string());
    let mut names: Vec<String> = prototype.params.iter().map(|param| param.name.clone().unwrap()).collect();
    let params: Result<Vec<_>, _> = prototype.params.iter().map(|param| lower(&param.ty)).collect();
    let mut params: Vec<Type> = params?.into_iter().flatten().collect();
    let result = lower(&prototype.result)?;
    if !prototype.variadic {
        return Ok((names, Signature::new(abi, result, params).unwrap()));
    }
    let fixed = params.len();
    for (index, tail) in case["tail"].trim().split(", ").enumerate() {
        names.push(format!("+{}", index + 1));
        let ty = parse_type(&format!("{types}{tail}"), model).map_err(|error| error.to_string())?;
        params.extend(lower(&ty)?);
    }
    Ok((names, Signature::variadic(abi, result, params, fixed).unwrap()))
}

/// Whether a case has a place in an ABI's table: some are about rules that only one instruction set has.
fn concerns(abi: Abi, case: &Case) -> bool {
    case["tags"].split_whitespace().all(|tag| match tag {
        "sysv64" => abi == Abi::SysV64,
        "aarch64" => abi.instruction_set() == InstructionSet::AArch64,
        "x86" => abi.instruction_set() == InstructionSet::X86,
        _ => true,
    })
}

/// A plan in the notation of the tables.
fn notation(names: &[String], plan: &CallPlan) -> Vec<String> {
    let place = |location, width| place(plan.abi, location, width);
    let moves =
        |run| plan.moves_of(run).iter().map(|piece| spell(plan.abi, piece)).collect::<Vec<_>>().join(" ");
    let word = plan.abi.instruction_set().word();
    let mut lines = Vec::new();
    for (name, arg) in names.iter().zip(&plan.args) {
        let places = match arg.passing {
            Passing::Ignored(_) => "-".to_owned(),
            Passing::Direct(run) => moves(run),
            Passing::Indirect { pointer, .. } => format!("*{}[0..{}]", place(pointer, word), arg.size),
        };
        lines.push(format!("{name}: {places}"));
    }
    let result = match plan.result {
        ResultPlan::None => "-".to_owned(),
        ResultPlan::Direct(run) => moves(run),
        ResultPlan::Hidden { pointer, returned, .. } => {
            let returned = returned.map_or("-".to_owned(), |returned| place(returned, word));
            format!("{} -> {returned}", place(pointer, word))
        }
    };
    lines.push(format!("result: {result}"));
    if plan.stack_bytes > 0 {
        lines.push(format!("stack: {}", plan.stack_bytes));
    }
    if plan.stack_align != Align::of(plan.abi.convention().stack_align.into()) {
        lines.push(format!("align: {}", plan.stack_align));
    }
    if plan.callee_pops > 0 {
        lines.push(format!("pops: {}", plan.callee_pops));
    }
    lines.extend(plan.vector_count.map(|count| format!("al: {count}")));
    lines
}

/// A piece of a value.
fn spell(abi: Abi, piece: &Move) -> String {
    let extension = match piece.extension {
        Extension::None => "",
        Extension::Sign => ":sign",
        Extension::Zero => ":zero",
    };
    let place = place(abi, piece.location, piece.width);
    format!("{place}[{}..{}]{extension}", piece.offset, piece.offset + piece.width)
}

/// A place: integer registers by their full names, whatever the width.
fn place(abi: Abi, location: Location, width: u32) -> String {
    match location {
        Location::Gp(_) => abi.instruction_set().name(location, 8),
        Location::Vector(_) => abi.instruction_set().name(location, width),
        Location::Mmx(register) => format!("mm{register}"),
        Location::X87(register) => format!("st{register}"),
        Location::Stack(offset) => format!("stack+{offset}"),
    }
}

/// Compares every case with its table.
fn judge(abi: Abi, table: &str) {
    let mut expected: BTreeMap<_, _> = sections(table).into_iter().collect();
    let mut failures = String::new();
    for (name, case) in cases().into_iter().filter(|(_, case)| concerns(abi, case)) {
        let lines = expected.remove(&name).unwrap_or_else(|| panic!("{abi:?} has no table of {name}"));
        let (source, lines) = lines.split_first().unwrap();
        assert!(source.0 == "source" && !source.1.is_empty(), "{name} does not say where its table is from");
        let (names, signature) = match (signature(abi, &case), lines) {
            (Err(error), [(keyword, why)]) if keyword == "absent" && error.contains(why) => continue,
            (Ok(signature), _) => signature,
            (Err(error), _) => panic!("{abi:?}, {name}: {error}"),
        };
        let plan = abi::classify(&signature).unwrap();
        let lines: Vec<String> = lines.iter().map(|(keyword, text)| format!("{keyword}: {text}")).collect();
        let given = notation(&names, &plan);
        if given != lines {
            failures += &format!("\n[{name}]\n  expected {lines:#?}\n  given {given:#?}\n");
        }
        if let Err(broken) = plan.check(&signature) {
            failures += &format!("\n[{name}]\n  {broken}\n");
        }
    }
    assert!(failures.is_empty(), "{abi:?}:{failures}");
    assert!(expected.is_empty(), "{abi:?}: tables of no case: {:?}", expected.keys());
}

#[test]
fn sysv64() {
    judge(Abi::SysV64, include_str!("golden/sysv64.txt"));
}

#[test]
fn win64() {
    judge(Abi::Win64, include_str!("golden/win64.txt"));
}

/// The tables of 32-bit x86.
macro_rules! x86 {
    ($($name:ident: $call:ident, $flavour:ident, $file:literal;)*) => {$(
        #[test]
        fn $name() {
            judge(Abi::X86(X86Call::$call, X86Flavour::$flavour), include_str!(concat!("golden/x86/", $file)));
        }
    )*};
}

x86! {
    cdecl_linux: Cdecl, Linux, "cdecl-linux.txt";
    stdcall_linux: Stdcall, Linux, "stdcall-linux.txt";
    fastcall_linux: Fastcall, Linux, "fastcall-linux.txt";
    thiscall_linux: Thiscall, Linux, "thiscall-linux.txt";
    cdecl_mingw: Cdecl, Mingw, "cdecl-mingw.txt";
    stdcall_mingw: Stdcall, Mingw, "stdcall-mingw.txt";
    fastcall_mingw: Fastcall, Mingw, "fastcall-mingw.txt";
    thiscall_mingw: Thiscall, Mingw, "thiscall-mingw.txt";
    cdecl_msvc: Cdecl, Msvc, "cdecl-msvc.txt";
    stdcall_msvc: Stdcall, Msvc, "stdcall-msvc.txt";
    fastcall_msvc: Fastcall, Msvc, "fastcall-msvc.txt";
    thiscall_msvc: Thiscall, Msvc, "thiscall-msvc.txt";
}

#[test]
fn aapcs64_linux() {
    judge(Abi::Aapcs64(Aapcs64::Linux), include_str!("golden/aapcs64_linux.txt"));
}

#[test]
fn aapcs64_darwin() {
    judge(Abi::Aapcs64(Aapcs64::Darwin), include_str!("golden/aapcs64_darwin.txt"));
}

#[test]
fn aapcs64_windows() {
    judge(Abi::Aapcs64(Aapcs64::Windows), include_str!("golden/aapcs64_windows.txt"));
}

#[test]
fn names_are_unique() {
    let names: Vec<String> = cases().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert!(names.len() >= 90, "only {} cases", names.len());
}
