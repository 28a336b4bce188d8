//! Instruction sets: registers, an encoder, and the emitter from plan to code.
//!
//! Each is a module with functions of the same names. Those here take a plan or an ABI of any instruction set, and find
//! the module: whoever uses them knows no architecture.

pub mod aarch64;
pub mod x86;
pub mod x86_64;

use crate::abi::{Convention, X86Call};
use crate::plan::{CallPlan, Location};
use crate::{Abi, Error};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstructionSet {
    /// x86-64, also called AMD64 and Intel 64.
    X86_64,
    /// A64, the 64-bit instructions of Arm's architecture.
    AArch64,
    /// 32-bit x86, with SSE2.
    X86,
}

/// What a stub's `arguments` parameter points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 8-byte slots.
    Slots,
    /// Pointers to the values.
    Gather,
}

/// The size of a thunk. 512 of them fill three pages of 4 KiB.
pub const THUNK_SIZE: usize = 24;

impl InstructionSet {
    /// The ABIs of its code.
    pub fn abis(self) -> impl Iterator<Item = Abi> {
        Abi::ALL.iter().copied().filter(move |abi| abi.instruction_set() == self)
    }

    /// The ABIs of its code that a program's own functions may have: that stubs are entered by, and handlers called by.
    pub fn hosts(self) -> impl Iterator<Item = Abi> {
        self.abis().filter(|abi| abi.variadic() == *abi)
    }

    /// The integer registers that a thunk may load its context into: the argument registers of all its ABIs, for handlers
    /// that take the context as one more argument; and, last, the one that [adapters](adapter) take it in.
    pub const fn context_registers(self) -> &'static [u8] {
        match self {
            InstructionSet::X86_64 => &x86_64::emit::CONTEXT_NUMBERS,
            InstructionSet::AArch64 => &aarch64::emit::CONTEXT_NUMBERS,
            InstructionSet::X86 => &x86::emit::CONTEXT_NUMBERS,
        }
    }

    /// The size of an address, in bytes.
    pub const fn word(self) -> u32 {
        match self {
            InstructionSet::X86_64 | InstructionSet::AArch64 => 8,
            InstructionSet::X86 => 4,
        }
    }

    /// How many bytes a call puts on the stack: the return address, where it is not in a register.
    pub const fn return_address(self) -> u32 {
        match self {
            InstructionSet::X86_64 | InstructionSet::X86 => self.word(),
            InstructionSet::AArch64 => 0,
        }
    }

    /// Where in a slot the address to jump to is; the context is at its start.
    pub const fn target_offset(self) -> u32 {
        self.word()
    }

    /// Where in a context the number of calls inside is, for thunks that count them.
    pub const fn inside_offset(self) -> u32 {
        self.word()
    }

    /// Whether thunks can count who comes in: where adding to memory takes one instruction, and nothing that is loaded after
    /// it is loaded before.
    pub const fn thunks_count(self) -> bool {
        match self {
            InstructionSet::X86_64 | InstructionSet::X86 => true,
            InstructionSet::AArch64 => false,
        }
    }

    /// Where in a context the note is that says whose it is, for traps.
    pub const fn note_offset(self) -> u32 {
        2 * self.word()
    }

    /// A place that holds `width` bytes, by its name in assembly.
    pub fn name(self, location: Location, width: u32) -> String {
        match self {
            InstructionSet::X86_64 => x86_64::name(location, width).to_string(),
            InstructionSet::AArch64 => aarch64::name(location, width).to_string(),
            InstructionSet::X86 => x86::name(location, width).to_string(),
        }
    }

    /// The stack pointer's name.
    pub const fn stack_pointer(self) -> &'static str {
        match self {
            InstructionSet::X86_64 => "rsp",
            InstructionSet::AArch64 => "sp",
            InstructionSet::X86 => "esp",
        }
    }
}

/// The code of a stub of `shape` for `plan`, entered under `entry`.
///
/// # Errors
///
/// [`Error::Unsupported`] where `plan` and `entry` are of different instruction sets.
pub fn stub(plan: &CallPlan, shape: Shape, entry: Abi) -> Result<Vec<u8>, Error> {
    stub_in(Vec::new(), plan, shape, entry)
}

/// [`stub`], in memory whose content is no longer needed.
///
/// # Errors
///
/// As for `stub`; the memory is freed then.
pub fn stub_in(memory: Vec<u8>, plan: &CallPlan, shape: Shape, entry: Abi) -> Result<Vec<u8>, Error> {
    Ok(match same_set(plan.abi, entry)? {
        InstructionSet::X86_64 => x86_64::emit::stub_in(memory, plan, shape, entry.convention()),
        InstructionSet::AArch64 => aarch64::emit::stub_in(memory, plan, shape),
        InstructionSet::X86 => x86::emit::stub_in(memory, plan, shape, cdecl(entry)?),
    })
}

/// The code of a stub for `plan`, entered under `entry` as one of [`Shape::Slots`], that stores every result, and in the two
/// words below it the stack pointer before and after the call; `None` where no callee pops arguments, so that none can pop
/// a wrong number of bytes.
///
/// # Errors
///
/// As for [`stub`].
pub fn checked_stub(plan: &CallPlan, entry: Abi) -> Result<Option<Vec<u8>>, Error> {
    Ok(match same_set(plan.abi, entry)? {
        InstructionSet::X86_64 | InstructionSet::AArch64 => None,
        InstructionSet::X86 => Some(x86::emit::checked_stub(plan, cdecl(entry)?)),
    })
}

/// The code of an adapter for `plan`, whose handler has the convention `host`.
///
/// # Errors
///
/// [`Error::Unsupported`] where `plan` and `host` are of different instruction sets.
pub fn adapter(plan: &CallPlan, host: Abi) -> Result<Vec<u8>, Error> {
    Ok(match same_set(plan.abi, host)? {
        InstructionSet::X86_64 => x86_64::emit::adapter(plan, host.convention()),
        InstructionSet::AArch64 => aarch64::emit::adapter(plan),
        InstructionSet::X86 => x86::emit::adapter(plan, cdecl(host)?),
    })
}

/// The code of one thunk: loads its context into the register at `index` of [`InstructionSet::context_registers`] (the last
/// one if there are not so many), and jumps to its target. One that `counts`, where [thunks can](InstructionSet::thunks_count),
/// adds one to the context's second word before it loads the target. It is for the address `at`, and its slot lies `distance`
/// bytes after that, at most 1 MiB. Where instructions know addresses relative to their own, `at` makes no difference.
pub fn thunk(set: InstructionSet, index: usize, counts: bool, at: u64, distance: i32) -> Vec<u8> {
    match set {
        InstructionSet::X86 => {
            // An address of this instruction set has 32 bits.
            #[allow(clippy::cast_possible_truncation)]
            let slot = (at as u32).wrapping_add_signed(distance);
            x86::emit::thunk(context(&x86::emit::CONTEXT_REGISTERS, index), counts, slot)
        }
        InstructionSet::X86_64 => {
            x86_64::emit::thunk(context(&x86_64::emit::CONTEXT_REGISTERS, index), counts, distance)
        }
        InstructionSet::AArch64 => {
            aarch64::emit::thunk(context(&aarch64::emit::CONTEXT_REGISTERS, index), distance)
        }
    }
}

/// The code that a dropped slot jumps to, with the context in the register at `index` as for [`thunk`]. Calls, under `host`,
/// the function whose address is the first word of what the context's third word points at, with that pointer.
pub fn trap(host: Abi, index: usize) -> Vec<u8> {
    match host.instruction_set() {
        InstructionSet::X86 => x86::emit::trap(context(&x86::emit::CONTEXT_REGISTERS, index)),
        InstructionSet::X86_64 => {
            x86_64::emit::trap(context(&x86_64::emit::CONTEXT_REGISTERS, index), host.convention())
        }
        InstructionSet::AArch64 => aarch64::emit::trap(context(&aarch64::emit::CONTEXT_REGISTERS, index)),
    }
}

/// The convention of a host of 32-bit x86: programs there have only one that stubs, adapters and traps are for.
fn cdecl(host: Abi) -> Result<&'static Convention, Error> {
    match host {
        Abi::X86(X86Call::Cdecl, _) => Ok(host.convention()),
        Abi::X86(X86Call::Stdcall | X86Call::Fastcall | X86Call::Thiscall, _)
        | Abi::SysV64
        | Abi::Win64
        | Abi::Aapcs64(_) => Err(Error::Unsupported { what: format!("code that Rust enters by {host:?}") }),
    }
}

/// The register at `index`, or else the last.
fn context<R: Copy, const N: usize>(registers: &[R; N], index: usize) -> R {
    registers[index.min(N - 1)]
}

/// The instruction set of both.
fn same_set(target: Abi, host: Abi) -> Result<InstructionSet, Error> {
    let (set, other) = (target.instruction_set(), host.instruction_set());
    if set == other {
        return Ok(set);
    }
    Err(Error::Unsupported { what: format!("{target:?} is of {set:?}, and this is code for {other:?}") })
}
