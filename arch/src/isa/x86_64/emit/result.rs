//! The result, from its registers to memory.

use super::copy::chunk;
use super::{Gp, Mem, SCRATCH, Stub, offset};
use crate::isa::x86_64::Xmm;
use crate::plan::{Location, ResultPlan};

/// Holds the result's address after the call: no result register in any convention here.
pub(super) const POINTER: Gp = Gp::Rcx;

impl Stub<'_> {
    /// Stores the result's registers, exactly as many bytes as the plan says.
    pub(super) fn store_result(&mut self) {
        let ResultPlan::Direct(run) = &self.plan.result else { return };
        let moves = self.plan.moves_of(*run);
        let to = |bytes| offset(Mem::at(POINTER, 0), bytes);
        let mut wide = false;
        // General registers first: odd vector pieces go through rax.
        for piece in moves {
            if let Location::Gp(number) = piece.location {
                self.store_general(to(piece.offset), Gp::from_low_bits(number), piece.width);
            }
        }
        for piece in moves {
            match piece.location {
                Location::Gp(_) | Location::Mmx(_) | Location::Stack(_) => {}
                Location::Vector(number) => {
                    wide |= piece.width > 16;
                    self.store_vector(to(piece.offset), Xmm::from_low_bits(number), piece.width);
                }
                // In order, so that each is on top when its turn comes.
                Location::X87(_) => self.asm.fstp_m80(to(piece.offset)),
            }
        }
        if wide {
            self.asm.vzeroupper();
        }
    }

    /// The low `width` bytes of `from`, which is used up.
    fn store_general(&mut self, to: Mem, from: Gp, width: u32) {
        let mut done = 0;
        while done < width {
            let (bytes, last) = chunk(width - done);
            self.store_chunk(offset(to, done), from, bytes);
            if !last {
                // 8 to 32.
                #[allow(clippy::cast_possible_truncation)]
                self.asm.shr_r64_imm8(from, (bytes * 8) as u8);
            }
            done += bytes;
        }
    }

    fn store_vector(&mut self, to: Mem, from: Xmm, width: u32) {
        match width {
            4 => self.asm.movss_m_x(to, from),
            8 => self.asm.movsd_m_x(to, from),
            16 => self.asm.movups_m_x(to, from),
            32 => self.asm.vmovups_m_y(to, from),
            64 => self.asm.vmovups_m_z(to, from),
            _ => {
                self.asm.movq_r64_x(SCRATCH, from);
                self.store_general(to, SCRATCH, width);
            }
        }
    }
}
