//! Calling conventions, one file per family: a const table, and a classifier that reads like the ABI document.
//!
//! What the families share is here and in two helpers: `cursor` hands out registers and stack bytes in the order of a
//! convention's table, `draft` collects the plan.

mod aapcs64;
mod cursor;
mod draft;
mod sysv64;
mod win64;
mod x86;

pub use aapcs64::Aapcs64;
pub use sysv64::SYSV64;
pub use win64::WIN64;
pub use x86::{X86Call, X86Flavour};

use crate::isa::InstructionSet;
use crate::isa::x86_64::Gp;
use crate::layout::{DataModel, Scalar, Type};
use crate::plan::{Extension, Room};
use crate::{Align, CallPlan, Error, Signature};

/// A calling convention on an OS flavour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abi {
    /// System V on x86-64: Linux, the BSDs, macOS.
    SysV64,
    /// Microsoft's on x86-64; `__attribute__((ms_abi))` elsewhere.
    Win64,
    /// Arm's procedure call standard for AArch64, as a system has it.
    Aapcs64(Aapcs64),
    /// 32-bit x86: its four conventions, as three sorts of compilers have them.
    X86(X86Call, X86Flavour),
}

/// A set of registers of one class, by hardware number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegSet(pub u32);

impl RegSet {
    /// The set of `registers`.
    pub const fn of(registers: &[u8]) -> RegSet {
        let mut bits = 0;
        let mut index = 0;
        while index < registers.len() {
            bits |= 1 << registers[index];
            index += 1;
        }
        RegSet(bits)
    }

    /// Those in this set and not in `other`.
    pub const fn minus(self, other: RegSet) -> RegSet {
        RegSet(self.0 & !other.0)
    }

    /// This set and `register`, of which there are at most 32.
    pub const fn with(self, register: u8) -> RegSet {
        RegSet(self.0 | 1 << (register & 31))
    }

    /// Those in either.
    pub const fn union(self, other: RegSet) -> RegSet {
        RegSet(self.0 | other.0)
    }

    /// Those in both.
    pub const fn intersection(self, other: RegSet) -> RegSet {
        RegSet(self.0 & other.0)
    }

    /// How many.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their numbers, in order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let lowest = left.trailing_zeros();
            left &= left.checked_sub(1)?;
            u8::try_from(lowest).ok()
        })
    }

    /// Whether `register` is one of them.
    pub const fn contains(self, register: u8) -> bool {
        register < 32 && self.0 >> register & 1 == 1
    }
}

/// How argument registers are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Integer and vector registers apart: the third integer takes the third integer register.
    PerClass,
    /// By the argument's position: a vector register, once taken, uses up the integer register beside it.
    ByPosition,
}

/// What a callee takes off the stack beside the return address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pops {
    /// Nothing.
    Nothing,
    /// The hidden result's address, where that is on the stack.
    HiddenAddress,
    /// All of its arguments.
    Arguments,
}

/// What can be said of a calling convention without code.
#[derive(Debug)]
pub struct Convention {
    /// The ABI that this is the table of.
    pub abi: Abi,
    /// The document that it transcribes.
    pub document: &'static str,
    /// Integer argument registers, in order.
    pub gp_params: &'static [u8],
    /// Vector argument registers, in order.
    pub vector_params: &'static [u8],
    /// MMX argument registers, in order.
    pub mmx_params: &'static [u8],
    /// How the sequences are counted.
    pub counting: Counting,
    /// Integer result registers, in order.
    pub gp_results: &'static [u8],
    /// Vector result registers, in order.
    pub vector_results: &'static [u8],
    /// The register that gives back the address of a result in memory, where one does.
    pub hidden_returned: Option<u8>,
    /// Integer registers that a callee keeps.
    pub preserved_gp: RegSet,
    /// Vector registers that a callee keeps (all the bits that the convention knows of).
    pub preserved_vector: RegSet,
    /// Alignment of the stack pointer at a call instruction, in bytes.
    pub stack_align: u32,
    /// Stack arguments begin, and the next one's place ends, at a multiple of this.
    pub stack_slot: Align,
    /// What a callee takes off the stack when it returns.
    pub callee_pops: Pops,
    /// Bytes above the return address that the caller lends the callee.
    pub shadow_space: u32,
    /// Bytes below the stack pointer that no signal handler touches.
    pub red_zone: u32,
}

impl Abi {
    /// Every ABI there is.
    pub const ALL: &'static [Abi] = &[
        Abi::SysV64,
        Abi::Win64,
        Abi::Aapcs64(Aapcs64::Linux),
        Abi::Aapcs64(Aapcs64::Darwin),
        Abi::Aapcs64(Aapcs64::Windows),
        Abi::X86(X86Call::Cdecl, X86Flavour::Linux),
        Abi::X86(X86Call::Stdcall, X86Flavour::Linux),
        Abi::X86(X86Call::Fastcall, X86Flavour::Linux),
        Abi::X86(X86Call::Thiscall, X86Flavour::Linux),
        Abi::X86(X86Call::Cdecl, X86Flavour::Mingw),
        Abi::X86(X86Call::Stdcall, X86Flavour::Mingw),
        Abi::X86(X86Call::Fastcall, X86Flavour::Mingw),
        Abi::X86(X86Call::Thiscall, X86Flavour::Mingw),
        Abi::X86(X86Call::Cdecl, X86Flavour::Msvc),
        Abi::X86(X86Call::Stdcall, X86Flavour::Msvc),
        Abi::X86(X86Call::Fastcall, X86Flavour::Msvc),
        Abi::X86(X86Call::Thiscall, X86Flavour::Msvc),
    ];

    /// The instruction set that its code is of.
    pub const fn instruction_set(self) -> InstructionSet {
        match self {
            Abi::SysV64 | Abi::Win64 => InstructionSet::X86_64,
            Abi::Aapcs64(_) => InstructionSet::AArch64,
            Abi::X86(..) => InstructionSet::X86,
        }
    }

    /// The data model that its functions' types are classified by. Where compilers for several models share an ABI, what
    /// reaches a classifier (names and `long` are gone) is the same under each.
    pub const fn data_model(self) -> &'static DataModel {
        match self {
            Abi::SysV64 | Abi::Win64 => &DataModel::LP64,
            Abi::Aapcs64(system) => system.data_model(),
            Abi::X86(_, flavour) => flavour.data_model(),
        }
    }

    /// The ABI of a variadic function that is declared with this one: on 32-bit x86 always the caller pops.
    pub const fn variadic(self) -> Abi {
        match self {
            Abi::SysV64 | Abi::Win64 | Abi::Aapcs64(_) => self,
            Abi::X86(_, flavour) => Abi::X86(X86Call::Cdecl, flavour),
        }
    }

    /// The table of this ABI.
    pub fn convention(self) -> &'static Convention {
        match self {
            Abi::SysV64 => &SYSV64,
            Abi::Win64 => &WIN64,
            Abi::Aapcs64(system) => system.convention(),
            Abi::X86(call, flavour) => x86::convention(call, flavour),
        }
    }
}

/// Decides where every piece of every argument and of the result goes.
///
/// # Errors
///
/// [`Error::FrameTooLarge`] where the arguments need more than [`crate::plan::MAX_FRAME`] bytes of stack,
/// [`Error::SizeOverflow`] where a result's size does not fit a plan, [`Error::Unsupported`] for an array that is not
/// a record's member.
pub fn classify(signature: &Signature) -> Result<CallPlan, Error> {
    classify_in(Room::new(), signature)
}

/// [`classify`], in memory that was another plan's.
///
/// # Errors
///
/// As for `classify`; the memory is freed then.
pub fn classify_in(room: Room, signature: &Signature) -> Result<CallPlan, Error> {
    let mut types = signature.params().iter().chain(signature.result());
    if !signature.is_simple() && types.any(|ty| matches!(ty, Type::Array(_))) {
        return Err(Error::Unsupported { what: "C passes an array only inside a struct or union".into() });
    }
    match signature.abi() {
        Abi::SysV64 => sysv64::classify(signature, room),
        Abi::Win64 => win64::classify(signature, room),
        Abi::Aapcs64(system) => aapcs64::classify(signature, system, room),
        Abi::X86(call, flavour) => x86::classify(signature, call, flavour, room),
    }
}

/// x86-64 registers as tables keep them.
pub(crate) const fn numbers<const N: usize>(registers: [Gp; N]) -> [u8; N] {
    let mut numbers = [0; N];
    let mut index = 0;
    while index < N {
        numbers[index] = registers[index].number();
        index += 1;
    }
    numbers
}

/// How an integer narrower than `int` fills 32 bits.
const fn widening(scalar: Scalar) -> Extension {
    match scalar {
        Scalar::I8 | Scalar::I16 => Extension::Sign,
        Scalar::Bool | Scalar::U8 | Scalar::U16 => Extension::Zero,
        Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64
        | Scalar::I128
        | Scalar::U128
        | Scalar::Float(_)
        | Scalar::Pointer => Extension::None,
    }
}
