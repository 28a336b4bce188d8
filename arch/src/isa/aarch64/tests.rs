//! Every form over its operand range, judged by yaxpeax-arm: it reads back the text that the call meant.

extern crate std;

use super::encode::{Assembler, FORMS, fits, fits_pair};
use super::reg::{Base, Gp, Mem, Vector};
use crate::plan::Location;
use core::ops::RangeInclusive;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

fn x(register: Gp) -> String {
    format!("x{}", register.number())
}

fn w(register: Gp) -> String {
    format!("w{}", register.number())
}

fn sp(register: Base) -> String {
    if register == Base::SP { "sp".into() } else { format!("x{}", register.number()) }
}

fn vectors() -> [Vector; 32] {
    core::array::from_fn(|number| Vector::from_low_bits(u8::try_from(number).unwrap_or(0)))
}

fn bases() -> impl Iterator<Item = Base> {
    Gp::ALL.into_iter().map(Base::from).chain([Base::SP])
}

/// What follows a memory operand's base.
fn displaced(base: Base, disp: i32) -> String {
    match disp {
        0 => format!("[{}]", sp(base)),
        1.. => format!("[{}, #{disp:#x}]", sp(base)),
        ..0 => format!("[{}, #-{:#x}]", sp(base), -disp),
    }
}

/// What an instruction that `form` writes is read back as.
fn read_back(form: impl FnOnce(&mut Assembler)) -> String {
    let mut assembler = Assembler::default();
    form(&mut assembler);
    let bytes = assembler.finish();
    assert_eq!(bytes.len(), 4, "one instruction");
    InstDecoder::default().decode(&mut U8Reader::new(&bytes)).expect("an instruction").to_string()
}

/// Checks forms, and remembers which.
#[derive(Default)]
struct Checker {
    checked: Vec<&'static str>,
}

impl Checker {
    fn name(&mut self, name: &'static str) {
        self.checked.push(name);
    }

    fn fixed(&mut self, name: &'static str, form: fn(&mut Assembler), text: &str) {
        self.name(name);
        assert_eq!(read_back(form), text, "{name}");
    }

    fn register(&mut self, name: &'static str, form: fn(&mut Assembler, Gp), mnemonic: &str) {
        self.name(name);
        for register in Gp::ALL {
            assert_eq!(read_back(|a| form(a, register)), format!("{mnemonic} {}", x(register)));
        }
    }

    /// A branch back over up to 1,000 instructions.
    fn back(&mut self, name: &'static str, form: fn(&mut Assembler, crate::code::Label), mnemonic: &str) {
        self.name(name);
        for words in [0, 1, 2, 1000] {
            let mut assembler = Assembler::default();
            let top = assembler.here();
            (0..words).for_each(|_| assembler.brk());
            form(&mut assembler, top);
            let bytes = assembler.finish();
            let last =
                InstDecoder::default().decode(&mut U8Reader::new(&bytes[4 * words..])).expect("a branch");
            let sign = if words == 0 { '+' } else { '-' };
            assert_eq!(last.to_string(), format!("{mnemonic} ${sign}{:#x}", 4 * words));
        }
    }

    /// A load or store of one register, whose scaled form is `mnemonic`, over all registers, bases, and around all limits.
    fn one<R: Copy + core::fmt::Debug>(
        &mut self,
        name: &'static str,
        form: fn(&mut Assembler, R, Mem),
        registers: &[R],
        (mnemonic, size): (&str, u32),
        spell: impl Fn(R) -> String,
    ) {
        self.name(name);
        let displacements = [0, 1, size, 7, 15, 248, 255, 256, 0xFF0, 0xFFF, 0xFFF * size, 0x1000 * size];
        for &register in registers {
            for base in bases() {
                for disp in displacements.into_iter().filter(|&disp| fits(disp, size)) {
                    let scaled = disp.is_multiple_of(size) && disp < 0x1000 * size;
                    let mnemonic = if scaled {
                        mnemonic.into()
                    } else {
                        format!("{}u{}", &mnemonic[..2], &mnemonic[2..])
                    };
                    let expected =
                        format!("{mnemonic} {}, {}", spell(register), displaced(base, disp.cast_signed()));
                    let mem = Mem { base, disp };
                    assert_eq!(read_back(|a| form(a, register, mem)), expected, "{name}");
                }
            }
        }
        assert!(!fits(0x1000 * size, size) && (size == 1 || !fits(257, size)));
    }

    /// A load or store of two registers.
    fn pair<R: Copy + core::fmt::Debug>(
        &mut self,
        name: &'static str,
        form: fn(&mut Assembler, R, R, Mem),
        registers: &[R],
        (mnemonic, size): (&str, u32),
        spell: impl Fn(R) -> String,
    ) {
        self.name(name);
        for (&first, &second) in registers.iter().zip(&registers[1..]) {
            for base in bases() {
                for disp in [0, 1, 2, 31, 63].map(|units| units * size) {
                    let mem = Mem { base, disp };
                    let place = displaced(base, disp.cast_signed());
                    let expected = format!("{mnemonic} {}, {}, {place}", spell(first), spell(second));
                    assert_eq!(read_back(|a| form(a, first, second, mem)), expected, "{name}");
                }
            }
        }
        assert!(
            fits_pair(63 * size, size) && !fits_pair(64 * size, size) && (size == 1 || !fits_pair(1, size))
        );
    }

    /// Three operands of which the first two may be the stack pointer.
    fn addend(&mut self, name: &'static str, form: fn(&mut Assembler, Base, Base, u32), mnemonic: &str) {
        self.name(name);
        for (to, left) in bases().zip(bases()).chain(bases().zip(bases().skip(5))) {
            for imm in [1, 16, 0xFFF] {
                let registers = format!("{mnemonic} {}, {}", sp(to), sp(left));
                assert_eq!(read_back(|a| form(a, to, left, imm)), format!("{registers}, #{imm:#x}"));
                let shifted = format!("{registers}, #{imm:#x}, lsl #12");
                assert_eq!(read_back(|a| form(a, to, left, imm << 12)), shifted);
            }
        }
    }

    fn wide(
        &mut self,
        name: &'static str,
        form: fn(&mut Assembler, Gp, u16, u8),
        spell: fn(u64, u8) -> String,
    ) {
        self.name(name);
        for to in Gp::ALL {
            for imm in [1, 0x1234, u16::MAX] {
                for part in 0..4 {
                    let expected = format!("{}, {}", x(to), spell(u64::from(imm), part));
                    let text = read_back(|a| form(a, to, imm, part));
                    assert_eq!(text.split_once(' ').map(|(_, operands)| operands), Some(expected.as_str()));
                    assert!(
                        text.starts_with(if name.starts_with("movk") { "movk" } else { "mov " }),
                        "{text}"
                    );
                }
            }
        }
    }
}

#[test]
fn control() {
    let mut checker = Checker::default();
    // BTI c is hint 34, which processors before it ignore.
    checker.fixed("bti_c", Assembler::bti_c, "hint #0x22");
    checker.fixed("brk", Assembler::brk, "brk #0x0");
    checker.fixed("ret", Assembler::ret, "ret");
    checker.register("br_x", Assembler::br_x, "br");
    checker.register("blr_x", Assembler::blr_x, "blr");
    checker.back("b_ne", Assembler::b_ne, "b.ne");
    checker.back("b_hs", Assembler::b_hs, "b.hs");
    check_all(checker, &["bti_c", "brk", "ret", "br_x", "blr_x", "b_ne", "b_hs"]);
}

/// The forms that [`control`], [`data`] and [`memory`] check.
fn check_all(checker: Checker, names: &[&str]) {
    assert_eq!(checker.checked, names);
}

const DATA: RangeInclusive<&str> = "mov_x_x"..="lsr_x_x_imm6";

/// The forms between two, both included, as they are declared.
fn declared(range: RangeInclusive<&str>) -> Vec<&'static str> {
    let place = |name| FORMS.iter().position(|form| form == name).expect("a form");
    FORMS[place(range.start())..=place(range.end())].to_vec()
}

#[test]
fn data() {
    let mut checker = Checker::default();
    let c = &mut checker;
    c.name("mov_x_x");
    for (to, from) in Gp::ALL.into_iter().flat_map(|to| Gp::ALL.map(|from| (to, from))) {
        assert_eq!(read_back(|a| a.mov_x_x(to, from)), format!("mov {}, {}", x(to), x(from)));
    }
    c.wide("movz_x_imm16", Assembler::movz_x_imm16, |imm, part| format!("#{:#x}", imm << (16 * part)));
    c.wide("movk_x_imm16", Assembler::movk_x_imm16, |imm, part| match part {
        0 => format!("#{imm:#x}"),
        _ => format!("#{imm:#x}, lsl #{}", 16 * part),
    });
    c.addend("add_sp_sp_imm12", Assembler::add_sp_sp_imm12, "add");
    assert_eq!(read_back(|a| a.add_sp_sp_imm12(Base::SP, Gp::X29.into(), 0)), "mov sp, x29");
    c.addend("sub_sp_sp_imm12", Assembler::sub_sp_sp_imm12, "sub");
    for (name, mnemonic, form) in [
        ("add_sp_sp_x", "add", Assembler::add_sp_sp_x as fn(&mut Assembler, Base, Base, Gp)),
        ("sub_sp_sp_x", "sub", Assembler::sub_sp_sp_x),
    ] {
        c.name(name);
        for (to, left) in bases().flat_map(|to| bases().map(move |left| (to, left))) {
            for right in Gp::ALL {
                let expected = format!("{mnemonic} {}, {}, {}", sp(to), sp(left), x(right));
                assert_eq!(read_back(|a| form(a, to, left, right)), expected);
            }
        }
    }
    c.name("cmp_sp_x");
    for (left, right) in bases().flat_map(|left| Gp::ALL.map(|right| (left, right))) {
        assert_eq!(read_back(|a| a.cmp_sp_x(left, right)), format!("cmp {}, {}", sp(left), x(right)));
    }
    c.name("and_sp_x_mask");
    for (to, from) in bases().flat_map(|to| Gp::ALL.map(|from| (to, from))) {
        for low in 1..64 {
            let expected = format!("and {}, {}, #{:#x}", sp(to), x(from), u64::MAX << low);
            assert_eq!(read_back(|a| a.and_sp_x_mask(to, from, low)), expected);
        }
    }
    c.name("orr_x_x_x");
    for (to, one, other) in Gp::ALL.into_iter().zip(Gp::ALL).flat_map(|(a, b)| Gp::ALL.map(|c| (a, b, c))) {
        assert_eq!(
            read_back(|a| a.orr_x_x_x(to, one, other, 8)),
            format!("orr {}, {}, {}, lsl #8", x(to), x(one), x(other))
        );
        assert_eq!(
            read_back(|a| a.orr_x_x_x(to, other, one, 0)),
            format!("orr {}, {}, {}", x(to), x(other), x(one))
        );
    }
    c.name("lsr_x_x_imm6");
    for (to, from) in Gp::ALL.into_iter().flat_map(|to| Gp::ALL.map(|from| (to, from))) {
        for count in [1, 8, 16, 32, 63] {
            let expected = format!("lsr {}, {}, #{count:#x}", x(to), x(from));
            assert_eq!(read_back(|a| a.lsr_x_x_imm6(to, from, count)), expected);
        }
    }
    check_all(checker, &declared(DATA));
}

const MEMORY: RangeInclusive<&str> = "ldr_x_literal"..="stp_after_q_q";

#[test]
fn memory() {
    let mut checker = Checker::default();
    let c = &mut checker;
    c.name("ldr_x_literal");
    for to in Gp::ALL {
        for distance in [0, 4, 12_288, 0xF_FFFC] {
            assert_eq!(
                read_back(|a| a.ldr_x_literal(to, distance)),
                format!("ldr {}, $+{distance:#x}", x(to))
            );
        }
        for distance in [4, 0x10_0000] {
            assert_eq!(
                read_back(|a| a.ldr_x_literal(to, -distance)),
                format!("ldr {}, $-{distance:#x}", x(to))
            );
        }
    }
    let (gp, vectors) = (&Gp::ALL, &vectors());
    c.one("ldr_x_m", Assembler::ldr_x_m, gp, ("ldr", 8), x);
    c.one("ldr_w_m", Assembler::ldr_w_m, gp, ("ldr", 4), w);
    c.one("ldrh_w_m", Assembler::ldrh_w_m, gp, ("ldrh", 2), w);
    c.one("ldrb_w_m", Assembler::ldrb_w_m, gp, ("ldrb", 1), w);
    c.one("ldrsh_w_m", Assembler::ldrsh_w_m, gp, ("ldrsh", 2), w);
    c.one("ldrsb_w_m", Assembler::ldrsb_w_m, gp, ("ldrsb", 1), w);
    c.one("str_m_x", |a, t, m| a.str_m_x(m, t), gp, ("str", 8), x);
    c.one("str_m_w", |a, t, m| a.str_m_w(m, t), gp, ("str", 4), w);
    c.one("strh_m_w", |a, t, m| a.strh_m_w(m, t), gp, ("strh", 2), w);
    c.one("strb_m_w", |a, t, m| a.strb_m_w(m, t), gp, ("strb", 1), w);
    let scalar = |letter: char| move |register: Vector| format!("{letter}{}", register.number());
    c.one("ldr_h_m", Assembler::ldr_h_m, vectors, ("ldr", 2), scalar('h'));
    c.one("ldr_s_m", Assembler::ldr_s_m, vectors, ("ldr", 4), scalar('s'));
    c.one("ldr_d_m", Assembler::ldr_d_m, vectors, ("ldr", 8), scalar('d'));
    c.one("ldr_q_m", Assembler::ldr_q_m, vectors, ("ldr", 16), scalar('q'));
    c.one("str_m_h", |a, t, m| a.str_m_h(m, t), vectors, ("str", 2), scalar('h'));
    c.one("str_m_s", |a, t, m| a.str_m_s(m, t), vectors, ("str", 4), scalar('s'));
    c.one("str_m_d", |a, t, m| a.str_m_d(m, t), vectors, ("str", 8), scalar('d'));
    c.one("str_m_q", |a, t, m| a.str_m_q(m, t), vectors, ("str", 16), scalar('q'));
    c.pair("ldp_x_x_m", Assembler::ldp_x_x_m, gp, ("ldp", 8), x);
    c.pair("ldp_w_w_m", Assembler::ldp_w_w_m, gp, ("ldp", 4), w);
    c.pair("ldp_s_s_m", Assembler::ldp_s_s_m, vectors, ("ldp", 4), scalar('s'));
    c.pair("ldp_d_d_m", Assembler::ldp_d_d_m, vectors, ("ldp", 8), scalar('d'));
    c.pair("ldp_q_q_m", Assembler::ldp_q_q_m, vectors, ("ldp", 16), scalar('q'));
    c.pair("stp_m_x_x", |a, t, u, m| a.stp_m_x_x(m, t, u), gp, ("stp", 8), x);
    c.pair("stp_m_w_w", |a, t, u, m| a.stp_m_w_w(m, t, u), gp, ("stp", 4), w);
    c.pair("stp_m_s_s", |a, t, u, m| a.stp_m_s_s(m, t, u), vectors, ("stp", 4), scalar('s'));
    c.pair("stp_m_d_d", |a, t, u, m| a.stp_m_d_d(m, t, u), vectors, ("stp", 8), scalar('d'));
    c.pair("stp_m_q_q", |a, t, u, m| a.stp_m_q_q(m, t, u), vectors, ("stp", 16), scalar('q'));
    indexed(c);
    check_all(checker, &declared(MEMORY));
}

/// The pairs that move their base.
fn indexed(c: &mut Checker) {
    for name in ["stp_before_x_x", "ldp_after_x_x", "ldp_after_q_q", "stp_after_q_q"] {
        c.name(name);
    }
    let hex = |by: i32| if by < 0 { format!("#-{:#x}", -by) } else { format!("#{by:#x}") };
    for base in bases() {
        // A base that is loaded or stored beside is another instruction, which no processor defines.
        let (t, u) = if base.number() > 1 { (Gp::X0, Gp::X1) } else { (Gp::X29, Gp::X30) };
        let (v, r) = (Vector::from_low_bits(base.number()), Vector::from_low_bits(31 - base.number()));
        for by in [-64, -1, 1, 2, 63] {
            let (xs, qs) = (by * 8, by * 16);
            let pair = format!("{}, {}, [{}", x(t), x(u), sp(base));
            assert_eq!(read_back(|a| a.stp_before_x_x(base, xs, t, u)), format!("stp {pair}, {}]!", hex(xs)));
            assert_eq!(read_back(|a| a.ldp_after_x_x(t, u, base, xs)), format!("ldp {pair}], {}", hex(xs)));
            let pair = format!("q{}, q{}, [{}]", v.number(), r.number(), sp(base));
            assert_eq!(read_back(|a| a.ldp_after_q_q(v, r, base, qs)), format!("ldp {pair}, {}", hex(qs)));
            assert_eq!(read_back(|a| a.stp_after_q_q(base, qs, v, r)), format!("stp {pair}, {}", hex(qs)));
        }
    }
}

#[test]
fn every_form_is_checked() {
    let control = declared("bti_c"..="b_hs");
    let checked = [control, declared(DATA), declared(MEMORY)].concat();
    assert_eq!(checked, FORMS);
}

#[test]
fn names_are_the_manuals() {
    let name = |location, width| super::name(location, width).to_string();
    assert_eq!(name(Location::Gp(8), 8), "x8");
    assert_eq!(name(Location::Gp(0), 1), "w0");
    assert_eq!(name(Location::Gp(31), 8), "sp");
    assert_eq!(
        [1, 2, 4, 8, 16].map(|width| name(Location::Vector(7), width)),
        ["b7", "h7", "s7", "d7", "q7"]
    );
    assert_eq!(name(Location::Stack(0), 8), "[sp]");
    assert_eq!(name(Location::Stack(24), 8), "[sp, #24]");
}
