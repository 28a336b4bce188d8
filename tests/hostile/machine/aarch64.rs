//! The two ends in the assembly of AArch64. x17 holds the state's address in both: it is no argument's register, and nobody
//! keeps it.
#![allow(unsafe_code)]

use super::{STATE, known};
use crate::random::rng::Rng;
use callsmith::arch::CallPlan;
use callsmith::arch::interp::Image;
use callsmith::arch::plan::{Location, Move};
use std::mem::offset_of;

/// The stack pointer's number.
pub(crate) const SP: usize = 31;
/// Bytes of a vector register that a callee keeps, where it keeps one: "Only the bottom 64 bits" (AAPCS64 6.1.2).
pub(crate) const KEPT_VECTOR_BYTES: usize = 8;
/// FPCR's rounding mode, FZ and DN.
const MODES: u64 = 0xf << 22;

/// Registers at one moment.
#[repr(C, align(64))]
pub(crate) struct Registers {
    pub(crate) vectors: [[u8; 16]; 32],
    /// By hardware number; the last is the stack pointer.
    pub(crate) gp: [u64; 32],
    fpcr: u64,
}

/// Everything that the two ends share with the test.
#[repr(C, align(64))]
pub(crate) struct State {
    /// What the caller enters the stub with.
    pub(crate) enter: Registers,
    /// What the target saw on entry.
    pub(crate) seen: Registers,
    /// What the target returns with.
    pub(crate) give: Registers,
    /// What the caller saw afterwards.
    pub(crate) after: Registers,
    /// The stub.
    pub(crate) stub: u64,
    /// Where the target copies the bytes above its stack pointer to.
    pub(crate) frame: u64,
    /// How many.
    pub(crate) frame_len: u64,
    /// The stack pointer and FPCR to go back to.
    back: u64,
    back_fpcr: u64,
}

impl Registers {
    /// Any value in every register, any mode that traps nothing.
    pub(crate) fn fill(&mut self, rng: &mut Rng) {
        self.gp.fill_with(|| rng.next());
        for bytes in self.vectors.as_flattened_mut().chunks_exact_mut(8) {
            bytes.copy_from_slice(&rng.next().to_le_bytes());
        }
        self.fpcr = rng.next() & MODES;
    }

    /// A register's bytes, as many as there can be.
    pub(crate) fn bytes(&self, location: Location) -> Vec<u8> {
        match location {
            Location::Gp(number) => self.gp[usize::from(number)].to_le_bytes().into(),
            Location::Vector(number) => self.vectors[usize::from(number)].into(),
            Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => Vec::new(),
        }
    }
}

impl State {
    /// What the target does beside what all do: nothing.
    pub(crate) fn prepare(&mut self, _plan: &CallPlan, _result: &[Move], _rng: &mut Rng) {}

    /// The registers of results, as the target leaves them.
    pub(crate) fn given(&self, given: &mut Image) {
        for location in [0, 1].map(Location::Gp).into_iter().chain([0, 1, 2, 3].map(Location::Vector)) {
            given.registers.insert(location, known(self.give.bytes(location)));
        }
    }

    /// Whether the modes are those that the stub was entered with.
    pub(crate) fn check_modes(&self, when: &str, registers: &Registers) -> Result<(), String> {
        match registers.fpcr == self.enter.fpcr {
            true => Ok(()),
            false => Err(format!("{when} FPCR is {:#x}, was {:#x}", registers.fpcr, self.enter.fpcr)),
        }
    }
}

/// How wide the vector registers are that arguments pass in.
pub(crate) fn vector_bytes() -> u64 {
    16
}

/// The target's address.
pub(crate) fn target() -> u64 {
    hostile_target as *const () as u64
}

/// Where execution goes on after a fault in the stub.
pub(crate) fn recovery() -> u64 {
    hostile_recover as *const () as u64
}

/// Has the interrupted execution go on at `address`. Gives where it was.
pub(crate) fn go_on_at(context: &mut libc::mcontext_t, address: u64) -> u64 {
    std::mem::replace(&mut context.pc, address)
}

unsafe extern "C" {
    pub(super) fn hostile_enter();
    fn hostile_recover();
    fn hostile_target();
}

std::arch::global_asm!(
    // The state's address to x17.
    r".macro hostile_state",
    r"    adrp x17, {state}",
    r"    add x17, x17, :lo12:{state}",
    r".endm",
    // All but x17, which is recorded as what it is here.
    r".macro hostile_record at",
    r"    hostile_state",
    r"    add x17, x17, #\at",
    r"    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
    r"    str x\n, [x17, #{gp} + 8*\n]",
    r"    .endr",
    r"    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    r"    str q\n, [x17, #{vectors} + 16*\n]",
    r"    .endr",
    r"    mov x9, sp",
    r"    str x9, [x17, #{gp} + 8*31]",
    r"    mrs x9, fpcr",
    r"    str x9, [x17, #{fpcr}]",
    r".endm",
    r".p2align 4",
    r".globl hostile_enter, hostile_recover, hostile_target",
    r"hostile_enter:",
    r"    stp x29, x30, [sp, #-160]!",
    r"    stp x19, x20, [sp, #16]",
    r"    stp x21, x22, [sp, #32]",
    r"    stp x23, x24, [sp, #48]",
    r"    stp x25, x26, [sp, #64]",
    r"    stp x27, x28, [sp, #80]",
    r"    stp d8, d9, [sp, #96]",
    r"    stp d10, d11, [sp, #112]",
    r"    stp d12, d13, [sp, #128]",
    r"    stp d14, d15, [sp, #144]",
    r"    hostile_state",
    r"    mov x9, sp",
    r"    str x9, [x17, #{back}]",
    r"    mrs x9, fpcr",
    r"    str x9, [x17, #{back_fpcr}]",
    r"    ldr x16, [x17, #{stub}]",
    r"    add x17, x17, #{enter}",
    r"    ldr x9, [x17, #{fpcr}]",
    r"    msr fpcr, x9",
    r"    ldr x9, [x17, #{gp} + 8*31]",
    r"    mov sp, x9",
    r"    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    r"    ldr q\n, [x17, #{vectors} + 16*\n]",
    r"    .endr",
    r"    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,18,19,20,21,22,23,24,25,26,27,28,29",
    r"    ldr x\n, [x17, #{gp} + 8*\n]",
    r"    .endr",
    r"    blr x16",
    r"    hostile_record {after}",
    r"hostile_recover:",
    r"    hostile_state",
    r"    ldr x9, [x17, #{back_fpcr}]",
    r"    msr fpcr, x9",
    r"    ldr x9, [x17, #{back}]",
    r"    mov sp, x9",
    r"    ldp x19, x20, [sp, #16]",
    r"    ldp x21, x22, [sp, #32]",
    r"    ldp x23, x24, [sp, #48]",
    r"    ldp x25, x26, [sp, #64]",
    r"    ldp x27, x28, [sp, #80]",
    r"    ldp d8, d9, [sp, #96]",
    r"    ldp d10, d11, [sp, #112]",
    r"    ldp d12, d13, [sp, #128]",
    r"    ldp d14, d15, [sp, #144]",
    r"    ldp x29, x30, [sp], #160",
    r"    ret",
    r".p2align 4",
    r"hostile_target:",
    r"    bti c",
    r"    hostile_record {seen}",
    // The stack, to the test; then it is spoilt: it is the target's.
    r"    hostile_state",
    r"    ldr x9, [x17, #{frame_len}]",
    r"    ldr x10, [x17, #{frame}]",
    r"    mov x11, sp",
    r"    mov w12, #0xcc",
    r"5:  cbz x9, 6f",
    r"    ldrb w13, [x11]",
    r"    strb w13, [x10], #1",
    r"    strb w12, [x11], #1",
    r"    sub x9, x9, #1",
    r"    b 5b",
    // v8 to v15 keep their low halves, and lose the high ones.
    r"6:  .irp n,8,9,10,11,12,13,14,15",
    r"    ldr x9, [x17, #{seen} + {vectors} + 16*\n]",
    r"    str x9, [x17, #{give} + {vectors} + 16*\n]",
    r"    .endr",
    r"    add x17, x17, #{give}",
    r"    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    r"    ldr q\n, [x17, #{vectors} + 16*\n]",
    r"    .endr",
    r"    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
    r"    ldr x\n, [x17, #{gp} + 8*\n]",
    r"    .endr",
    r"    ldr x17, [x17, #{gp} + 8*17]",
    r"    ret",
    state = sym STATE,
    vectors = const offset_of!(Registers, vectors),
    gp = const offset_of!(Registers, gp),
    fpcr = const offset_of!(Registers, fpcr),
    enter = const offset_of!(State, enter),
    seen = const offset_of!(State, seen),
    give = const offset_of!(State, give),
    after = const offset_of!(State, after),
    stub = const offset_of!(State, stub),
    frame = const offset_of!(State, frame),
    frame_len = const offset_of!(State, frame_len),
    back = const offset_of!(State, back),
    back_fpcr = const offset_of!(State, back_fpcr),
);
