//! The call plan: where every byte of every argument and of the result goes, as plain immutable data.
//!
//! It is the only description of a convention that anything else reads: the encoder, the interpreter, `explain`, the
//! tests. A move has no direction: a call reads it value → location, a callback location → value.

mod check;
mod table;

pub use table::Table;

use crate::Abi;
use crate::isa::InstructionSet;
use crate::units::Align;
use alloc::vec::Vec;
use core::ops::Range;

/// Memory for a plan: that of one which is no longer needed, so that planning another allocates nothing.
#[derive(Debug, Default)]
pub struct Room {
    /// Empty.
    pub(crate) args: Vec<ArgPlan>,
    /// Empty.
    pub(crate) moves: Vec<Move>,
}

impl Room {
    /// None yet.
    pub const fn new() -> Room {
        Room { args: Vec::new(), moves: Vec::new() }
    }
}

impl From<CallPlan> for Room {
    fn from(CallPlan { mut args, mut moves, .. }: CallPlan) -> Room {
        args.clear();
        moves.clear();
        Room { args, moves }
    }
}

/// How much stack a call's arguments may need, in bytes.
pub const MAX_FRAME: u64 = 1 << 20;

/// A place that a convention names, at the moment of the call instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    /// A general-purpose register, by hardware number (x86-64: rax 0, rcx 1, rdx 2, …).
    Gp(u8),
    /// A vector register, by hardware number.
    Vector(u8),
    /// A register of MMX, by number: where 32-bit x86 passes vectors of 8 bytes.
    Mmx(u8),
    /// A register of the x87 stack, counted from its top. A piece of 4 or 8 bytes is `float` or `double`, widened to the
    /// register's format.
    X87(u8),
    /// Bytes from the stack pointer, just before the call instruction pushes or saves a return address.
    Stack(u32),
}

/// What fills the rest of a register, where a value is narrower than the convention's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// Anything: nobody may read those bits.
    None,
    /// Copies of the sign bit, up to 32 bits.
    Sign,
    /// Zeros, up to 32 bits.
    Zero,
}

/// The sentence of an ABI document that put something where it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The class or short name in the document's words (`INTEGER`, `by reference`, …).
    pub class: &'static str,
    /// Document and section.
    pub section: &'static str,
    /// What it says, in short.
    pub text: &'static str,
}

/// One piece of a value and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Where the piece starts within the value, in bytes.
    pub offset: u32,
    /// How many bytes of the value it is. Any number: the value's memory ends where the value ends.
    pub width: u32,
    /// Where the piece goes.
    pub location: Location,
    /// What fills the rest of the register or stack slot.
    pub extension: Extension,
    /// Why.
    pub rule: &'static Rule,
}

/// How one value passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passing {
    /// Nothing passes (an empty struct, under some ABIs).
    Ignored(&'static Rule),
    /// Its bytes pass: these of the plan's moves.
    Direct(MoveRange),
    /// The address of a copy passes; the callee may change the copy.
    Indirect {
        /// Where the address goes.
        pointer: Location,
        /// The copy's offset from the stack pointer at the call instruction.
        copy: u32,
        /// The copy's alignment.
        align: Align,
        /// Why.
        rule: &'static Rule,
    },
}

/// A run of moves in [`CallPlan::moves`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveRange {
    /// The first.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

/// Where one argument goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgPlan {
    /// How it passes.
    pub passing: Passing,
    /// Its size in bytes.
    pub size: u32,
    /// Whether its slot holds its value: a scalar of at most 8 bytes. Otherwise the slot holds its address.
    pub in_slot: bool,
}

/// Where the result is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultPlan {
    /// There is none: `void`, or a value of no size.
    None,
    /// In registers.
    Direct(MoveRange),
    /// In memory that the caller provides, whose address passes as a hidden argument.
    Hidden {
        /// Where the address passes.
        pointer: Location,
        /// Where the callee gives the address back, if it does.
        returned: Option<Location>,
        /// Why.
        rule: &'static Rule,
    },
}

/// Where every piece of every argument and of the result goes.
///
/// ```text
///   higher addresses
///   ├──────────────────┤
///   │ copies           │ arguments that pass by address
///   ├──────────────────┤ ← `stack_bytes`
///   │ stack arguments  │ `Location::Stack`
///   │ shadow space     │ (Win64)
///   ├──────────────────┤ ← stack pointer at the call instruction, aligned to `stack_align`
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPlan {
    /// The convention.
    pub abi: Abi,
    /// One for each parameter.
    pub args: Vec<ArgPlan>,
    /// The result.
    pub result: ResultPlan,
    /// The result's size in bytes.
    pub result_size: u32,
    /// All moves, in the order of the parameters, the result's last.
    pub moves: Vec<Move>,
    /// Bytes of stack arguments, shadow space included.
    pub stack_bytes: u32,
    /// Bytes of stack in all: `stack_bytes`, then the copies. At most [`MAX_FRAME`].
    pub frame_bytes: u32,
    /// The stack pointer's alignment at the call instruction; more than the convention's where an argument needs it.
    pub stack_align: Align,
    /// Bytes of arguments that the callee pops.
    pub callee_pops: u32,
    /// For a variadic SysV64 call, how many vector registers carry arguments: AL.
    pub vector_count: Option<u8>,
}

impl CallPlan {
    /// The register that a result of at most 8 bytes comes back in, where host code can take it from there: an integer's, a
    /// vector's, or the top of the x87 stack for a `float` or a `double`. Where an integer fills a pair of registers (32-bit
    /// x86: EDX:EAX), the lower one.
    pub fn result_register(&self) -> Option<Location> {
        let ResultPlan::Direct(run) = self.result else { return None };
        match self.moves_of(run) {
            [piece] if piece.width <= 8 => match piece.location {
                Location::Gp(_) | Location::X87(_) => Some(piece.location),
                Location::Vector(_) => match self.abi.instruction_set() {
                    InstructionSet::X86_64 | InstructionSet::AArch64 => Some(piece.location),
                    // No result of a type that Rust and C share is there.
                    InstructionSet::X86 => None,
                },
                Location::Mmx(_) | Location::Stack(_) => None,
            },
            [low, high] if low.width + high.width <= 8 => match (low.location, high.location) {
                (Location::Gp(_), Location::Gp(_)) => Some(low.location),
                _ => None,
            },
            _ => None,
        }
    }

    /// The moves of all arguments.
    pub fn argument_moves(&self) -> &[Move] {
        match self.result {
            ResultPlan::Direct(run) => self.moves_of(MoveRange { start: 0, end: run.start }),
            ResultPlan::None | ResultPlan::Hidden { .. } => &self.moves,
        }
    }

    /// The moves of a run.
    #[inline]
    pub fn moves_of(&self, run: MoveRange) -> &[Move] {
        let run: Range<usize> = run.start as usize..run.end as usize;
        &self.moves[run]
    }
}
