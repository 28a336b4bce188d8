//! From a call plan to an adapter: C → Rust, for signatures known only at run time.
//!
//! An adapter is entered from a thunk, as the function that C called, under the plan's convention, with the address of
//! the callback's context in EAX. It calls the handler whose address is the context's first word, under the *host's*
//! convention, a cdecl, as `handler(context, arguments, result)`: `arguments` is an array of pointers to the arguments'
//! values, `result` is room for the result. What came in registers is stored to the frame first; what lies in memory
//! already is pointed at where it is, since it is the callee's to use.
//!
//! ```text
//!            ├──────────────────────┤
//!            │ stack arguments      │
//!            │ return address       │
//!            ├──────────────────────┤
//!            │ ebp                  │ where the host asks for more alignment than the plan's convention has
//!            │ the result           │ ← what goes back in registers, or the address of where it goes
//!            │ values               │ ← what came in registers
//!            │ pointers             │ ← `arguments`
//!            │ the handler's own    │ context, arguments, result
//!      esp ▶ ├──────────────────────┤
//! ```

use super::frame::PAGE;
use super::{Assembler, Gp, Mem, offset};
use crate::abi::Convention;
use crate::isa::x86::{Mm, Xmm};
use crate::plan::{CallPlan, Location, Move, Passing, ResultPlan};
use alloc::vec::Vec;

/// Where a thunk leaves the address of the context: an argument register in no convention here.
pub(super) const CONTEXT: Gp = Gp::Eax;

/// Scratch once the registers are stored, and when the result is loaded.
const SCRATCH: Gp = Gp::Ecx;

/// The code of an adapter for `plan`, whose handler has the convention `host`.
pub fn adapter(plan: &CallPlan, host: &Convention) -> Vec<u8> {
    let frame = Frame::of(plan, host);
    let mut adapter = Adapter { asm: Assembler::with_capacity(128 + 24 * plan.moves.len()), plan, frame };
    adapter.asm.endbr32();
    adapter.lower_stack();
    adapter.store_registers();
    adapter.store_pointers();
    adapter.call_handler();
    adapter.load_result();
    adapter.leave();
    adapter.asm.finish()
}

/// Offsets from the stack pointer, once it is lowered.
#[derive(Clone, Copy)]
struct Frame {
    values: u32,
    result: u32,
    /// What the stack pointer is lowered by.
    bytes: u32,
    /// The host's alignment, where it is more than the plan's convention has.
    over_aligned: Option<u32>,
}

/// Where the pointers are: above what the handler is given.
const POINTERS: u32 = 12;

/// No convention here gives back more in registers: a vector of 64 bytes.
const MAX_IN_REGISTERS: u32 = 64;

impl Frame {
    fn of(plan: &CallPlan, host: &Convention) -> Frame {
        let own = plan.abi.convention();
        let count = u32::try_from(plan.args.len()).unwrap_or(u32::MAX);
        let values = POINTERS + count * 4;
        let stored: u32 = plan.args.iter().map(|arg| room(plan, &arg.passing, arg.size)).sum();
        let result = values + stored;
        let needed = result + plan.result_size.clamp(4, MAX_IN_REGISTERS).next_multiple_of(4);
        let over_aligned = (host.stack_align > own.stack_align).then_some(host.stack_align);
        let bytes = match over_aligned {
            Some(_) => needed,
            // The return address is on the stack already.
            None => (needed + 4).next_multiple_of(host.stack_align) - 4,
        };
        Frame { values, result, bytes, over_aligned }
    }
}

/// The room that a value takes in the frame, if it comes in registers.
fn room(plan: &CallPlan, passing: &Passing, size: u32) -> u32 {
    match passing {
        Passing::Direct(run) if plan.moves_of(*run).iter().all(|piece| in_register(piece.location)) => {
            size.next_multiple_of(4)
        }
        Passing::Direct(_) | Passing::Indirect { .. } | Passing::Ignored(_) => 0,
    }
}

fn in_register(location: Location) -> bool {
    match location {
        Location::Gp(_) | Location::Vector(_) | Location::Mmx(_) => true,
        Location::X87(_) | Location::Stack(_) => false,
    }
}

struct Adapter<'a> {
    asm: Assembler,
    plan: &'a CallPlan,
    frame: Frame,
}

impl Adapter<'_> {
    /// Lowers the stack pointer, touching every page on the way.
    fn lower_stack(&mut self) {
        if self.frame.over_aligned.is_some() {
            self.asm.push_r32(Gp::Ebp);
            self.asm.mov_r32_r32(Gp::Ebp, Gp::Esp);
        }
        let mut left = self.frame.bytes;
        while left > PAGE {
            self.asm.sub_r32_imm32(Gp::Esp, PAGE.cast_signed());
            self.asm.or_m32_imm8(Mem::at(Gp::Esp, 0), 0);
            left -= PAGE;
        }
        self.asm.sub_r32_imm32(Gp::Esp, left.cast_signed());
        if let Some(align) = self.frame.over_aligned {
            self.asm.and_r32_imm32(Gp::Esp, -align.cast_signed());
        }
    }

    /// Where a stack argument is: behind the frame and the return address.
    fn incoming(&self, at: u32) -> Mem {
        match self.frame.over_aligned {
            Some(_) => Mem::at(Gp::Ebp, (8 + at).cast_signed()),
            None => frame(self.frame.bytes + 4 + at),
        }
    }

    /// Stores what came in registers: values, addresses of values, the address of a result.
    fn store_registers(&mut self) {
        if let ResultPlan::Hidden { pointer: Location::Gp(number), .. } = self.plan.result {
            self.asm.mov_m_r32(frame(self.frame.result), Gp::from_low_bits(number));
        }
        let plan = self.plan;
        let mut value = self.frame.values;
        let mut mmx = false;
        for (index, arg) in (0..).zip(&plan.args) {
            match &arg.passing {
                Passing::Direct(run) => {
                    for piece in plan.moves_of(*run) {
                        mmx |= matches!(piece.location, Location::Mmx(_));
                        self.store_piece(frame(value + piece.offset), piece);
                    }
                }
                Passing::Indirect { pointer: Location::Gp(number), .. } => {
                    self.asm.mov_m_r32(frame(POINTERS + 4 * index), Gp::from_low_bits(*number));
                }
                Passing::Indirect { .. } | Passing::Ignored(_) => {}
            }
            value += room(plan, &arg.passing, arg.size);
        }
        if mmx {
            // The handler never heard of MMX, which has the x87's registers.
            self.asm.emms();
        }
    }

    /// A register to the frame, whole words: the room for a value is a multiple of them.
    fn store_piece(&mut self, place: Mem, piece: &Move) {
        match (piece.location, piece.width) {
            (Location::Gp(number), _) => self.asm.mov_m_r32(place, Gp::from_low_bits(number)),
            (Location::Vector(number), 64) => self.asm.vmovups_m_z(place, Xmm::from_low_bits(number)),
            (Location::Vector(number), 32) => self.asm.vmovups_m_y(place, Xmm::from_low_bits(number)),
            (Location::Vector(number), 16) => self.asm.movups_m_x(place, Xmm::from_low_bits(number)),
            (Location::Vector(number), _) => self.asm.movsd_m_x(place, Xmm::from_low_bits(number)),
            (Location::Mmx(number), _) => self.asm.movq_m_mm(place, Mm::from_low_bits(number)),
            (Location::X87(_) | Location::Stack(_), _) => {}
        }
    }

    /// The array of pointers, each to its argument's value wherever that is.
    fn store_pointers(&mut self) {
        let plan = self.plan;
        let mut value = self.frame.values;
        for (index, arg) in (0..).zip(&plan.args) {
            match &arg.passing {
                Passing::Direct(run) => match plan.moves_of(*run) {
                    [Move { location: Location::Stack(at), .. }, ..] => {
                        self.asm.lea_r32_m(SCRATCH, self.incoming(*at));
                    }
                    _ => self.asm.lea_r32_m(SCRATCH, frame(value)),
                },
                Passing::Ignored(_) => self.asm.lea_r32_m(SCRATCH, frame(value)),
                Passing::Indirect { pointer: Location::Stack(at), .. } => {
                    self.asm.mov_r32_m(SCRATCH, self.incoming(*at));
                }
                // Stored already.
                Passing::Indirect { .. } => continue,
            }
            self.asm.mov_m_r32(frame(POINTERS + 4 * index), SCRATCH);
            value += room(plan, &arg.passing, arg.size);
        }
    }

    fn call_handler(&mut self) {
        let result = frame(self.frame.result);
        self.asm.mov_m_r32(frame(0), CONTEXT);
        self.asm.lea_r32_m(SCRATCH, frame(POINTERS));
        self.asm.mov_m_r32(frame(4), SCRATCH);
        match self.plan.result {
            ResultPlan::None => {}
            ResultPlan::Direct(_) => {
                self.asm.lea_r32_m(SCRATCH, result);
                self.asm.mov_m_r32(frame(8), SCRATCH);
            }
            ResultPlan::Hidden { pointer, .. } => {
                match pointer {
                    Location::Stack(at) => {
                        self.asm.mov_r32_m(SCRATCH, self.incoming(at));
                        self.asm.mov_m_r32(result, SCRATCH);
                    }
                    Location::Gp(_) | Location::Vector(_) | Location::Mmx(_) | Location::X87(_) => {
                        self.asm.mov_r32_m(SCRATCH, result);
                    }
                }
                self.asm.mov_m_r32(frame(8), SCRATCH);
            }
        }
        self.asm.call_m32(Mem::at(CONTEXT, 0));
    }

    fn load_result(&mut self) {
        let result = frame(self.frame.result);
        match &self.plan.result {
            ResultPlan::None => {}
            ResultPlan::Direct(run) => {
                for piece in self.plan.moves_of(*run) {
                    self.load_piece(offset(result, piece.offset), piece);
                }
            }
            ResultPlan::Hidden { returned, .. } => {
                if let Some(Location::Gp(number)) = *returned {
                    self.asm.mov_r32_m(Gp::from_low_bits(number), result);
                }
            }
        }
    }

    fn load_piece(&mut self, from: Mem, piece: &Move) {
        match (piece.location, piece.width) {
            (Location::Gp(number), 1) => self.asm.movzx_r32_m8(Gp::from_low_bits(number), from),
            (Location::Gp(number), 2) => self.asm.movzx_r32_m16(Gp::from_low_bits(number), from),
            (Location::Gp(number), _) => self.asm.mov_r32_m(Gp::from_low_bits(number), from),
            (Location::Vector(number), 64) => self.asm.vmovups_z_m(Xmm::from_low_bits(number), from),
            (Location::Vector(number), 32) => self.asm.vmovups_y_m(Xmm::from_low_bits(number), from),
            (Location::Vector(number), 16) => self.asm.movups_x_m(Xmm::from_low_bits(number), from),
            (Location::Vector(number), 8) => self.asm.movsd_x_m(Xmm::from_low_bits(number), from),
            // The room is a whole word, also for a _Float16.
            (Location::Vector(number), _) => self.asm.movss_x_m(Xmm::from_low_bits(number), from),
            (Location::Mmx(number), _) => self.asm.movq_mm_m(Mm::from_low_bits(number), from),
            (Location::X87(_), 4) => self.asm.fld_m32(from),
            (Location::X87(_), 8) => self.asm.fld_m64(from),
            (Location::X87(_), _) => self.asm.fld_m80(from),
            (Location::Stack(_), _) => {}
        }
    }

    /// Back to the caller, without what the convention has the callee pop.
    fn leave(&mut self) {
        match self.frame.over_aligned {
            Some(_) => self.asm.leave(),
            None => self.asm.add_r32_imm32(Gp::Esp, self.frame.bytes.cast_signed()),
        }
        match (self.plan.callee_pops, u16::try_from(self.plan.callee_pops)) {
            (0, _) => self.asm.ret(),
            (_, Ok(pops)) => self.asm.ret_imm16(pops),
            // The instruction has no room for as many.
            (pops, Err(_)) => {
                self.asm.pop_r32(SCRATCH);
                self.asm.add_r32_imm32(Gp::Esp, pops.cast_signed());
                self.asm.jmp_r32(SCRATCH);
            }
        }
    }
}

/// A byte of the frame.
fn frame(place: u32) -> Mem {
    Mem::at(Gp::Esp, place.cast_signed())
}
