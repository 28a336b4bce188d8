//! Arguments that pass in registers, and the hidden result's address where that does.

use super::{Entered, Gp, Mem, Stub, VALUE, offset};
use crate::isa::x86::{Mm, Xmm};
use crate::plan::{Extension, Location, Move, Passing, ResultPlan};

impl Stub<'_> {
    /// Loads every argument register: those of vectors first, whose values' addresses go through a general register.
    pub(super) fn load_registers(&mut self) {
        let plan = self.plan;
        for (index, arg) in plan.args.iter().enumerate() {
            let Passing::Direct(run) = &arg.passing else { continue };
            for piece in plan.moves_of(*run) {
                match piece.location {
                    Location::Vector(number) => {
                        let value = self.value_of(index, arg, VALUE);
                        self.load_vector(
                            Xmm::from_low_bits(number),
                            offset(value, piece.offset),
                            piece.width,
                        );
                    }
                    Location::Mmx(number) => {
                        let value = self.value_of(index, arg, VALUE);
                        self.asm.movq_mm_m(Mm::from_low_bits(number), offset(value, piece.offset));
                    }
                    Location::Gp(_) | Location::X87(_) | Location::Stack(_) => {}
                }
            }
        }
        self.load_general_registers();
    }

    /// Each is where the address of its own value goes through.
    fn load_general_registers(&mut self) {
        if let ResultPlan::Hidden { pointer: Location::Gp(number), .. } = self.plan.result {
            self.asm.mov_r32_m(Gp::from_low_bits(number), self.entered(Entered::Result));
        }
        let plan = self.plan;
        for (index, arg) in plan.args.iter().enumerate() {
            match &arg.passing {
                Passing::Ignored(_) => {}
                Passing::Direct(run) => {
                    for piece in plan.moves_of(*run) {
                        if let Location::Gp(number) = piece.location {
                            let to = Gp::from_low_bits(number);
                            let value = self.value_of(index, arg, to);
                            self.load_general(to, offset(value, piece.offset), piece);
                        }
                    }
                }
                Passing::Indirect { pointer, copy, .. } => {
                    if let Location::Gp(number) = *pointer {
                        self.asm.lea_r32_m(Gp::from_low_bits(number), self.outgoing(*copy));
                    }
                }
            }
        }
    }

    /// An integer of at most 4 bytes, which no convention here passes in other widths than C's.
    pub(super) fn load_general(&mut self, to: Gp, from: Mem, piece: &Move) {
        match (piece.width, piece.extension) {
            (1, Extension::Sign) => self.asm.movsx_r32_m8(to, from),
            (1, Extension::Zero | Extension::None) => self.asm.movzx_r32_m8(to, from),
            (2, Extension::Sign) => self.asm.movsx_r32_m16(to, from),
            (2, Extension::Zero | Extension::None) => self.asm.movzx_r32_m16(to, from),
            (_, Extension::Sign | Extension::Zero | Extension::None) => self.asm.mov_r32_m(to, from),
        }
    }

    fn load_vector(&mut self, to: Xmm, from: Mem, width: u32) {
        match width {
            64 => self.asm.vmovups_z_m(to, from),
            32 => self.asm.vmovups_y_m(to, from),
            16 => self.asm.movups_x_m(to, from),
            _ => self.asm.movsd_x_m(to, from),
        }
    }
}
