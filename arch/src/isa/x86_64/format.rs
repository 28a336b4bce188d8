//! The parts of an instruction, in the words of the Intel SDM, volume 2, chapter 2 (Instruction Format).
//!
//! ```text
//! legacy   [mandatory prefix] [REX] [0F] opcode │ ModRM [SIB] [disp8 or disp32] │ [imm]
//! VEX      C5 xx  or  C4 xx xx           opcode │ the same
//! EVEX     62 xx xx xx                   opcode │ the same, disp8 counts vectors │
//! ```

// Bits are grouped by the manual's fields.
#![allow(clippy::unusual_byte_groupings)]

use super::reg::{Gp, Mem};
use crate::code::Bytes;

/// An opcode of the legacy encoding with what stands before it.
#[derive(Clone, Copy)]
pub(super) struct Opcode {
    mandatory: Bytes,
    rex: u8,
    bytes: Bytes,
}

/// A one-byte opcode.
pub(super) const fn op(byte: u8) -> Opcode {
    Opcode { mandatory: Bytes::NONE, rex: 0, bytes: Bytes::one(byte) }
}

/// A two-byte opcode: 0F `byte`.
pub(super) const fn op_0f(byte: u8) -> Opcode {
    Opcode { bytes: Bytes::one(0x0F).then(Bytes::one(byte)), ..op(byte) }
}

const REX: u8 = 0x40;
const REX_W: u8 = REX | 1 << 3;

impl Opcode {
    /// With REX.W: 64-bit operands.
    pub(super) const fn w(self) -> Opcode {
        Opcode { rex: REX_W, ..self }
    }

    /// With a prefix before REX: 66, F2 or F3.
    pub(super) const fn after(self, prefix: u8) -> Opcode {
        Opcode { mandatory: Bytes::one(prefix), ..self }
    }

    /// With the REX that the byte registers SPL, BPL, SIL and DIL need; without one, their numbers mean AH to BH.
    pub(super) const fn byte_register(self, register: Gp) -> Opcode {
        Opcode { rex: if matches!(register.number(), 4..=7) { REX } else { 0 }, ..self }
    }

    /// With `+rd`: the register in the opcode's low three bits.
    #[inline(always)]
    pub(super) const fn plus(opcode: u8, register: Gp) -> Bytes {
        op(opcode | register.number() & 7).prefixed(0, register.number())
    }

    /// Prefixes and opcode, where `reg` and `rm` are the numbers that ModRM's fields (or SIB's base) begin.
    #[inline(always)]
    pub(super) const fn prefixed(self, reg: u8, rm: u8) -> Bytes {
        let rex = self.rex | reg >> 1 & 0b100 | rm >> 3;
        if rex == 0 {
            self.mandatory.then(self.bytes)
        } else {
            self.mandatory.then(Bytes::one(REX | rex)).then(self.bytes)
        }
    }
}

/// ModRM for a register operand: mod 11.
#[inline(always)]
pub(super) const fn modrm_register(reg: u8, rm: u8) -> Bytes {
    Bytes::one(0b11 << 6 | (reg & 7) << 3 | rm & 7)
}

/// ModRM and displacement for a memory operand that needs no SIB and no more than one byte of displacement; nearly all are
/// like this.
#[inline(always)]
pub(super) const fn modrm_memory_short(reg: u8, mem: Mem) -> Option<Bytes> {
    let rm = mem.base.number() & 7;
    if rm & 0b110 == 0b100 || !fits_i8(mem.disp) {
        return None;
    }
    let mode = (mem.disp != 0) as u8;
    Some(Bytes::one(mode << 6 | (reg & 7) << 3 | rm).then(Bytes::lowest(mem.disp, mode as usize)))
}

/// ModRM, SIB and displacement for a memory operand. A displacement of one byte counts units of `disp8_unit` bytes: 1, but
/// for EVEX.
pub(super) const fn modrm_memory(reg: u8, mem: Mem, disp8_unit: i32) -> Bytes {
    let rm = mem.base.number() & 7;
    // mod 00 with rm 101 (RBP, R13) would mean an address relative to RIP.
    let (mode, disp) = if mem.disp == 0 && rm != 0b101 {
        (0b00, Bytes::NONE)
    } else if mem.disp % disp8_unit == 0 && fits_i8(mem.disp / disp8_unit) {
        (0b01, Bytes::lowest(mem.disp / disp8_unit, 1))
    } else {
        (0b10, Bytes::four(mem.disp))
    };
    let modrm = Bytes::one(mode << 6 | (reg & 7) << 3 | rm);
    // rm 100 (RSP, R12) means that a SIB byte follows; this one says: that base, no index.
    if rm == 0b100 { modrm.then(Bytes::one(0b00_100_100)).then(disp) } else { modrm.then(disp) }
}

/// ModRM and displacement for memory `distance` bytes behind the instruction: mod 00, rm 101.
pub(super) const fn modrm_rip(reg: u8, distance: i32) -> Bytes {
    Bytes::one((reg & 7) << 3 | 0b101).then(Bytes::four(distance))
}

/// VEX.256.0F.WIG and an opcode.
pub(super) const fn vex_256_0f(opcode: u8, reg: u8, rm: u8) -> Bytes {
    // R, B (and X) are stored inverted; vvvv is 1111 for no operand; L = 1 (256 bits); pp = 00.
    let r = (!reg >> 3 & 1) << 7;
    let last = 0b0_1111_1_00;
    let vex = if rm < 8 {
        Bytes::one(0xC5).then(Bytes::one(r | last))
    } else {
        // X unused, B = 1 (inverted), mmmmm = 00001 (map 0F).
        Bytes::one(0xC4).then(Bytes::one(r | 0b0_1_0_00001)).then(Bytes::one(last))
    };
    vex.then(Bytes::one(opcode))
}

/// EVEX.512.0F.W0 and an opcode, no mask.
pub(super) const fn evex_512_0f(opcode: u8, reg: u8, rm: u8) -> Bytes {
    // P0: R, X, B, R' inverted, 0, mmm = 001. P1: W, vvvv = 1111, 1, pp = 00. P2: z, L'L = 10, b, V' inverted, aaa = 000.
    let p0 = (!reg >> 3 & 1) << 7 | 1 << 6 | (!rm >> 3 & 1) << 5 | 0b1_0_001;
    Bytes::one(0x62)
        .then(Bytes::one(p0))
        .then(Bytes::one(0b0_1111_1_00))
        .then(Bytes::one(0b0_10_0_1_000))
        .then(Bytes::one(opcode))
}

/// An immediate that is sign-extended to the operand's size: opcode 83 and one byte, or opcode 81 and four.
#[inline(always)]
pub(super) const fn sign_extended(imm: i32) -> (Opcode, Bytes) {
    if fits_i8(imm) { (op(0x83), Bytes::lowest(imm, 1)) } else { (op(0x81), Bytes::four(imm)) }
}

/// Whether one byte, sign-extended, holds `value`.
pub(super) const fn fits_i8(value: i32) -> bool {
    -128 <= value && value <= 127
}

/// The byte that, sign-extended, is a value that [`fits_i8`].
pub(super) const fn low_byte(value: i32) -> u8 {
    value.to_le_bytes()[0]
}
