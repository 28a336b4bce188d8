//! Any signature has a plan that keeps its invariants, and code that a disassembler reads to the end.
#![no_main]

#[path = "../../arch/tests/any/mod.rs"]
mod any;

use arbtest::arbitrary::Unstructured;
use callsmith_arch::isa::x86_64::emit::{self, Shape};
use callsmith_arch::{Abi, abi};
use iced_x86::{Decoder, DecoderOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(signature) = any::signature(&mut Unstructured::new(bytes)) else { return };
    let plan = abi::classify(&signature).expect("a plan");
    if let Err(broken) = plan.check(&signature) {
        panic!("{broken}\n{plan}\n{signature:#?}");
    }
    for entry in Abi::ALL.iter().map(|abi| abi.convention()) {
        for code in [
            emit::stub(&plan, Shape::Slots, entry),
            emit::stub(&plan, Shape::Gather, entry),
            emit::adapter(&plan, entry),
        ] {
            let valid =
                Decoder::new(64, &code, DecoderOptions::NONE).into_iter().all(|one| !one.is_invalid());
            assert!(valid, "{code:02x?}\n{plan}");
        }
    }
});
