//! From a call plan to a stub: Rust → C.
//!
//! A stub is entered as `stub(target, arguments, result)` under the *entry* convention, a cdecl, so all three are on the
//! stack; it calls `target` under the plan's. It comes in two shapes, which differ in what `arguments` points at:
//!
//! - [`Shape::Slots`]: an array of 8-byte slots, each holding a scalar or an aggregate's address. A result of at most 8
//!   bytes is left where it is (EAX, EDX:EAX, ST0, XMM0), so such a stub ends in a jump where nothing waits on the stack.
//! - [`Shape::Gather`]: an array of pointers to the arguments' values. Every result is stored through `result`.
//!
//! ```text
//!            on entry              while the target runs
//!            ├──────────────┤      ├──────────────────────┤
//!            │ result       │      │ result               │ stay where they are: read when they are needed
//!            │ arguments    │      │ arguments            │
//!            │ target       │      │ target               │
//!            │ return       │      │ return address       │
//!      esp ▶ ├──────────────┤      ├──────────────────────┤
//!                                  │ ebp                  │ where the plan asks for more alignment than the entry has
//!                                  │ esi, edi             │ where a copy takes them
//!                                  │ copies               │ ┐ the plan's frame
//!                                  │ stack arguments      │ ┘
//!                            esp ▶ ├──────────────────────┤
//! ```
//!
//! Every convention here keeps the same registers, so none has to be kept for the caller.

mod adapter;
mod copy;
mod frame;
mod load;
mod push;
mod result;
mod thunk;

pub use adapter::adapter;
pub use thunk::{CONTEXT_NUMBERS, CONTEXT_REGISTERS, thunk, trap};

use super::{Assembler, Gp, Mem};
use crate::abi::Convention;
use crate::isa::Shape;
use crate::plan::{ArgPlan, CallPlan, Location, Passing, ResultPlan};
use alloc::vec::Vec;
use frame::Frame;

/// The code of a stub of `shape` for `plan`, entered under `entry`.
pub fn stub(plan: &CallPlan, shape: Shape, entry: &Convention) -> Vec<u8> {
    stub_in(Vec::new(), plan, shape, entry)
}

/// [`stub`], in memory whose content is no longer needed.
pub fn stub_in(memory: Vec<u8>, plan: &CallPlan, shape: Shape, entry: &Convention) -> Vec<u8> {
    let mut stub = Stub::new(memory, plan, shape, Frame::of(plan, shape, entry));
    if stub.frame.in_place {
        stub.jump();
    } else {
        stub.call();
    }
    stub.asm.finish()
}

/// The code of a stub that says where the stack pointer was before the call and where it came back: in the two words below
/// the result. Its arguments are [`Shape::Slots`], every result is stored, and a target that pops something else than its
/// plan says does no harm to the stub's caller.
pub fn checked_stub(plan: &CallPlan, entry: &Convention) -> Vec<u8> {
    let mut stub = Stub::new(Vec::new(), plan, Shape::Slots, Frame::of_checked(plan, entry));
    stub.checked = true;
    stub.call();
    stub.asm.finish()
}

/// Where the address of the slots or pointers is: an argument register in no convention here.
const ARGUMENTS: Gp = Gp::Eax;
/// Where the address of a value is that is not in its slot. Loaded last, where it is an argument register.
const VALUE: Gp = Gp::Ecx;
/// For what is on its way from memory to memory. As [`VALUE`].
const SCRATCH: Gp = Gp::Edx;

/// What a stub is given.
#[derive(Clone, Copy)]
enum Entered {
    Target,
    Arguments,
    Result,
}

/// A stub in the making.
struct Stub<'a> {
    asm: Assembler,
    plan: &'a CallPlan,
    shape: Shape,
    frame: Frame,
    /// Whether the stack pointer is looked at, and so every result stored.
    checked: bool,
}

impl<'a> Stub<'a> {
    fn new(memory: Vec<u8>, plan: &'a CallPlan, shape: Shape, frame: Frame) -> Stub<'a> {
        let mut asm = Assembler::reusing(memory, 64 + 24 * plan.moves.len());
        asm.endbr32();
        Stub { asm, plan, shape, frame, checked: false }
    }
}

impl Stub<'_> {
    /// A stub with a frame.
    fn call(&mut self) {
        let frame = self.frame;
        self.enter(&frame);
        self.asm.mov_r32_m(ARGUMENTS, offset_back(self.entered(Entered::Arguments), frame.pushed));
        match frame.pushed {
            0 => self.store_stack_arguments(),
            _ => self.push_stack_arguments(),
        }
        if self.checked {
            self.asm.mov_r32_r32(Gp::Esi, Gp::Esp);
        }
        self.load_registers();
        self.asm.call_m32(self.entered(Entered::Target));
        if self.checked {
            self.asm.mov_r32_m(VALUE, self.entered(Entered::Result));
            self.asm.mov_m_r32(Mem::at(VALUE, -8), Gp::Esi);
            self.asm.mov_m_r32(Mem::at(VALUE, -4), Gp::Esp);
        }
        self.leave(&frame);
        if !self.leaves_result() {
            self.store_result();
        }
        if needs_emms(self.plan) {
            self.asm.emms();
        }
        self.asm.ret();
    }

    /// Where on the stack one of the stub's own arguments is.
    fn entered(&self, which: Entered) -> Mem {
        let index = match which {
            Entered::Target => 0,
            Entered::Arguments => 1,
            Entered::Result => 2,
        };
        offset(self.frame.return_address(), 4 + 4 * index)
    }

    /// Where argument `index`'s value is; its address is loaded into `through` unless its slot holds the value.
    fn value_of(&mut self, index: usize, arg: &ArgPlan, through: Gp) -> Mem {
        // At most MAX_PARAMS entries.
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        let index = index as i32;
        let entry = match self.shape {
            Shape::Slots => Mem::at(ARGUMENTS, index * 8),
            Shape::Gather => Mem::at(ARGUMENTS, index * 4),
        };
        match self.shape {
            Shape::Slots if arg.in_slot => entry,
            Shape::Slots | Shape::Gather => {
                self.asm.mov_r32_m(through, entry);
                Mem::at(through, 0)
            }
        }
    }

    /// Whether the result stays where the target leaves it.
    fn leaves_result(&self) -> bool {
        match &self.plan.result {
            ResultPlan::None | ResultPlan::Hidden { .. } => true,
            ResultPlan::Direct(_) => {
                self.shape == Shape::Slots && !self.checked && self.plan.result_register().is_some()
            }
        }
    }

    /// A stub whose frame is its own arguments' place: the target finds its stack arguments there, and returns to the
    /// caller.
    fn jump(&mut self) {
        self.asm.mov_r32_m(ARGUMENTS, self.entered(Entered::Arguments));
        if self.plan.stack_bytes == 0 {
            self.load_registers();
            self.asm.jmp_m32(self.entered(Entered::Target));
            return;
        }
        self.asm.mov_r32_m(VALUE, self.entered(Entered::Target));
        self.store_stack_arguments();
        self.asm.jmp_r32(VALUE);
    }

    /// The stack argument at `at`.
    fn outgoing(&self, at: u32) -> Mem {
        match self.frame.in_place {
            // Above the return address.
            true => Mem::at(Gp::Esp, at.cast_signed() + 4),
            false => Mem::at(Gp::Esp, at.cast_signed()),
        }
    }
}

/// Whether MMX may still have the x87's registers after a call. psABI i386 2.2.3 has whoever uses MMX give them back, which
/// gcc leaves to the programmer; and where they are not, every floating-point result after that is none. A function that
/// gives one back itself has seen to it.
fn needs_emms(plan: &CallPlan) -> bool {
    let is_in = |kind: fn(Location) -> bool| plan.moves.iter().any(|piece| kind(piece.location));
    is_in(|place| matches!(place, Location::Mmx(_))) && !is_in(|place| matches!(place, Location::X87(_)))
}

/// Whether every argument is a scalar in its slot that one load and one store bring to the stack.
fn all_simple(plan: &CallPlan) -> bool {
    plan.args.iter().all(|arg| match &arg.passing {
        Passing::Direct(run) => {
            let on_stack = |place| matches!(place, Location::Stack(_));
            arg.in_slot && plan.moves_of(*run).iter().all(|piece| on_stack(piece.location))
        }
        Passing::Ignored(_) => true,
        Passing::Indirect { .. } => false,
    })
}

/// `address` moved back by `bytes`, of which a frame has fewer than 2^31.
fn offset_back(address: Mem, bytes: u32) -> Mem {
    Mem::at(address.base, address.disp.wrapping_sub_unsigned(bytes))
}

/// `address` moved on by `bytes`, which a plan keeps below 2^31.
fn offset(address: Mem, bytes: u32) -> Mem {
    Mem::at(address.base, address.disp.wrapping_add_unsigned(bytes))
}
