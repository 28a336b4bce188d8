//! The code of stubs, thunks and adapters, disassembled.

use super::callback::Context;
use super::subject::Subject;
use super::target;
use callsmith::arch::isa::{self, InstructionSet, Shape};
use callsmith::arch::{CallPlan, Error};
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

/// A piece of code.
pub(super) struct Piece {
    /// What it is, in a word or two.
    pub(super) name: &'static str,
    /// What it does, and for whom.
    about: String,
    pub(super) lines: Vec<Line>,
}

/// An instruction.
pub(super) struct Line {
    pub(super) offset: usize,
    pub(super) bytes: String,
    pub(super) text: String,
}

impl Piece {
    pub(super) fn print(&self) -> String {
        let line = |Line { offset, bytes, text }: &Line| format!("    {offset:4x}  {bytes:30} {text}\n");
        format!("  {}\n{}", self.about, self.lines.iter().map(line).collect::<String>())
    }
}

/// The code for calls, or of a callback.
pub(super) fn pieces(subject: &Subject) -> Result<Vec<Piece>, Error> {
    match &subject.call {
        None => stubs(subject),
        Some(plan) => callback(subject, plan),
    }
}

/// The stubs of both shapes.
fn stubs(subject: &Subject) -> Result<Vec<Piece>, Error> {
    let shapes = [
        (Shape::Slots, "slots", "arguments in 8-byte slots, the result in its register where it is one"),
        (Shape::Gather, "gather", "pointers to the arguments, the result stored"),
    ];
    let entry = target::entry(subject.abi());
    let piece = |(shape, name, what)| {
        let code = isa::stub(&subject.plan, shape, entry)?;
        let lines = listing(&code, subject.abi().instruction_set());
        let entry = target::name(entry);
        let about = format!("stub, {name}: {what};\n  entered under {entry} as (target, arguments, result)");
        Ok(Piece { name, about, lines })
    };
    shapes.into_iter().map(piece).collect()
}

/// How far slots are from the thunks that are shown: three pages of thunks lie before them.
const DISTANCE: i32 = 0x3000;

/// The thunks of typed and dynamic callbacks, and the adapter of the dynamic ones, for calls by `plan`.
fn callback(subject: &Subject, plan: &CallPlan) -> Result<Vec<Piece>, Error> {
    let abi = subject.abi();
    let set = abi.instruction_set();
    let thunk = |name, context: Context| {
        let code = isa::thunk(set, context.kind, set.thunks_count(), 0, DISTANCE);
        let place = context.name(abi);
        let count = if set.thunks_count() { " that counts" } else { "" };
        let about =
            format!("{name}{count}; its slot, at {DISTANCE:#x}: the context, for {place}, and the target");
        Piece { name, about, lines: listing(&code, set) }
    };
    let typed = Context::of_typed(subject).map(|context| thunk("thunk of a typed callback", context));
    let dynamic = Context::of_adapters(set).map(|context| thunk("thunk of a dynamic callback", context));
    let handler = target::entry(abi);
    let code = isa::adapter(plan, handler)?;
    let about = format!("adapter, which calls a handler under {}", target::name(handler));
    let adapter = Piece { name: "adapter", about, lines: listing(&code, set) };
    Ok(typed.into_iter().chain(dynamic).chain([adapter]).collect())
}

/// The instructions.
fn listing(code: &[u8], set: InstructionSet) -> Vec<Line> {
    match set {
        InstructionSet::X86_64 => listing_x86(code, 64),
        InstructionSet::X86 => listing_x86(code, 32),
        InstructionSet::AArch64 => listing_aarch64(code),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn listing_aarch64(code: &[u8]) -> Vec<Line> {
    let decoder = InstDecoder::default();
    let line = |(index, word): (usize, &[u8])| {
        let text = match decoder.decode(&mut U8Reader::new(word)) {
            // yaxpeax-arm calls it by its number.
            Ok(instruction) => instruction.to_string().replace("hint #0x22", "bti c"),
            Err(error) => error.to_string(),
        };
        Line { offset: index * 4, bytes: hex(word), text }
    };
    code.chunks(4).enumerate().map(line).collect()
}

fn listing_x86(code: &[u8], bits: u32) -> Vec<Line> {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_space_after_operand_separator(true);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_branch_leading_zeros(false);
    options.set_small_hex_numbers_in_decimal(true);
    let mut lines = Vec::new();
    let mut decoder = Decoder::with_ip(bits, code, 0, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let start = decoder.position();
        decoder.decode_out(&mut instruction);
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        lines.push(Line { offset: start, bytes: hex(&code[start..decoder.position()]), text });
    }
    lines
}
