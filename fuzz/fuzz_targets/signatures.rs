//! Any signature has a plan that keeps its invariants, and code that a disassembler reads to the end.
#![no_main]

#[path = "../../arch/tests/any/mod.rs"]
mod any;

use arbtest::arbitrary::Unstructured;
use callsmith_arch::abi;
use callsmith_arch::isa::{self, InstructionSet, Shape};
use iced_x86::{Decoder, DecoderOptions};
use libfuzzer_sys::fuzz_target;
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

fuzz_target!(|bytes: &[u8]| {
    let Ok(signature) = any::signature(&mut Unstructured::new(bytes)) else { return };
    let plan = abi::classify(&signature).expect("a plan");
    if let Err(broken) = plan.check(&signature) {
        panic!("{broken}\n{plan}\n{signature:#?}");
    }
    let set = plan.abi.instruction_set();
    for entry in set.hosts() {
        for code in [
            isa::stub(&plan, Shape::Slots, entry),
            isa::stub(&plan, Shape::Gather, entry),
            isa::adapter(&plan, entry),
        ] {
            let code = code.expect("code of the same instruction set");
            let valid = match set {
                InstructionSet::X86_64 => valid_x86(&code, 64),
                InstructionSet::X86 => valid_x86(&code, 32),
                InstructionSet::AArch64 => valid_aarch64(&code),
            };
            assert!(valid, "{code:02x?}\n{plan}");
        }
    }
});

/// Whether every byte is an instruction's.
fn valid_x86(code: &[u8], bits: u32) -> bool {
    Decoder::new(bits, code, DecoderOptions::NONE).into_iter().all(|one| !one.is_invalid())
}

/// The same.
fn valid_aarch64(code: &[u8]) -> bool {
    let decoder = InstDecoder::default();
    code.len() % 4 == 0 && code.chunks(4).all(|word| decoder.decode(&mut U8Reader::new(word)).is_ok())
}
