//! Arguments that pass in memory: stored to the frame before any argument register is loaded.

use super::{Gp, Mem, SCRATCH, Stub, offset};
use crate::isa::x86_64::Xmm;
use crate::plan::{Extension, Location, Move, Passing};

/// From this many bytes on, a copy is a string instruction instead of unrolled moves.
pub(super) const BULK: u32 = 256;

impl Stub<'_> {
    /// Stores every stack argument and every copy.
    pub(super) fn store_stack_arguments(&mut self) {
        if !self.survey.on_stack && !self.survey.by_address {
            return;
        }
        let plan = self.plan;
        for (index, arg) in plan.args.iter().enumerate() {
            match &arg.passing {
                Passing::Ignored(_) => {}
                Passing::Direct(run) => {
                    for piece in plan.moves_of(*run) {
                        if let Location::Stack(at) = piece.location {
                            let value = self.value_of(index, arg);
                            self.store_piece(value, piece, at);
                        }
                    }
                }
                Passing::Indirect { pointer, copy, .. } => {
                    let value = self.value_of(index, arg);
                    self.copy(value, *copy, arg.size);
                    if let Location::Stack(at) = *pointer {
                        self.asm.lea_r64_m(SCRATCH, Mem::at(Gp::Rsp, copy.cast_signed()));
                        self.asm.mov_m_r64(Mem::at(Gp::Rsp, at.cast_signed()), SCRATCH);
                    }
                }
            }
        }
    }

    /// One piece of a value to its stack slot. An extended one fills its whole slot.
    fn store_piece(&mut self, value: Mem, piece: &Move, at: u32) {
        let from = offset(value, piece.offset);
        match piece.extension {
            Extension::None => self.copy(from, at, piece.width),
            Extension::Sign | Extension::Zero => {
                self.load_general(SCRATCH, from, piece);
                self.asm.mov_m_r64(Mem::at(Gp::Rsp, at.cast_signed()), SCRATCH);
            }
        }
    }

    /// `width` bytes from `from`, which may lean on the scratch register, to the frame at `at`.
    fn copy(&mut self, from: Mem, at: u32, width: u32) {
        let to = Mem::at(Gp::Rsp, at.cast_signed());
        if width >= BULK {
            self.copy_in_bulk(from, to, width);
            return;
        }
        let mut done = 0;
        while width - done >= 16 {
            self.asm.movups_x_m(Xmm::Xmm0, offset(from, done));
            self.asm.movups_m_x(offset(to, done), Xmm::Xmm0);
            done += 16;
        }
        // The scratch register may hold the source's address: a temporary beside it for all but the last chunk.
        while done < width {
            let (chunk, last) = chunk(width - done);
            let through = if last { SCRATCH } else { Gp::R9 };
            self.load_chunk(through, offset(from, done), chunk);
            self.store_chunk(offset(to, done), through, chunk);
            done += chunk;
        }
    }

    fn copy_in_bulk(&mut self, from: Mem, to: Mem, width: u32) {
        self.asm.lea_r64_m(Gp::Rsi, from);
        self.asm.lea_r64_m(Gp::Rdi, to);
        self.asm.mov_r32_imm32(Gp::Rcx, width / 8);
        self.asm.rep_movsq();
        if !width.is_multiple_of(8) {
            self.asm.mov_r32_imm32(Gp::Rcx, width % 8);
            self.asm.rep_movsb();
        }
    }

    pub(super) fn load_chunk(&mut self, to: Gp, from: Mem, bytes: u32) {
        match bytes {
            8 => self.asm.mov_r64_m(to, from),
            4 => self.asm.mov_r32_m(to, from),
            2 => self.asm.movzx_r32_m16(to, from),
            _ => self.asm.movzx_r32_m8(to, from),
        }
    }

    pub(super) fn store_chunk(&mut self, to: Mem, from: Gp, bytes: u32) {
        match bytes {
            8 => self.asm.mov_m_r64(to, from),
            4 => self.asm.mov_m_r32(to, from),
            2 => self.asm.mov_m_r16(to, from),
            _ => self.asm.mov_m_r8(to, from),
        }
    }
}

/// The largest power of two that fits into `left` bytes, at most 8, and whether nothing is left after it.
pub(super) fn chunk(left: u32) -> (u32, bool) {
    let bytes = match left {
        8.. => 8,
        4..8 => 4,
        2..4 => 2,
        _ => 1,
    };
    (bytes, bytes == left)
}
