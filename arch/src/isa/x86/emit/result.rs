//! The result, from its registers to memory.

use super::{Entered, Gp, Mem, SCRATCH, Stub, offset};
use crate::isa::x86::{Low, Mm, Xmm};
use crate::plan::{Location, ResultPlan};

/// Holds the result's address after the call: no result register in any convention here.
const POINTER: Gp = Gp::Ecx;

impl Stub<'_> {
    /// Stores the result's registers, exactly as many bytes as the plan says.
    pub(super) fn store_result(&mut self) {
        let ResultPlan::Direct(run) = &self.plan.result else { return };
        self.asm.mov_r32_m(POINTER, self.entered(Entered::Result));
        for piece in self.plan.moves_of(*run) {
            let to = offset(Mem::at(POINTER, 0), piece.offset);
            match (piece.location, piece.width) {
                (Location::Gp(number), 4) => self.asm.mov_m_r32(to, Gp::from_low_bits(number)),
                (Location::Gp(number), 2) => self.asm.mov_m_r16(to, Gp::from_low_bits(number)),
                // What is narrower than a word is alone, in the first register.
                (Location::Gp(_), _) => self.asm.mov_m_r8(to, Low::Al),
                (Location::Vector(number), width) => {
                    self.store_vector(to, Xmm::from_low_bits(number), width);
                }
                (Location::Mmx(number), _) => self.asm.movq_m_mm(to, Mm::from_low_bits(number)),
                (Location::X87(_), 4) => self.asm.fstp_m32(to),
                (Location::X87(_), 8) => self.asm.fstp_m64(to),
                (Location::X87(_), _) => self.asm.fstp_m80(to),
                (Location::Stack(_), _) => {}
            }
        }
    }

    fn store_vector(&mut self, to: Mem, from: Xmm, width: u32) {
        match width {
            64 => self.asm.vmovups_m_z(to, from),
            32 => self.asm.vmovups_m_y(to, from),
            16 => self.asm.movups_m_x(to, from),
            8 => self.asm.movsd_m_x(to, from),
            4 => self.asm.movss_m_x(to, from),
            // A _Float16.
            _ => {
                self.asm.movd_r32_x(SCRATCH, from);
                self.asm.mov_m_r16(to, SCRATCH);
            }
        }
        if width > 16 {
            self.asm.vzeroupper();
        }
    }
}
