//! From a call plan to an adapter: C → Rust, for signatures known only at run time.
//!
//! An adapter is entered from a thunk, as the function that C called, under the plan's convention, with the address of
//! the callback's context in x9. It calls the handler whose address is the context's first word, as
//! `handler(context, arguments, result)`: `arguments` is an array of pointers to the arguments' values, `result` is room
//! for the result. What came in registers is stored to the frame first; what lies in memory already is pointed at where
//! it is, since it is the callee's to use, unless its place is less aligned than its type may be.
//!
//! ```text
//!            ├──────────────────────┤
//!            │ stack arguments      │
//!            ├──────────────────────┤
//!            │ frame record         │ ← x29
//!            │ values, the result   │ ← what came in registers; what goes back in them
//!            │ pointers             │ ← `arguments`
//!       sp ▶ ├──────────────────────┤
//! ```

use super::{Assembler, Base, Gp, Mem, SCRATCH, TARGET};
use crate::isa::aarch64::reg::Vector;
use crate::plan::{CallPlan, Location, Move, Passing, ResultPlan};
use alloc::vec::Vec;

/// Where a thunk leaves the address of the context.
pub(super) const CONTEXT: Gp = Gp::X9;

/// Holds an address that no single offset reaches.
const FAR: Gp = Gp::X14;

/// The code of an adapter for `plan`.
pub fn adapter(plan: &CallPlan) -> Vec<u8> {
    let frame = Frame::of(plan);
    let mut adapter = Adapter { asm: Assembler::with_capacity(128 + 32 * plan.moves.len()), plan, frame };
    adapter.asm.bti_c();
    adapter.asm.open_record(RECORD.cast_signed());
    adapter.asm.lower_stack(frame.bytes);
    adapter.store_registers();
    adapter.store_pointers();
    adapter.call_handler();
    adapter.load_result();
    adapter.asm.add(Base::SP, Gp::X29, 0);
    adapter.asm.close_record(RECORD.cast_signed());
    adapter.asm.ret();
    adapter.asm.finish()
}

/// The size of a frame record.
const RECORD: u32 = 16;

/// Offsets from the stack pointer, once it is lowered.
#[derive(Clone, Copy)]
struct Frame {
    values: u32,
    result: u32,
    /// What the stack pointer is lowered by.
    bytes: u32,
}

/// No convention here gives back more in registers: four of 16 bytes.
const MAX_IN_REGISTERS: u32 = 64;

impl Frame {
    fn of(plan: &CallPlan) -> Frame {
        let count = u32::try_from(plan.args.len()).unwrap_or(u32::MAX);
        let values = (count * 8).next_multiple_of(16);
        let result = values + plan.args.iter().map(|arg| room(plan, &arg.passing, arg.size)).sum::<u32>();
        let bytes = result + plan.result_size.min(MAX_IN_REGISTERS).next_multiple_of(16);
        Frame { values, result, bytes }
    }
}

/// The room that a value takes in the frame: none where it stays in memory.
fn room(plan: &CallPlan, passing: &Passing, size: u32) -> u32 {
    match passing {
        Passing::Direct(run) if plan.moves_of(*run).iter().any(|piece| is_kept(piece, size)) => {
            size.next_multiple_of(16)
        }
        Passing::Direct(_) | Passing::Indirect { .. } | Passing::Ignored(_) => 0,
    }
}

/// Whether a piece of a value of `size` bytes is stored to the frame: it came in a register, or lies on the stack at a
/// place that is less aligned than a type of this size may be, which is at most 16 as far as handlers are promised.
fn is_kept(piece: &Move, size: u32) -> bool {
    match piece.location {
        Location::Gp(_) | Location::Vector(_) | Location::Mmx(_) | Location::X87(_) => true,
        Location::Stack(at) => at.trailing_zeros() < size.trailing_zeros().min(4) || piece.width < size,
    }
}

struct Adapter<'a> {
    asm: Assembler,
    plan: &'a CallPlan,
    frame: Frame,
}

impl Adapter<'_> {
    /// Stores what came in registers, and then, over scratch registers, what is to be moved in memory.
    fn store_registers(&mut self) {
        let plan = self.plan;
        for in_registers in [true, false] {
            let mut value = self.frame.values;
            for arg in &plan.args {
                let room = room(plan, &arg.passing, arg.size);
                if let (Passing::Direct(run), 1..) = (&arg.passing, room) {
                    for piece in plan.moves_of(*run) {
                        self.store_piece(value + piece.offset, piece, in_registers);
                    }
                }
                value += room;
            }
        }
    }

    fn store_piece(&mut self, place: u32, piece: &Move, in_registers: bool) {
        match piece.location {
            Location::Gp(number) if in_registers => {
                // Whole words: the room for a value is a multiple of 16 bytes.
                let to = self.asm.reach(at(place), 8, FAR);
                self.asm.str_m_x(to, Gp::from_low_bits(number));
            }
            Location::Vector(number) if in_registers => {
                let to = self.asm.reach(at(place), piece.width, FAR);
                self.asm.store_vector(to, Vector::from_low_bits(number), piece.width);
            }
            Location::Stack(offset) if !in_registers => {
                self.asm.copy(incoming(offset), at(place), piece.width);
            }
            Location::Gp(_)
            | Location::Vector(_)
            | Location::Stack(_)
            | Location::Mmx(_)
            | Location::X87(_) => {}
        }
    }

    /// The array of pointers, each to its argument's value wherever that is.
    fn store_pointers(&mut self) {
        let plan = self.plan;
        let mut value = self.frame.values;
        let mut pointer = 0;
        for arg in &plan.args {
            let room = room(plan, &arg.passing, arg.size);
            let holder = match &arg.passing {
                Passing::Ignored(_) => self.address(at(value)),
                Passing::Direct(run) => match plan.moves_of(*run) {
                    [Move { location: Location::Stack(offset), .. }, ..] if room == 0 => {
                        self.address(incoming(*offset))
                    }
                    _ => self.address(at(value)),
                },
                Passing::Indirect { pointer: Location::Gp(number), .. } => Gp::from_low_bits(*number),
                Passing::Indirect { pointer: Location::Stack(offset), .. } => {
                    let from = self.asm.reach(incoming(*offset), 8, FAR);
                    self.asm.ldr_x_m(SCRATCH, from);
                    SCRATCH
                }
                Passing::Indirect {
                    pointer: Location::Vector(_) | Location::Mmx(_) | Location::X87(_),
                    ..
                } => SCRATCH,
            };
            let to = self.asm.reach(at(pointer), 8, FAR);
            self.asm.str_m_x(to, holder);
            value += room;
            pointer += 8;
        }
    }

    /// Loads an address.
    fn address(&mut self, mem: Mem) -> Gp {
        self.asm.add(SCRATCH, mem.base, mem.disp);
        SCRATCH
    }

    fn call_handler(&mut self) {
        let [context, arguments, result] = [Gp::X0, Gp::X1, Gp::X2];
        match self.plan.result {
            ResultPlan::None => {}
            ResultPlan::Direct(_) => self.asm.add(result, Base::SP, self.frame.result),
            // Still where it came in: all that was done took other registers.
            ResultPlan::Hidden { .. } => {
                if let Some(register) = super::hidden_register(self.plan) {
                    self.asm.mov_x_x(result, register);
                }
            }
        }
        self.asm.add(arguments, Base::SP, 0);
        self.asm.mov_x_x(context, CONTEXT);
        self.asm.ldr_x_m(TARGET, Mem::at(CONTEXT, 0));
        self.asm.blr_x(TARGET);
    }

    /// Loads what goes back in registers; where it is by memory, C has its address and asks for no other.
    fn load_result(&mut self) {
        if let ResultPlan::Direct(run) = &self.plan.result {
            self.asm.add(CONTEXT, Base::SP, self.frame.result);
            self.asm.load_pieces(Mem::at(CONTEXT, 0), self.plan.moves_of(*run));
        }
    }
}

/// A byte of the frame.
fn at(place: u32) -> Mem {
    Mem::at(Base::SP, place)
}

/// Where a stack argument is: behind the frame record.
fn incoming(offset: u32) -> Mem {
    Mem::at(Gp::X29, RECORD + offset)
}
