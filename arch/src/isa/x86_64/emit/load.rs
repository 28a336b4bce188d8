//! Arguments that pass in registers, AL, and the hidden result.

use super::{Gp, Mem, SCRATCH, Stub, offset};
use crate::isa::x86_64::Xmm;
use crate::plan::{ArgPlan, Extension, Location, Move, Passing, ResultPlan};

fn in_register(location: Location) -> bool {
    matches!(location, Location::Gp(_) | Location::Vector(_))
}

impl Stub<'_> {
    /// Loads every argument register. The one that holds the arguments' address goes last.
    pub(super) fn load_registers(&mut self) {
        if let ResultPlan::Hidden { pointer: Location::Gp(number), .. } = self.plan.result {
            // First: the register that the address came in may be an argument's.
            self.asm.mov_r64_r64(Gp::from_low_bits(number), self.result);
        }
        let args = &self.plan.args;
        let late = args.iter().position(|arg| self.is_late(arg));
        for (index, arg) in args.iter().enumerate() {
            if Some(index) != late {
                self.load_argument(index, arg);
            }
        }
        if let Some(late) = late {
            self.load_argument(late, &args[late]);
        }
        if let Some(count) = self.plan.vector_count {
            // psABI 3.5.7: an upper bound on the vector registers used, in AL.
            self.asm.mov_r32_imm32(Gp::Rax, u32::from(count));
        }
    }

    /// Whether a part of an argument, or its address, passes in the register that the arguments' address came in.
    #[inline(always)]
    fn is_late(&self, arg: &ArgPlan) -> bool {
        match &arg.passing {
            Passing::Ignored(_) => false,
            Passing::Direct(run) => run.start <= self.survey.late && self.survey.late < run.end,
            Passing::Indirect { pointer, .. } => *pointer == Location::Gp(self.arguments.number()),
        }
    }

    /// Loads an argument's registers, of which it has none on the stack beside them.
    #[inline(always)]
    fn load_argument(&mut self, index: usize, arg: &ArgPlan) {
        match &arg.passing {
            Passing::Ignored(_) => {}
            Passing::Direct(run) => {
                let pieces = self.plan.moves_of(*run);
                if pieces.first().is_some_and(|piece| in_register(piece.location)) {
                    let value = self.value_of(index, arg);
                    for piece in pieces {
                        self.load_piece(value, piece);
                    }
                }
            }
            Passing::Indirect { pointer, copy, .. } => {
                if let Location::Gp(number) = *pointer {
                    self.asm.lea_r64_m(Gp::from_low_bits(number), Mem::at(Gp::Rsp, copy.cast_signed()));
                }
            }
        }
    }

    /// One piece of the value at `value` into its register. What is rare comes last and out of line, so that the usual
    /// way has no registers to save.
    #[inline(never)]
    fn load_piece(&mut self, value: Mem, piece: &Move) {
        let from = offset(value, piece.offset);
        match piece.location {
            Location::Gp(number) => self.load_general(Gp::from_low_bits(number), from, piece),
            Location::Vector(number) => self.load_vector(Xmm::from_low_bits(number), from, piece.width),
            Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => {}
        }
    }

    /// An integer, extended to 32 bits where the plan says so; what is more than its width is cleared otherwise. `to` may be
    /// `from`'s base only for widths of one load; the scratch register is used up.
    #[inline(always)]
    pub(super) fn load_general(&mut self, to: Gp, from: Mem, piece: &Move) {
        let signed = piece.extension == Extension::Sign;
        match piece.width {
            8 => self.asm.mov_r64_m(to, from),
            4 => self.asm.mov_r32_m(to, from),
            2 if signed => self.asm.movsx_r32_m16(to, from),
            2 => self.asm.movzx_r32_m16(to, from),
            1 if signed => self.asm.movsx_r32_m8(to, from),
            1 => self.asm.movzx_r32_m8(to, from),
            3 => self.load_two(to, from, 2, 1),
            5 => self.load_two(to, from, 4, 1),
            6 => self.load_two(to, from, 4, 2),
            _ => self.load_two(to, from, 4, 3),
        }
    }

    /// 3, 5, 6 or 7 bytes, and not one beyond: two loads of `half` bytes, the second `ahead` of the first.
    #[cold]
    #[inline(never)]
    fn load_two(&mut self, to: Gp, from: Mem, half: u32, ahead: u8) {
        self.load_chunk(to, offset(from, ahead.into()), half);
        self.asm.shl_r64_imm8(to, 8 * ahead);
        self.load_chunk(SCRATCH, from, half);
        self.asm.or_r64_r64(to, SCRATCH);
    }

    #[inline(always)]
    fn load_vector(&mut self, to: Xmm, from: Mem, width: u32) {
        match width {
            4 => self.asm.movss_x_m(to, from),
            8 => self.asm.movsd_x_m(to, from),
            16 => self.asm.movups_x_m(to, from),
            32 => self.asm.vmovups_y_m(to, from),
            64 => self.asm.vmovups_z_m(to, from),
            _ => self.load_halves(to, from, width),
        }
    }

    /// One or three halves (`_Float16`).
    #[cold]
    #[inline(never)]
    fn load_halves(&mut self, to: Xmm, from: Mem, width: u32) {
        if width == 6 {
            self.asm.movss_x_m(to, from);
            self.asm.pinsrw_x_m_imm8(to, offset(from, 4), 2);
        } else {
            self.asm.pinsrw_x_m_imm8(to, from, 0);
        }
    }
}
