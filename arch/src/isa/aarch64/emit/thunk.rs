//! Thunks: the addresses that C calls.
//!
//! Thunks fill pages of code that is written once. The data of each, a slot, lies at a distance that is fixed when it is
//! written. So a callback is made and dropped by writing its slot, and the code is never touched.

use super::{Assembler, Gp, Mem, TARGET};
use crate::isa::{InstructionSet, THUNK_SIZE};
use alloc::vec::Vec;

/// The code of one thunk: loads its context into `register` and jumps to its target. The slot lies `distance` bytes after
/// the thunk, a multiple of 4.
pub fn thunk(register: Gp, distance: i32) -> Vec<u8> {
    let mut asm = Assembler::with_capacity(THUNK_SIZE);
    let from_here = |asm: &Assembler, offset: u32| {
        // At most THUNK_SIZE either way.
        distance.wrapping_add(i32::try_from(offset).unwrap_or(0) - i32::try_from(asm.len()).unwrap_or(0))
    };
    asm.bti_c();
    let context = from_here(&asm, 0);
    asm.ldr_x_literal(register, context);
    let target = from_here(&asm, InstructionSet::AArch64.target_offset());
    asm.ldr_x_literal(TARGET, target);
    asm.br_x(TARGET);
    while asm.len() < THUNK_SIZE {
        asm.brk();
    }
    asm.finish()
}

/// The registers that a thunk may load its context into: the argument registers, for handlers that take the context as one
/// more argument; and the one that [adapters](super::adapter()) take it in.
pub const CONTEXT_REGISTERS: [Gp; 9] =
    [Gp::X0, Gp::X1, Gp::X2, Gp::X3, Gp::X4, Gp::X5, Gp::X6, Gp::X7, super::adapter::CONTEXT];

/// Their numbers.
pub const CONTEXT_NUMBERS: [u8; 9] = {
    let mut numbers = [0; 9];
    let mut index = 0;
    while index < 9 {
        numbers[index] = CONTEXT_REGISTERS[index].number();
        index += 1;
    }
    numbers
};

/// The code that a dropped slot jumps to, one for each register that the context may be in. Calls the function whose
/// address is the first word of what the context's third word points at, with that pointer.
pub fn trap(register: Gp) -> Vec<u8> {
    let mut asm = Assembler::default();
    asm.bti_c();
    asm.ldr_x_m(Gp::X0, Mem::at(register, InstructionSet::AArch64.note_offset()));
    asm.ldr_x_m(TARGET, Mem::at(Gp::X0, 0));
    // As if C had called it: the stack is aligned for a callee, and its return address is the caller's.
    asm.br_x(TARGET);
    asm.finish()
}
