//! The assembler: one method per instruction form, named mnemonic, operands (destination first): `r32`, `r8` a register,
//! `mm` a register of MMX, `x`, `y`, `z` a vector register, `m` memory, `abs` memory at an address. Each is a line of the table below, under the
//! manual's opcode (Intel SDM, volume 2).
//!
//! Where the manual has several encodings of one form, a shorter displacement and a shorter immediate win; forms that only
//! EAX has are not used.

use super::format::{
    after, evex_512_0f, fits_i8, low_byte, modrm_absolute, modrm_memory, modrm_register, op, op_0f,
    sign_extended, vex_256_0f,
};
use super::reg::{Gp, Low, Mem, Mm, Xmm};
use crate::code::{Bytes, Code, Label};
use alloc::vec::Vec;

/// 32-bit x86 instructions in the making.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    code: Code,
}

impl Assembler {
    /// No instructions.
    pub fn new() -> Assembler {
        Assembler::default()
    }

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

    /// The instructions' bytes. Where no form with an absolute address was used, they run anywhere.
    pub fn finish(self) -> Vec<u8> {
        self.code.into_bytes()
    }

    /// A label before the next instruction.
    pub fn label_here(&mut self) -> Label {
        let label = self.code.label();
        self.code.bind(label);
        label
    }

    /// JNE: 75 cb to a near label, else 0F 85 cd. Only backwards.
    ///
    /// # Panics
    ///
    /// Where the label is of other code.
    pub fn jne(&mut self, label: Label) {
        let target = self.code.place(label).expect("a label of this code");
        let near = displacement(self.len() + 2, target);
        if fits_i8(near) {
            self.code.put(Bytes::one(0x75).then(Bytes::one(low_byte(near))));
        } else {
            let far = Bytes::four(displacement(self.len() + 6, target));
            self.code.put(op_0f(0x85).then(far));
        }
    }

    fn fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.code.put(bytes.into_iter().fold(Bytes::NONE, |all, byte| all.then(Bytes::one(byte))));
    }

    /// `opcode iw`.
    fn imm16(&mut self, opcode: u8, imm: u16) {
        let [low, high] = imm.to_le_bytes();
        self.fixed([opcode, low, high]);
    }

    /// `opcode+rd`.
    fn plus(&mut self, opcode: u8, register: Gp) {
        self.code.put(op(opcode | register.number()));
    }

    /// `opcode+rd id`.
    fn plus_imm32(&mut self, opcode: u8, register: Gp, imm: u32) {
        self.code.put(op(opcode | register.number()).then(Bytes::four(imm.cast_signed())));
    }

    /// `opcode /r` with two registers; for `/digit`, `reg` is the digit.
    fn reg_reg(&mut self, opcode: Bytes, reg: impl Into<u8>, rm: impl Into<u8>) {
        self.code.put(opcode.then(modrm_register(reg.into(), rm.into())));
    }

    /// `83 /digit ib` or `81 /digit id` with a 32-bit register.
    fn reg_imm32(&mut self, digit: u8, rm: Gp, imm: i32) {
        let (opcode, imm) = sign_extended(imm);
        self.code.put(opcode.then(modrm_register(digit, rm.number())).then(imm));
    }

    /// `opcode /r` with a register and memory; for `/digit`, `reg` is the digit.
    fn reg_mem(&mut self, opcode: Bytes, reg: impl Into<u8>, mem: Mem) {
        self.code.put(opcode);
        self.code.put(modrm_memory(reg.into(), mem, 1));
    }

    /// `opcode /digit ib` with memory.
    fn mem_imm8(&mut self, opcode: Bytes, digit: u8, mem: Mem, imm: i8) {
        self.reg_mem(opcode, digit, mem);
        self.code.put(Bytes::one(imm.cast_unsigned()));
    }

    /// `opcode /r` with memory at an address.
    fn reg_abs(&mut self, opcode: Bytes, reg: impl Into<u8>, address: u32) {
        self.code.put(opcode.then(modrm_absolute(reg.into(), address)));
    }

    /// `VEX.256.0F.WIG opcode /r` with memory.
    fn vex_256_mem(&mut self, opcode: u8, reg: Xmm, mem: Mem) {
        self.reg_mem(vex_256_0f(opcode), reg, mem);
    }

    /// `EVEX.512.0F.W0 opcode /r` with memory; disp8 counts whole vectors.
    fn evex_512_mem(&mut self, opcode: u8, reg: Xmm, mem: Mem) {
        self.code.put(evex_512_0f(opcode));
        self.code.put(modrm_memory(reg.number(), mem, 64));
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
    /// ENDBR32: F3 0F 1E FB
    endbr32() => fixed([0xF3, 0x0F, 0x1E, 0xFB]);
    /// INT3: CC
    int3() => fixed([0xCC]);

    /// MOV r32, r/m32: 8B /r
    mov_r32_r32(to: Gp, from: Gp) => reg_reg(op(0x8B), to, from);
    /// MOV r32, r/m32: 8B /r
    mov_r32_m(to: Gp, from: Mem) => reg_mem(op(0x8B), to, from);
    /// MOV r32, r/m32: 8B /r
    mov_r32_abs(to: Gp, address: u32) => reg_abs(op(0x8B), to, address);
    /// MOVZX r32, r/m8: 0F B6 /r
    movzx_r32_m8(to: Gp, from: Mem) => reg_mem(op_0f(0xB6), to, from);
    /// MOVZX r32, r/m16: 0F B7 /r
    movzx_r32_m16(to: Gp, from: Mem) => reg_mem(op_0f(0xB7), to, from);
    /// MOVSX r32, r/m8: 0F BE /r
    movsx_r32_m8(to: Gp, from: Mem) => reg_mem(op_0f(0xBE), to, from);
    /// MOVSX r32, r/m16: 0F BF /r
    movsx_r32_m16(to: Gp, from: Mem) => reg_mem(op_0f(0xBF), to, from);
    /// MOV r/m8, r8: 88 /r
    mov_m_r8(to: Mem, from: Low) => reg_mem(op(0x88), from, to);
    /// MOV r/m16, r16: 66 89 /r
    mov_m_r16(to: Mem, from: Gp) => reg_mem(after(0x66, op(0x89)), from, to);
    /// MOV r/m32, r32: 89 /r
    mov_m_r32(to: Mem, from: Gp) => reg_mem(op(0x89), from, to);
    /// MOV r32, imm32: B8+rd id
    mov_r32_imm32(to: Gp, imm: u32) => plus_imm32(0xB8, to, imm);
    /// LEA r32, m: 8D /r
    lea_r32_m(to: Gp, address: Mem) => reg_mem(op(0x8D), to, address);

    /// PUSH r32: 50+rd
    push_r32(from: Gp) => plus(0x50, from);
    /// PUSH r/m32: FF /6
    push_m32(from: Mem) => reg_mem(op(0xFF), 6_u8, from);
    /// POP r32: 58+rd
    pop_r32(to: Gp) => plus(0x58, to);

    /// ADD r32, imm: 83 /0 ib or 81 /0 id, sign-extended
    add_r32_imm32(to: Gp, imm: i32) => reg_imm32(0, to, imm);
    /// AND r32, imm: 83 /4 ib or 81 /4 id, sign-extended
    and_r32_imm32(to: Gp, imm: i32) => reg_imm32(4, to, imm);
    /// SUB r32, imm: 83 /5 ib or 81 /5 id, sign-extended
    sub_r32_imm32(to: Gp, imm: i32) => reg_imm32(5, to, imm);
    /// LOCK INC r/m32: F0 + FF /0
    lock_inc_m32(to: Mem) => reg_mem(after(0xF0, op(0xFF)), 0_u8, to);
    /// OR r/m32, imm8: 83 /1 ib, sign-extended
    or_m32_imm8(to: Mem, imm: i8) => mem_imm8(op(0x83), 1, to, imm);
    /// CMP r32, r/m32: 3B /r
    cmp_r32_r32(left: Gp, right: Gp) => reg_reg(op(0x3B), left, right);

    /// CALL r/m32: FF /2
    call_m32(target: Mem) => reg_mem(op(0xFF), 2_u8, target);
    /// JMP r/m32: FF /4
    jmp_r32(target: Gp) => reg_reg(op(0xFF), 4_u8, target);
    /// JMP r/m32: FF /4
    jmp_m32(target: Mem) => reg_mem(op(0xFF), 4_u8, target);
    /// JMP r/m32: FF /4
    jmp_abs(address: u32) => reg_abs(op(0xFF), 4_u8, address);
    /// RET: C3
    ret() => fixed([0xC3]);
    /// RET imm16: C2 iw. Pops so many bytes behind the return address.
    ret_imm16(bytes: u16) => imm16(0xC2, bytes);
    /// LEAVE: C9
    leave() => fixed([0xC9]);
    /// REP MOVSD: F3 A5. ECX doublewords from \[ESI] to \[EDI].
    rep_movsd() => fixed([0xF3, 0xA5]);
    /// REP MOVSB: F3 A4. ECX bytes from \[ESI] to \[EDI].
    rep_movsb() => fixed([0xF3, 0xA4]);

    /// MOVSS xmm, m32: F3 0F 10 /r. Clears the rest of the register.
    movss_x_m(to: Xmm, from: Mem) => reg_mem(after(0xF3, op_0f(0x10)), to, from);
    /// MOVSS m32, xmm: F3 0F 11 /r
    movss_m_x(to: Mem, from: Xmm) => reg_mem(after(0xF3, op_0f(0x11)), from, to);
    /// MOVSD xmm, m64: F2 0F 10 /r. Clears the rest of the register.
    movsd_x_m(to: Xmm, from: Mem) => reg_mem(after(0xF2, op_0f(0x10)), to, from);
    /// MOVSD m64, xmm: F2 0F 11 /r
    movsd_m_x(to: Mem, from: Xmm) => reg_mem(after(0xF2, op_0f(0x11)), from, to);
    /// MOVUPS xmm, m128: NP 0F 10 /r
    movups_x_m(to: Xmm, from: Mem) => reg_mem(op_0f(0x10), to, from);
    /// MOVUPS m128, xmm: NP 0F 11 /r
    movups_m_x(to: Mem, from: Xmm) => reg_mem(op_0f(0x11), from, to);
    /// MOVD r/m32, xmm: 66 0F 7E /r
    movd_r32_x(to: Gp, from: Xmm) => reg_reg(after(0x66, op_0f(0x7E)), from, to);

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

    /// MOVQ mm, m64: NP 0F 6F /r
    movq_mm_m(to: Mm, from: Mem) => reg_mem(op_0f(0x6F), to, from);
    /// MOVQ m64, mm: NP 0F 7F /r
    movq_m_mm(to: Mem, from: Mm) => reg_mem(op_0f(0x7F), from, to);
    /// EMMS: NP 0F 77. Gives the registers back to the x87.
    emms() => fixed([0x0F, 0x77]);

    /// FLD m32fp: D9 /0
    fld_m32(from: Mem) => reg_mem(op(0xD9), 0_u8, from);
    /// FLD m64fp: DD /0
    fld_m64(from: Mem) => reg_mem(op(0xDD), 0_u8, from);
    /// FLD m80fp: DB /5
    fld_m80(from: Mem) => reg_mem(op(0xDB), 5_u8, from);
    /// FSTP m32fp: D9 /3
    fstp_m32(to: Mem) => reg_mem(op(0xD9), 3_u8, to);
    /// FSTP m64fp: DD /3
    fstp_m64(to: Mem) => reg_mem(op(0xDD), 3_u8, to);
    /// FSTP m80fp: DB /7
    fstp_m80(to: Mem) => reg_mem(op(0xDB), 7_u8, to);
}
