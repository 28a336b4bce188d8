//! The ABIs by name, and what goes with each: data model, names of places, stubs.

use callsmith::arch::Abi;
use callsmith::arch::abi::{Aapcs64, X86Call, X86Flavour};
use callsmith::arch::layout::DataModel;
use callsmith::arch::plan::Location;
use callsmith::host;

/// Which ABIs to explain.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    One(Abi),
    All,
}

/// Reads `--abi`.
pub(crate) fn abi(text: &str) -> Result<Choice, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Choice::All);
    }
    let known = Abi::ALL.iter().find(|abi| name(**abi).eq_ignore_ascii_case(text));
    known.map(|abi| Choice::One(*abi)).ok_or_else(|| {
        let names: Vec<String> = Abi::ALL.iter().map(|abi| name(*abi).to_lowercase()).collect();
        format!("the ABIs are {} and all", names.join(", "))
    })
}

/// Reads `--model`.
pub(crate) fn model(text: &str) -> Result<&'static DataModel, String> {
    let known = DataModel::ALL.iter().find(|model| model.name.eq_ignore_ascii_case(text));
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = DataModel::ALL.iter().map(|model| model.name).collect();
        format!("the data models are {}", names.join(", "))
    })
}

pub(super) fn name(abi: Abi) -> &'static str {
    match abi {
        Abi::SysV64 => "SysV64",
        Abi::Win64 => "Win64",
        Abi::Aapcs64(Aapcs64::Linux) => "Aapcs64-Linux",
        Abi::Aapcs64(Aapcs64::Darwin) => "Aapcs64-Darwin",
        Abi::Aapcs64(Aapcs64::Windows) => "Aapcs64-Windows",
        Abi::X86(call, flavour) => x86_name(call, flavour),
    }
}

/// The ABIs of `choice`, each with the data model of most code that is compiled for it; without a choice, those of this
/// process.
pub(crate) fn of(choice: Option<&Choice>) -> Vec<(Abi, &'static DataModel)> {
    match choice {
        None => vec![(host::ABI, host::MODEL)],
        Some(Choice::One(abi)) => vec![(*abi, usual_model(*abi))],
        Some(Choice::All) => Abi::ALL.iter().map(|abi| (*abi, usual_model(*abi))).collect(),
    }
}

/// On Windows, that of Microsoft's compiler.
fn usual_model(abi: Abi) -> &'static DataModel {
    match abi {
        Abi::SysV64 => &DataModel::LP64,
        Abi::Win64 => &DataModel::LLP64_MSVC,
        Abi::Aapcs64(_) => abi.data_model(),
        Abi::X86(..) => abi.data_model(),
    }
}

const fn x86_name(call: X86Call, flavour: X86Flavour) -> &'static str {
    use X86Call::{Cdecl, Fastcall, Stdcall, Thiscall};
    use X86Flavour::{Linux, Mingw, Msvc};
    match (call, flavour) {
        (Cdecl, Linux) => "cdecl",
        (Stdcall, Linux) => "stdcall",
        (Fastcall, Linux) => "fastcall",
        (Thiscall, Linux) => "thiscall",
        (Cdecl, Mingw) => "cdecl-mingw",
        (Stdcall, Mingw) => "stdcall-mingw",
        (Fastcall, Mingw) => "fastcall-mingw",
        (Thiscall, Mingw) => "thiscall-mingw",
        (Cdecl, Msvc) => "cdecl-msvc",
        (Stdcall, Msvc) => "stdcall-msvc",
        (Fastcall, Msvc) => "fastcall-msvc",
        (Thiscall, Msvc) => "thiscall-msvc",
    }
}

/// A place that holds `width` bytes, by its name in the assembly of `abi`.
pub(super) fn place(abi: Abi, location: Location, width: u32) -> String {
    abi.instruction_set().name(location, width)
}

/// The name of the stack pointer.
pub(super) fn stack_pointer(abi: Abi) -> &'static str {
    abi.instruction_set().stack_pointer()
}

/// The ABI that stubs for `target` are entered under: the host's, or else the one that programs of its system have.
pub(super) fn entry(target: Abi) -> Abi {
    match target {
        _ if target.instruction_set() == host::ABI.instruction_set() => host::ABI,
        Abi::SysV64 | Abi::Win64 | Abi::Aapcs64(_) => target,
        Abi::X86(_, flavour) => Abi::X86(X86Call::Cdecl, flavour),
    }
}
