//! Every form over its operand range, judged by iced-x86: what its decoder reads back is what the call meant, and its
//! encoder needs the same bytes.

extern crate std;

use super::encode::{Assembler, FORMS};
use super::reg::{Gp, Mem, Xmm};
use crate::plan::Location;
use iced_x86::{Code, ConstantOffsets, Decoder, DecoderOptions, Encoder, Instruction, OpKind, Register};
use std::format;
use std::string::ToString;
use std::vec::Vec;

/// Around each boundary of disp8, of EVEX's disp8*64, and of disp32.
const DISPLACEMENTS: [i32; 19] = [
    0,
    1,
    -1,
    64,
    -64,
    127,
    128,
    192,
    -128,
    -129,
    4096,
    8128,
    8192,
    -8192,
    -8256,
    8129,
    i32::MAX,
    i32::MIN,
    i32::MIN + 1,
];
const IMMEDIATES: [i32; 13] = [0, 1, -1, 8, 127, 128, -128, -129, 255, 256, 0x1234_5678, i32::MAX, i32::MIN];

/// What an operand should be.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Register(Register),
    /// With the unit of its one-byte displacements.
    Memory(Mem, i32),
    /// Extended to 64 bits as the form says.
    Immediate(u64),
}

/// A register class with all its members.
trait Class: Copy + 'static {
    const ALL: &'static [Self];
}
impl Class for Gp {
    const ALL: &'static [Gp] = &Gp::ALL;
}
impl Class for Xmm {
    const ALL: &'static [Xmm] = &Xmm::ALL;
}

fn r64(register: Gp) -> Register {
    Register::RAX + u32::from(register.number())
}
fn r32(register: Gp) -> Register {
    Register::EAX + u32::from(register.number())
}
fn r16(register: Gp) -> Register {
    Register::AX + u32::from(register.number())
}
fn r8(register: Gp) -> Register {
    // Between BL and SPL, iced-x86 has AH to BH.
    let high = if register.number() < 4 { 0 } else { 4 };
    Register::AL + u32::from(register.number()) + high
}
fn xmm(register: Xmm) -> Register {
    Register::XMM0 + u32::from(register.number())
}
fn ymm(register: Xmm) -> Register {
    Register::YMM0 + u32::from(register.number())
}
fn zmm(register: Xmm) -> Register {
    Register::ZMM0 + u32::from(register.number())
}

fn memory_operands() -> impl Iterator<Item = Mem> {
    Gp::ALL.into_iter().flat_map(|base| DISPLACEMENTS.into_iter().map(move |disp| Mem::at(base, disp)))
}

/// Checks forms, and remembers which.
#[derive(Default)]
struct Checker {
    checked: Vec<&'static str>,
}

impl Checker {
    fn fixed(&mut self, name: &'static str, form: fn(&mut Assembler), code: Code) {
        self.checked.push(name);
        let mut assembler = Assembler::new();
        form(&mut assembler);
        let bytes = assembler.finish();
        // Implied operands (of MOVS) are part of the code.
        let (instruction, _) = decode(&bytes);
        assert_eq!(instruction.code(), code, "{name}: {bytes:02x?}");
        assert_eq!(instruction.has_rep_prefix(), name.starts_with("rep_"), "{name}");
        assert_canonical(&instruction, &bytes);
    }

    fn reg(&mut self, name: &'static str, form: fn(&mut Assembler, Gp), code: Code) {
        self.checked.push(name);
        for &register in Gp::ALL.iter() {
            check(code, &[Operand::Register(r64(register))], |a| form(a, register));
        }
    }

    fn reg_reg<A: Class, B: Class>(
        &mut self,
        name: &'static str,
        form: fn(&mut Assembler, A, B),
        code: Code,
        to_class: fn(A) -> Register,
        from_class: fn(B) -> Register,
    ) {
        self.checked.push(name);
        for &to in A::ALL {
            for &from in B::ALL {
                let expected = [Operand::Register(to_class(to)), Operand::Register(from_class(from))];
                check(code, &expected, |a| form(a, to, from));
            }
        }
    }

    fn load<R: Class>(
        &mut self,
        name: &'static str,
        form: fn(&mut Assembler, R, Mem),
        code: Code,
        class: fn(R) -> Register,
    ) {
        self.checked.push(name);
        for &to in R::ALL {
            let unit = disp8_unit(class(to));
            for from in memory_operands() {
                let expected = [Operand::Register(class(to)), Operand::Memory(from, unit)];
                check(code, &expected, |a| form(a, to, from));
            }
        }
    }

    fn load_lane(&mut self, name: &'static str, form: fn(&mut Assembler, Xmm, Mem, u8), code: Code) {
        self.checked.push(name);
        for &to in Xmm::ALL.iter() {
            for from in memory_operands() {
                for lane in 0..8 {
                    let register = Operand::Register(xmm(to));
                    let expected = [register, Operand::Memory(from, 1), Operand::Immediate(u64::from(lane))];
                    check(code, &expected, |a| form(a, to, from, lane));
                }
            }
        }
    }

    fn store<R: Class>(
        &mut self,
        name: &'static str,
        form: fn(&mut Assembler, Mem, R),
        code: Code,
        class: fn(R) -> Register,
    ) {
        self.checked.push(name);
        for &from in R::ALL {
            let unit = disp8_unit(class(from));
            for to in memory_operands() {
                let expected = [Operand::Memory(to, unit), Operand::Register(class(from))];
                check(code, &expected, |a| form(a, to, from));
            }
        }
    }

    fn mem(&mut self, name: &'static str, form: fn(&mut Assembler, Mem), code: Code) {
        self.checked.push(name);
        for mem in memory_operands() {
            check(code, &[Operand::Memory(mem, 1)], |a| form(a, mem));
        }
    }

    fn load_rip(&mut self, name: &'static str, form: fn(&mut Assembler, Gp, i32), code: Code) {
        self.checked.push(name);
        for &to in Gp::ALL.iter() {
            for distance in IMMEDIATES {
                let instruction = check_rip(code, distance, |a| form(a, to, distance));
                assert_eq!(instruction.op0_register(), r64(to), "{name}");
            }
        }
    }

    fn rip_jump(&mut self, name: &'static str, form: fn(&mut Assembler, i32), code: Code) {
        self.checked.push(name);
        for distance in IMMEDIATES {
            check_rip(code, distance, |a| form(a, distance));
        }
    }

    /// One code where the immediate fits a byte, sign-extended, and one where not.
    fn reg_imm32(&mut self, name: &'static str, form: fn(&mut Assembler, Gp, i32), byte: Code, four: Code) {
        self.checked.push(name);
        for &to in Gp::ALL.iter() {
            for imm in IMMEDIATES {
                let code = if i8::try_from(imm).is_ok() { byte } else { four };
                let extended = i64::from(imm).cast_unsigned();
                let expected = [Operand::Register(r64(to)), Operand::Immediate(extended)];
                check(code, &expected, |a| form(a, to, imm));
            }
        }
    }

    fn reg_count<R: Class>(
        &mut self,
        name: &'static str,
        form: fn(&mut Assembler, R, u8),
        code: Code,
        class: fn(R) -> Register,
    ) {
        self.checked.push(name);
        for &to in R::ALL {
            for count in 0..=255 {
                let expected = [Operand::Register(class(to)), Operand::Immediate(u64::from(count))];
                check(code, &expected, |a| form(a, to, count));
            }
        }
    }
}

/// EVEX counts one-byte displacements in whole vectors.
fn disp8_unit(register: Register) -> i32 {
    if register.is_zmm() { 64 } else { 1 }
}

fn decode(bytes: &[u8]) -> (Instruction, ConstantOffsets) {
    let mut decoder = Decoder::new(64, bytes, DecoderOptions::NONE);
    let instruction = decoder.decode();
    assert!(!instruction.is_invalid(), "{bytes:02x?}");
    assert_eq!(instruction.len(), bytes.len(), "{bytes:02x?} decodes as {instruction}");
    (instruction, decoder.get_constant_offsets(&instruction))
}

/// That iced-x86's encoder, which emits no needless prefix, needs the same bytes.
fn assert_canonical(instruction: &Instruction, bytes: &[u8]) {
    let mut encoder = Encoder::new(64);
    encoder.encode(instruction, 0).expect("a decoded instruction encodes");
    assert_eq!(encoder.take_buffer(), bytes, "{instruction}");
}

/// That `emit` writes one instruction, which is `code` with these operands and nothing else.
fn check(code: Code, operands: &[Operand], emit: impl FnOnce(&mut Assembler)) {
    let mut assembler = Assembler::new();
    emit(&mut assembler);
    let bytes = assembler.finish();
    let (instruction, offsets) = decode(&bytes);
    let meant = || format!("{code:?} {operands:x?} became {bytes:02x?}: {instruction}");

    assert_eq!(instruction.code(), code, "{}", meant());
    assert_eq!(instruction.op_count() as usize, operands.len(), "{}", meant());
    assert_eq!(instruction.has_lock_prefix(), code == Code::Inc_rm64, "{}", meant());
    assert!(!instruction.has_rep_prefix(), "{}", meant());
    assert!(!instruction.has_repne_prefix() && !instruction.has_segment_prefix(), "{}", meant());
    assert_eq!(instruction.op_mask(), Register::None, "{}", meant());
    assert!(!instruction.is_broadcast() && !instruction.zeroing_masking(), "{}", meant());
    for (index, operand) in (0..).zip(operands) {
        match *operand {
            Operand::Register(register) => {
                assert_eq!(instruction.op_kind(index), OpKind::Register, "{}", meant());
                assert_eq!(instruction.op_register(index), register, "{}", meant());
            }
            Operand::Memory(mem, unit) => {
                assert_eq!(instruction.op_kind(index), OpKind::Memory, "{}", meant());
                assert_eq!(instruction.memory_base(), r64(mem.base), "{}", meant());
                assert_eq!(instruction.memory_index(), Register::None, "{}", meant());
                let displacement = i64::from(mem.disp).cast_unsigned();
                assert_eq!(instruction.memory_displacement64(), displacement, "{}", meant());
                assert_eq!(offsets.displacement_size(), shortest(mem, unit), "{}", meant());
            }
            Operand::Immediate(value) => assert_eq!(instruction.immediate(index), value, "{}", meant()),
        }
    }
    assert_canonical(&instruction, &bytes);
}

/// That `emit` writes one instruction, which is `code` with memory `distance` bytes behind it.
fn check_rip(code: Code, distance: i32, emit: impl FnOnce(&mut Assembler)) -> Instruction {
    let mut assembler = Assembler::new();
    emit(&mut assembler);
    let bytes = assembler.finish();
    let (instruction, _) = decode(&bytes);
    assert_eq!(instruction.code(), code, "{bytes:02x?}: {instruction}");
    assert_eq!(instruction.memory_base(), Register::RIP, "{instruction}");
    let end = i64::try_from(bytes.len()).expect("an instruction");
    let address = (end + i64::from(distance)).cast_unsigned();
    assert_eq!(instruction.memory_displacement64(), address, "{bytes:02x?}: {instruction}");
    assert_canonical(&instruction, &bytes);
    instruction
}

/// How many bytes a displacement needs.
fn shortest(mem: Mem, unit: i32) -> usize {
    if mem.disp == 0 && !matches!(mem.base, Gp::Rbp | Gp::R13) {
        0
    } else if mem.disp % unit == 0 && i8::try_from(mem.disp / unit).is_ok() {
        1
    } else {
        4
    }
}

/// `form!(checker, shape, method, code of iced-x86…)`
macro_rules! form {
    ($checker:ident.$shape:ident($form:ident, $code:ident $(, $rest:expr)*)) => {
        $checker.$shape(stringify!($form), Assembler::$form, Code::$code $(, $rest)*)
    };
}

fn check_moves(c: &mut Checker) {
    form!(c.reg_reg(mov_r64_r64, Mov_r64_rm64, r64, r64));
    form!(c.reg_reg(mov_r32_r32, Mov_r32_rm32, r32, r32));
    form!(c.load(mov_r64_m, Mov_r64_rm64, r64));
    form!(c.load(mov_r32_m, Mov_r32_rm32, r32));
    form!(c.load(movzx_r32_m8, Movzx_r32_rm8, r32));
    form!(c.load(movzx_r32_m16, Movzx_r32_rm16, r32));
    form!(c.load(movsx_r32_m8, Movsx_r32_rm8, r32));
    form!(c.load(movsx_r32_m16, Movsx_r32_rm16, r32));
    form!(c.store(mov_m_r8, Mov_rm8_r8, r8));
    form!(c.store(mov_m_r16, Mov_rm16_r16, r16));
    form!(c.store(mov_m_r32, Mov_rm32_r32, r32));
    form!(c.store(mov_m_r64, Mov_rm64_r64, r64));
    form!(c.load(lea_r64_m, Lea_r64_m, r64));
    form!(c.reg(push_r64, Push_r64));
    form!(c.reg(pop_r64, Pop_r64));
    form!(c.mem(push_m64, Push_rm64));
    form!(c.fixed(rep_movsq, Movsq_m64_m64));
    form!(c.fixed(rep_movsb, Movsb_m8_m8));

    c.checked.push("mov_r32_imm32");
    for &to in Gp::ALL.iter() {
        for imm in IMMEDIATES.map(i32::cast_unsigned) {
            let expected = [Operand::Register(r32(to)), Operand::Immediate(u64::from(imm))];
            check(Code::Mov_r32_imm32, &expected, |a| a.mov_r32_imm32(to, imm));
        }
    }
}

fn check_arithmetic(c: &mut Checker) {
    form!(c.reg_imm32(add_r64_imm32, Add_rm64_imm8, Code::Add_rm64_imm32));
    form!(c.reg_imm32(and_r64_imm32, And_rm64_imm8, Code::And_rm64_imm32));
    form!(c.reg_imm32(sub_r64_imm32, Sub_rm64_imm8, Code::Sub_rm64_imm32));
    form!(c.reg_reg(add_r64_r64, Add_r64_rm64, r64, r64));
    form!(c.reg_reg(or_r64_r64, Or_r64_rm64, r64, r64));
    form!(c.reg_reg(sub_r64_r64, Sub_r64_rm64, r64, r64));
    form!(c.reg_reg(xor_r32_r32, Xor_r32_rm32, r32, r32));
    form!(c.reg_reg(cmp_r64_r64, Cmp_r64_rm64, r64, r64));
    form!(c.reg_count(shl_r64_imm8, Shl_rm64_imm8, r64));
    form!(c.reg_count(shr_r64_imm8, Shr_rm64_imm8, r64));

    form!(c.mem(lock_inc_m64, Inc_rm64));

    c.checked.push("or_m64_imm8");
    for to in memory_operands() {
        for imm in i8::MIN..=i8::MAX {
            let extended = i64::from(imm).cast_unsigned();
            let expected = [Operand::Memory(to, 1), Operand::Immediate(extended)];
            check(Code::Or_rm64_imm8, &expected, |a| a.or_m64_imm8(to, imm));
        }
    }
}

fn check_control(c: &mut Checker) {
    form!(c.fixed(endbr64, Endbr64));
    form!(c.fixed(ud2, Ud2));
    form!(c.fixed(int3, Int3));
    form!(c.reg(call_r64, Call_rm64));
    form!(c.reg(jmp_r64, Jmp_rm64));
    form!(c.fixed(ret, Retnq));
    form!(c.mem(call_m64, Call_rm64));
    form!(c.load_rip(mov_r64_rip, Mov_r64_rm64));
    form!(c.rip_jump(jmp_rip, Jmp_rm64));
    form!(c.fixed(leave, Leaveq));
}

fn check_vectors_and_x87(c: &mut Checker) {
    form!(c.load(movss_x_m, Movss_xmm_xmmm32, xmm));
    form!(c.store(movss_m_x, Movss_xmmm32_xmm, xmm));
    form!(c.load(movsd_x_m, Movsd_xmm_xmmm64, xmm));
    form!(c.store(movsd_m_x, Movsd_xmmm64_xmm, xmm));
    form!(c.load(movups_x_m, Movups_xmm_xmmm128, xmm));
    form!(c.store(movups_m_x, Movups_xmmm128_xmm, xmm));
    form!(c.load(movaps_x_m, Movaps_xmm_xmmm128, xmm));
    form!(c.store(movaps_m_x, Movaps_xmmm128_xmm, xmm));
    form!(c.reg_reg(movq_x_r64, Movq_xmm_rm64, xmm, r64));
    form!(c.reg_reg(movq_r64_x, Movq_rm64_xmm, r64, xmm));
    form!(c.reg_reg(movd_x_r32, Movd_xmm_rm32, xmm, r32));
    form!(c.reg_reg(movd_r32_x, Movd_rm32_xmm, r32, xmm));
    form!(c.load_lane(pinsrw_x_m_imm8, Pinsrw_xmm_r32m16_imm8));
    form!(c.reg_count(psrldq_x_imm8, Psrldq_xmm_imm8, xmm));
    form!(c.load(vmovups_y_m, VEX_Vmovups_ymm_ymmm256, ymm));
    form!(c.store(vmovups_m_y, VEX_Vmovups_ymmm256_ymm, ymm));
    form!(c.fixed(vzeroupper, VEX_Vzeroupper));
    form!(c.load(vmovups_z_m, EVEX_Vmovups_zmm_k1z_zmmm512, zmm));
    form!(c.store(vmovups_m_z, EVEX_Vmovups_zmmm512_k1z_zmm, zmm));
    form!(c.mem(fld_m80, Fld_m80fp));
    form!(c.mem(fstp_m80, Fstp_m80fp));
}

#[test]
fn every_form_decodes_as_meant() {
    let mut checker = Checker::default();
    check_moves(&mut checker);
    check_arithmetic(&mut checker);
    check_control(&mut checker);
    check_vectors_and_x87(&mut checker);
    for form in FORMS {
        assert!(checker.checked.contains(form), "{form} is not checked");
    }
}

/// The places of a jump and its label, with `distance` bytes from the one to the other.
fn jump(distance: usize, backward: bool) -> (Vec<u8>, usize, usize) {
    let mut a = Assembler::new();
    let label = a.label();
    let (at, target);
    if backward {
        a.ret();
        a.bind(label);
        target = a.len();
        (0..distance).for_each(|_| a.int3());
        at = a.len();
        a.jne(label);
    } else {
        at = a.len();
        a.jne(label);
        (0..distance).for_each(|_| a.int3());
        a.bind(label);
        target = a.len();
    }
    a.ret();
    (a.finish(), at, target)
}

#[test]
fn jumps_reach_their_labels() {
    for distance in (0..300).chain([0x7FFF, 0x8000, 0x1_0000]) {
        for backward in [false, true] {
            let (bytes, at, target) = jump(distance, backward);
            let instruction = Decoder::with_ip(64, &bytes[at..], at as u64, DecoderOptions::NONE).decode();
            // A backward displacement counts from the end of the jump, two bytes long.
            let short = backward && distance + 2 <= 128;
            let code = if short { Code::Jne_rel8_64 } else { Code::Jne_rel32_64 };
            assert_eq!(instruction.code(), code, "{distance} bytes, backward: {backward}");
            assert_eq!(instruction.near_branch64(), target as u64, "{distance} bytes, backward: {backward}");
            assert_eq!(bytes.last(), Some(&0xC3));
        }
    }
}

#[test]
#[should_panic(expected = "never bound")]
fn a_jump_to_nowhere_is_refused() {
    let mut a = Assembler::new();
    let label = a.label();
    a.jne(label);
    a.finish();
}

#[test]
fn registers_are_numbered_and_named_as_in_the_manual() {
    let lower = |register: Register| format!("{register:?}").to_lowercase();
    for (number, register) in (0..).zip(Gp::ALL) {
        assert_eq!(Gp::from_number(number), Some(register));
        assert_eq!(register.number(), number);
        assert_eq!(format!("{register:?}").to_lowercase(), lower(r64(register)));
        // The manual has R8L, assemblers have r8b.
        let r8 = lower(r8(register));
        let r8 = if number < 8 { r8 } else { r8.replace('l', "b") };
        let wide = [lower(r64(register)), lower(r32(register)), lower(r16(register)), r8];
        assert_eq!([8, 4, 2, 1].map(|width| register.name(width)), wide.each_ref().map(|name| &name[..]));
        assert_eq!([5, 3].map(|width| register.name(width)), [&wide[0], &wide[1]]);
    }
    for (number, register) in (0..).zip(Xmm::ALL) {
        assert_eq!(Xmm::from_number(number), Some(register));
        assert_eq!(register.number(), number);
        assert_eq!(format!("{register:?}").to_lowercase(), lower(xmm(register)));
        let wide = [lower(xmm(register)), lower(ymm(register)), lower(zmm(register))];
        assert_eq!([16, 32, 64].map(|width| register.name(width)), wide.each_ref().map(|name| &name[..]));
        assert_eq!([4, 17].map(|width| register.name(width)), [&wide[0], &wide[1]]);
    }
    assert_eq!((Gp::from_number(16), Xmm::from_number(16)), (None, None));
}

#[test]
fn places_have_names() {
    let names = [
        (Location::Gp(7), 8, "rdi"),
        (Location::Gp(7), 3, "edi"),
        (Location::Vector(15), 4, "xmm15"),
        (Location::Vector(0), 32, "ymm0"),
        (Location::X87(1), 16, "st(1)"),
        (Location::Stack(0), 8, "[rsp]"),
        (Location::Stack(24), 8, "[rsp+24]"),
        (Location::Gp(16), 8, "gp16"),
    ];
    for (location, width, expected) in names {
        assert_eq!(super::name(location, width).to_string(), expected);
    }
}
