//! Walks through a stub, instruction by instruction as iced-x86 reads them, and follows what is known of registers and
//! stack without knowing any value: whose address is where, and what the caller had in which register.

mod memory;

use callsmith_arch::CallPlan;
use callsmith_arch::abi::{Convention, RegSet};
use callsmith_arch::isa::x86_64::emit::Shape;
use iced_x86::{
    Code, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, MemorySize, Mnemonic, OpAccess,
    OpKind, Register,
};
use memory::Memory;
use std::collections::BTreeMap;

/// What an address counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Base {
    /// The stack pointer on entry.
    Entry,
    /// The stack pointer after it was aligned.
    Aligned,
    /// The array of slots or pointers.
    Array,
    /// An argument's value.
    Value(usize),
    /// The result.
    Result,
}

/// What is known of a register or of stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The caller's, in this register.
    Entered(Register),
    /// An address.
    Address(Base, i64),
    /// A number.
    Constant(i64),
    /// Nothing.
    Nothing,
}

/// How a stub ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In a jump to the target.
    Jump,
    /// In a return, after it called the target.
    Return,
}

/// What a walk found out.
pub(crate) struct Walked {
    /// How the stub ended.
    pub(crate) end: End,
    /// Which bytes of the result the stub stored.
    pub(crate) result: Vec<bool>,
}

/// A walk under way.
struct Walk<'a> {
    plan: &'a CallPlan,
    entry: &'a Convention,
    registers: BTreeMap<Register, Known>,
    memory: Memory<'a>,
    /// Whether the last comparison found its sides equal.
    equal: Option<bool>,
    called: bool,
}

/// Walks from the first instruction to the jump or return.
///
/// # Errors
///
/// What the stub did wrong.
pub(crate) fn walk(code: &[u8], plan: &CallPlan, shape: Shape, entry: &Convention) -> Result<Walked, String> {
    let listing = listing(code)?;
    let mut walk = Walk::new(plan, shape, entry);
    let mut ip = 0;
    // The longest frame is probed in 256 rounds of a few instructions.
    for _ in 0..code.len() + 4096 {
        let instruction = listing.get(&ip).ok_or(format!("no instruction begins at {ip}"))?;
        let step = walk.step(instruction).map_err(|wrong| format!("at {ip:#x}, {instruction}: {wrong}"))?;
        ip = match step {
            Step::Next => instruction.next_ip(),
            Step::To(target) => target,
            Step::End(end) if instruction.next_ip() == code.len() as u64 => {
                return Ok(Walked { end, result: walk.memory.result });
            }
            Step::End(_) => return Err("code after the end".into()),
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

impl<'a> Walk<'a> {
    fn new(plan: &'a CallPlan, shape: Shape, entry: &'a Convention) -> Walk<'a> {
        let all = members(RegSet(0xffff), RegSet(0xffff));
        let mut registers: BTreeMap<_, _> = all.into_iter().map(|r| (r, Known::Entered(r))).collect();
        let bases = [(1, Base::Array), (2, Base::Result)];
        registers.extend(bases.map(|(n, base)| (gp(entry.gp_params[n]), Known::Address(base, 0))));
        registers.insert(RSP, Known::Address(Base::Entry, 0));
        let memory = Memory::new(plan, shape);
        Walk { plan, entry, registers, memory, equal: None, called: false }
    }

    fn known(&self, register: Register) -> Known {
        self.registers.get(&register.full_register()).copied().unwrap_or(Known::Nothing)
    }

    fn set(&mut self, register: Register, known: Known) {
        self.registers.insert(register.full_register(), known);
    }

    /// The stack pointer.
    fn rsp(&self) -> Result<(Base, i64), String> {
        match self.known(RSP) {
            Known::Address(base @ (Base::Entry | Base::Aligned), offset) => Ok((base, offset)),
            other => Err(format!("rsp is {other:?}")),
        }
    }

    /// The address of an explicit memory operand.
    fn address(&self, instruction: &Instruction) -> Result<(Base, i64), String> {
        if instruction.memory_index() != Register::None || instruction.segment_prefix() != Register::None {
            return Err("an index or a segment".into());
        }
        match self.known(instruction.memory_base()) {
            Known::Address(base, offset) => {
                Ok((base, offset + instruction.memory_displacement64().cast_signed()))
            }
            other => Err(format!("its base is {other:?}")),
        }
    }

    fn step(&mut self, instruction: &Instruction) -> Result<Step, String> {
        match instruction.mnemonic() {
            Mnemonic::Endbr64 if instruction.ip() == 0 => Ok(Step::Next),
            // Bits 0 to 127 stay.
            Mnemonic::Vzeroupper => Ok(Step::Next),
            Mnemonic::Push => self.push(self.known(instruction.op0_register())),
            Mnemonic::Pop => self.pop(instruction.op0_register()),
            Mnemonic::Leave => {
                self.set(RSP, self.known(RBP));
                self.pop(RBP)
            }
            Mnemonic::Add | Mnemonic::Sub | Mnemonic::And if instruction.op0_register() == RSP => {
                self.move_stack(instruction)
            }
            Mnemonic::Cmp => {
                self.equal =
                    Some(self.known(instruction.op0_register()) == self.known(instruction.op1_register()));
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
            Mnemonic::Call => self.call(instruction),
            Mnemonic::Jmp => {
                self.check_branch(instruction)?;
                self.check_end()?;
                Ok(Step::End(End::Jump))
            }
            Mnemonic::Ret if instruction.op_count() == 0 && self.called => {
                self.check_end()?;
                Ok(Step::End(End::Return))
            }
            _ => self.plain(instruction),
        }
    }

    fn push(&mut self, known: Known) -> Result<Step, String> {
        let (base, offset) = self.rsp()?;
        self.set(RSP, Known::Address(base, offset - 8));
        self.memory.pushed = offset - 8;
        self.memory.write((base, offset - 8), (base, offset - 8), 8, known)?;
        Ok(Step::Next)
    }

    fn pop(&mut self, to: Register) -> Result<Step, String> {
        let (base, offset) = self.rsp()?;
        let known = self.memory.read((base, offset), (base, offset), 8)?;
        self.set(RSP, Known::Address(base, offset + 8));
        self.set(to, known);
        Ok(Step::Next)
    }

    fn move_stack(&mut self, instruction: &Instruction) -> Result<Step, String> {
        if !matches!(instruction.op1_kind(), OpKind::Immediate8to64 | OpKind::Immediate32to64) {
            return Err("rsp moves by no constant".into());
        }
        let (base, offset) = self.rsp()?;
        let by = instruction.immediate(1).cast_signed();
        let moved = match instruction.mnemonic() {
            Mnemonic::Add => (base, offset + by),
            Mnemonic::Sub => (base, offset - by),
            _ => self.memory.align((base, offset), by)?,
        };
        self.set(RSP, Known::Address(moved.0, moved.1));
        Ok(Step::Next)
    }

    /// A string instruction that copies.
    fn copy(&mut self, instruction: &Instruction) -> Result<Step, String> {
        let unit = if instruction.mnemonic() == Mnemonic::Movsq { 8 } else { 1 };
        let registers = [Register::RSI, Register::RDI, Register::RCX];
        let [Known::Address(from, start), Known::Address(to, end), Known::Constant(count)] =
            registers.map(|register| self.known(register))
        else {
            return Err("it copies from or to anywhere".into());
        };
        if !instruction.has_rep_prefix() {
            return Err("it copies once".into());
        }
        let (rsp, width) = (self.rsp()?, count * unit);
        self.memory.read(rsp, (from, start), width)?;
        self.memory.write(rsp, (to, end), width, Known::Nothing)?;
        let after =
            [Known::Address(from, start + width), Known::Address(to, end + width), Known::Constant(0)];
        for (register, known) in registers.into_iter().zip(after) {
            self.set(register, known);
        }
        Ok(Step::Next)
    }

    /// The target is where the branch goes.
    fn check_branch(&self, instruction: &Instruction) -> Result<(), String> {
        let target = Known::Entered(gp(self.entry.gp_params[0]));
        match instruction.op0_kind() == OpKind::Register && self.known(instruction.op0_register()) == target {
            true => self.check_vector_count(),
            false => Err("it does not go to the target".into()),
        }
    }

    fn check_vector_count(&self) -> Result<(), String> {
        match (self.plan.vector_count, self.known(Register::RAX)) {
            (Some(count), known) if known != Known::Constant(count.into()) => Err(format!("AL is {known:?}")),
            (Some(_) | None, _) => Ok(()),
        }
    }

    fn call(&mut self, instruction: &Instruction) -> Result<Step, String> {
        self.check_branch(instruction)?;
        let rsp = self.rsp()?;
        self.memory.check_call(rsp)?;
        let target = self.plan.abi.convention();
        let kept = members(target.preserved_gp, target.preserved_vector);
        self.registers.retain(|register, _| kept.contains(register));
        self.called = true;
        Ok(Step::Next)
    }

    /// The caller's registers are as they were.
    fn check_end(&self) -> Result<(), String> {
        if self.known(RSP) != Known::Address(Base::Entry, 0) {
            return Err(format!("rsp is {:?}", self.known(RSP)));
        }
        let kept = members(self.entry.preserved_gp, self.entry.preserved_vector);
        let lost =
            |register: &Register| *register != RSP && self.known(*register) != Known::Entered(*register);
        match kept.into_iter().find(lost) {
            Some(register) => Err(format!("{register:?} is lost")),
            None => Ok(()),
        }
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
            Mnemonic::Fstp,
        ];
        if !PLAIN.contains(&instruction.mnemonic()) {
            return Err("what a stub has no use for".into());
        }
        let mut value = self.value(instruction)?;
        let has_memory = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory);
        if has_memory && instruction.mnemonic() != Mnemonic::Lea {
            value = self.access(instruction, value)?;
        }
        let mut factory = InstructionInfoFactory::new();
        for used in factory.info(instruction).used_registers() {
            if matches!(used.access(), OpAccess::Write | OpAccess::ReadWrite | OpAccess::CondWrite) {
                self.set(used.register(), value);
            }
        }
        Ok(Step::Next)
    }

    /// What an instruction computes from registers and constants.
    fn value(&self, instruction: &Instruction) -> Result<Known, String> {
        match instruction.code() {
            Code::Mov_r64_rm64 if instruction.op1_kind() == OpKind::Register => {
                Ok(self.known(instruction.op1_register()))
            }
            Code::Mov_rm64_r64 | Code::Movups_xmmm128_xmm => Ok(self.known(instruction.op1_register())),
            Code::Mov_r32_imm32 => Ok(Known::Constant(instruction.immediate32().into())),
            Code::Lea_r64_m => self.address(instruction).map(|(base, offset)| Known::Address(base, offset)),
            _ => Ok(Known::Nothing),
        }
    }

    /// Reads or writes memory; what was read, where all of it goes to a register.
    fn access(&mut self, instruction: &Instruction, value: Known) -> Result<Known, String> {
        let (rsp, at) = (self.rsp()?, self.address(instruction)?);
        let mut factory = InstructionInfoFactory::new();
        let accesses: Vec<_> = factory.info(instruction).used_memory().iter().map(|m| m.access()).collect();
        let width = i64::try_from(instruction.memory_size().size()).unwrap_or(0);
        if width == 0 || instruction.memory_size() == MemorySize::Unknown {
            return Err("an access of unknown size".into());
        }
        match accesses[..] {
            // A probe: the page is touched, what is there stays.
            [OpAccess::ReadWrite] if instruction.op1_kind() == OpKind::Immediate8to64 => {
                self.memory.write(rsp, at, width, Known::Nothing)?;
                Ok(Known::Nothing)
            }
            [OpAccess::Write] => {
                self.memory.write(rsp, at, width, value)?;
                Ok(Known::Nothing)
            }
            [OpAccess::Read] => {
                let read = self.memory.read(rsp, at, width)?;
                let whole = matches!(instruction.code(), Code::Mov_r64_rm64 | Code::Movups_xmm_xmmm128);
                Ok(if whole { read } else { Known::Nothing })
            }
            _ => Err(format!("it accesses memory by {accesses:?}")),
        }
    }
}
