//! A small model of the machine: it executes what iced-x86 reads, on registers and memory of which every byte is known to be
//! there or not. What code may not do is an error: a byte outside of what it was given, a byte of its stack that it has not
//! written, a page of stack skipped, an instruction that is not expected.

use crate::random::rng::Rng;
use iced_x86::{Code, Decoder, DecoderOptions, Instruction, MemorySize, Mnemonic, OpKind, Register};
use std::collections::BTreeMap;

/// Where code lies.
pub(crate) const CODE: u32 = 0x40_0000;
/// The stack pointer at the call instruction that enters the code: it pushes a return address below.
pub(crate) const STACK_TOP: u32 = 0xbfff_0000;
/// Where code returns to.
pub(crate) const BACK: u32 = 0xabcd_0000;
/// How much stack there is, in bytes.
const STACK: usize = 1 << 21;
/// The smallest guard page.
const GUARD: u32 = 4096;

pub(crate) const EAX: usize = 0;
pub(crate) const ECX: usize = 1;
pub(crate) const EDX: usize = 2;
pub(crate) const ESP: usize = 4;
const EBP: usize = 5;
const ESI: usize = 6;
const EDI: usize = 7;

/// What may be done with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    Both,
}

/// A number on the x87 stack, in the format that it was loaded in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) Vec<u8>);

/// Memory that code was given.
struct Given {
    bytes: Vec<u8>,
    access: Access,
    /// Which bytes were written.
    written: Vec<bool>,
}

/// Registers and memory.
pub(crate) struct Machine {
    pub(crate) gp: [u32; 8],
    pub(crate) vector: [[u8; 64]; 8],
    pub(crate) mmx: [[u8; 8]; 8],
    /// Whether MMX has the x87's registers.
    pub(crate) in_mmx: bool,
    /// The top is the last.
    pub(crate) x87: Vec<Number>,
    given: BTreeMap<u32, Given>,
    /// The bytes below the return address, the highest first, as far down as any was written; `None` where none was.
    stack: Vec<Option<u8>>,
    /// The lowest address of the stack that was touched.
    touched: u32,
    equal: bool,
    pub(crate) pc: u32,
}

/// Why the machine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A jump out of the code.
    Jump(u32),
    /// A call out of the code. The stack pointer is as it was at the instruction.
    Call(u32),
    /// A return to there, and how many bytes it pops beside the address.
    Return(u32, u32),
}

/// Where in [`Machine::stack`] an address is; beyond it, where it is elsewhere.
fn place(at: u32) -> usize {
    (STACK_TOP - 5).wrapping_sub(at) as usize
}

type Result<T> = std::result::Result<T, String>;

impl Machine {
    /// Random registers, and a stack that holds a return address.
    pub(crate) fn new(rng: &mut Rng) -> Machine {
        let mut byte = || rng.next().to_le_bytes()[0];
        let mut machine = Machine {
            gp: [0; 8],
            vector: std::array::from_fn(|_| std::array::from_fn(|_| byte())),
            mmx: std::array::from_fn(|_| std::array::from_fn(|_| byte())),
            in_mmx: false,
            x87: Vec::new(),
            given: BTreeMap::new(),
            stack: Vec::new(),
            touched: STACK_TOP - 4,
            equal: false,
            pc: CODE,
        };
        machine.gp = std::array::from_fn(|_| u32::from_le_bytes(std::array::from_fn(|_| byte())));
        machine.gp[ESP] = STACK_TOP - 4;
        machine.give(STACK_TOP - 4, &BACK.to_le_bytes(), Access::Read);
        machine
    }

    /// Gives the code memory.
    pub(crate) fn give(&mut self, at: u32, bytes: &[u8], access: Access) {
        let written = vec![false; bytes.len()];
        self.given.insert(at, Given { bytes: bytes.to_vec(), access, written });
    }

    /// The bytes of memory that was given, and which of them the code wrote.
    pub(crate) fn given(&self, at: u32) -> (&[u8], &[bool]) {
        self.given.get(&at).map_or((&[], &[]), |given| (&given.bytes, &given.written))
    }

    /// Reads memory as code does.
    pub(crate) fn read(&mut self, at: u32, len: usize) -> Result<Vec<u8>> {
        if self.is_stack(at) {
            self.touch(at)?;
            let bytes = (at..).take(len).map(|at| self.stack.get(place(at)).copied().flatten());
            return bytes
                .collect::<Option<_>>()
                .ok_or_else(|| format!("reads stack at {at:#x} that it has not written"));
        }
        let (start, given) = self.owner(at, len)?;
        match given.access {
            Access::Read | Access::Both => Ok(given.bytes[start..start + len].to_vec()),
            Access::Write => Err(format!("reads {at:#x}, which is to be written")),
        }
    }

    pub(crate) fn read_word(&mut self, at: u32) -> Result<u32> {
        let bytes: [u8; 4] = self.read(at, 4)?.try_into().expect("4 bytes");
        Ok(u32::from_le_bytes(bytes))
    }

    /// Writes memory as code does.
    pub(crate) fn write(&mut self, at: u32, bytes: &[u8]) -> Result<()> {
        if self.is_stack(at) {
            self.touch(at)?;
            // The first has the lowest address.
            self.stack.resize(self.stack.len().max(place(at) + 1), None);
            (at..).zip(bytes).for_each(|(at, &byte)| self.stack[place(at)] = Some(byte));
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

    fn is_stack(&self, at: u32) -> bool {
        place(at) < STACK
    }

    /// What lies below the stack pointer is a signal's, and no guard page may be skipped.
    fn touch(&mut self, at: u32) -> Result<()> {
        if at < self.gp[ESP] {
            return Err(format!("touches {at:#x}, below the stack pointer, {:#x}", self.gp[ESP]));
        }
        if at + GUARD < self.touched {
            return Err(format!("skips from {:#x} to {at:#x}", self.touched));
        }
        self.touched = self.touched.min(at);
        Ok(())
    }

    fn owner(&mut self, at: u32, len: usize) -> Result<(usize, &mut Given)> {
        let nobody = || format!("touches {len} bytes at {at:#x}, which are nobody's");
        let (&start, given) = self.given.range_mut(..=at).next_back().ok_or_else(nobody)?;
        let start = (at - start) as usize;
        if start + len > given.bytes.len() { Err(nobody()) } else { Ok((start, given)) }
    }

    /// What was called has returned: it popped `pops` bytes, kept what all keep, and the rest is anybody's; its arguments in
    /// the lowest `frame` bytes of the stack are, too.
    pub(crate) fn called(&mut self, frame: u32, pops: u32, rng: &mut Rng) {
        let esp = self.gp[ESP];
        for at in esp..esp + frame {
            if let Some(Some(byte)) = self.stack.get_mut(place(at)) {
                *byte ^= 0x5a;
            }
        }
        self.gp[ESP] += pops;
        let mut word = || u32::from_le_bytes(std::array::from_fn(|_| rng.next().to_le_bytes()[0]));
        for number in [EAX, ECX, EDX] {
            self.gp[number] = word();
        }
        self.vector = std::array::from_fn(|_| std::array::from_fn(|_| word().to_le_bytes()[0]));
    }

    /// Runs until control leaves the code.
    pub(crate) fn run(&mut self, code: &[u8]) -> Result<Stop> {
        for _ in 0..code.len() * 8 + 8192 {
            let start = (self.pc - CODE) as usize;
            let rest = code.get(start..).ok_or("it runs beyond its end")?;
            let instruction = Decoder::with_ip(32, rest, self.pc.into(), DecoderOptions::NONE).decode();
            self.pc += u32::try_from(instruction.len()).expect("a short instruction");
            let stop = self.step(&instruction).map_err(|wrong| format!("{instruction}: {wrong}"))?;
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
        Err("it does not end".into())
    }

    fn step(&mut self, one: &Instruction) -> Result<Option<Stop>> {
        match one.mnemonic() {
            Mnemonic::Endbr32 if self.pc == CODE + 4 => {}
            Mnemonic::Call => return Ok(Some(Stop::Call(self.word_of(one, 0)?))),
            Mnemonic::Jmp => return Ok(Some(Stop::Jump(self.word_of(one, 0)?))),
            Mnemonic::Ret => {
                let back = self.pop()?;
                let pops = if one.op_count() == 0 { 0 } else { one.immediate16().into() };
                self.gp[ESP] += pops;
                return Ok(Some(Stop::Return(back, pops)));
            }
            Mnemonic::Jne if !self.equal => self.pc = one.near_branch32(),
            Mnemonic::Jne => {}
            Mnemonic::Push => {
                let word = self.word_of(one, 0)?;
                self.gp[ESP] -= 4;
                self.write(self.gp[ESP], &word.to_le_bytes())?;
            }
            Mnemonic::Pop => {
                let word = self.pop()?;
                self.set(one.op0_register(), &word.to_le_bytes())?;
            }
            Mnemonic::Leave => {
                self.gp[ESP] = self.gp[EBP];
                self.gp[EBP] = self.pop()?;
            }
            Mnemonic::Add | Mnemonic::Sub | Mnemonic::And => self.arithmetic(one)?,
            Mnemonic::Cmp => self.equal = self.word_of(one, 0)? == self.word_of(one, 1)?,
            // A probe: the page is touched, what is there stays.
            Mnemonic::Or if one.op0_kind() == OpKind::Memory && one.immediate8to32() == 0 => {
                self.touch(self.address(one)?)?;
            }
            Mnemonic::Inc if one.has_lock_prefix() => {
                let word = self.word_of(one, 0)?.wrapping_add(1);
                self.write(self.address(one)?, &word.to_le_bytes())?;
            }
            Mnemonic::Emms => self.in_mmx = false,
            Mnemonic::Vzeroupper => self.vector.iter_mut().for_each(|vector| vector[16..].fill(0)),
            Mnemonic::Fld => {
                let bytes = self.operand(one, 0)?;
                self.x87.push(Number(bytes));
            }
            Mnemonic::Fstp => {
                let number = self.x87.pop().ok_or("the x87 stack is empty")?;
                if self.in_mmx || number.0.len() != one.memory_size().size() {
                    return Err(format!("the top is {number:02x?}"));
                }
                self.write(self.address(one)?, &number.0)?;
            }
            _ if matches!(one.code(), Code::Movsd_m32_m32 | Code::Movsb_m8_m8) => self.copy(one)?,
            Mnemonic::Lea => {
                let address = self.address(one)?;
                self.set(one.op0_register(), &address.to_le_bytes())?;
            }
            Mnemonic::Mov | Mnemonic::Movzx | Mnemonic::Movsx | Mnemonic::Movss | Mnemonic::Movsd => {
                self.transfer(one)?;
            }
            Mnemonic::Movups | Mnemonic::Vmovups | Mnemonic::Movd | Mnemonic::Movq => self.transfer(one)?,
            _ => return Err("what generated code has no use for".into()),
        }
        Ok(None)
    }

    fn pop(&mut self) -> Result<u32> {
        let word = self.read_word(self.gp[ESP])?;
        self.gp[ESP] += 4;
        Ok(word)
    }

    fn arithmetic(&mut self, one: &Instruction) -> Result<()> {
        let (left, right) = (self.word_of(one, 0)?, one.immediate(1).to_le_bytes());
        let right = u32::from_le_bytes([right[0], right[1], right[2], right[3]]);
        let result = match one.mnemonic() {
            Mnemonic::Add => left.wrapping_add(right),
            Mnemonic::Sub => left.wrapping_sub(right),
            _ => left & right,
        };
        self.set(one.op0_register(), &result.to_le_bytes())
    }

    /// A string instruction that copies.
    fn copy(&mut self, one: &Instruction) -> Result<()> {
        let unit = if one.code() == Code::Movsb_m8_m8 { 1 } else { 4 };
        if !one.has_rep_prefix() {
            return Err("it copies once".into());
        }
        let bytes = self.gp[ECX] * unit;
        let read = self.read(self.gp[ESI], bytes as usize)?;
        self.write(self.gp[EDI], &read)?;
        self.gp[ESI] += bytes;
        self.gp[EDI] += bytes;
        self.gp[ECX] = 0;
        Ok(())
    }

    /// From the second operand to the first.
    fn transfer(&mut self, one: &Instruction) -> Result<()> {
        let mut bytes = self.operand(one, 1)?;
        if one.op0_kind() == OpKind::Memory {
            let size = one.memory_size().size();
            return self.write(self.address(one)?, &bytes[..size]);
        }
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        if matches!(one.mnemonic(), Mnemonic::Movzx | Mnemonic::Movsx) {
            let fill = if one.mnemonic() == Mnemonic::Movsx && negative { 0xff } else { 0 };
            bytes.resize(4, fill);
        }
        self.set(one.op0_register(), &bytes)
    }

    /// The bytes of an operand, as many as the instruction moves.
    fn operand(&mut self, one: &Instruction, index: u32) -> Result<Vec<u8>> {
        match one.op_kind(index) {
            OpKind::Register => self.get(one.op_register(index)),
            OpKind::Immediate32 => Ok(one.immediate32().to_le_bytes().to_vec()),
            OpKind::Memory if one.memory_size() != MemorySize::Unknown => {
                self.read(self.address(one)?, one.memory_size().size())
            }
            kind => Err(format!("an operand of kind {kind:?}")),
        }
    }

    fn word_of(&mut self, one: &Instruction, index: u32) -> Result<u32> {
        let bytes: [u8; 4] = self.operand(one, index)?.try_into().map_err(|_| "no word")?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn address(&self, one: &Instruction) -> Result<u32> {
        if one.memory_index() != Register::None || one.segment_prefix() != Register::None {
            return Err("an index or a segment".into());
        }
        let base = match one.memory_base() {
            Register::None => 0,
            base => self.gp[base.number()],
        };
        Ok(base.wrapping_add(one.memory_displacement32()))
    }

    fn get(&self, register: Register) -> Result<Vec<u8>> {
        let number = register.number();
        match register {
            _ if register.is_gpr32() => Ok(self.gp[number].to_le_bytes().to_vec()),
            _ if register.is_gpr16() => Ok(self.gp[number].to_le_bytes()[..2].to_vec()),
            _ if register.is_gpr8() && number < 4 => Ok(self.gp[number].to_le_bytes()[..1].to_vec()),
            _ if register.is_mm() => Ok(self.mmx[number].to_vec()),
            _ if register.is_vector_register() => Ok(self.vector[number][..register.size()].to_vec()),
            _ => Err(format!("reads {register:?}")),
        }
    }

    /// Sets a register; what is beyond the bytes becomes 0.
    fn set(&mut self, register: Register, bytes: &[u8]) -> Result<()> {
        let number = register.number();
        match register {
            _ if register.is_gpr32() => {
                let word = bytes.get(..4).and_then(|bytes| bytes.try_into().ok()).ok_or("no word")?;
                self.gp[number] = u32::from_le_bytes(word);
            }
            _ if register.is_mm() => {
                self.mmx[number] = bytes.try_into().map_err(|_| "not 8 bytes")?;
                self.in_mmx = true;
            }
            _ if register.is_vector_register() => {
                let end = if bytes.len() > 16 { 64 } else { 16 };
                self.vector[number][..end].fill(0);
                self.vector[number][..bytes.len()].copy_from_slice(bytes);
            }
            _ => return Err(format!("writes {register:?}")),
        }
        Ok(())
    }
}
