//! From a call plan to an adapter: C → Rust, for signatures known only at run time.
//!
//! An adapter is entered from a thunk, as the function that C called, under the plan's convention, with the address of
//! the callback's context in r10. It calls the handler whose address is the context's first word, under the *host's*
//! convention, as `handler(context, arguments, result)`: `arguments` is an array of pointers to the arguments' values,
//! `result` is room for the result. What came in registers is stored to the frame first; what lies in memory already is
//! pointed at where it is, since it is the callee's to use.
//!
//! ```text
//!            ├──────────────────────┤
//!            │ stack arguments      │
//!            │ return address       │
//!            ├──────────────────────┤
//!            │ kept registers       │ preserved by the plan's convention, not by the host's
//!            │ values, the result   │ ← what came in registers; what goes back in them
//!            │ pointers             │ ← `arguments`
//!            │ shadow space         │ of the host's convention
//!      rsp ▶ ├──────────────────────┤
//! ```

use super::frame::PAGE;
use super::{Assembler, Gp, Mem};
use crate::abi::{Convention, RegSet};
use crate::isa::x86_64::Xmm;
use crate::plan::{CallPlan, Extension, Location, Move, Passing, ResultPlan};
use alloc::vec::Vec;

/// Where a thunk leaves the address of the context: an argument register in no convention here.
pub(super) const CONTEXT: Gp = Gp::R10;

/// Scratch until the result is loaded.
const SCRATCH: Gp = Gp::Rax;

/// The code of an adapter for `plan`, whose handler has the convention `host`.
pub fn adapter(plan: &CallPlan, host: &Convention) -> Vec<u8> {
    let frame = Frame::of(plan, host);
    let mut adapter = Adapter { asm: Assembler::with_capacity(128 + 32 * plan.moves.len()), plan, frame };
    adapter.asm.endbr64();
    adapter.lower_stack();
    adapter.each_kept(Assembler::movups_m_x, Assembler::mov_m_r64);
    adapter.store_registers();
    adapter.store_pointers();
    adapter.call_handler(host);
    adapter.load_result();
    adapter.each_kept(
        |asm, place, register| asm.movups_x_m(register, place),
        |asm, place, register| {
            asm.mov_r64_m(register, place);
        },
    );
    adapter.asm.add_r64_imm32(Gp::Rsp, adapter.frame.bytes.cast_signed());
    adapter.asm.ret();
    adapter.asm.finish()
}

/// Offsets from the stack pointer, once it is lowered.
#[derive(Clone, Copy)]
struct Frame {
    pointers: u32,
    values: u32,
    result: u32,
    kept: u32,
    kept_gp: RegSet,
    kept_vector: RegSet,
    /// What the stack pointer is lowered by.
    bytes: u32,
}

impl Frame {
    fn of(plan: &CallPlan, host: &Convention) -> Frame {
        let own = plan.abi.convention();
        let kept_gp = own.preserved_gp.minus(host.preserved_gp);
        let kept_vector = own.preserved_vector.minus(host.preserved_vector);
        let pointers = host.shadow_space;
        let count = u32::try_from(plan.args.len()).unwrap_or(u32::MAX);
        let values = (pointers + count * 8).next_multiple_of(16);
        let stored: u32 = plan.args.iter().map(|arg| room(plan, &arg.passing, arg.size)).sum();
        let result = values + stored;
        let kept = result + plan.result_size.min(MAX_IN_REGISTERS).next_multiple_of(16);
        let needed = kept + kept_vector.len() * 16 + kept_gp.len() * 8;
        // The return address is on the stack already.
        let bytes = (needed + 8).next_multiple_of(own.stack_align) - 8;
        Frame { pointers, values, result, kept, kept_gp, kept_vector, bytes }
    }
}

/// No convention here gives back more in registers: a vector of 64 bytes.
const MAX_IN_REGISTERS: u32 = 64;

/// The room that a value takes in the frame, if it comes in registers.
fn room(plan: &CallPlan, passing: &Passing, size: u32) -> u32 {
    match passing {
        Passing::Direct(run) if plan.moves_of(*run).iter().all(|piece| in_register(piece.location)) => {
            size.next_multiple_of(16)
        }
        Passing::Direct(_) | Passing::Indirect { .. } | Passing::Ignored(_) => 0,
    }
}

fn in_register(location: Location) -> bool {
    match location {
        Location::Gp(_) | Location::Vector(_) => true,
        Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => false,
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
        let mut left = self.frame.bytes;
        while left > PAGE {
            self.asm.sub_r64_imm32(Gp::Rsp, PAGE.cast_signed());
            self.asm.or_m64_imm8(Mem::at(Gp::Rsp, 0), 0);
            left -= PAGE;
        }
        self.asm.sub_r64_imm32(Gp::Rsp, left.cast_signed());
    }

    fn each_kept(
        &mut self,
        vector: impl Fn(&mut Assembler, Mem, Xmm),
        general: impl Fn(&mut Assembler, Mem, Gp),
    ) {
        let mut place = self.frame.kept;
        for number in self.frame.kept_vector.iter() {
            vector(&mut self.asm, at(place), Xmm::from_low_bits(number));
            place += 16;
        }
        for number in self.frame.kept_gp.iter() {
            general(&mut self.asm, at(place), Gp::from_low_bits(number));
            place += 8;
        }
    }

    /// Stores what came in registers: first the hidden result's address, whose room is the result's own.
    fn store_registers(&mut self) {
        if let ResultPlan::Hidden { pointer: Location::Gp(number), .. } = self.plan.result {
            self.asm.mov_m_r64(at(self.frame.result), Gp::from_low_bits(number));
        }
        let plan = self.plan;
        let mut value = self.frame.values;
        for arg in &plan.args {
            if let Passing::Direct(run) = &arg.passing {
                for piece in plan.moves_of(*run) {
                    self.store_piece(value + piece.offset, piece);
                }
            }
            value += room(plan, &arg.passing, arg.size);
        }
    }

    /// A register to the frame, whole words: the room for a value is a multiple of 16 bytes.
    fn store_piece(&mut self, place: u32, piece: &Move) {
        match piece.location {
            Location::Gp(number) => self.asm.mov_m_r64(at(place), Gp::from_low_bits(number)),
            Location::Vector(number) => {
                let register = Xmm::from_low_bits(number);
                match piece.width {
                    64 => self.asm.vmovups_m_z(at(place), register),
                    32 => self.asm.vmovups_m_y(at(place), register),
                    16 => self.asm.movups_m_x(at(place), register),
                    _ => self.asm.movsd_m_x(at(place), register),
                }
            }
            Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => {}
        }
    }

    /// The array of pointers, each to its argument's value wherever that is.
    fn store_pointers(&mut self) {
        let plan = self.plan;
        let mut value = self.frame.values;
        let mut pointer = self.frame.pointers;
        for arg in &plan.args {
            let holder = match &arg.passing {
                Passing::Ignored(_) => self.address(value),
                Passing::Direct(run) => match plan.moves_of(*run) {
                    [Move { location: Location::Stack(offset), .. }, ..] => {
                        let place = self.incoming(*offset);
                        self.address(place)
                    }
                    _ => self.address(value),
                },
                Passing::Indirect { pointer: Location::Gp(number), .. } => Gp::from_low_bits(*number),
                Passing::Indirect { pointer: Location::Stack(offset), .. } => {
                    let place = self.incoming(*offset);
                    self.asm.mov_r64_m(SCRATCH, at(place));
                    SCRATCH
                }
                Passing::Indirect {
                    pointer: Location::Vector(_) | Location::Mmx(_) | Location::X87(_),
                    ..
                } => SCRATCH,
            };
            self.asm.mov_m_r64(at(pointer), holder);
            value += room(plan, &arg.passing, arg.size);
            pointer += 8;
        }
    }

    /// Loads the address of the frame's byte `place`.
    fn address(&mut self, place: u32) -> Gp {
        self.asm.lea_r64_m(SCRATCH, at(place));
        SCRATCH
    }

    /// Where a stack argument is, seen from the lowered stack pointer: behind the frame and the return address.
    fn incoming(&self, offset: u32) -> u32 {
        self.frame.bytes + 8 + offset
    }

    fn call_handler(&mut self, host: &Convention) {
        let [context, arguments, result] = [0, 1, 2].map(|n| Gp::from_low_bits(host.gp_params[n]));
        self.asm.mov_r64_r64(context, CONTEXT);
        self.asm.lea_r64_m(arguments, at(self.frame.pointers));
        match self.plan.result {
            ResultPlan::None => {}
            ResultPlan::Direct(_) => self.asm.lea_r64_m(result, at(self.frame.result)),
            ResultPlan::Hidden { .. } => self.asm.mov_r64_m(result, at(self.frame.result)),
        }
        self.asm.call_m64(Mem::at(CONTEXT, 0));
    }

    fn load_result(&mut self) {
        let result = self.frame.result;
        match &self.plan.result {
            ResultPlan::None => {}
            ResultPlan::Direct(run) => {
                // Backwards: what is pushed last on the x87 stack is on its top.
                for piece in self.plan.moves_of(*run).iter().rev() {
                    self.load_piece(at(result + piece.offset), piece);
                }
            }
            ResultPlan::Hidden { returned, .. } => {
                if let Some(Location::Gp(number)) = *returned {
                    self.asm.mov_r64_m(Gp::from_low_bits(number), at(result));
                }
            }
        }
    }

    fn load_piece(&mut self, from: Mem, piece: &Move) {
        match piece.location {
            Location::Gp(number) => {
                let to = Gp::from_low_bits(number);
                match (piece.width, piece.extension) {
                    (1, Extension::Sign) => self.asm.movsx_r32_m8(to, from),
                    (1, Extension::Zero | Extension::None) => self.asm.movzx_r32_m8(to, from),
                    (2, Extension::Sign) => self.asm.movsx_r32_m16(to, from),
                    (2, Extension::Zero | Extension::None) => self.asm.movzx_r32_m16(to, from),
                    (4, _) => self.asm.mov_r32_m(to, from),
                    (_, _) => self.asm.mov_r64_m(to, from),
                }
            }
            Location::Vector(number) => {
                let to = Xmm::from_low_bits(number);
                match piece.width {
                    64 => self.asm.vmovups_z_m(to, from),
                    32 => self.asm.vmovups_y_m(to, from),
                    16 => self.asm.movups_x_m(to, from),
                    5..=8 => self.asm.movsd_x_m(to, from),
                    _ => self.asm.movss_x_m(to, from),
                }
            }
            Location::X87(_) => self.asm.fld_m80(from),
            Location::Mmx(_) | Location::Stack(_) => {}
        }
    }
}

/// A byte of the frame.
fn at(place: u32) -> Mem {
    Mem::at(Gp::Rsp, place.cast_signed())
}
