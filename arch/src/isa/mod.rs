//! Instruction sets: registers, an encoder, and the emitter from plan to code.

pub mod x86_64;
