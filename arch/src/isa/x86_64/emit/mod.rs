//! From a call plan to a stub: Rust → C.
//!
//! A stub is entered as `stub(target, arguments, result)` under the *entry* convention and calls `target` under the
//! plan's. It comes in two shapes, which differ in what `arguments` points at:
//!
//! - [`Shape::Slots`]: an array of 8-byte slots, each holding a scalar or an aggregate's address. A result that comes
//!   back in one register is left there, so such a stub ends in a jump where nothing waits on the stack.
//! - [`Shape::Gather`]: an array of pointers to the arguments' values. Every result is stored through `result`.
//!
//! ```text
//!            on entry              while the target runs
//!            ├──────────────┤      ├──────────────────────┤
//!            │ return       │      │ return address       │
//!      rsp ▶ ├──────────────┤      ├──────────────────────┤
//!                                  │ result pointer       │ if it is needed afterwards
//!                                  │ kept registers       │ preserved by the entry's convention, not by the target's
//!                                  │ copies               │ ┐
//!                                  │ stack arguments      │ ├ the plan's frame
//!                                  │ shadow space         │ ┘
//!                            rsp ▶ ├──────────────────────┤
//! ```
//!
//! Order: the frame; what lies in memory (it may use any register); then the registers, the one that holds `arguments`
//! last; then AL and the branch.

mod adapter;
mod copy;
mod frame;
mod load;
mod result;
mod survey;
mod thunk;

pub use adapter::adapter;
pub use thunk::{CONTEXT_NUMBERS, CONTEXT_REGISTERS, thunk, trap};

use super::{Assembler, Gp, Mem};
use crate::abi::Convention;
use crate::isa::Shape;
use crate::plan::{ArgPlan, CallPlan};
use alloc::vec::Vec;
use frame::Frame;
use survey::Survey;

/// The code of a stub of `shape` for `plan`, entered under `entry`.
pub fn stub(plan: &CallPlan, shape: Shape, entry: &Convention) -> Vec<u8> {
    stub_in(Vec::new(), plan, shape, entry)
}

/// [`stub`], in memory whose content is no longer needed.
pub fn stub_in(memory: Vec<u8>, plan: &CallPlan, shape: Shape, entry: &Convention) -> Vec<u8> {
    let mut stub = Stub::new(memory, plan, shape, entry);
    stub.asm.endbr64();
    stub.settle_entry_registers();
    match stub.frame {
        None => {
            stub.load_registers();
            stub.asm.jmp_r64(stub.target);
        }
        Some(frame) => {
            stub.enter(&frame);
            stub.store_stack_arguments();
            stub.load_registers();
            stub.asm.call_r64(stub.target);
            stub.leave(&frame);
            stub.asm.ret();
        }
    }
    stub.asm.finish()
}

/// Scratch in every convention here: no argument, no result, kept by nobody.
const TARGET_HOME: Gp = Gp::R11;
const ARGUMENTS_HOME: Gp = Gp::R10;
/// Not an argument register in any convention here; AL is set after its last use.
const SCRATCH: Gp = Gp::Rax;

/// A stub in the making.
struct Stub<'a> {
    asm: Assembler,
    plan: &'a CallPlan,
    survey: Survey,
    shape: Shape,
    /// `None` where the stub ends in a jump.
    frame: Option<Frame>,
    /// Where the target's address is.
    target: Gp,
    /// Where the address of the slots or pointers is.
    arguments: Gp,
    /// Where the result's address is, until arguments are loaded.
    result: Gp,
}

impl<'a> Stub<'a> {
    fn new(memory: Vec<u8>, plan: &'a CallPlan, shape: Shape, entry: &Convention) -> Stub<'a> {
        let survey = Survey::of(plan, entry.gp_params[1]);
        Stub {
            asm: Assembler::reusing(memory, 64 + 24 * plan.moves.len()),
            plan,
            survey,
            shape,
            frame: Frame::of(plan, &survey, shape, entry),
            target: Gp::from_low_bits(entry.gp_params[0]),
            arguments: Gp::from_low_bits(entry.gp_params[1]),
            result: Gp::from_low_bits(entry.gp_params[2]),
        }
    }

    /// Moves the target and the arguments' address out of registers that are about to be overwritten.
    fn settle_entry_registers(&mut self) {
        let Survey { written, in_bulk, .. } = self.survey;
        if written.contains(self.target.number()) || in_bulk {
            self.asm.mov_r64_r64(TARGET_HOME, self.target);
            self.target = TARGET_HOME;
        }
        if in_bulk {
            self.asm.mov_r64_r64(ARGUMENTS_HOME, self.arguments);
            self.arguments = ARGUMENTS_HOME;
        }
    }

    /// Where argument `index`'s value is; its address is loaded into [`SCRATCH`] unless its slot holds the value.
    #[inline(always)]
    fn value_of(&mut self, index: usize, arg: &ArgPlan) -> Mem {
        let entry = self.slot(index);
        match self.shape {
            Shape::Slots if arg.in_slot => entry,
            Shape::Slots | Shape::Gather => {
                self.asm.mov_r64_m(SCRATCH, entry);
                Mem::at(SCRATCH, 0)
            }
        }
    }

    /// Entry `index` of the array that `arguments` points at.
    fn slot(&self, index: usize) -> Mem {
        // At most MAX_PARAMS entries.
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        Mem::at(self.arguments, index as i32 * 8)
    }
}

/// `address` moved on by `bytes`, which a plan keeps below 2^31.
fn offset(address: Mem, bytes: u32) -> Mem {
    Mem::at(address.base, address.disp.wrapping_add_unsigned(bytes))
}
