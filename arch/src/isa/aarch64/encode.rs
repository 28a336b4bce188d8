//! The assembler: one method per instruction form, named mnemonic, operands (destination first): `x` and `w` a general
//! register of 64 and 32 bits, `h`, `s`, `d`, `q` a vector register's low bytes, `sp` a register or the stack pointer, `m`
//! memory. Each is a line of the table below, under its class in the manual (Arm ARM, C4.1).
//!
//! Loads and stores of one register have two encodings: an unsigned offset in units of the operand's size, and a signed one
//! of 9 bits in bytes. The first wins where it has room.

use super::reg::{Base, Gp, Mem, Vector};
use crate::code::{Bytes, Code, Label};
use alloc::vec::Vec;

/// AArch64 instructions in the making.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    code: Code,
}

/// When a conditional branch branches.
#[derive(Clone, Copy)]
enum Condition {
    NotEqual = 1,
    HigherOrSame = 2,
}

impl Assembler {
    /// No instructions, and room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Assembler {
        Assembler { code: Code::with_capacity(capacity) }
    }

    /// No instructions, and room for `capacity` bytes in memory whose content is no longer needed.
    pub fn reusing(memory: Vec<u8>, capacity: usize) -> Assembler {
        Assembler { code: Code::reusing(memory, capacity) }
    }

    /// How many bytes there are: the offset of the next instruction.
    pub fn len(&self) -> usize {
        self.code.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instructions' bytes. They hold no address, so they run anywhere.
    pub fn finish(self) -> Vec<u8> {
        self.code.into_bytes()
    }

    /// The place of the next instruction, to branch back to.
    pub fn here(&mut self) -> Label {
        let label = self.code.label();
        self.code.bind(label);
        label
    }

    fn word(&mut self, word: u32) {
        self.code.put(Bytes::four(word.cast_signed()));
    }

    /// B.cond: 01010100 imm19 0 cond
    fn branch(&mut self, condition: Condition, back: Label) {
        let back = self.code.place(back).map_or(0, |place| self.len() - place);
        // Code is made for one signature: it is never near 1 MiB long.
        let words = u32::try_from(back / 4).unwrap_or(0).wrapping_neg();
        self.word(0x5400_0000 | field(words, 19) << 5 | condition as u32);
    }

    /// A register in Rn.
    fn at_5(&mut self, opcode: u32, n: impl Into<u8>) {
        self.word(opcode | u32::from(n.into()) << 5);
    }

    /// Registers in Rd and Rm.
    fn at_0_16(&mut self, opcode: u32, d: Gp, m: Gp) {
        self.word(opcode | u32::from(m.number()) << 16 | u32::from(d.number()));
    }

    /// Add/subtract (immediate): opcode sh imm12 Rn Rd. `imm` is below 2^12, or below 2^24 and a multiple of 2^12.
    ///
    /// # Panics
    ///
    /// For any other `imm`.
    fn immediate_12(&mut self, opcode: u32, d: Base, n: Base, imm: u32) {
        let (shift, bits) = match imm {
            0..0x1000 => (0, imm),
            _ => (1, imm >> 12),
        };
        assert!(bits < 0x1000 && bits << (12 * shift) == imm, "an addend of {imm:#x} has more than 12 bits");
        let registers = u32::from(n.number()) << 5 | u32::from(d.number());
        self.word(opcode | shift << 22 | bits << 10 | registers);
    }

    /// Add/subtract (extended register), option UXTX: opcode Rm 011 000 Rn Rd.
    fn extended(&mut self, opcode: u32, d: u8, n: Base, m: Gp) {
        let registers = u32::from(m.number()) << 16 | u32::from(n.number()) << 5 | u32::from(d);
        self.word(opcode | 0b011 << 13 | registers);
    }

    /// Logical (immediate), 64-bit, with the mask that clears the `low` lowest bits, 1 to 63 of them: a run of ones, rotated.
    fn mask(&mut self, opcode: u32, d: Base, n: Gp, low: u8) {
        let ones = 64 - u32::from(low & 63);
        let pattern = 1 << 22 | field(ones, 6) << 16 | field(ones - 1, 6) << 10;
        self.word(opcode | pattern | u32::from(n.number()) << 5 | u32::from(d.number()));
    }

    /// Logical (shifted register), LSL: opcode Rm imm6 Rn Rd.
    fn shifted(&mut self, opcode: u32, d: Gp, n: Gp, m: Gp, left: u8) {
        let registers = u32::from(m.number()) << 16 | u32::from(n.number()) << 5 | u32::from(d.number());
        self.word(opcode | u32::from(left & 63) << 10 | registers);
    }

    /// Bitfield, 64-bit, up to bit 63: opcode immr 111111 Rn Rd.
    fn above_bit(&mut self, opcode: u32, d: Gp, n: Gp, bit: u8) {
        let registers = u32::from(n.number()) << 5 | u32::from(d.number());
        self.word(opcode | u32::from(bit & 63) << 16 | 0b11_1111 << 10 | registers);
    }

    /// Move wide (immediate): opcode hw imm16 Rd. `part` counts 16-bit parts from the lowest.
    fn wide(&mut self, opcode: u32, d: Gp, imm: u16, part: u8) {
        self.word(opcode | u32::from(part & 3) << 21 | u32::from(imm) << 5 | u32::from(d.number()));
    }

    /// Load register (literal): opcode imm19 Rt. `distance` is a multiple of 4, less than 1 MiB either way.
    fn literal(&mut self, opcode: u32, t: Gp, distance: i32) {
        let words = (distance / 4).cast_unsigned();
        self.word(opcode | field(words, 19) << 5 | u32::from(t.number()));
    }

    /// Load/store register (unsigned immediate): opcode 01 opc imm12 Rn Rt, or (unscaled immediate): opcode 00 opc 0 imm9
    /// 00 Rn Rt, for an operand of `size` bytes.
    ///
    /// # Panics
    ///
    /// Where the displacement [does not fit](fits) either.
    fn one(&mut self, opcode: u32, size: u32, t: impl Into<u8>, mem: Mem) {
        let registers = u32::from(mem.base.number()) << 5 | u32::from(t.into());
        assert!(fits(mem.disp, size), "a displacement of {} for {size} bytes", mem.disp);
        if mem.disp.is_multiple_of(size) && mem.disp / size < 0x1000 {
            self.word(opcode | 0b01 << 24 | (mem.disp / size) << 10 | registers);
        } else {
            self.word(opcode | mem.disp << 12 | registers);
        }
    }

    /// Load/store register pair: opcode mode L imm7 Rt2 Rn Rt, where `opcode` holds L and the mode, for operands of `size`
    /// bytes each. `disp` counts bytes.
    ///
    /// # Panics
    ///
    /// Where the displacement is no multiple of `size`, or beyond 63 or -64 of them.
    fn two(&mut self, opcode: u32, size: u32, [t, u]: [u8; 2], base: Base, disp: i32) {
        let size = size.cast_signed();
        let units = disp / size;
        assert!(units * size == disp && (-64..64).contains(&units), "a displacement of {disp} for a pair");
        let registers = u32::from(u) << 10 | u32::from(base.number()) << 5 | u32::from(t);
        self.word(opcode | field(units.cast_unsigned(), 7) << 15 | registers);
    }

    /// [`Assembler::two`] with a signed offset.
    fn pair(&mut self, opcode: u32, size: u32, t: impl Into<u8>, u: impl Into<u8>, mem: Mem) {
        let registers = [t.into(), u.into()];
        self.two(opcode | 0b10 << 23, size, registers, mem.base, i32::try_from(mem.disp).unwrap_or(i32::MAX));
    }

    /// [`Assembler::two`], adding `by` to the base afterwards.
    fn pair_then_add(&mut self, opcode: u32, size: u32, [t, u]: [u8; 2], base: Base, by: i32) {
        self.two(opcode | 0b01 << 23, size, [t, u], base, by);
    }

    /// [`Assembler::two`], adding `by` to the base before.
    fn add_then_pair(&mut self, opcode: u32, size: u32, [t, u]: [u8; 2], base: Base, by: i32) {
        self.two(opcode | 0b11 << 23, size, [t, u], base, by);
    }
}

/// Whether a load or store of one register of `size` bytes reaches `disp`.
pub const fn fits(disp: u32, size: u32) -> bool {
    disp < 256 || disp.is_multiple_of(size) && disp / size < 0x1000
}

/// Whether a load or store of two registers of `size` bytes each reaches `disp`.
pub const fn fits_pair(disp: u32, size: u32) -> bool {
    disp.is_multiple_of(size) && disp / size < 64
}

/// The low `bits` bits, as a field holds a signed number.
const fn field(value: u32, bits: u32) -> u32 {
    value & ((1 << bits) - 1)
}

/// Each line: the method, its encoding.
macro_rules! forms {
    ($($(#[$doc:meta])+ $form:ident($($operand:ident: $kind:ty),*) => $encoding:ident($($part:expr),*);)+) => {
        impl Assembler {
            $(
                $(#[$doc])+
                pub fn $form(&mut self $(, $operand: $kind)*) {
                    self.$encoding($($part),*);
                }
            )+
        }

        /// The names of all forms, so that none is left unchecked.
        #[cfg(test)]
        pub(super) const FORMS: &[&str] = &[$(stringify!($form)),+];
    };
}

forms! {
    /// BTI c: where `blr`, and `br` through x16 or x17, may arrive
    bti_c() => word(0xD503_245F);
    /// BRK #0
    brk() => word(0xD420_0000);
    /// BR Xn
    br_x(target: Gp) => at_5(0xD61F_0000, target);
    /// BLR Xn
    blr_x(target: Gp) => at_5(0xD63F_0000, target);
    /// RET, to x30
    ret() => at_5(0xD65F_0000, Gp::X30);
    /// B.NE, backwards
    b_ne(back: Label) => branch(Condition::NotEqual, back);
    /// B.HS, backwards
    b_hs(back: Label) => branch(Condition::HigherOrSame, back);

    /// MOV Xd, Xm: ORR Xd, XZR, Xm
    mov_x_x(to: Gp, from: Gp) => at_0_16(0xAA00_03E0, to, from);
    /// MOVZ Xd, #imm16, LSL #(16 * part). Clears the rest of the register.
    movz_x_imm16(to: Gp, imm: u16, part: u8) => wide(0xD280_0000, to, imm, part);
    /// MOVK Xd, #imm16, LSL #(16 * part). Keeps the rest of the register.
    movk_x_imm16(to: Gp, imm: u16, part: u8) => wide(0xF280_0000, to, imm, part);
    /// ADD Xd|SP, Xn|SP, #imm12 {, LSL #12}. With 0 the move to or from the stack pointer.
    add_sp_sp_imm12(to: Base, left: Base, imm: u32) => immediate_12(0x9100_0000, to, left, imm);
    /// SUB Xd|SP, Xn|SP, #imm12 {, LSL #12}
    sub_sp_sp_imm12(to: Base, left: Base, imm: u32) => immediate_12(0xD100_0000, to, left, imm);
    /// ADD Xd|SP, Xn|SP, Xm, UXTX
    add_sp_sp_x(to: Base, left: Base, right: Gp) => extended(0x8B20_0000, to.number(), left, right);
    /// SUB Xd|SP, Xn|SP, Xm, UXTX
    sub_sp_sp_x(to: Base, left: Base, right: Gp) => extended(0xCB20_0000, to.number(), left, right);
    /// CMP Xn|SP, Xm, UXTX: SUBS XZR, Xn|SP, Xm, UXTX
    cmp_sp_x(left: Base, right: Gp) => extended(0xEB20_0000, 31, left, right);
    /// AND Xd|SP, Xn, #-(2^low)
    and_sp_x_mask(to: Base, from: Gp, low: u8) => mask(0x9200_0000, to, from, low);
    /// ORR Xd, Xn, Xm, LSL #left
    orr_x_x_x(to: Gp, one: Gp, other: Gp, left: u8) => shifted(0xAA00_0000, to, one, other, left);
    /// LSR Xd, Xn, #count: UBFM Xd, Xn, #count, #63
    lsr_x_x_imm6(to: Gp, from: Gp, count: u8) => above_bit(0xD340_0000, to, from, count);

    /// LDR Xt, the 8 bytes at the program counter plus `distance`
    ldr_x_literal(to: Gp, distance: i32) => literal(0x5800_0000, to, distance);
    /// LDR Xt
    ldr_x_m(to: Gp, from: Mem) => one(0xF840_0000, 8, to, from);
    /// LDR Wt. Clears the upper half.
    ldr_w_m(to: Gp, from: Mem) => one(0xB840_0000, 4, to, from);
    /// LDRH Wt. Clears the rest of the register.
    ldrh_w_m(to: Gp, from: Mem) => one(0x7840_0000, 2, to, from);
    /// LDRB Wt. Clears the rest of the register.
    ldrb_w_m(to: Gp, from: Mem) => one(0x3840_0000, 1, to, from);
    /// LDRSH Wt. Clears the upper half.
    ldrsh_w_m(to: Gp, from: Mem) => one(0x78C0_0000, 2, to, from);
    /// LDRSB Wt. Clears the upper half.
    ldrsb_w_m(to: Gp, from: Mem) => one(0x38C0_0000, 1, to, from);
    /// STR Xt
    str_m_x(to: Mem, from: Gp) => one(0xF800_0000, 8, from, to);
    /// STR Wt
    str_m_w(to: Mem, from: Gp) => one(0xB800_0000, 4, from, to);
    /// STRH Wt
    strh_m_w(to: Mem, from: Gp) => one(0x7800_0000, 2, from, to);
    /// STRB Wt
    strb_m_w(to: Mem, from: Gp) => one(0x3800_0000, 1, from, to);

    /// LDR Ht. Clears the rest of the register, as all loads of vector registers do.
    ldr_h_m(to: Vector, from: Mem) => one(0x7C40_0000, 2, to, from);
    /// LDR St
    ldr_s_m(to: Vector, from: Mem) => one(0xBC40_0000, 4, to, from);
    /// LDR Dt
    ldr_d_m(to: Vector, from: Mem) => one(0xFC40_0000, 8, to, from);
    /// LDR Qt
    ldr_q_m(to: Vector, from: Mem) => one(0x3CC0_0000, 16, to, from);
    /// STR Ht
    str_m_h(to: Mem, from: Vector) => one(0x7C00_0000, 2, from, to);
    /// STR St
    str_m_s(to: Mem, from: Vector) => one(0xBC00_0000, 4, from, to);
    /// STR Dt
    str_m_d(to: Mem, from: Vector) => one(0xFC00_0000, 8, from, to);
    /// STR Qt
    str_m_q(to: Mem, from: Vector) => one(0x3C80_0000, 16, from, to);

    /// LDP Xt, Xu
    ldp_x_x_m(first: Gp, second: Gp, from: Mem) => pair(0xA840_0000, 8, first, second, from);
    /// LDP Wt, Wu. Clears the upper halves.
    ldp_w_w_m(first: Gp, second: Gp, from: Mem) => pair(0x2840_0000, 4, first, second, from);
    /// LDP St, Su
    ldp_s_s_m(first: Vector, second: Vector, from: Mem) => pair(0x2C40_0000, 4, first, second, from);
    /// LDP Dt, Du
    ldp_d_d_m(first: Vector, second: Vector, from: Mem) => pair(0x6C40_0000, 8, first, second, from);
    /// LDP Qt, Qu
    ldp_q_q_m(first: Vector, second: Vector, from: Mem) => pair(0xAC40_0000, 16, first, second, from);
    /// STP Xt, Xu
    stp_m_x_x(to: Mem, first: Gp, second: Gp) => pair(0xA800_0000, 8, first, second, to);
    /// STP Wt, Wu
    stp_m_w_w(to: Mem, first: Gp, second: Gp) => pair(0x2800_0000, 4, first, second, to);
    /// STP St, Su
    stp_m_s_s(to: Mem, first: Vector, second: Vector) => pair(0x2C00_0000, 4, first, second, to);
    /// STP Dt, Du
    stp_m_d_d(to: Mem, first: Vector, second: Vector) => pair(0x6C00_0000, 8, first, second, to);
    /// STP Qt, Qu
    stp_m_q_q(to: Mem, first: Vector, second: Vector) => pair(0xAC00_0000, 16, first, second, to);

    /// STP Xt, Xu, \[base, #by]!
    stp_before_x_x(base: Base, by: i32, first: Gp, second: Gp) =>
        add_then_pair(0xA800_0000, 8, [first.number(), second.number()], base, by);
    /// LDP Xt, Xu, \[base], #by
    ldp_after_x_x(first: Gp, second: Gp, base: Base, by: i32) =>
        pair_then_add(0xA840_0000, 8, [first.number(), second.number()], base, by);
    /// LDP Qt, Qu, \[base], #by
    ldp_after_q_q(first: Vector, second: Vector, base: Base, by: i32) =>
        pair_then_add(0xAC40_0000, 16, [first.number(), second.number()], base, by);
    /// STP Qt, Qu, \[base], #by
    stp_after_q_q(base: Base, by: i32, first: Vector, second: Vector) =>
        pair_then_add(0xAC00_0000, 16, [first.number(), second.number()], base, by);
}
