//! Thunks: the addresses that C calls.
//!
//! Thunks fill pages of code that is written once, for the address where it will lie: without addresses relative to the
//! instruction pointer, each names its slot. So a callback is made and dropped by writing its slot, and the code is never
//! touched.

use super::{Assembler, Gp, Mem};
use crate::isa::{InstructionSet, THUNK_SIZE};
use alloc::vec::Vec;

/// The code of one thunk: loads its context into `register`, counts who comes in if it is one that does, and jumps to its
/// target. The slot lies at `slot`.
pub fn thunk(register: Gp, counts: bool, slot: u32) -> Vec<u8> {
    let mut asm = Assembler::with_capacity(THUNK_SIZE);
    asm.endbr32();
    asm.mov_r32_abs(register, slot);
    if counts {
        asm.lock_inc_m32(super::offset(Mem::at(register, 0), InstructionSet::X86.inside_offset()));
    }
    asm.jmp_abs(slot.wrapping_add(InstructionSet::X86.target_offset()));
    while asm.len() < THUNK_SIZE {
        asm.int3();
    }
    asm.finish()
}

/// The registers that a thunk may load its context into: the one that [adapters](super::adapter()) take it in. A handler
/// that takes the context as one more argument would have it on the stack, where no thunk can put it.
pub const CONTEXT_REGISTERS: [Gp; 1] = [super::adapter::CONTEXT];

/// Their numbers.
pub const CONTEXT_NUMBERS: [u8; 1] = [super::adapter::CONTEXT.number()];

/// The code that a dropped slot jumps to, with the context in `register`. Calls the function whose address is the first
/// word of what the context's third word points at, with that pointer.
pub fn trap(register: Gp) -> Vec<u8> {
    let mut asm = Assembler::new();
    asm.endbr32();
    let slot = Mem::at(register, 0);
    asm.mov_r32_m(Gp::Eax, super::offset(slot, InstructionSet::X86.note_offset()));
    // Nothing returns from here, so nothing has to be found again.
    asm.and_r32_imm32(Gp::Esp, -16);
    asm.sub_r32_imm32(Gp::Esp, 16);
    asm.mov_m_r32(Mem::at(Gp::Esp, 0), Gp::Eax);
    asm.call_m32(Mem::at(Gp::Eax, 0));
    asm.int3();
    asm.finish()
}
