//! Any bytes at any distance: what one instruction reaches or moves, and what takes several.

use super::{Assembler, Base, Gp, Mem, SCRATCH};
use crate::isa::aarch64::encode::{fits, fits_pair};
use crate::isa::aarch64::reg::Vector;

/// The part of an addend that one instruction adds, shifted.
const HIGH: u32 = 0xff_f000;

impl Assembler {
    /// `to = from + bytes`, for fewer than 16 MiB.
    pub(super) fn add(&mut self, to: impl Into<Base>, from: impl Into<Base>, bytes: u32) {
        let (to, from) = (to.into(), from.into());
        match (bytes & HIGH, bytes & !HIGH) {
            (0, low) => self.add_sp_sp_imm12(to, from, low),
            (high, 0) => self.add_sp_sp_imm12(to, from, high),
            (high, low) => {
                self.add_sp_sp_imm12(to, from, high);
                self.add_sp_sp_imm12(to, to, low);
            }
        }
    }

    /// `mem`, or the same place by way of `through`, where a load or store of `size` bytes reaches it.
    pub(super) fn reach(&mut self, mem: Mem, size: u32, through: Gp) -> Mem {
        self.reach_if(fits(mem.disp, size), mem, through)
    }

    /// As [`Assembler::reach`], for two registers of `size` bytes each.
    pub(super) fn reach_pair(&mut self, mem: Mem, size: u32, through: Gp) -> Mem {
        self.reach_if(fits_pair(mem.disp, size), mem, through)
    }

    fn reach_if(&mut self, fits: bool, mem: Mem, through: Gp) -> Mem {
        if fits {
            return mem;
        }
        self.add(through, mem.base, mem.disp);
        Mem::at(through, 0)
    }

    /// Loads 1, 2, 4 or 8 bytes; zeros fill the rest.
    pub(super) fn load_chunk(&mut self, to: Gp, from: Mem, bytes: u32) {
        match bytes {
            8 => self.ldr_x_m(to, from),
            4 => self.ldr_w_m(to, from),
            2 => self.ldrh_w_m(to, from),
            _ => self.ldrb_w_m(to, from),
        }
    }

    /// Stores the low 1, 2, 4 or 8 bytes.
    pub(super) fn store_chunk(&mut self, to: Mem, from: Gp, bytes: u32) {
        match bytes {
            8 => self.str_m_x(to, from),
            4 => self.str_m_w(to, from),
            2 => self.strh_m_w(to, from),
            _ => self.strb_m_w(to, from),
        }
    }

    /// Loads 1 to 8 bytes, and not one beyond: widths of no single load are put together from two or three.
    /// `to` is not `from`'s base, and neither is [`SCRATCH`].
    pub(super) fn load_bytes(&mut self, to: Gp, from: Mem, width: u32) {
        let mut done = chunk(width);
        self.load_chunk(to, from, done);
        while done < width {
            let bytes = chunk(width - done);
            self.load_chunk(SCRATCH, from.after(done), bytes);
            // 8 to 48.
            #[allow(clippy::cast_possible_truncation)]
            self.orr_x_x_x(to, to, SCRATCH, (done * 8) as u8);
            done += bytes;
        }
    }

    /// Stores the low 1 to 8 bytes of `from`, which is used up.
    pub(super) fn store_bytes(&mut self, to: Mem, from: Gp, width: u32) {
        let mut done = 0;
        while done < width {
            let bytes = chunk(width - done);
            self.store_chunk(to.after(done), from, bytes);
            done += bytes;
            if done < width {
                // 8 to 32.
                #[allow(clippy::cast_possible_truncation)]
                self.lsr_x_x_imm6(from, from, (bytes * 8) as u8);
            }
        }
    }

    /// Loads a vector register's low 2, 4, 8 or 16 bytes, which are all that one piece has.
    pub(super) fn load_vector(&mut self, to: Vector, from: Mem, width: u32) {
        match width {
            16 => self.ldr_q_m(to, from),
            8 => self.ldr_d_m(to, from),
            4 => self.ldr_s_m(to, from),
            _ => self.ldr_h_m(to, from),
        }
    }

    /// Stores as many.
    pub(super) fn store_vector(&mut self, to: Mem, from: Vector, width: u32) {
        match width {
            16 => self.str_m_q(to, from),
            8 => self.str_m_d(to, from),
            4 => self.str_m_s(to, from),
            _ => self.str_m_h(to, from),
        }
    }
}

/// The largest power of two that fits into `left` bytes, at most 8.
pub(super) fn chunk(left: u32) -> u32 {
    match left {
        8.. => 8,
        4..8 => 4,
        2..4 => 2,
        _ => 1,
    }
}
