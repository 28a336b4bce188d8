//! Generated stubs, adapters, thunks and traps of 32-bit x86, run on a small model of the machine that reads them through
//! iced-x86, on random bytes: what they hand on is what `interp` says. So every host can; `tests/random_calls.rs` and
//! `tests/random_callbacks.rs` of the workspace run them on x86.
//!
//! `CALLSMITH_SEED` repeats a run, `CALLSMITH_COUNT` is the number of signatures for each convention.

#[path = "emit_x86/adapter.rs"]
mod adapter;
#[path = "emit_x86/machine.rs"]
mod machine;
mod random;
#[path = "emit_x86/stub.rs"]
mod stub;

use callsmith_arch::abi::{self, Convention, X86Call};
use callsmith_arch::isa::x86::emit::{self, CONTEXT_REGISTERS};
use callsmith_arch::isa::{InstructionSet, Shape, THUNK_SIZE};
use callsmith_arch::layout::{DataModel, Float, Member, Record, RecordAttrs, RecordKind, Scalar, Type};
use callsmith_arch::plan::{Location, MAX_FRAME, Passing, ResultPlan};
use callsmith_arch::{Abi, Align, CallPlan, Error, Signature};
use iced_x86::{Decoder, DecoderOptions};
use machine::{Access, CODE, ESP, Machine, Stop};
use random::rng::{self, Rng};
use std::fmt::Write as _;
use stub::End;

const SHAPES: [Shape; 2] = [Shape::Slots, Shape::Gather];

/// The cases in which the target can return to the stub's caller: its result stays where it is, it pops nothing that the
/// caller would miss, its stack is aligned enough; and its arguments are in registers, or on the stack where the stub's own
/// two were, which takes scalars in their slots.
fn expected_end(plan: &CallPlan, shape: Shape, entry: &Convention) -> End {
    let left = match plan.result {
        ResultPlan::None | ResultPlan::Hidden { .. } => true,
        ResultPlan::Direct(_) => shape == Shape::Slots && plan.result_register().is_some(),
    };
    let copied = plan.args.iter().any(|arg| matches!(arg.passing, Passing::Indirect { .. }));
    let simple = plan.args.iter().all(|arg| arg.in_slot || matches!(arg.passing, Passing::Ignored(_)));
    let fits = plan.stack_bytes == 0 || (plan.stack_bytes <= 8 && shape == Shape::Slots && simple);
    let aligned = plan.stack_align.bytes() <= entry.stack_align.into();
    // What is in registers beside stack arguments, the callee pops.
    // Whoever returns a floating-point number has given the x87 its registers back.
    let is_in = |kind: fn(Location) -> bool| plan.moves.iter().any(|piece| kind(piece.location));
    let mmx =
        is_in(|place| matches!(place, Location::Mmx(_))) && !is_in(|place| matches!(place, Location::X87(_)));
    if left && !copied && !mmx && fits && aligned && plan.callee_pops == 0 { End::Jump } else { End::Return }
}

/// One line for each instruction.
fn listing(code: &[u8]) -> String {
    let mut text = String::new();
    for instruction in &mut Decoder::new(32, code, DecoderOptions::NONE) {
        let _ = writeln!(text, "{:6x}  {instruction}", instruction.ip());
    }
    text
}

/// Checks the stubs and the adapters of a signature, and says which one is wrong and how.
fn check_signature(signature: &Signature, rng: &mut Rng) -> Result<(), String> {
    let plan = match abi::classify(signature) {
        Ok(plan) => plan,
        Err(Error::FrameTooLarge { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let story = |what: &str, wrong: &str, code: &[u8]| {
        format!("{what} for {:?}: {wrong}\n{}{plan}", plan.abi, listing(code))
    };
    for host in InstructionSet::X86.hosts().map(Abi::convention) {
        for shape in SHAPES {
            let what = format!("{shape:?} stub entered by {:?}", host.abi);
            let code = emit::stub(&plan, shape, host);
            let end = stub::check(&code, &plan, shape, rng).map_err(|wrong| story(&what, &wrong, &code))?;
            if end != expected_end(&plan, shape, host) {
                return Err(story(&what, &format!("it ends in a {end:?}"), &code));
            }
        }
        let code = emit::checked_stub(&plan, host);
        for more in [0, 4, 24] {
            stub::check_checked(&code, &plan, more, rng)
                .map_err(|wrong| story(&format!("checked stub, {more} bytes more"), &wrong, &code))?;
        }
        // What is variadic is no callback.
        if signature.fixed().is_none() {
            let code = emit::adapter(&plan, host);
            adapter::check(&code, &plan, host, rng)
                .map_err(|wrong| story(&format!("adapter to {:?}", host.abi), &wrong, &code))?;
        }
    }
    Ok(())
}

fn check_all(signature: &Signature, what: &dyn std::fmt::Display) {
    let wrong = check_signature(signature, &mut Rng::new(7));
    wrong.unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
}

fn conventions() -> impl Iterator<Item = Abi> {
    InstructionSet::X86.abis()
}

fn bytes(abi: Abi, len: u64, align: Option<u64>) -> Type {
    let model: &DataModel = abi.data_model();
    let array = Type::array(Type::Scalar(Scalar::U8), len, model).unwrap();
    let mut attrs = RecordAttrs::new(RecordKind::Struct);
    attrs.align = align.map(Align::of);
    Record::new(model, attrs, &[Member::new(array)]).unwrap().into()
}

#[test]
fn random_signatures() {
    let (seed, count) = (rng::seed(), rng::count(200));
    for abi in conventions() {
        for case in 0..count as u64 {
            let seed = seed.wrapping_add(case);
            let mut rng = Rng::new(seed);
            let signature = random::signature(&mut rng, abi);
            if let Err(wrong) = check_signature(&signature, &mut rng) {
                panic!("CALLSMITH_SEED={seed} CALLSMITH_COUNT=1: {wrong}");
            }
        }
    }
}

#[test]
fn structs_of_every_size() {
    for abi in conventions() {
        for len in (0..=70).chain(250..265).chain([511, 512, 4095, 4096, 4097]) {
            let ty = bytes(abi, len, None);
            for params in [vec![ty.clone()], vec![ty.clone(); 3]] {
                let signature = Signature::new(abi, Some(ty.clone()), params).unwrap();
                check_all(&signature, &len);
            }
        }
    }
}

#[test]
fn scalars_of_every_kind() {
    let floats = [Float::F16, Float::F32, Float::F64, Float::X87, Float::F128].map(Scalar::Float);
    let integers = [Scalar::Bool, Scalar::I8, Scalar::U16, Scalar::I32, Scalar::U64, Scalar::Pointer];
    for abi in conventions() {
        for scalar in floats.into_iter().chain(integers).filter(|scalar| abi.data_model().has(*scalar)) {
            for count in 0..5 {
                let ty = Type::Scalar(scalar);
                let signature = Signature::new(abi, Some(ty.clone()), vec![ty; count]).unwrap();
                check_all(&signature, &format!("{count} {scalar:?}"));
            }
        }
    }
}

#[test]
fn frames_up_to_the_limit_touch_every_page() {
    let long = Type::Scalar(Scalar::I32);
    for abi in conventions().filter(|abi| matches!(abi, Abi::X86(X86Call::Cdecl | X86Call::Stdcall, _))) {
        for len in [4000, 4080, 4096, 8192, 65_528, 65_536, MAX_FRAME] {
            let signature = Signature::new(abi, Some(long.clone()), vec![bytes(abi, len, None)]).unwrap();
            check_all(&signature, &len);
        }
    }
}

#[test]
fn aligned_frames_touch_every_page() {
    for abi in conventions().filter(|abi| matches!(abi, Abi::X86(X86Call::Cdecl | X86Call::Stdcall, _))) {
        for align in (3..=16).map(|power| 1 << power) {
            for len in [17, 4080, 4096, 8000] {
                let params = vec![Type::Scalar(Scalar::I64), bytes(abi, len, Some(align))];
                let signature = Signature::new(abi, Some(bytes(abi, 16, None)), params).unwrap();
                check_all(&signature, &format!("{len} @ {align}"));
            }
        }
    }
}

#[test]
fn a_thousand_arguments() {
    for abi in conventions() {
        for ty in [Type::Scalar(Scalar::I8), Type::Scalar(Scalar::I64), bytes(abi, 7, None)] {
            let mut params = vec![ty; 1_000];
            // Registers of integers, far from the first.
            params[990..].fill(Type::Scalar(Scalar::I16));
            check_all(&Signature::new(abi, None, params).unwrap(), &"a thousand");
        }
    }
}

#[test]
fn thunks_load_and_jump() {
    for register in CONTEXT_REGISTERS {
        for slot in [CODE + 12_288, CODE + 196_608, CODE - 12_288, 8, u32::MAX - 7] {
            for counts in [false, true] {
                let code = emit::thunk(register, counts, slot);
                assert_eq!(code.len(), THUNK_SIZE);
                let mut machine = Machine::new(&mut Rng::new(1));
                let words = [0x1111_2224u32, 0x3333_4444].map(u32::to_le_bytes);
                machine.give(slot, &words.concat(), Access::Read);
                let inside = 0x1111_2224 + InstructionSet::X86.inside_offset();
                if counts {
                    machine.give(inside, &7u32.to_le_bytes(), Access::Both);
                }
                let entered = machine.gp;
                assert_eq!(machine.run(&code), Ok(Stop::Jump(0x3333_4444)), "{}", listing(&code));
                let changed: Vec<usize> = (0..8).filter(|&n| machine.gp[n] != entered[n]).collect();
                assert_eq!(changed, [usize::from(register.number())]);
                assert_eq!(machine.gp[usize::from(register.number())], 0x1111_2224);
                assert!(!counts || machine.read_word(inside) == Ok(8));
            }
        }
    }
}

#[test]
fn traps_pass_the_note_on() {
    const GRAVE: u32 = 0x1000_0000;
    const NOTE: u32 = 0x2000_0000;
    for register in CONTEXT_REGISTERS {
        // Wherever the stack pointer is: Windows aligns it to 4.
        for lower in [0, 4, 8, 12] {
            let code = emit::trap(register);
            let mut machine = Machine::new(&mut Rng::new(1));
            let note = GRAVE + InstructionSet::X86.note_offset();
            machine.give(note, &NOTE.to_le_bytes(), Access::Read);
            machine.give(NOTE, &0x5555u32.to_le_bytes(), Access::Read);
            machine.gp[usize::from(register.number())] = GRAVE;
            machine.gp[ESP] -= lower;
            assert_eq!(machine.run(&code), Ok(Stop::Call(0x5555)), "{}", listing(&code));
            let esp = machine.gp[ESP];
            assert!(esp.is_multiple_of(16));
            assert_eq!(machine.read_word(esp), Ok(NOTE));
        }
    }
}

/// Where an indirect branch can arrive stands `endbr32`.
#[test]
fn all_begin_with_a_landing_pad() {
    let pad = [0xf3, 0x0f, 0x1e, 0xfb];
    let host = InstructionSet::X86.hosts().next().unwrap();
    let plan = abi::classify(&Signature::new(host, None, vec![]).unwrap()).unwrap();
    let host = host.convention();
    let mut all = vec![
        emit::adapter(&plan, host),
        emit::thunk(CONTEXT_REGISTERS[0], false, 4096),
        emit::trap(CONTEXT_REGISTERS[0]),
    ];
    all.extend(SHAPES.map(|shape| emit::stub(&plan, shape, host)));
    for code in all {
        assert!(code.starts_with(&pad), "{}", listing(&code));
    }
}

/// A stub is its loads, a branch, the result's stores: as much as is said of it, instruction by instruction.
#[test]
fn six_longs() {
    let long = || Type::Scalar(Scalar::I32);
    let count = |call: X86Call| {
        let abi = conventions().find(|abi| matches!(abi, Abi::X86(own, _) if *own == call)).unwrap();
        let signature = Signature::new(abi, Some(long()), vec![long(); 6]).unwrap();
        let code = emit::stub(&abi::classify(&signature).unwrap(), Shape::Slots, abi.variadic().convention());
        Decoder::new(32, &code, DecoderOptions::NONE).into_iter().count()
    };
    // The landing pad, the frame, the arguments' address; a push for each word on the stack, a load for each in a register;
    // the call, the frame, the return.
    assert_eq!(count(X86Call::Cdecl), 3 + 6 + 3);
    assert_eq!(count(X86Call::Stdcall), 3 + 6 + 3);
    assert_eq!(count(X86Call::Fastcall), 3 + 4 + 2 + 3);
    assert_eq!(count(X86Call::Thiscall), 3 + 5 + 1 + 3);
}
