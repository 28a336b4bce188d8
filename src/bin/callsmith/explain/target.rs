//! The ABIs by name, and what goes with each: data model, names of places, stubs.

use callsmith::arch::isa::x86_64::{self, emit};
use callsmith::arch::layout::DataModel;
use callsmith::arch::plan::Location;
use callsmith::arch::{Abi, CallPlan};
use callsmith::host;

/// Which ABIs to explain.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    One(Abi),
    All,
}

/// Reads `--abi`.
pub(super) fn abi(text: &str) -> Result<Choice, String> {
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
pub(super) fn model(text: &str) -> Result<&'static DataModel, String> {
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
    }
}

/// The data model of most code that is compiled for `abi`: on Windows, that of Microsoft's compiler.
pub(super) fn usual_model(abi: Abi) -> &'static DataModel {
    match abi {
        Abi::SysV64 => &DataModel::LP64,
        Abi::Win64 => &DataModel::LLP64_MSVC,
    }
}

/// A place that holds `width` bytes, by its name in the assembly of `abi`.
pub(super) fn place(abi: Abi, location: Location, width: u32) -> String {
    match abi {
        Abi::SysV64 | Abi::Win64 => x86_64::name(location, width).to_string(),
    }
}

/// The name of the stack pointer.
pub(super) fn stack_pointer(abi: Abi) -> &'static str {
    match abi {
        Abi::SysV64 | Abi::Win64 => "rsp",
    }
}

/// The code of a stub, and the ABI that it is entered under: the host's.
pub(super) fn stub(plan: &CallPlan, shape: emit::Shape) -> (Vec<u8>, Abi) {
    match plan.abi {
        Abi::SysV64 | Abi::Win64 => (emit::stub(plan, shape, host::ABI.convention()), host::ABI),
    }
}
