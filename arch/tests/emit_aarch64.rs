//! Generated stubs, adapters, thunks and traps, run on a small model of the machine that reads them through yaxpeax-arm,
//! on random bytes: what they hand on is what `interp` says. So every host can; `tests/random_calls.rs` and
//! `tests/random_callbacks.rs` of the workspace run them on AArch64.
//!
//! `CALLSMITH_SEED` repeats a run, `CALLSMITH_COUNT` is the number of signatures for each convention.

#[path = "emit_aarch64/adapter.rs"]
mod adapter;
#[path = "emit_aarch64/machine.rs"]
mod machine;
mod random;
#[path = "emit_aarch64/stub.rs"]
mod stub;

use callsmith_arch::isa::aarch64::emit::{self, CONTEXT_REGISTERS};
use callsmith_arch::isa::{InstructionSet, Shape, THUNK_SIZE};
use callsmith_arch::layout::{DataModel, Member, Record, RecordAttrs, RecordKind, Scalar, Type};
use callsmith_arch::plan::{Location, MAX_FRAME, Passing, ResultPlan};
use callsmith_arch::{Abi, Align, CallPlan, Error, Signature, abi};
use machine::{Access, CODE, Machine, SP, STACK_TOP, Stop};
use random::rng::{self, Rng};
use std::fmt::Write as _;
use stub::End;
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

const SHAPES: [Shape; 2] = [Shape::Slots, Shape::Gather];

/// "A stub whose arguments all sit in registers and whose result comes back in one register ends in a jump".
fn expected_end(plan: &CallPlan, shape: Shape) -> End {
    let in_registers = plan.args.iter().all(|arg| match arg.passing {
        Passing::Ignored(_) => true,
        Passing::Direct(run) => {
            plan.moves_of(run).iter().all(|piece| !matches!(piece.location, Location::Stack(_)))
        }
        Passing::Indirect { .. } => false,
    });
    let left = match plan.result {
        ResultPlan::None | ResultPlan::Hidden { .. } => true,
        ResultPlan::Direct(run) => {
            shape == Shape::Slots && matches!(plan.moves_of(run), [piece] if piece.width <= 8)
        }
    };
    if in_registers && left { End::Jump } else { End::Return }
}

/// One line for each instruction.
fn listing(code: &[u8]) -> String {
    let mut text = String::new();
    for (index, word) in code.chunks(4).enumerate() {
        let _ = match InstDecoder::default().decode(&mut U8Reader::new(word)) {
            Ok(instruction) => writeln!(text, "{:6x}  {instruction}", index * 4),
            Err(error) => writeln!(text, "{:6x}  {error}", index * 4),
        };
    }
    text
}

/// Checks the stubs and the adapter of a signature, and says which one is wrong and how.
fn check_signature(signature: &Signature, rng: &mut Rng) -> Result<(), String> {
    let plan = match abi::classify(signature) {
        Ok(plan) => plan,
        Err(Error::FrameTooLarge { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let story = |what: &str, wrong: &str, code: &[u8]| {
        format!("{what} for {:?}: {wrong}\n{}{plan}", plan.abi, listing(code))
    };
    for shape in SHAPES {
        let code = emit::stub(&plan, shape);
        let end = stub::check(&code, &plan, shape, rng)
            .map_err(|wrong| story(&format!("{shape:?} stub"), &wrong, &code))?;
        if end != expected_end(&plan, shape) {
            return Err(story(&format!("{shape:?} stub"), &format!("it ends in a {end:?}"), &code));
        }
    }
    // What is variadic is no callback.
    if signature.fixed().is_none() {
        let code = emit::adapter(&plan);
        adapter::check(&code, &plan, signature, rng).map_err(|wrong| story("adapter", &wrong, &code))?;
    }
    Ok(())
}

fn check_all(signature: &Signature, what: &dyn std::fmt::Display) {
    let wrong = check_signature(signature, &mut Rng::new(7));
    wrong.unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
}

fn systems() -> impl Iterator<Item = Abi> {
    InstructionSet::AArch64.abis()
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
    let (seed, count) = (rng::seed(), rng::count(700));
    for abi in systems() {
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
    for abi in systems() {
        for len in (0..=70).chain(250..300).chain([511, 512, 4095, 4096, 4097]) {
            let ty = bytes(abi, len, None);
            let others = vec![Type::Scalar(Scalar::I64); 7];
            for params in [vec![ty.clone()], vec![ty.clone(); 3], [others, vec![ty.clone()]].concat()] {
                let signature = Signature::new(abi, Some(ty.clone()), params).unwrap();
                check_all(&signature, &len);
            }
        }
    }
}

#[test]
fn frames_up_to_the_limit_touch_every_page() {
    let long = Type::Scalar(Scalar::I64);
    for abi in systems() {
        for len in [4000, 4080, 4096, 8000, 8192, 65_528, MAX_FRAME - 4096, MAX_FRAME] {
            let signature = Signature::new(abi, Some(long.clone()), vec![bytes(abi, len, None)]).unwrap();
            check_all(&signature, &len);
        }
    }
}

#[test]
fn aligned_frames_touch_every_page() {
    for abi in systems() {
        for align in (5..=16).map(|power| 1 << power) {
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
    for abi in systems() {
        let float = Type::Scalar(Scalar::Float(callsmith_arch::layout::Float::F32));
        for ty in [
            Type::Scalar(Scalar::I8),
            Type::Scalar(Scalar::I128),
            float.clone(),
            bytes(abi, 7, None),
            bytes(abi, 300, None),
        ] {
            let mut params = vec![ty; 1_000];
            check_all(&Signature::new(abi, None, params.clone()).unwrap(), &"all alike");
            // Registers of the other kind, of arguments far from the first.
            params[990..].fill(Type::Scalar(Scalar::I16));
            params[997..].fill(float.clone());
            check_all(&Signature::new(abi, None, params).unwrap(), &"others at the end");
        }
    }
}

#[test]
fn thunks_load_and_jump() {
    for register in CONTEXT_REGISTERS {
        // Three pages of every size that AArch64 has, and the ends of what a displacement reaches.
        for distance in [12_288, 49_152, 196_608, -12_288, (1 << 20) - 32, 32 - (1 << 20)] {
            let code = emit::thunk(register, distance);
            assert_eq!(code.len(), THUNK_SIZE);
            let mut rng = Rng::new(1);
            let mut machine = Machine::new(&mut rng);
            let slot = [0x1111_2222u64, 0x3333_4444].map(u64::to_le_bytes).concat();
            let place = CODE.wrapping_add_signed(distance.into());
            machine.give(place, &slot, Access::Read);
            let entered = machine.x;
            assert_eq!(machine.run(&code), Ok(Stop::Branch(0x3333_4444)), "{}", listing(&code));
            let changed: Vec<usize> =
                (0..32).filter(|&number| machine.x[number] != entered[number]).collect();
            assert_eq!(changed, [usize::from(register.number()), 16]);
            assert_eq!(machine.x[usize::from(register.number())], 0x1111_2222);
        }
    }
}

#[test]
fn traps_pass_the_note_on() {
    const GRAVE: u64 = 0x1000_0000;
    const NOTE: u64 = 0x2000_0000;
    for register in CONTEXT_REGISTERS {
        let code = emit::trap(register);
        let mut machine = Machine::new(&mut Rng::new(1));
        machine.give(
            GRAVE + u64::from(InstructionSet::AArch64.note_offset()),
            &NOTE.to_le_bytes(),
            Access::Read,
        );
        machine.give(NOTE, &0x5555u64.to_le_bytes(), Access::Read);
        machine.x[usize::from(register.number())] = GRAVE;
        let back = machine.x[30];
        assert_eq!(machine.run(&code), Ok(Stop::Branch(0x5555)), "{}", listing(&code));
        assert_eq!((machine.x[0], machine.x[30], machine.x[SP]), (NOTE, back, STACK_TOP));
    }
}

/// Where an indirect branch can arrive stands `bti c`.
#[test]
fn all_begin_with_a_landing_pad() {
    let pad = [0x5f, 0x24, 0x03, 0xd5];
    let plan = abi::classify(&Signature::new(systems().next().unwrap(), None, vec![]).unwrap()).unwrap();
    let mut all =
        vec![emit::adapter(&plan), emit::thunk(CONTEXT_REGISTERS[0], 4096), emit::trap(CONTEXT_REGISTERS[0])];
    all.extend(SHAPES.map(|shape| emit::stub(&plan, shape)));
    for code in all {
        assert!(code.starts_with(&pad), "{}", listing(&code));
    }
}
