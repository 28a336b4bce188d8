//! The parts of an instruction, in the words of the Intel SDM, volume 2, chapter 2 (Instruction Format).
//!
//! ```text
//! legacy   [mandatory prefix] [0F] opcode │ ModRM [SIB] [disp8 or disp32] │ [imm]
//! VEX      C5 xx                   opcode │ the same
//! EVEX     62 xx xx xx             opcode │ the same, disp8 counts vectors │
//! ```

// Bits are grouped by the manual's fields.
#![allow(clippy::unusual_byte_groupings)]

use super::reg::Mem;
use crate::code::Bytes;

/// A one-byte opcode.
pub(super) const fn op(byte: u8) -> Bytes {
    Bytes::one(byte)
}

/// A two-byte opcode: 0F `byte`.
pub(super) const fn op_0f(byte: u8) -> Bytes {
    Bytes::one(0x0F).then(Bytes::one(byte))
}

/// An opcode behind a prefix: 66, F2 or F3.
pub(super) const fn after(prefix: u8, opcode: Bytes) -> Bytes {
    Bytes::one(prefix).then(opcode)
}

/// ModRM for a register operand: mod 11.
pub(super) const fn modrm_register(reg: u8, rm: u8) -> Bytes {
    Bytes::one(0b11 << 6 | reg << 3 | rm)
}

/// ModRM and displacement for memory at an address: mod 00, rm 101.
pub(super) const fn modrm_absolute(reg: u8, address: u32) -> Bytes {
    Bytes::one(reg << 3 | 0b101).then(Bytes::four(address.cast_signed()))
}

/// ModRM, SIB and displacement for a memory operand. A displacement of one byte counts units of `disp8_unit` bytes: 1, but
/// for EVEX.
pub(super) const fn modrm_memory(reg: u8, mem: Mem, disp8_unit: i32) -> Bytes {
    let rm = mem.base.number();
    // rm 100 (ESP) means that a SIB byte follows; this one says: that base, no index.
    let sib = Bytes::one_if(rm == 0b100, 0b00_100_100);
    // mod 00 with rm 101 (EBP) would mean an absolute address.
    let (mode, disp) = if mem.disp == 0 && rm != 0b101 {
        (0b00, Bytes::NONE)
    } else if mem.disp % disp8_unit == 0 && fits_i8(mem.disp / disp8_unit) {
        (0b01, Bytes::one(low_byte(mem.disp / disp8_unit)))
    } else {
        (0b10, Bytes::four(mem.disp))
    };
    Bytes::one(mode << 6 | reg << 3 | rm).then(sib).then(disp)
}

/// VEX.256.0F.WIG and an opcode.
pub(super) const fn vex_256_0f(opcode: u8) -> Bytes {
    // R is stored inverted; vvvv is 1111 for no operand; L = 1 (256 bits); pp = 00.
    Bytes::one(0xC5).then(Bytes::one(0b1_1111_1_00)).then(Bytes::one(opcode))
}

/// EVEX.512.0F.W0 and an opcode, no mask.
pub(super) const fn evex_512_0f(opcode: u8) -> Bytes {
    // P0: R, X, B, R' inverted, 0, mmm = 001. P1: W, vvvv = 1111, 1, pp = 00. P2: z, L'L = 10, b, V' inverted, aaa = 000.
    Bytes::one(0x62)
        .then(Bytes::one(0b1_1_1_1_0_001))
        .then(Bytes::one(0b0_1111_1_00))
        .then(Bytes::one(0b0_10_0_1_000))
        .then(Bytes::one(opcode))
}

/// An immediate that is sign-extended to the operand's size: opcode 83 and one byte, or opcode 81 and four.
pub(super) const fn sign_extended(imm: i32) -> (Bytes, Bytes) {
    if fits_i8(imm) { (op(0x83), Bytes::one(low_byte(imm))) } else { (op(0x81), Bytes::four(imm)) }
}

/// Whether one byte, sign-extended, holds `value`.
pub(super) const fn fits_i8(value: i32) -> bool {
    -128 <= value && value <= 127
}

/// The byte that, sign-extended, is a value that [`fits_i8`].
pub(super) const fn low_byte(value: i32) -> u8 {
    value.to_le_bytes()[0]
}
