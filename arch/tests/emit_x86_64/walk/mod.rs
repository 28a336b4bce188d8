//! Walks through generated code, instruction by instruction as iced-x86 reads them, and follows what is known of
//! registers and stack without knowing any value: whose address is where, and what the caller had in which register.
//!
//! What is around the code, and what it hands over to whom, is the business of [`Surroundings`]: those of stubs, of
//! adapters, of thunks and traps.

pub(crate) mod adapter;
mod stack;
pub(crate) mod stub;
pub(crate) mod thunk;

use callsmith_arch::abi::{Convention, RegSet};
use iced_x86::{
    Code, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, MemorySize, Mnemonic, OpAccess,
    OpKind, Register,
};
use stack::Stack;
use std::collections::BTreeMap;

/// What an address counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Base {
    /// The stack pointer on entry.
    Entry,
    /// The stack pointer after it was aligned.
    Aligned,
    /// The code's first byte.
    Code,
    /// A stub's array of slots or pointers.
    Array,
    /// An argument's value.
    Value(usize),
    /// A stub's result.
    Result,
    /// A callback's context, or a dropped one's slot.
    Context,
    /// What is said of a dropped callback.
    Note,
    /// A function.
    Function,
}

/// An address.
type At = (Base, i64);

/// What is known of a register or of stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The caller's, in this register.
    Entered(Register),
    /// The caller's, in this word of its stack, counted from its stack pointer at the call.
    Passed(i64),
    /// An address.
    Address(Base, i64),
    /// A number.
    Constant(i64),
    /// What was called wrote it: so many bytes from this offset of its result, widened so.
    Given {
        /// Where in the result.
        offset: i64,
        /// How many bytes.
        width: i64,
        /// What fills a general register.
        fill: Fill,
    },
    /// Nothing.
    Nothing,
}

/// What fills the rest of a general register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Whatever: nothing is said about it.
    Any,
    /// Copies of the sign bit.
    Sign,
    /// Zeros.
    Zero,
}

/// How code ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In a jump.
    Jump,
    /// In a return, after a call.
    Return,
}

/// Where a call or a jump goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Branch {
    /// To what is in a register.
    To(Known),
    /// To what is in a word of memory.
    Through(At),
}

/// What is around the code.
trait Surroundings {
    /// Reads memory, other than what the code itself stored on the stack.
    fn read(&mut self, at: At, width: i64) -> Result<Known, String>;

    /// Writes memory other than the code's frame.
    fn write(&mut self, at: At, width: i64) -> Result<(), String>;

    /// A call: checks it, and gives the convention of what is called.
    fn call(&mut self, to: Branch, state: &mut State) -> Result<&'static Convention, String>;

    /// A jump to another function, with the stack as it was on entry.
    fn jump(&mut self, to: Branch, state: &State) -> Result<(), String>;

    /// The end: what the caller finds in the registers.
    fn end(&mut self, end: End, state: &State) -> Result<(), String>;
}

/// Registers and stack.
struct State {
    registers: BTreeMap<Register, Known>,
    /// What the code pushed on the x87 stack, the top last.
    x87: Vec<Known>,
    stack: Stack,
}

/// A walk under way.
struct Walk<'a, S> {
    state: State,
    surroundings: &'a mut S,
    /// Whether the last comparison found its sides equal.
    equal: Option<bool>,
    called: bool,
}

/// Walks from the first instruction to the jump or return, and gives its length in bytes. `known` is what is known of
/// registers on entry.
fn walk<S: Surroundings>(
    code: &[u8],
    known: &[(Register, Known)],
    surroundings: &mut S,
) -> Result<(End, usize), String> {
    let listing = listing(code)?;
    let mut walk = Walk { state: State::new(known), surroundings, equal: None, called: false };
    let mut ip = 0;
    // The longest frame is probed in 256 rounds of a few instructions.
    for _ in 0..code.len() + 4096 {
        let instruction = listing.get(&ip).ok_or(format!("no instruction begins at {ip}"))?;
        let step = walk.step(instruction).map_err(|wrong| format!("at {ip:#x}, {instruction}: {wrong}"))?;
        ip = match step {
            Step::Next => instruction.next_ip(),
            Step::To(target) => target,
            Step::End(end) => {
                walk.surroundings.end(end, &walk.state)?;
                return Ok((end, usize::try_from(instruction.next_ip()).expect("an offset")));
            }
        };
    }
    Err("it does not end".into())
}

/// Every instruction by its offset.
fn listing(code: &[u8]) -> Result<BTreeMap<u64, Instruction>, String> {
    let instructions: Vec<Instruction> = Decoder::new(64, code, DecoderOptions::NONE).into_iter().collect();
    if instructions.iter().any(Instruction::is_invalid) {
        return Err("not every byte is an instruction's".into());
    }
    if instructions.first().map(Instruction::code) != Some(Code::Endbr64) {
        return Err("it has no landing pad".into());
    }
    Ok(instructions.into_iter().map(|instruction| (instruction.ip(), instruction)).collect())
}

/// Where to go from an instruction.
enum Step {
    Next,
    To(u64),
    End(End),
}

const RSP: Register = Register::RSP;
const RBP: Register = Register::RBP;

fn gp(number: u8) -> Register {
    Register::RAX + u32::from(number)
}

fn zmm(number: u8) -> Register {
    Register::ZMM0 + u32::from(number)
}

/// Registers by their full names.
fn members(gps: RegSet, vectors: RegSet) -> Vec<Register> {
    gps.iter().map(gp).chain(vectors.iter().map(zmm)).collect()
}

/// What a convention's callee keeps.
fn kept(convention: &Convention) -> Vec<Register> {
    members(convention.preserved_gp, convention.preserved_vector)
}

impl State {
    fn new(known: &[(Register, Known)]) -> State {
        let all = members(RegSet(0xffff), RegSet(0xffff));
        let mut registers: BTreeMap<_, _> = all.into_iter().map(|r| (r, Known::Entered(r))).collect();
        registers.insert(RSP, Known::Address(Base::Entry, 0));
        registers.extend(known.iter().copied());
        State { registers, x87: Vec::new(), stack: Stack::new() }
    }

    fn known(&self, register: Register) -> Known {
        self.registers.get(&register.full_register()).copied().unwrap_or(Known::Nothing)
    }

    fn set(&mut self, register: Register, known: Known) {
        self.registers.insert(register.full_register(), known);
    }

    /// The stack pointer.
    fn rsp(&self) -> Result<At, String> {
        match self.known(RSP) {
            Known::Address(base @ (Base::Entry | Base::Aligned), offset) => Ok((base, offset)),
            other => Err(format!("rsp is {other:?}")),
        }
    }

    /// The stack pointer and these registers are as they were on entry.
    fn check_kept(&self, registers: &[Register]) -> Result<(), String> {
        if self.known(RSP) != Known::Address(Base::Entry, 0) {
            return Err(format!("rsp is {:?}", self.known(RSP)));
        }
        let lost =
            |register: &&Register| **register != RSP && self.known(**register) != Known::Entered(**register);
        match registers.iter().find(lost) {
            Some(register) => Err(format!("{register:?} is lost")),
            None => Ok(()),
        }
    }
}

/// The address of an explicit memory operand.
fn address(state: &State, instruction: &Instruction) -> Result<At, String> {
    if instruction.memory_index() != Register::None || instruction.segment_prefix() != Register::None {
        return Err("an index or a segment".into());
    }
    // iced-x86 has added the instruction pointer already: the code begins at 0.
    let displacement = instruction.memory_displacement64().cast_signed();
    match (instruction.memory_base(), state.known(instruction.memory_base())) {
        (Register::RIP, _) => Ok((Base::Code, displacement)),
        (_, Known::Address(base, offset)) => Ok((base, offset + displacement)),
        (_, other) => Err(format!("its base is {other:?}")),
    }
}

impl<S: Surroundings> Walk<'_, S> {
    fn step(&mut self, instruction: &Instruction) -> Result<Step, String> {
        let state = &mut self.state;
        match instruction.mnemonic() {
            Mnemonic::Endbr64 if instruction.ip() == 0 => Ok(Step::Next),
            // Bits 0 to 127 stay.
            Mnemonic::Vzeroupper => Ok(Step::Next),
            Mnemonic::Push => {
                let rsp = state.stack.push(state.rsp()?, state.known(instruction.op0_register()))?;
                state.set(RSP, Known::Address(rsp.0, rsp.1));
                Ok(Step::Next)
            }
            Mnemonic::Pop => self.pop(instruction.op0_register()),
            Mnemonic::Leave => {
                state.set(RSP, state.known(RBP));
                self.pop(RBP)
            }
            Mnemonic::Add | Mnemonic::Sub | Mnemonic::And if instruction.op0_register() == RSP => {
                self.move_stack(instruction)
            }
            Mnemonic::Cmp => {
                let sides = [instruction.op0_register(), instruction.op1_register()];
                let [left, right] = sides.map(|register| state.known(register));
                self.equal = Some(left == right);
                Ok(Step::Next)
            }
            Mnemonic::Jne => match self.equal {
                Some(true) => Ok(Step::Next),
                Some(false) if instruction.near_branch_target() < instruction.ip() => {
                    Ok(Step::To(instruction.near_branch_target()))
                }
                Some(false) | None => Err("a branch on nothing, or forward".into()),
            },
            Mnemonic::Movsq | Mnemonic::Movsb => self.copy(instruction),
            // Whoever else does the same at the same time is counted too.
            Mnemonic::Inc if instruction.has_lock_prefix() => {
                self.write(address(&self.state, instruction)?, 8, Known::Nothing)?;
                Ok(Step::Next)
            }
            Mnemonic::Call => self.call(instruction),
            Mnemonic::Jmp => {
                let to = self.branch(instruction)?;
                self.surroundings.jump(to, &self.state)?;
                Ok(Step::End(End::Jump))
            }
            Mnemonic::Ret if instruction.op_count() == 0 && self.called => Ok(Step::End(End::Return)),
            _ => self.plain(instruction),
        }
    }

    fn pop(&mut self, to: Register) -> Result<Step, String> {
        let (base, offset) = self.state.rsp()?;
        let known = self.read((base, offset), 8)?;
        self.state.set(RSP, Known::Address(base, offset + 8));
        self.state.set(to, known);
        Ok(Step::Next)
    }

    fn move_stack(&mut self, instruction: &Instruction) -> Result<Step, String> {
        if !matches!(instruction.op1_kind(), OpKind::Immediate8to64 | OpKind::Immediate32to64) {
            return Err("rsp moves by no constant".into());
        }
        let (base, offset) = self.state.rsp()?;
        let by = instruction.immediate(1).cast_signed();
        let moved = match instruction.mnemonic() {
            Mnemonic::Add => (base, offset + by),
            Mnemonic::Sub => (base, offset - by),
            _ => self.state.stack.align((base, offset), by)?,
        };
        self.state.set(RSP, Known::Address(moved.0, moved.1));
        Ok(Step::Next)
    }

    /// A string instruction that copies.
    fn copy(&mut self, instruction: &Instruction) -> Result<Step, String> {
        let unit = if instruction.mnemonic() == Mnemonic::Movsq { 8 } else { 1 };
        let registers = [Register::RSI, Register::RDI, Register::RCX];
        let [Known::Address(from, start), Known::Address(to, end), Known::Constant(count)] =
            registers.map(|register| self.state.known(register))
        else {
            return Err("it copies from or to anywhere".into());
        };
        if !instruction.has_rep_prefix() {
            return Err("it copies once".into());
        }
        let width = count * unit;
        self.read((from, start), width)?;
        self.write((to, end), width, Known::Nothing)?;
        let after =
            [Known::Address(from, start + width), Known::Address(to, end + width), Known::Constant(0)];
        for (register, known) in registers.into_iter().zip(after) {
            self.state.set(register, known);
        }
        Ok(Step::Next)
    }

    /// Where a call or jump goes.
    fn branch(&self, instruction: &Instruction) -> Result<Branch, String> {
        match instruction.op0_kind() {
            OpKind::Register => Ok(Branch::To(self.state.known(instruction.op0_register()))),
            OpKind::Memory => address(&self.state, instruction).map(Branch::Through),
            _ => Err("it does not go to a function that it was given".into()),
        }
    }

    fn call(&mut self, instruction: &Instruction) -> Result<Step, String> {
        let to = self.branch(instruction)?;
        let kept = kept(self.surroundings.call(to, &mut self.state)?);
        self.state.registers.retain(|register, _| kept.contains(register));
        self.called = true;
        Ok(Step::Next)
    }

    /// An instruction without a say in where things are: its memory is checked, what it writes is forgotten.
    fn plain(&mut self, instruction: &Instruction) -> Result<Step, String> {
        const PLAIN: &[Mnemonic] = &[
            Mnemonic::Mov,
            Mnemonic::Movzx,
            Mnemonic::Movsx,
            Mnemonic::Lea,
            Mnemonic::Or,
            Mnemonic::Shl,
            Mnemonic::Shr,
            Mnemonic::Movss,
            Mnemonic::Movsd,
            Mnemonic::Movups,
            Mnemonic::Movq,
            Mnemonic::Movd,
            Mnemonic::Pinsrw,
            Mnemonic::Psrldq,
            Mnemonic::Vmovups,
            Mnemonic::Fld,
            Mnemonic::Fstp,
        ];
        if !PLAIN.contains(&instruction.mnemonic()) {
            return Err("what generated code has no use for".into());
        }
        let mut value = self.value(instruction)?;
        let has_memory = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory);
        if has_memory && instruction.mnemonic() != Mnemonic::Lea {
            value = self.access(instruction, value)?;
        }
        if instruction.mnemonic() == Mnemonic::Fld {
            self.state.x87.push(value);
        }
        let mut factory = InstructionInfoFactory::new();
        for used in factory.info(instruction).used_registers() {
            if matches!(used.access(), OpAccess::Write | OpAccess::ReadWrite | OpAccess::CondWrite) {
                self.state.set(used.register(), value);
            }
        }
        Ok(Step::Next)
    }

    /// What an instruction computes from registers and constants.
    fn value(&self, instruction: &Instruction) -> Result<Known, String> {
        match instruction.code() {
            Code::Mov_r64_rm64 if instruction.op1_kind() == OpKind::Register => {
                Ok(self.state.known(instruction.op1_register()))
            }
            Code::Mov_rm64_r64
            | Code::Movups_xmmm128_xmm
            | Code::Movsd_xmmm64_xmm
            | Code::VEX_Vmovups_ymmm256_ymm
            | Code::EVEX_Vmovups_zmmm512_k1z_zmm => Ok(self.state.known(instruction.op1_register())),
            Code::Mov_r32_imm32 => Ok(Known::Constant(instruction.immediate32().into())),
            Code::Lea_r64_m => {
                address(&self.state, instruction).map(|(base, offset)| Known::Address(base, offset))
            }
            _ => Ok(Known::Nothing),
        }
    }

    /// Reads or writes memory; what was read, where all of it goes to a register.
    fn access(&mut self, instruction: &Instruction, value: Known) -> Result<Known, String> {
        let at = address(&self.state, instruction)?;
        let mut factory = InstructionInfoFactory::new();
        let accesses: Vec<_> = factory.info(instruction).used_memory().iter().map(|m| m.access()).collect();
        let width = i64::try_from(instruction.memory_size().size()).unwrap_or(0);
        if width == 0 || instruction.memory_size() == MemorySize::Unknown {
            return Err("an access of unknown size".into());
        }
        match accesses[..] {
            // A probe: the page is touched, what is there stays.
            [OpAccess::ReadWrite] if instruction.op1_kind() == OpKind::Immediate8to64 => {
                self.write(at, width, Known::Nothing)?;
                Ok(Known::Nothing)
            }
            [OpAccess::Write] => {
                self.write(at, width, value)?;
                Ok(Known::Nothing)
            }
            [OpAccess::Read] => Ok(loaded(instruction, self.read(at, width)?)),
            _ => Err(format!("it accesses memory by {accesses:?}")),
        }
    }

    fn read(&mut self, at: At, width: i64) -> Result<Known, String> {
        let rsp = self.state.rsp()?;
        if rsp.0 == at.0 && at.1 < rsp.1 {
            return Err("a read below the stack pointer".into());
        }
        match self.state.stack.read(at, width) {
            Some(known) => Ok(known),
            None => self.surroundings.read(at, width),
        }
    }

    fn write(&mut self, at: At, width: i64, known: Known) -> Result<(), String> {
        match at.0 {
            Base::Entry | Base::Aligned => {
                let rsp = self.state.rsp()?;
                self.state.stack.write(rsp, at, width, known)
            }
            Base::Code | Base::Array | Base::Value(_) | Base::Result => self.surroundings.write(at, width),
            Base::Context | Base::Note | Base::Function => self.surroundings.write(at, width),
        }
    }
}

/// What a register holds after an instruction has read `read` into it.
fn loaded(instruction: &Instruction, read: Known) -> Known {
    let fill = match instruction.mnemonic() {
        Mnemonic::Movzx => Fill::Zero,
        Mnemonic::Movsx => Fill::Sign,
        _ => Fill::Any,
    };
    match (read, instruction.code()) {
        (Known::Given { offset, width, .. }, _) => Known::Given { offset, width, fill },
        (_, Code::Mov_r64_rm64 | Code::Movups_xmm_xmmm128) => read,
        _ => Known::Nothing,
    }
}
