//! Thunks: the addresses that C calls.
//!
//! Thunks fill pages of code that is written once. The data of each, a slot, lies at a distance that is fixed when it is
//! written. So a callback is made and dropped by writing its slot, and the code is never touched.

use super::{Assembler, Gp, Mem};
use crate::abi::{Convention, numbers};
use crate::isa::{InstructionSet, THUNK_SIZE};
use alloc::vec::Vec;

/// The code of one thunk: loads its context into `register`, counts who comes in if it is one that does, and jumps to its
/// target. The slot lies `distance` bytes after the thunk.
pub fn thunk(register: Gp, counts: bool, distance: i32) -> Vec<u8> {
    let mut asm = Assembler::with_capacity(THUNK_SIZE);
    let from_here = |asm: &Assembler, length: usize, offset: u32| {
        // At most THUNK_SIZE either way.
        let shift = i32::try_from(offset).unwrap_or(0) - i32::try_from(asm.len() + length).unwrap_or(0);
        distance.wrapping_add(shift)
    };
    asm.endbr64();
    let context = from_here(&asm, LOAD_LENGTH, 0);
    asm.mov_r64_rip(register, context);
    if counts {
        asm.lock_inc_m64(super::offset(Mem::at(register, 0), InstructionSet::X86_64.inside_offset()));
    }
    let target = from_here(&asm, JUMP_LENGTH, InstructionSet::X86_64.target_offset());
    asm.jmp_rip(target);
    while asm.len() < THUNK_SIZE {
        asm.int3();
    }
    asm.finish()
}

/// `mov r64, [rip+disp32]`: REX, opcode, ModRM, displacement.
const LOAD_LENGTH: usize = 7;
/// `jmp [rip+disp32]`: opcode, ModRM, displacement.
const JUMP_LENGTH: usize = 6;

/// The registers that a thunk may load its context into: the argument registers of both conventions, for handlers that
/// take the context as one more argument; and the one that [adapters](super::adapter()) take it in.
pub const CONTEXT_REGISTERS: [Gp; 7] =
    [Gp::Rdi, Gp::Rsi, Gp::Rdx, Gp::Rcx, Gp::R8, Gp::R9, super::adapter::CONTEXT];

/// Their numbers.
pub const CONTEXT_NUMBERS: [u8; 7] = numbers(CONTEXT_REGISTERS);

/// The code that a dropped slot jumps to, one for each register that the context may be in. Calls the function whose
/// address is the first word of what the context's third word points at, with that pointer.
pub fn trap(register: Gp, host: &Convention) -> Vec<u8> {
    let first = Gp::from_low_bits(host.gp_params[0]);
    let mut asm = Assembler::new();
    asm.endbr64();
    let slot = Mem::at(register, 0);
    asm.mov_r64_m(first, super::offset(slot, InstructionSet::X86_64.note_offset()));
    asm.mov_r64_m(Gp::Rax, Mem::at(first, 0));
    // As if C had called it: the stack is aligned for a callee, and its return address is the caller's.
    asm.jmp_r64(Gp::Rax);
    asm.finish()
}
