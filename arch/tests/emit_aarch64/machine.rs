//! A small model of the machine: it executes what yaxpeax-arm reads, on registers and memory of which every byte is known
//! to be there or not. What code may not do is an error: a byte outside of what it was given, a byte of its stack that it
//! has not written, a page of stack skipped, a stack pointer that is not aligned, an instruction that is not expected.

use crate::random::rng::Rng;
use std::collections::{BTreeMap, HashMap};
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

/// The stack pointer's number.
pub(crate) const SP: usize = 31;
/// Where code lies.
pub(crate) const CODE: u64 = 0x40_0000;
/// The highest address of the stack that is the code's own.
pub(crate) const STACK_TOP: u64 = 0x7fff_f000_0000;
/// The smallest guard page.
const GUARD: u64 = 4096;

/// What may be done with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Memory that code was given.
struct Given {
    bytes: Vec<u8>,
    access: Access,
    /// Which bytes were written.
    written: Vec<bool>,
}

/// The stack's bytes, from [`STACK_TOP`] down.
#[derive(Default)]
struct Stack {
    bytes: Vec<Option<u8>>,
}

impl Stack {
    /// The index of the byte at `at`, and room for it.
    fn index(&mut self, at: u64) -> usize {
        let index = usize::try_from(STACK_TOP - 1 - at).expect("an address of the stack");
        if self.bytes.len() <= index {
            self.bytes.resize(index + 1, None);
        }
        index
    }

    fn read(&mut self, at: u64, len: usize) -> Option<Vec<u8>> {
        let lowest = self.index(at);
        (0..len).map(|offset| self.bytes[lowest - offset]).collect()
    }

    fn write(&mut self, at: u64, bytes: &[u8]) {
        let lowest = self.index(at);
        for (offset, byte) in bytes.iter().enumerate() {
            self.bytes[lowest - offset] = Some(*byte);
        }
    }

    fn forget_below(&mut self, at: u64) {
        self.bytes.truncate(usize::try_from(STACK_TOP - at).expect("an address of the stack"));
    }
}

/// Registers and memory.
pub(crate) struct Machine {
    pub(crate) x: [u64; 32],
    pub(crate) v: [u128; 32],
    given: BTreeMap<u64, Given>,
    stack: Stack,
    entry_sp: u64,
    /// The lowest address of the stack that was touched.
    touched: u64,
    /// The operands of the last comparison.
    compared: Option<(u64, u64)>,
    pub(crate) pc: u64,
    /// What instructions were read as.
    read: HashMap<[u8; 4], String>,
}

/// Why the machine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// `br`: to this address.
    Branch(u64),
    /// `blr`: to this address.
    Call(u64),
    Return(u64),
}

type Result<T> = std::result::Result<T, String>;

impl Machine {
    /// Random registers, nothing but an empty stack.
    pub(crate) fn new(rng: &mut Rng) -> Machine {
        let mut machine = Machine {
            x: [0; 32],
            v: [0; 32],
            given: BTreeMap::new(),
            stack: Stack::default(),
            entry_sp: STACK_TOP,
            touched: STACK_TOP,
            compared: None,
            pc: CODE,
            read: HashMap::new(),
        };
        machine.x.iter_mut().for_each(|x| *x = rng.next());
        machine.v.iter_mut().for_each(|v| *v = wide(rng));
        machine.x[SP] = STACK_TOP;
        machine
    }

    /// Gives the code memory.
    pub(crate) fn give(&mut self, at: u64, bytes: &[u8], access: Access) {
        let written = vec![false; bytes.len()];
        self.given.insert(at, Given { bytes: bytes.to_vec(), access, written });
    }

    /// The bytes of memory that was given, and which of them the code wrote.
    pub(crate) fn given(&self, at: u64) -> (&[u8], &[bool]) {
        self.given.get(&at).map_or((&[], &[]), |given| (&given.bytes, &given.written))
    }

    /// Reads memory as code does.
    pub(crate) fn read(&mut self, at: u64, len: usize) -> Result<Vec<u8>> {
        if self.is_stack(at) {
            self.touch(at, len)?;
            let bytes = self.stack.read(at, len);
            return bytes.ok_or_else(|| format!("reads stack at {at:#x} that it has not written"));
        }
        let (start, given) = self.owner(at, len)?;
        match given.access {
            Access::Read => Ok(given.bytes[start..start + len].to_vec()),
            Access::Write => Err(format!("reads {at:#x}, which is to be written")),
        }
    }

    /// Writes memory as code does.
    pub(crate) fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        if self.is_stack(at) {
            self.touch(at, bytes.len())?;
            self.stack.write(at, bytes);
            return Ok(());
        }
        let (start, given) = self.owner(at, bytes.len())?;
        if given.access == Access::Read {
            return Err(format!("writes {at:#x}, which is to be read"));
        }
        given.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        given.written[start..start + bytes.len()].fill(true);
        Ok(())
    }

    fn is_stack(&self, at: u64) -> bool {
        (STACK_TOP - (1 << 24)..self.entry_sp).contains(&at)
    }

    /// "A process may only access [SP, stack-base – 1]", and no guard page may be skipped.
    fn touch(&mut self, at: u64, len: usize) -> Result<()> {
        if at < self.x[SP] || at + len as u64 > self.entry_sp {
            return Err(format!("touches {at:#x}, outside of its stack from {:#x}", self.x[SP]));
        }
        if at + GUARD < self.touched {
            return Err(format!("skips from {:#x} to {at:#x}", self.touched));
        }
        self.touched = self.touched.min(at);
        Ok(())
    }

    fn owner(&mut self, at: u64, len: usize) -> Result<(usize, &mut Given)> {
        let nobody = || format!("touches {len} bytes at {at:#x}, which are nobody's");
        let (&start, given) = self.given.range_mut(..=at).next_back().ok_or_else(nobody)?;
        let start = usize::try_from(at - start).map_err(|_| nobody())?;
        if start + len > given.bytes.len() {
            return Err(nobody());
        }
        Ok((start, given))
    }

    /// Another function runs: what it need not keep is random afterwards, the stack below the stack pointer is its own,
    /// and so are `frame` bytes above.
    pub(crate) fn called(&mut self, frame: u64, rng: &mut Rng) -> Result<()> {
        let sp = self.x[SP];
        if !sp.is_multiple_of(16) {
            return Err(format!("calls with the stack pointer at {sp:#x}"));
        }
        if sp + GUARD < self.touched {
            return Err(format!("calls at {sp:#x}, having touched no lower than {:#x}", self.touched));
        }
        self.stack.forget_below(sp + frame);
        let scribbled: Vec<u8> = (0..frame).map(|_| rng.next().to_le_bytes()[0]).collect();
        self.stack.write(sp, &scribbled);
        self.x[..18].iter_mut().for_each(|x| *x = rng.next());
        self.x[30] = self.pc;
        for (number, v) in self.v.iter_mut().enumerate() {
            let kept = if (8..16).contains(&number) { *v & u128::from(u64::MAX) } else { 0 };
            *v = if kept == 0 { wide(rng) } else { kept | u128::from(rng.next()) << 64 };
        }
        Ok(())
    }

    /// Runs to the next call, jump or return.
    pub(crate) fn run(&mut self, code: &[u8]) -> Result<Stop> {
        for _ in 0..1_000_000 {
            let at = usize::try_from(self.pc - CODE).expect("a small offset");
            let word: Option<[u8; 4]> = code.get(at..at + 4).and_then(|word| word.try_into().ok());
            let word = word.ok_or_else(|| format!("runs on to {at:#x}"))?;
            let text = match self.read.remove(&word) {
                Some(text) => text,
                None => InstDecoder::default()
                    .decode(&mut U8Reader::new(&word))
                    .map_err(|error| format!("{at:#x}: {error}"))?
                    .to_string(),
            };
            let stop = self.step(&text).map_err(|wrong| format!("{at:#x}, {text}: {wrong}"))?;
            self.read.insert(word, text);
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
        Err("runs on".into())
    }

    fn step(&mut self, text: &str) -> Result<Option<Stop>> {
        let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
        // Offsets in bytes instead of in units of the operand's size: the same otherwise.
        let scaled = mnemonic.replacen("ldur", "ldr", 1).replacen("stur", "str", 1);
        let mnemonic = scaled.as_str();
        let operands = split(operands);
        let here = self.pc;
        self.pc += 4;
        match (mnemonic, &operands[..]) {
            ("hint", ["#0x22"]) => {}
            ("br", [to]) => return Ok(Some(Stop::Branch(self.general(to)?))),
            ("blr", [to]) => return Ok(Some(Stop::Call(self.general(to)?))),
            ("ret", _) => return Ok(Some(Stop::Return(self.x[30]))),
            ("mov", [to, from]) => self.set(to, self.general(from)?)?,
            ("add" | "sub" | "and" | "orr" | "lsr", [to, left, right @ ..]) => {
                let (left, right) = (self.general(left)?, self.operand(right)?);
                self.set(
                    to,
                    match mnemonic {
                        "add" => left.wrapping_add(right),
                        "sub" => left.wrapping_sub(right),
                        "and" => left & right,
                        "orr" => left | right,
                        _ => left >> right,
                    },
                )?;
            }
            ("cmp", [left, right @ ..]) => self.compared = Some((self.general(left)?, self.operand(right)?)),
            ("b.ne", [to]) => {
                let (left, right) = self.compared.ok_or("nothing was compared")?;
                if left != right {
                    self.pc = displaced(here, to)?;
                }
            }
            ("ldr", [to, from]) if from.starts_with('$') => {
                let bytes = self.read(displaced(here, from)?, width(to)?)?;
                self.load(to, &bytes, false)?;
            }
            (_, [registers @ .., place]) if place.starts_with('[') => {
                self.transfer(mnemonic, registers, place, None)?;
            }
            (_, [registers @ .., place, after]) if place.starts_with('[') => {
                self.transfer(mnemonic, registers, place, Some(after))?;
            }
            _ => return Err("is no instruction that belongs here".into()),
        }
        Ok(None)
    }

    /// A load or store of one register or two.
    fn transfer(
        &mut self,
        mnemonic: &str,
        registers: &[&str],
        place: &str,
        after: Option<&str>,
    ) -> Result<()> {
        let before = place.ends_with('!');
        let inside = place.trim_end_matches('!').trim_matches(['[', ']']);
        let (base, disp) = inside.split_once(", ").unwrap_or((inside, "#0x0"));
        let address = self.general(base)?.wrapping_add(number(disp)?);
        if base == "sp" && !self.x[SP].is_multiple_of(16) {
            return Err("the stack pointer is not aligned".into());
        }
        if before {
            self.set(base, address)?;
        }
        let mut at = address;
        for register in registers {
            let bytes = match mnemonic {
                "ldrb" | "strb" | "ldrsb" => 1,
                "ldrh" | "strh" | "ldrsh" => 2,
                _ => width(register)?,
            };
            match mnemonic {
                "ldr" | "ldp" | "ldrb" | "ldrh" | "ldrsb" | "ldrsh" => {
                    let read = self.read(at, bytes)?;
                    self.load(register, &read, mnemonic.starts_with("ldrs"))?;
                }
                "str" | "stp" | "strb" | "strh" => {
                    let value = self.register(register)?.to_le_bytes();
                    self.write(at, &value[..bytes])?;
                }
                _ => return Err("is no load or store that belongs here".into()),
            }
            at += bytes as u64;
        }
        if let Some(by) = after {
            self.set(base, address.wrapping_add(number(by)?))?;
        }
        Ok(())
    }

    /// Fills a register from its low bytes up: zeros above, or, up to 32 bits, the sign.
    fn load(&mut self, register: &str, bytes: &[u8], signed: bool) -> Result<()> {
        let mut whole = [0; 16];
        whole[..bytes.len()].copy_from_slice(bytes);
        if signed && bytes.last().is_some_and(|last| last & 0x80 != 0) {
            whole[bytes.len()..4].fill(0xff);
        }
        let value = u128::from_le_bytes(whole);
        match register.split_at(1) {
            ("x" | "w", _) => self.set(&format!("x{}", &register[1..]), u64::try_from(value).unwrap_or(0)),
            (_, digits) => {
                self.v[digits.parse::<usize>().map_err(|error| error.to_string())?] = value;
                Ok(())
            }
        }
    }

    fn register(&self, name: &str) -> Result<u128> {
        match name.split_at(1) {
            ("h" | "s" | "d" | "q", digits) => {
                Ok(self.v[digits.parse::<usize>().map_err(|error| error.to_string())?])
            }
            ("w", digits) => Ok(self.general(&format!("x{digits}"))?.into()),
            _ => Ok(self.general(name)?.into()),
        }
    }

    fn general(&self, name: &str) -> Result<u64> {
        index(name).map(|index| self.x[index])
    }

    fn set(&mut self, name: &str, value: u64) -> Result<()> {
        self.x[index(name)?] = value;
        Ok(())
    }

    /// The right side: a register, or a number, maybe shifted.
    fn operand(&self, words: &[&str]) -> Result<u64> {
        let (value, shift) = match words {
            [value] | [value, "uxtx"] => (value, 0),
            [value, shift] => (value, number(shift.strip_prefix("lsl ").ok_or("is shifted otherwise")?)?),
            _ => return Err("has other operands".into()),
        };
        let value = if value.starts_with('#') { number(value)? } else { self.general(value)? };
        Ok(value << shift)
    }
}

/// A random vector register.
fn wide(rng: &mut Rng) -> u128 {
    u128::from(rng.next()) << 64 | u128::from(rng.next())
}

/// Operands, at the commas that are not inside of brackets.
fn split(text: &str) -> Vec<&str> {
    let mut operands = Vec::new();
    let (mut start, mut depth) = (0, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            b',' if depth == 0 => {
                operands.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    operands.push(text[start..].trim());
    operands.retain(|operand| !operand.is_empty());
    operands
}

/// The number of a 64-bit general register, or of the stack pointer.
fn index(name: &str) -> Result<usize> {
    match name {
        "sp" => Ok(SP),
        _ => name
            .strip_prefix('x')
            .and_then(|digits| digits.parse().ok())
            .filter(|&number| number < SP)
            .ok_or_else(|| format!("{name} is no register that belongs here")),
    }
}

/// How many bytes a register has.
fn width(register: &str) -> Result<usize> {
    match register.as_bytes().first() {
        Some(b'x' | b'd') => Ok(8),
        Some(b'w' | b's') => Ok(4),
        Some(b'h') => Ok(2),
        Some(b'q') => Ok(16),
        _ => Err(format!("{register} is no register that belongs here")),
    }
}

/// `#0x10`, `#-0x10`, `#16`.
fn number(text: &str) -> Result<u64> {
    let digits = text.strip_prefix('#').ok_or_else(|| format!("{text} is no number"))?;
    signed(digits).ok_or_else(|| format!("{text} is no number"))
}

/// `$+0x10`, `$-0x10`.
fn displaced(here: u64, text: &str) -> Result<u64> {
    let by = text.strip_prefix('$').and_then(|digits| signed(digits.trim_start_matches('+')));
    by.map(|by| here.wrapping_add(by)).ok_or_else(|| format!("{text} is no place"))
}

fn signed(digits: &str) -> Option<u64> {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { value.wrapping_neg() } else { value })
}
