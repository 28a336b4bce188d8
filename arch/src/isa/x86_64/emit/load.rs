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
        let plan = self.plan;
        let arguments = Location::Gp(self.arguments.number());
        let mut late = None;
        for (index, arg) in plan.args.iter().enumerate() {
            if self.loads_into(arg, arguments) {
                late = Some((index, arg));
            } else {
                self.load_argument(index, arg);
            }
        }
        if let Some((index, arg)) = late {
            self.load_argument(index, arg);
        }
        if let Some(count) = plan.vector_count {
            // psABI 3.5.7: an upper bound on the vector registers used, in AL.
            self.asm.mov_r32_imm32(Gp::Rax, u32::from(count));
        }
    }

    /// Whether a part of an argument, or its address, passes in `register`.
    #[inline(always)]
    fn loads_into(&self, arg: &ArgPlan, register: Location) -> bool {
        match &arg.passing {
            Passing::Ignored(_) => false,
            Passing::Direct(run) => self.plan.moves_of(*run).iter().any(|piece| piece.location == register),
            Passing::Indirect { pointer, .. } => *pointer == register,
        }
    }

    /// Loads an argument's registers, of which it has none on the stack beside them.
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

    /// One piece of the value at `value` into its register.
    fn load_piece(&mut self, value: Mem, piece: &Move) {
        let from = offset(value, piece.offset);
        match piece.location {
            Location::Gp(number) => self.load_general(Gp::from_low_bits(number), from, piece),
            Location::Vector(number) => self.load_vector(Xmm::from_low_bits(number), from, piece.width),
            Location::X87(_) | Location::Stack(_) => {}
        }
    }

    fn load_general(&mut self, to: Gp, from: Mem, piece: &Move) {
        match piece.extension {
            Extension::Sign | Extension::Zero => self.load_extended(to, from, piece),
            Extension::None => self.load_bytes(to, from, piece.width),
        }
    }

    /// A 1- or 2-byte integer, extended to 32 bits.
    pub(super) fn load_extended(&mut self, to: Gp, from: Mem, piece: &Move) {
        match (piece.extension, piece.width) {
            (Extension::Sign, 1) => self.asm.movsx_r32_m8(to, from),
            (Extension::Sign, 2) => self.asm.movsx_r32_m16(to, from),
            (Extension::Zero, 1) => self.asm.movzx_r32_m8(to, from),
            (Extension::Zero, 2) => self.asm.movzx_r32_m16(to, from),
            (Extension::None | Extension::Sign | Extension::Zero, width) => self.load_bytes(to, from, width),
        }
    }

    /// `width` bytes, and not one beyond: odd widths are two loads that overlap. `to` may be `from`'s base only for
    /// widths of one load; the scratch register is used up.
    fn load_bytes(&mut self, to: Gp, from: Mem, width: u32) {
        match width {
            1 => self.asm.movzx_r32_m8(to, from),
            2 => self.asm.movzx_r32_m16(to, from),
            3 => {
                self.asm.movzx_r32_m16(to, offset(from, 1));
                self.asm.shl_r64_imm8(to, 8);
                self.asm.movzx_r32_m16(SCRATCH, from);
                self.asm.or_r64_r64(to, SCRATCH);
            }
            4 => self.asm.mov_r32_m(to, from),
            5..8 => {
                let ahead = width - 4;
                self.asm.mov_r32_m(to, offset(from, ahead));
                // 8 to 24.
                #[allow(clippy::cast_possible_truncation)]
                self.asm.shl_r64_imm8(to, (ahead * 8) as u8);
                self.asm.mov_r32_m(SCRATCH, from);
                self.asm.or_r64_r64(to, SCRATCH);
            }
            _ => self.asm.mov_r64_m(to, from),
        }
    }

    fn load_vector(&mut self, to: Xmm, from: Mem, width: u32) {
        match width {
            4 => self.asm.movss_x_m(to, from),
            8 => self.asm.movsd_x_m(to, from),
            16 => self.asm.movups_x_m(to, from),
            32 => self.asm.vmovups_y_m(to, from),
            64 => self.asm.vmovups_z_m(to, from),
            // What is left are one to three halves (_Float16).
            6 => {
                self.asm.movss_x_m(to, from);
                self.asm.pinsrw_x_m_imm8(to, offset(from, 4), 2);
            }
            _ => {
                self.asm.pinsrw_x_m_imm8(to, from, 0);
            }
        }
    }
}
