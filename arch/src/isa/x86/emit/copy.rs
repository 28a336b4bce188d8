//! Arguments that pass in memory: stored before any argument register is loaded.

use super::{Entered, Gp, Mem, SCRATCH, Stub, VALUE, offset};
use crate::isa::x86::{Low, Xmm};
use crate::plan::{Extension, Location, Move, Passing, ResultPlan};

/// From this many bytes on, a copy is a string instruction instead of unrolled moves.
pub(super) const BULK: u32 = 256;

impl Stub<'_> {
    /// Stores every stack argument and every copy, and a hidden result's address where that is on the stack.
    pub(super) fn store_stack_arguments(&mut self) {
        if let ResultPlan::Hidden { pointer: Location::Stack(at), .. } = self.plan.result {
            self.asm.mov_r32_m(SCRATCH, self.entered(Entered::Result));
            self.asm.mov_m_r32(self.outgoing(at), SCRATCH);
        }
        let plan = self.plan;
        for (index, arg) in plan.args.iter().enumerate() {
            match &arg.passing {
                Passing::Ignored(_) => {}
                Passing::Direct(run) => {
                    for piece in plan.moves_of(*run) {
                        if let Location::Stack(at) = piece.location {
                            let value = self.value_of(index, arg, VALUE);
                            self.store_piece(value, piece, self.outgoing(at));
                        }
                    }
                }
                Passing::Indirect { pointer, copy, .. } => {
                    let value = self.value_of(index, arg, VALUE);
                    self.copy(value, self.outgoing(*copy), arg.size);
                    if let Location::Stack(at) = *pointer {
                        self.asm.lea_r32_m(SCRATCH, self.outgoing(*copy));
                        self.asm.mov_m_r32(self.outgoing(at), SCRATCH);
                    }
                }
            }
        }
    }

    /// One piece of a value to its stack slot. An extended one fills its whole slot.
    fn store_piece(&mut self, value: Mem, piece: &Move, to: Mem) {
        let from = offset(value, piece.offset);
        match piece.extension {
            Extension::None => self.copy(from, to, piece.width),
            Extension::Sign | Extension::Zero => {
                self.load_general(SCRATCH, from, piece);
                self.asm.mov_m_r32(to, SCRATCH);
            }
        }
    }

    /// `width` bytes from `from` to `to`, and not one beyond.
    fn copy(&mut self, from: Mem, to: Mem, width: u32) {
        if width >= BULK {
            self.copy_in_bulk(from, to, width);
            return;
        }
        let mut done = 0;
        while done < width {
            let (from, to) = (offset(from, done), offset(to, done));
            done += match width - done {
                16.. => {
                    self.asm.movups_x_m(Xmm::Xmm0, from);
                    self.asm.movups_m_x(to, Xmm::Xmm0);
                    16
                }
                8..16 => {
                    self.asm.movsd_x_m(Xmm::Xmm0, from);
                    self.asm.movsd_m_x(to, Xmm::Xmm0);
                    8
                }
                4..8 => {
                    self.asm.mov_r32_m(SCRATCH, from);
                    self.asm.mov_m_r32(to, SCRATCH);
                    4
                }
                2..4 => {
                    self.asm.movzx_r32_m16(SCRATCH, from);
                    self.asm.mov_m_r16(to, SCRATCH);
                    2
                }
                0..2 => {
                    self.asm.movzx_r32_m8(SCRATCH, from);
                    self.asm.mov_m_r8(to, Low::Dl);
                    1
                }
            };
        }
    }

    /// A value is never so large in its slot: `from` leans on [`VALUE`], which is used up.
    fn copy_in_bulk(&mut self, from: Mem, to: Mem, width: u32) {
        self.asm.lea_r32_m(Gp::Esi, from);
        self.asm.lea_r32_m(Gp::Edi, to);
        self.asm.mov_r32_imm32(Gp::Ecx, width / 4);
        self.asm.rep_movsd();
        if !width.is_multiple_of(4) {
            self.asm.mov_r32_imm32(Gp::Ecx, width % 4);
            self.asm.rep_movsb();
        }
    }
}
