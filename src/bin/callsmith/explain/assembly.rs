//! The code of stubs, thunks and adapters, disassembled.

use super::callback::Context;
use super::subject::Subject;
use super::target;
use callsmith::arch::isa::{self, InstructionSet, Shape};
use callsmith::arch::{CallPlan, Error};
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

/// The stubs of both shapes.
pub(super) fn print(subject: &Subject) -> Result<String, Error> {
    let shapes = [
        (Shape::Slots, "slots: arguments in 8-byte slots, the result in its register where it is one"),
        (Shape::Gather, "gather: pointers to the arguments, the result stored"),
    ];
    let mut text = String::new();
    for (shape, what) in shapes {
        let entry = target::entry(subject.abi());
        let code = isa::stub(&subject.plan, shape, entry)?;
        let entry = target::name(entry);
        text += &format!("  stub, {what};\n  entered under {entry} as (target, arguments, result)\n");
        text += &listing(&code, subject.abi().instruction_set());
        text.push('\n');
    }
    text.pop();
    Ok(text)
}

/// How far slots are from the thunks that are shown: three pages of thunks lie before them.
const DISTANCE: i32 = 0x3000;

/// The thunks of typed and dynamic callbacks, and the adapter of the dynamic ones, for calls by `plan`.
pub(super) fn print_callback(subject: &Subject, plan: &CallPlan) -> Result<String, Error> {
    let abi = subject.abi();
    let set = abi.instruction_set();
    let thunk = |whose: &str, context: Context| {
        let code = isa::thunk(set, context.kind, 0, DISTANCE);
        let name = context.name(abi);
        format!(
            "  thunk of a {whose} callback: the slot, {DISTANCE:#x} behind it, is the context, for {name}, and the target\n{}\n",
            listing(&code, set)
        )
    };
    let mut text = String::new();
    if let Some(context) = Context::of_typed(subject) {
        text += &thunk("typed", context);
    }
    if let Some(context) = Context::of_adapters(set) {
        text += &thunk("dynamic", context);
    }
    let handler = target::entry(abi);
    let code = isa::adapter(plan, handler)?;
    text += &format!("  adapter, which calls a handler under {}\n", target::name(handler));
    Ok(text + &listing(&code, set))
}

/// One line for each instruction: offset, bytes, text.
fn listing(code: &[u8], set: InstructionSet) -> String {
    match set {
        InstructionSet::X86_64 => listing_x86(code, 64),
        InstructionSet::X86 => listing_x86(code, 32),
        InstructionSet::AArch64 => listing_aarch64(code),
    }
}

fn listing_aarch64(code: &[u8]) -> String {
    let decoder = InstDecoder::default();
    let mut text = String::new();
    for (index, word) in code.chunks(4).enumerate() {
        let shown = match decoder.decode(&mut U8Reader::new(word)) {
            // yaxpeax-arm calls it by its number.
            Ok(instruction) => instruction.to_string().replace("hint #0x22", "bti c"),
            Err(error) => error.to_string(),
        };
        let bytes: Vec<String> = word.iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("    {:4x}  {:30} {shown}\n", index * 4, bytes.join(" "));
    }
    text
}

fn listing_x86(code: &[u8], bits: u32) -> String {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_space_after_operand_separator(true);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_branch_leading_zeros(false);
    options.set_small_hex_numbers_in_decimal(true);
    let mut text = String::new();
    let mut decoder = Decoder::with_ip(bits, code, 0, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let start = decoder.position();
        decoder.decode_out(&mut instruction);
        let bytes: Vec<String> =
            code[start..decoder.position()].iter().map(|byte| format!("{byte:02x}")).collect();
        let mut shown = String::new();
        formatter.format(&instruction, &mut shown);
        text += &format!("    {start:4x}  {:30} {shown}\n", bytes.join(" "));
    }
    text
}
