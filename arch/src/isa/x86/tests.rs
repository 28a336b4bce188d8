//! Every form over its operand range, judged by iced-x86: what its decoder reads back is what the call meant, and its
//! encoder needs the same bytes.

extern crate std;

use super::encode::{Assembler, FORMS};
use super::reg::{Gp, Low, Mem, Mm, Xmm};
use crate::plan::Location;
use iced_x86::{Code, ConstantOffsets, Decoder, DecoderOptions, Encoder, Instruction, OpKind, Register};
use std::format;
use std::string::ToString;
use std::vec::Vec;

/// Around each boundary of disp8, of EVEX's disp8*64, and of disp32.
const DISPLACEMENTS: [i32; 17] =
    [0, 1, -1, 64, -64, 127, 128, 192, -128, -129, 4096, 8128, 8192, -8192, -8256, i32::MAX, i32::MIN];
const IMMEDIATES: [i32; 13] = [0, 1, -1, 8, 127, 128, -128, -129, 255, 256, 0x1234_5678, i32::MAX, i32::MIN];

/// What an operand should be.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Register(Register),
    /// With the unit of its one-byte displacements.
    Memory(Mem, i32),
    Absolute(u32),
    /// Extended to 32 bits.
    Immediate(u32),
}

/// A register class with all its members.
trait Class: Copy + 'static {
    const ALL: &'static [Self];
}
impl Class for Gp {
    const ALL: &'static [Gp] = &Gp::ALL;
}
impl Class for Low {
    const ALL: &'static [Low] = &Low::ALL;
}
impl Class for Mm {
    const ALL: &'static [Mm] = &Mm::ALL;
}
impl Class for Xmm {
    const ALL: &'static [Xmm] = &Xmm::ALL;
}

fn r32(register: Gp) -> Register {
    Register::EAX + u32::from(register.number())
}
fn r16(register: Gp) -> Register {
    Register::AX + u32::from(register.number())
}
fn r8(register: Low) -> Register {
    Register::AL + u32::from(u8::from(register))
}
fn mm(register: Mm) -> Register {
    Register::MM0 + u32::from(u8::from(register))
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
        for register in Gp::ALL {
            check(code, &[Operand::Register(r32(register))], |a| form(a, register));
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

    /// One code where the immediate fits a byte, sign-extended, and one where not.
    fn reg_imm32(&mut self, name: &'static str, form: fn(&mut Assembler, Gp, i32), byte: Code, four: Code) {
        self.checked.push(name);
        for to in Gp::ALL {
            for imm in IMMEDIATES {
                let code = if i8::try_from(imm).is_ok() { byte } else { four };
                let expected = [Operand::Register(r32(to)), Operand::Immediate(imm.cast_unsigned())];
                check(code, &expected, |a| form(a, to, imm));
            }
        }
    }
}

/// EVEX counts one-byte displacements in whole vectors.
fn disp8_unit(register: Register) -> i32 {
    if register.is_zmm() { 64 } else { 1 }
}

fn decode(bytes: &[u8]) -> (Instruction, ConstantOffsets) {
    let mut decoder = Decoder::new(32, bytes, DecoderOptions::NONE);
    let instruction = decoder.decode();
    assert!(!instruction.is_invalid(), "{bytes:02x?}");
    assert_eq!(instruction.len(), bytes.len(), "{bytes:02x?} decodes as {instruction}");
    (instruction, decoder.get_constant_offsets(&instruction))
}

/// That iced-x86's encoder, which emits no needless prefix, needs the same bytes.
fn assert_canonical(instruction: &Instruction, bytes: &[u8]) {
    let mut encoder = Encoder::new(32);
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
    assert_eq!(instruction.has_lock_prefix(), code == Code::Inc_rm32, "{}", meant());
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
                assert_eq!(instruction.memory_base(), r32(mem.base), "{}", meant());
                assert_eq!(instruction.memory_index(), Register::None, "{}", meant());
                assert_eq!(instruction.memory_displacement32(), mem.disp.cast_unsigned(), "{}", meant());
                assert_eq!(offsets.displacement_size(), shortest(mem, unit), "{}", meant());
            }
            Operand::Absolute(address) => {
                assert_eq!(instruction.op_kind(index), OpKind::Memory, "{}", meant());
                assert_eq!(instruction.memory_base(), Register::None, "{}", meant());
                assert_eq!(instruction.memory_index(), Register::None, "{}", meant());
                assert_eq!(instruction.memory_displacement32(), address, "{}", meant());
            }
            Operand::Immediate(value) => {
                assert_eq!(instruction.immediate(index), widened(value, code), "{}", meant());
            }
        }
    }
    assert_canonical(&instruction, &bytes);
}

/// iced-x86 gives one-byte immediates, sign-extended to 32 bits, in 64.
fn widened(value: u32, code: Code) -> u64 {
    match code {
        Code::Or_rm32_imm8 | Code::Add_rm32_imm8 | Code::And_rm32_imm8 | Code::Sub_rm32_imm8 => {
            i64::from(value.cast_signed()).cast_unsigned()
        }
        _ => u64::from(value),
    }
}

/// How many bytes a displacement needs.
fn shortest(mem: Mem, unit: i32) -> usize {
    if mem.disp == 0 && mem.base != Gp::Ebp {
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
    form!(c.reg_reg(mov_r32_r32, Mov_r32_rm32, r32, r32));
    form!(c.load(mov_r32_m, Mov_r32_rm32, r32));
    form!(c.load(movzx_r32_m8, Movzx_r32_rm8, r32));
    form!(c.load(movzx_r32_m16, Movzx_r32_rm16, r32));
    form!(c.load(movsx_r32_m8, Movsx_r32_rm8, r32));
    form!(c.load(movsx_r32_m16, Movsx_r32_rm16, r32));
    form!(c.store(mov_m_r8, Mov_rm8_r8, r8));
    form!(c.store(mov_m_r16, Mov_rm16_r16, r16));
    form!(c.store(mov_m_r32, Mov_rm32_r32, r32));
    form!(c.load(lea_r32_m, Lea_r32_m, r32));
    form!(c.reg(push_r32, Push_r32));
    form!(c.reg(pop_r32, Pop_r32));
    form!(c.fixed(rep_movsd, Movsd_m32_m32));
    form!(c.fixed(rep_movsb, Movsb_m8_m8));

    c.checked.extend(["mov_r32_imm32", "mov_r32_abs"]);
    for to in Gp::ALL {
        for imm in IMMEDIATES.map(i32::cast_unsigned) {
            let expected = [Operand::Register(r32(to)), Operand::Immediate(imm)];
            check(Code::Mov_r32_imm32, &expected, |a| a.mov_r32_imm32(to, imm));
        }
    }
    // iced-x86 reads EAX's form with an address as this one, but would write its own.
    for to in Gp::ALL.into_iter().filter(|to| *to != Gp::Eax) {
        for address in IMMEDIATES.map(i32::cast_unsigned) {
            let expected = [Operand::Register(r32(to)), Operand::Absolute(address)];
            check(Code::Mov_r32_rm32, &expected, |a| a.mov_r32_abs(to, address));
        }
    }
    let mut a = Assembler::new();
    a.mov_r32_abs(Gp::Eax, 0x1234_5678);
    assert_eq!(decode(&a.finish()).0.to_string(), "mov eax,[12345678h]");
}

fn check_arithmetic(c: &mut Checker) {
    form!(c.reg_imm32(add_r32_imm32, Add_rm32_imm8, Code::Add_rm32_imm32));
    form!(c.reg_imm32(and_r32_imm32, And_rm32_imm8, Code::And_rm32_imm32));
    form!(c.reg_imm32(sub_r32_imm32, Sub_rm32_imm8, Code::Sub_rm32_imm32));
    form!(c.reg_reg(cmp_r32_r32, Cmp_r32_rm32, r32, r32));

    form!(c.mem(lock_inc_m32, Inc_rm32));

    c.checked.push("or_m32_imm8");
    for to in memory_operands() {
        for imm in i8::MIN..=i8::MAX {
            let extended = i32::from(imm).cast_unsigned();
            let expected = [Operand::Memory(to, 1), Operand::Immediate(extended)];
            check(Code::Or_rm32_imm8, &expected, |a| a.or_m32_imm8(to, imm));
        }
    }
}

fn check_control(c: &mut Checker) {
    form!(c.fixed(endbr32, Endbr32));
    form!(c.fixed(int3, Int3));
    form!(c.mem(push_m32, Push_rm32));
    form!(c.mem(call_m32, Call_rm32));
    form!(c.reg(jmp_r32, Jmp_rm32));
    form!(c.mem(jmp_m32, Jmp_rm32));
    form!(c.fixed(ret, Retnd));
    form!(c.fixed(leave, Leaved));

    c.checked.extend(["ret_imm16", "jmp_abs"]);
    for bytes in [0, 1, 4, 127, 128, 255, 256, 0x1234, u16::MAX] {
        check(Code::Retnd_imm16, &[Operand::Immediate(bytes.into())], |a| a.ret_imm16(bytes));
    }
    for address in IMMEDIATES.map(i32::cast_unsigned) {
        check(Code::Jmp_rm32, &[Operand::Absolute(address)], |a| a.jmp_abs(address));
    }
}

fn check_vectors_and_x87(c: &mut Checker) {
    form!(c.load(movss_x_m, Movss_xmm_xmmm32, xmm));
    form!(c.store(movss_m_x, Movss_xmmm32_xmm, xmm));
    form!(c.load(movsd_x_m, Movsd_xmm_xmmm64, xmm));
    form!(c.store(movsd_m_x, Movsd_xmmm64_xmm, xmm));
    form!(c.load(movups_x_m, Movups_xmm_xmmm128, xmm));
    form!(c.store(movups_m_x, Movups_xmmm128_xmm, xmm));
    form!(c.reg_reg(movd_r32_x, Movd_rm32_xmm, r32, xmm));
    form!(c.load(vmovups_y_m, VEX_Vmovups_ymm_ymmm256, ymm));
    form!(c.store(vmovups_m_y, VEX_Vmovups_ymmm256_ymm, ymm));
    form!(c.fixed(vzeroupper, VEX_Vzeroupper));
    form!(c.load(vmovups_z_m, EVEX_Vmovups_zmm_k1z_zmmm512, zmm));
    form!(c.store(vmovups_m_z, EVEX_Vmovups_zmmm512_k1z_zmm, zmm));
    form!(c.load(movq_mm_m, Movq_mm_mmm64, mm));
    form!(c.store(movq_m_mm, Movq_mmm64_mm, mm));
    form!(c.fixed(emms, Emms));
    form!(c.mem(fld_m32, Fld_m32fp));
    form!(c.mem(fld_m64, Fld_m64fp));
    form!(c.mem(fld_m80, Fld_m80fp));
    form!(c.mem(fstp_m32, Fstp_m32fp));
    form!(c.mem(fstp_m64, Fstp_m64fp));
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

#[test]
fn jumps_reach_their_labels() {
    for distance in (0..300).chain([0x7FFF, 0x8000, 0x1_0000]) {
        let mut a = Assembler::new();
        a.ret();
        let label = a.label_here();
        let target = a.len();
        (0..distance).for_each(|_| a.int3());
        let at = a.len();
        a.jne(label);
        let bytes = a.finish();
        let instruction = Decoder::with_ip(32, &bytes[at..], at as u64, DecoderOptions::NONE).decode();
        // The displacement counts from the end of the jump, two bytes long.
        let code = if distance + 2 <= 128 { Code::Jne_rel8_32 } else { Code::Jne_rel32_32 };
        assert_eq!(instruction.code(), code, "{distance} bytes");
        assert_eq!(instruction.near_branch_target(), target as u64, "{distance} bytes");
    }
}

#[test]
fn registers_are_numbered_and_named_as_in_the_manual() {
    let lower = |register: Register| format!("{register:?}").to_lowercase();
    for (number, register) in (0..).zip(Gp::ALL) {
        assert_eq!(Gp::from_number(number), Some(register));
        assert_eq!(register.number(), number);
        assert_eq!(format!("{register:?}").to_lowercase(), lower(r32(register)));
        assert_eq!([8, 4, 3, 2].map(|width| register.name(width)).map(str::len), [3, 3, 3, 2]);
        assert_eq!([register.name(4), register.name(2)], [&lower(r32(register))[..], &lower(r16(register))]);
    }
    for (number, register) in (0..).zip(Low::ALL) {
        assert_eq!(u8::from(register), number);
        assert_eq!(Gp::from_low_bits(number).name(1), lower(r8(register)));
        assert_eq!(format!("{register:?}").to_lowercase(), lower(r8(register)));
    }
    for (number, register) in (0..).zip(Xmm::ALL) {
        assert_eq!(Xmm::from_number(number), Some(register));
        assert_eq!(register.number(), number);
        let wide = [lower(xmm(register)), lower(ymm(register)), lower(zmm(register))];
        assert_eq!([16, 32, 64].map(|width| register.name(width)), wide.each_ref().map(|name| &name[..]));
        assert_eq!([4, 17].map(|width| register.name(width)), [&wide[0], &wide[1]]);
    }
    assert_eq!((Gp::from_number(8), Xmm::from_number(8)), (None, None));
}

#[test]
fn places_have_names() {
    let names = [
        (Location::Gp(1), 4, "ecx"),
        (Location::Gp(1), 1, "cl"),
        (Location::Vector(2), 16, "xmm2"),
        (Location::Vector(0), 32, "ymm0"),
        (Location::Mmx(2), 8, "mm2"),
        (Location::X87(0), 8, "st(0)"),
        (Location::Stack(0), 4, "[esp]"),
        (Location::Stack(24), 4, "[esp+24]"),
        (Location::Gp(8), 4, "gp8"),
    ];
    for (location, width, expected) in names {
        assert_eq!(super::name(location, width).to_string(), expected);
    }
}
