//! The assembler: one method per instruction form, named mnemonic, operands (destination first): `r64` a register, `x`, `y`,
//! `z` a vector register, `m` memory. Each is a line of the table below, under the manual's opcode (Intel SDM, volume 2).
//!
//! Where the manual has several encodings of one form, a shorter displacement and a shorter immediate win; forms that only
//! RAX has are not used.

use super::format::{
    Opcode, evex_512_0f, fits_i8, low_byte, modrm_memory, modrm_memory_short, modrm_register, modrm_rip, op,
    op_0f, sign_extended, vex_256_0f,
};
use super::reg::{Gp, Mem, Xmm};
use crate::code::{Bytes, Code, Label};
use alloc::vec::Vec;

/// x86-64 instructions in the making.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    code: Code,
    /// Jumps to labels that had no place yet: where their four bytes of displacement are, and the label.
    forward: Vec<(usize, Label)>,
}

impl Assembler {
    /// No instructions.
    pub fn new() -> Assembler {
        Assembler::default()
    }

    /// No instructions, and room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Assembler {
        Assembler { code: Code::with_capacity(capacity), forward: Vec::new() }
    }

    /// No instructions, and room for `capacity` bytes in memory whose content is no longer needed.
    pub fn reusing(memory: Vec<u8>, capacity: usize) -> Assembler {
        Assembler { code: Code::reusing(memory, capacity), forward: Vec::new() }
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
    ///
    /// # Panics
    ///
    /// Where a jump's label was never bound.
    #[inline]
    pub fn finish(mut self) -> Vec<u8> {
        for (at, label) in core::mem::take(&mut self.forward) {
            let target = self.code.place(label).expect("a jump's label was never bound");
            self.code.patch(at, displacement(at + 4, target));
        }
        self.code.into_bytes()
    }

    /// A label, to be bound before or after jumps name it.
    pub fn label(&mut self) -> Label {
        self.code.label()
    }

    /// Puts `label` before the next instruction.
    pub fn bind(&mut self, label: Label) {
        self.code.bind(label);
    }

    /// JNE: 75 cb back to a near label, else 0F 85 cd
    pub fn jne(&mut self, label: Label) {
        const FAR: Bytes = Bytes::one(0x0F).then(Bytes::one(0x85));
        match self.code.place(label) {
            Some(target) => {
                let near = displacement(self.len() + 2, target);
                if fits_i8(near) {
                    self.fixed([0x75, low_byte(near)]);
                } else {
                    let far = displacement(self.len() + 6, target);
                    self.code.put(FAR.then(Bytes::four(far)));
                }
            }
            None => {
                self.forward.push((self.len() + 2, label));
                self.code.put(FAR.then(Bytes::four(0)));
            }
        }
    }

    #[inline(always)]
    fn fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.code.put(bytes.into_iter().fold(Bytes::NONE, |all, byte| all.then(Bytes::one(byte))));
    }

    /// `opcode+rd`.
    #[inline(always)]
    fn plus(&mut self, opcode: u8, register: Gp) {
        self.code.put(Opcode::plus(opcode, register));
    }

    /// `opcode+rd id`.
    fn plus_imm32(&mut self, opcode: u8, register: Gp, imm: u32) {
        self.code.put(Opcode::plus(opcode, register).then(Bytes::four(imm.cast_signed())));
    }

    /// `opcode /r` with two registers; for `/digit`, `reg` is the digit.
    #[inline(always)]
    fn reg_reg(&mut self, opcode: Opcode, reg: impl Into<u8>, rm: impl Into<u8>) {
        let (reg, rm) = (reg.into(), rm.into());
        self.code.put(opcode.prefixed(reg, rm).then(modrm_register(reg, rm)));
    }

    /// `opcode /digit ib` with a register.
    #[inline(always)]
    fn reg_imm8(&mut self, opcode: Opcode, digit: u8, rm: impl Into<u8>, imm: u8) {
        let rm = rm.into();
        self.code.put(opcode.prefixed(digit, rm).then(modrm_register(digit, rm)).then(Bytes::one(imm)));
    }

    /// `83 /digit ib` or `81 /digit id` with a 64-bit register.
    #[inline(always)]
    fn reg_imm32(&mut self, digit: u8, rm: Gp, imm: i32) {
        let (opcode, imm) = sign_extended(imm);
        let rm = rm.number();
        self.code.put(opcode.w().prefixed(digit, rm).then(modrm_register(digit, rm)).then(imm));
    }

    /// `opcode /r` with a register and memory; for `/digit`, `reg` is the digit.
    #[inline(always)]
    fn reg_mem(&mut self, opcode: Opcode, reg: impl Into<u8>, mem: Mem) {
        let reg = reg.into();
        let prefixed = opcode.prefixed(reg, mem.base.number());
        match modrm_memory_short(reg, mem) {
            Some(operand) => self.code.put_both(prefixed, operand),
            None => self.put_mem(prefixed, reg, mem),
        }
    }

    #[cold]
    #[inline(never)]
    fn put_mem(&mut self, prefixed: Bytes, reg: u8, mem: Mem) {
        self.code.put_both(prefixed, modrm_memory(reg, mem, 1));
    }

    /// `opcode /r` with memory `distance` bytes behind the instruction.
    fn rip(&mut self, opcode: Opcode, reg: u8, distance: i32) {
        self.code.put_both(opcode.prefixed(reg, 0), modrm_rip(reg, distance));
    }

    /// `opcode /digit ib` with memory.
    fn mem_imm8(&mut self, opcode: Opcode, digit: u8, mem: Mem, imm: i8) {
        self.reg_mem_imm8(opcode, digit, mem, imm.cast_unsigned());
    }

    /// `opcode /r ib` with a register and memory.
    fn reg_mem_imm8(&mut self, opcode: Opcode, reg: impl Into<u8>, mem: Mem, imm: u8) {
        self.reg_mem(opcode, reg, mem);
        self.code.put(Bytes::one(imm));
    }

    /// `VEX.256.0F.WIG opcode /r` with memory.
    fn vex_256_mem(&mut self, opcode: u8, reg: Xmm, mem: Mem) {
        let prefixed = vex_256_0f(opcode, reg.number(), mem.base.number());
        self.code.put_both(prefixed, modrm_memory(reg.number(), mem, 1));
    }

    /// `EVEX.512.0F.W0 opcode /r` with memory; disp8 counts whole vectors.
    fn evex_512_mem(&mut self, opcode: u8, reg: Xmm, mem: Mem) {
        let prefixed = evex_512_0f(opcode, reg.number(), mem.base.number());
        self.code.put_both(prefixed, modrm_memory(reg.number(), mem, 64));
    }
}

/// From the end of a jump to its target. Code is made for one signature, so it is never near 2 GiB long.
fn displacement(end: usize, target: usize) -> i32 {
    let (end, target) = (i32::try_from(end), i32::try_from(target));
    target.expect("code of less than 2 GiB") - end.expect("code of less than 2 GiB")
}

/// Each line: the manual's opcode, the method, its encoding.
macro_rules! forms {
    ($($(#[$doc:meta])+ $form:ident($($operand:ident: $kind:ty),*) => $encoding:ident($($part:expr),*);)+) => {
        impl Assembler {
            $(
                $(#[$doc])+
                #[inline]
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
    /// ENDBR64: F3 0F 1E FA
    endbr64() => fixed([0xF3, 0x0F, 0x1E, 0xFA]);
    /// UD2: 0F 0B
    ud2() => fixed([0x0F, 0x0B]);
    /// INT3: CC
    int3() => fixed([0xCC]);

    /// MOV r64, r/m64: REX.W + 8B /r
    mov_r64_r64(to: Gp, from: Gp) => reg_reg(op(0x8B).w(), to, from);
    /// MOV r32, r/m32: 8B /r. Clears the upper half.
    mov_r32_r32(to: Gp, from: Gp) => reg_reg(op(0x8B), to, from);
    /// MOV r64, r/m64: REX.W + 8B /r
    mov_r64_m(to: Gp, from: Mem) => reg_mem(op(0x8B).w(), to, from);
    /// MOV r32, r/m32: 8B /r. Clears the upper half.
    mov_r32_m(to: Gp, from: Mem) => reg_mem(op(0x8B), to, from);
    /// MOVZX r32, r/m8: 0F B6 /r
    movzx_r32_m8(to: Gp, from: Mem) => reg_mem(op_0f(0xB6), to, from);
    /// MOVZX r32, r/m16: 0F B7 /r
    movzx_r32_m16(to: Gp, from: Mem) => reg_mem(op_0f(0xB7), to, from);
    /// MOVSX r32, r/m8: 0F BE /r
    movsx_r32_m8(to: Gp, from: Mem) => reg_mem(op_0f(0xBE), to, from);
    /// MOVSX r32, r/m16: 0F BF /r
    movsx_r32_m16(to: Gp, from: Mem) => reg_mem(op_0f(0xBF), to, from);
    /// MOV r/m8, r8: 88 /r
    mov_m_r8(to: Mem, from: Gp) => reg_mem(op(0x88).byte_register(from), from, to);
    /// MOV r/m16, r16: 66 89 /r
    mov_m_r16(to: Mem, from: Gp) => reg_mem(op(0x89).after(0x66), from, to);
    /// MOV r/m32, r32: 89 /r
    mov_m_r32(to: Mem, from: Gp) => reg_mem(op(0x89), from, to);
    /// MOV r/m64, r64: REX.W + 89 /r
    mov_m_r64(to: Mem, from: Gp) => reg_mem(op(0x89).w(), from, to);
    /// MOV r32, imm32: B8+rd id. Clears the upper half.
    mov_r32_imm32(to: Gp, imm: u32) => plus_imm32(0xB8, to, imm);
    /// LEA r64, m: REX.W + 8D /r
    lea_r64_m(to: Gp, address: Mem) => reg_mem(op(0x8D).w(), to, address);

    /// PUSH r64: 50+rd
    push_r64(from: Gp) => plus(0x50, from);
    /// POP r64: 58+rd
    pop_r64(to: Gp) => plus(0x58, to);
    /// PUSH r/m64: FF /6
    push_m64(from: Mem) => reg_mem(op(0xFF), 6_u8, from);

    /// ADD r64, imm: REX.W + 83 /0 ib or REX.W + 81 /0 id, sign-extended
    add_r64_imm32(to: Gp, imm: i32) => reg_imm32(0, to, imm);
    /// AND r64, imm: REX.W + 83 /4 ib or REX.W + 81 /4 id, sign-extended
    and_r64_imm32(to: Gp, imm: i32) => reg_imm32(4, to, imm);
    /// SUB r64, imm: REX.W + 83 /5 ib or REX.W + 81 /5 id, sign-extended
    sub_r64_imm32(to: Gp, imm: i32) => reg_imm32(5, to, imm);
    /// LOCK INC r/m64: F0 + REX.W + FF /0
    lock_inc_m64(to: Mem) => reg_mem(op(0xFF).w().after(0xF0), 0_u8, to);
    /// OR r/m64, imm8: REX.W + 83 /1 ib, sign-extended
    or_m64_imm8(to: Mem, imm: i8) => mem_imm8(op(0x83).w(), 1, to, imm);
    /// ADD r64, r/m64: REX.W + 03 /r
    add_r64_r64(to: Gp, from: Gp) => reg_reg(op(0x03).w(), to, from);
    /// OR r64, r/m64: REX.W + 0B /r
    or_r64_r64(to: Gp, from: Gp) => reg_reg(op(0x0B).w(), to, from);
    /// SUB r64, r/m64: REX.W + 2B /r
    sub_r64_r64(to: Gp, from: Gp) => reg_reg(op(0x2B).w(), to, from);
    /// XOR r32, r/m32: 33 /r. Clears the upper half.
    xor_r32_r32(to: Gp, from: Gp) => reg_reg(op(0x33), to, from);
    /// CMP r64, r/m64: REX.W + 3B /r
    cmp_r64_r64(left: Gp, right: Gp) => reg_reg(op(0x3B).w(), left, right);
    /// SHL r/m64, imm8: REX.W + C1 /4 ib. The count is taken modulo 64.
    shl_r64_imm8(to: Gp, count: u8) => reg_imm8(op(0xC1).w(), 4, to, count);
    /// SHR r/m64, imm8: REX.W + C1 /5 ib. The count is taken modulo 64.
    shr_r64_imm8(to: Gp, count: u8) => reg_imm8(op(0xC1).w(), 5, to, count);

    /// CALL r/m64: FF /2
    call_r64(target: Gp) => reg_reg(op(0xFF), 2_u8, target);
    /// JMP r/m64: FF /4
    jmp_r64(target: Gp) => reg_reg(op(0xFF), 4_u8, target);
    /// CALL r/m64: FF /2
    call_m64(target: Mem) => reg_mem(op(0xFF), 2_u8, target);
    /// JMP r/m64: FF /4, relative to the next instruction
    jmp_rip(distance: i32) => rip(op(0xFF), 4, distance);
    /// MOV r64, r/m64: REX.W + 8B /r, relative to the next instruction
    mov_r64_rip(to: Gp, distance: i32) => rip(op(0x8B).w(), to.number(), distance);
    /// RET: C3
    ret() => fixed([0xC3]);
    /// LEAVE: C9
    leave() => fixed([0xC9]);
    /// REP MOVSQ: F3 REX.W A5. RCX quadwords from \[RSI] to \[RDI].
    rep_movsq() => fixed([0xF3, 0x48, 0xA5]);
    /// REP MOVSB: F3 A4. RCX bytes from \[RSI] to \[RDI].
    rep_movsb() => fixed([0xF3, 0xA4]);

    /// MOVSS xmm, m32: F3 0F 10 /r. Clears the rest of the register.
    movss_x_m(to: Xmm, from: Mem) => reg_mem(op_0f(0x10).after(0xF3), to, from);
    /// MOVSS m32, xmm: F3 0F 11 /r
    movss_m_x(to: Mem, from: Xmm) => reg_mem(op_0f(0x11).after(0xF3), from, to);
    /// MOVSD xmm, m64: F2 0F 10 /r. Clears the rest of the register.
    movsd_x_m(to: Xmm, from: Mem) => reg_mem(op_0f(0x10).after(0xF2), to, from);
    /// MOVSD m64, xmm: F2 0F 11 /r
    movsd_m_x(to: Mem, from: Xmm) => reg_mem(op_0f(0x11).after(0xF2), from, to);
    /// MOVUPS xmm, m128: NP 0F 10 /r
    movups_x_m(to: Xmm, from: Mem) => reg_mem(op_0f(0x10), to, from);
    /// MOVUPS m128, xmm: NP 0F 11 /r
    movups_m_x(to: Mem, from: Xmm) => reg_mem(op_0f(0x11), from, to);
    /// MOVAPS xmm, m128: NP 0F 28 /r. The address must be a multiple of 16.
    movaps_x_m(to: Xmm, from: Mem) => reg_mem(op_0f(0x28), to, from);
    /// MOVAPS m128, xmm: NP 0F 29 /r. The address must be a multiple of 16.
    movaps_m_x(to: Mem, from: Xmm) => reg_mem(op_0f(0x29), from, to);
    /// MOVQ xmm, r/m64: 66 REX.W 0F 6E /r
    movq_x_r64(to: Xmm, from: Gp) => reg_reg(op_0f(0x6E).w().after(0x66), to, from);
    /// MOVQ r/m64, xmm: 66 REX.W 0F 7E /r
    movq_r64_x(to: Gp, from: Xmm) => reg_reg(op_0f(0x7E).w().after(0x66), from, to);
    /// MOVD xmm, r/m32: 66 0F 6E /r
    movd_x_r32(to: Xmm, from: Gp) => reg_reg(op_0f(0x6E).after(0x66), to, from);
    /// MOVD r/m32, xmm: 66 0F 7E /r. Clears the upper half.
    movd_r32_x(to: Gp, from: Xmm) => reg_reg(op_0f(0x7E).after(0x66), from, to);
    /// PINSRW xmm, r32/m16, imm8: 66 0F C4 /r ib. Replaces one of the eight 16-bit lanes.
    pinsrw_x_m_imm8(to: Xmm, from: Mem, lane: u8) => reg_mem_imm8(op_0f(0xC4).after(0x66), to, from, lane);
    /// PSRLDQ xmm, imm8: 66 0F 73 /3 ib. Shifts right by `count` bytes.
    psrldq_x_imm8(to: Xmm, count: u8) => reg_imm8(op_0f(0x73).after(0x66), 3, to, count);

    /// VMOVUPS ymm, m256: VEX.256.0F.WIG 10 /r
    vmovups_y_m(to: Xmm, from: Mem) => vex_256_mem(0x10, to, from);
    /// VMOVUPS m256, ymm: VEX.256.0F.WIG 11 /r
    vmovups_m_y(to: Mem, from: Xmm) => vex_256_mem(0x11, from, to);
    /// VZEROUPPER: VEX.128.0F.WIG 77
    vzeroupper() => fixed([0xC5, 0xF8, 0x77]);
    /// VMOVUPS zmm, m512: EVEX.512.0F.W0 10 /r
    vmovups_z_m(to: Xmm, from: Mem) => evex_512_mem(0x10, to, from);
    /// VMOVUPS m512, zmm: EVEX.512.0F.W0 11 /r
    vmovups_m_z(to: Mem, from: Xmm) => evex_512_mem(0x11, from, to);

    /// FLD m80fp: DB /5
    fld_m80(from: Mem) => reg_mem(op(0xDB), 5_u8, from);
    /// FSTP m80fp: DB /7
    fstp_m80(to: Mem) => reg_mem(op(0xDB), 7_u8, to);
}
