//! From a call plan to a stub: Rust → C.
//!
//! A stub is entered as `stub(target, arguments, result)` and calls `target` under the plan's convention. All systems'
//! flavours keep the same registers and take integer arguments in the same ones, so a stub is entered under any of them.
//! It comes in two shapes, which differ in what `arguments` points at:
//!
//! - [`Shape::Slots`]: an array of 8-byte slots, each holding a scalar or an aggregate's address. A result that comes
//!   back in one register is left there, so such a stub ends in a jump where nothing waits on the stack.
//! - [`Shape::Gather`]: an array of pointers to the arguments' values. Every result is stored through `result`.
//!
//! ```text
//!            on entry              while the target runs
//!            ├──────────────┤      ├──────────────────────┤
//!       sp ▶                       │ result pointer       │ if it is needed afterwards
//!                                  │ return address, x30  │ ┐
//!                            x29 ▶ │ caller's frame, x29  │ ┘ the frame record
//!                                  │ copies               │ ┐
//!                                  │ stack arguments      │ ┘ the plan's frame
//!                             sp ▶ ├──────────────────────┤
//! ```
//!
//! Order: the frame; what lies in memory; then the registers, the one that holds `arguments` last; then the branch. The
//! platform's register, x18, is touched nowhere.

mod adapter;
mod copy;
mod frame;
mod load;
mod memory;
mod result;
mod thunk;

pub use adapter::adapter;
pub use thunk::{CONTEXT_NUMBERS, CONTEXT_REGISTERS, thunk, trap};

use super::{Assembler, Base, Gp, Mem};
use crate::isa::Shape;
use crate::plan::{ArgPlan, CallPlan, Location, ResultPlan};
use alloc::vec::Vec;
use frame::Frame;

/// The code of a stub of `shape` for `plan`.
pub fn stub(plan: &CallPlan, shape: Shape) -> Vec<u8> {
    stub_in(Vec::new(), plan, shape)
}

/// [`stub`], in memory whose content is no longer needed.
pub fn stub_in(memory: Vec<u8>, plan: &CallPlan, shape: Shape) -> Vec<u8> {
    let frame = Frame::of(plan, shape);
    let mut stub = Stub { asm: Assembler::reusing(memory, 64 + 24 * plan.moves.len()), plan, shape };
    stub.asm.bti_c();
    match frame {
        None => {
            stub.settle();
            stub.load_registers();
            stub.asm.br_x(TARGET);
        }
        Some(frame) => {
            stub.enter(&frame);
            stub.settle();
            stub.store_stack_arguments();
            stub.load_registers();
            stub.asm.blr_x(TARGET);
            stub.leave(&frame);
            stub.asm.ret();
        }
    }
    stub.asm.finish()
}

// What a stub is entered with.
const ENTERED_TARGET: Gp = Gp::X0;
const ARGUMENTS: Gp = Gp::X1;
const RESULT: Gp = Gp::X2;

/// Where the target's address is: a `bti c` lets in a jump through x16 or x17 alone.
const TARGET: Gp = Gp::X16;
/// Holds an argument's address. Like the others here, no argument's register, and kept by nobody.
const VALUE: Gp = Gp::X9;
/// Holds the next argument's, where two are loaded at once.
const NEXT_VALUE: Gp = Gp::X14;
/// On the way from memory to memory, or from parts to a whole.
const SCRATCH: Gp = Gp::X10;

/// A stub in the making.
struct Stub<'a> {
    asm: Assembler,
    plan: &'a CallPlan,
    shape: Shape,
}

impl Stub<'_> {
    /// Moves what arguments will overwrite out of their registers: the target, and the address of a result in memory.
    fn settle(&mut self) {
        self.asm.mov_x_x(TARGET, ENTERED_TARGET);
        if let Some(register) = hidden_register(self.plan) {
            self.asm.mov_x_x(register, RESULT);
        }
    }

    /// Whether argument `index`'s value is in its slot.
    fn in_slot(&self, arg: &ArgPlan) -> bool {
        self.shape == Shape::Slots && arg.in_slot
    }

    /// Where argument `index`'s value is; its address is loaded into [`VALUE`] unless its slot holds the value.
    fn value_of(&mut self, index: usize, arg: &ArgPlan) -> Mem {
        let entry = slot(index);
        if self.in_slot(arg) {
            return entry;
        }
        let entry = self.asm.reach(entry, 8, VALUE);
        self.asm.ldr_x_m(VALUE, entry);
        Mem::at(VALUE, 0)
    }
}

/// The register that the address of a result in memory passes in.
fn hidden_register(plan: &CallPlan) -> Option<Gp> {
    match plan.result {
        ResultPlan::Hidden { pointer: Location::Gp(number), .. } => Some(Gp::from_low_bits(number)),
        ResultPlan::Hidden { .. } | ResultPlan::Direct(_) | ResultPlan::None => None,
    }
}

/// Entry `index` of the array that [`ARGUMENTS`] points at.
fn slot(index: usize) -> Mem {
    // At most MAX_PARAMS entries.
    #[allow(clippy::cast_possible_truncation)]
    Mem::at(ARGUMENTS, index as u32 * 8)
}
