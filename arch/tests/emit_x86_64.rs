//! Generated stubs, adapters, thunks and traps as iced-x86 reads them: what they touch, what they keep, how they end.
//! Nothing is run, so every host can; `tests/hostile.rs` and `tests/random_callbacks.rs` of the workspace run them.
//!
//! `CALLSMITH_SEED` repeats a run, `CALLSMITH_COUNT` is the number of signatures for each convention.

mod random;
#[path = "emit_x86_64"]
mod emit_x86_64 {
    pub(crate) mod walk;
}

use callsmith_arch::abi::{self, Convention};
use callsmith_arch::isa::x86_64::emit::{CONTEXT_REGISTERS, adapter, stub, thunk, trap};
use callsmith_arch::isa::{InstructionSet, Shape, THUNK_SIZE};
use callsmith_arch::layout::{DataModel, Member, Record, RecordAttrs, RecordKind, Scalar, Type};
use callsmith_arch::plan::{Location, MAX_FRAME, Move, Passing, ResultPlan};
use callsmith_arch::{Align, CallPlan, Error, Signature};
use emit_x86_64::walk::{self, End};
use iced_x86::{Decoder, DecoderOptions, Mnemonic};
use random::rng::{self, Rng};
use std::fmt::Write as _;

const SHAPES: [Shape; 2] = [Shape::Slots, Shape::Gather];

/// The moves of the result.
fn result_moves(plan: &CallPlan) -> &[Move] {
    match plan.result {
        ResultPlan::None | ResultPlan::Hidden { .. } => &[],
        ResultPlan::Direct(run) => plan.moves_of(run),
    }
}

/// Whether a stub of this shape leaves the result where the target put it.
fn leaves_result(plan: &CallPlan, shape: Shape) -> bool {
    let in_one_register = matches!(
        result_moves(plan),
        [Move { width: ..=8, location: Location::Gp(_) | Location::Vector(_), .. }]
    );
    result_moves(plan).is_empty() || (shape == Shape::Slots && in_one_register)
}

/// "A stub whose arguments all sit in registers and whose result comes back in one register ends in a jump", where the
/// caller's convention lets the target return to the caller: it keeps as many registers, and has the shadow space.
fn ends_in_jump(plan: &CallPlan, shape: Shape, entry: &Convention) -> bool {
    let in_registers = plan.args.iter().all(|arg| match arg.passing {
        Passing::Ignored(_) => true,
        Passing::Direct(run) => {
            plan.moves_of(run).iter().all(|piece| !matches!(piece.location, Location::Stack(_)))
        }
        Passing::Indirect { .. } => false,
    });
    in_registers && leaves_result(plan, shape) && plan.abi == entry.abi
}

/// All there is to check of one stub.
fn check(plan: &CallPlan, shape: Shape, entry: &Convention) -> Result<(), String> {
    let walked = walk::stub::walk(&stub(plan, shape, entry), plan, shape, entry)?;
    let expected = if ends_in_jump(plan, shape, entry) { End::Jump } else { End::Return };
    if walked.end != expected {
        return Err(format!("it ends in a {:?} instead of a {expected:?}", walked.end));
    }
    let mut stored = vec![false; plan.result_size as usize];
    if !leaves_result(plan, shape) {
        for piece in result_moves(plan) {
            let start = piece.offset as usize;
            stored[start..start + piece.width as usize].fill(true);
        }
    }
    match stored == walked.result {
        true => Ok(()),
        false => Err("it does not store the result's bytes, and these alone".into()),
    }
}

/// What is wrong, and with which code.
fn story(what: &str, wrong: &str, code: &[u8], plan: &CallPlan) -> String {
    let mut text = format!("{what} for {:?}: {wrong}\n", plan.abi);
    for instruction in &mut Decoder::new(64, code, DecoderOptions::NONE) {
        let _ = writeln!(text, "{:6x}  {instruction}", instruction.ip());
    }
    let _ = write!(text, "{plan}");
    text
}

/// Checks all stubs and adapters of a signature, and says which one is wrong and how.
fn check_signature(signature: &Signature) -> Result<(), String> {
    let plan = match abi::classify(signature) {
        Ok(plan) => plan,
        Err(Error::FrameTooLarge { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    for host in InstructionSet::X86_64.abis() {
        for shape in SHAPES {
            check(&plan, shape, host.convention()).map_err(|wrong| {
                let code = stub(&plan, shape, host.convention());
                story(&format!("{shape:?} stub entered by {host:?}"), &wrong, &code, &plan)
            })?;
        }
        // What is variadic is no callback.
        if signature.fixed().is_none() {
            let code = adapter(&plan, host.convention());
            walk::adapter::walk(&code, &plan, host.convention())
                .map_err(|wrong| story(&format!("adapter to {host:?}"), &wrong, &code, &plan))?;
        }
    }
    Ok(())
}

fn structure(members: Vec<Member>, align: Option<u64>) -> Type {
    let mut attrs = RecordAttrs::new(RecordKind::Struct);
    attrs.align = align.map(Align::of);
    Record::new(&DataModel::LP64, attrs, &members).unwrap().into()
}

fn bytes(len: u64, align: Option<u64>) -> Type {
    let array = Type::array(Type::Scalar(Scalar::U8), len, &DataModel::LP64).unwrap();
    structure(vec![Member::new(array)], align)
}

#[test]
fn random_signatures() {
    let (seed, count) = (rng::seed(), rng::count(3_000));
    for abi in InstructionSet::X86_64.abis() {
        for case in 0..count as u64 {
            let seed = seed.wrapping_add(case);
            let signature = random::signature(&mut Rng::new(seed), abi);
            if let Err(wrong) = check_signature(&signature) {
                panic!("CALLSMITH_SEED={seed} CALLSMITH_COUNT=1: {wrong}");
            }
        }
    }
}

#[test]
fn structs_of_every_size() {
    for abi in InstructionSet::X86_64.abis() {
        for len in (0..=70).chain(250..270).chain([511, 512, 4095, 4096, 4097]) {
            let ty = bytes(len, None);
            let others = vec![Type::Scalar(Scalar::I64); 7];
            for params in [vec![ty.clone()], vec![ty.clone(); 3], [others, vec![ty.clone()]].concat()] {
                let signature = Signature::new(abi, Some(ty.clone()), params).unwrap();
                check_signature(&signature).unwrap_or_else(|wrong| panic!("{len} bytes: {wrong}"));
            }
        }
    }
}

#[test]
fn frames_up_to_the_limit_touch_every_page() {
    let long = Type::Scalar(Scalar::I64);
    for abi in InstructionSet::X86_64.abis() {
        for len in
            [4000, 4080, 4088, 4096, 8000, 8176, 8192, 65_528, MAX_FRAME - 32, MAX_FRAME - 8, MAX_FRAME]
        {
            let signature = Signature::new(abi, Some(long.clone()), vec![bytes(len, None)]).unwrap();
            check_signature(&signature).unwrap_or_else(|wrong| panic!("{len} bytes: {wrong}"));
        }
    }
}

#[test]
fn aligned_frames_touch_every_page() {
    for abi in InstructionSet::X86_64.abis() {
        for align in (5..=20).map(|power| 1 << power) {
            for len in [1, 4080, 4096, 8000, 100_000] {
                // The first is at a low address, the second leaves a hole below it.
                for before in 0..8 {
                    let mut params = vec![Type::Scalar(Scalar::I64); before];
                    params.push(bytes(len, Some(align)));
                    let signature = Signature::new(abi, Some(bytes(16, None)), params).unwrap();
                    check_signature(&signature).unwrap_or_else(|wrong| panic!("{len} @ {align}: {wrong}"));
                }
            }
        }
    }
}

#[test]
fn a_thousand_arguments() {
    for abi in InstructionSet::X86_64.abis() {
        for ty in [Type::Scalar(Scalar::I8), Type::Scalar(Scalar::I128), bytes(7, None), bytes(300, None)] {
            let signature = Signature::new(abi, None, vec![ty; 1_000]).unwrap();
            check_signature(&signature).unwrap_or_else(|wrong| panic!("{wrong}"));
        }
    }
}

#[test]
fn thunks_load_and_jump() {
    for register in CONTEXT_REGISTERS {
        // Three pages of every size that x86-64 and others have, and the ends of what a displacement reaches.
        for distance in [12_288, 49_152, 196_608, -12_288, i32::MIN + 32, i32::MAX - 32] {
            for counts in [false, true] {
                let code = thunk(register, counts, distance);
                assert_eq!(code.len(), THUNK_SIZE);
                let length = walk::thunk::walk_thunk(&code, register, counts, distance)
                    .unwrap_or_else(|wrong| panic!("{register:?}, {distance}: {wrong}"));
                let instructions = Decoder::new(64, &code[..length], DecoderOptions::NONE);
                assert_eq!(instructions.into_iter().count(), 3 + usize::from(counts));
                let filling: Vec<Mnemonic> = Decoder::new(64, &code[length..], DecoderOptions::NONE)
                    .into_iter()
                    .map(|instruction| instruction.mnemonic())
                    .collect();
                assert_eq!(filling, vec![Mnemonic::Int3; THUNK_SIZE - length]);
            }
        }
    }
}

/// Wherever a thunk lies, and whichever it is of its pages, it finds its own slot: they are all the same code.
#[test]
fn a_page_of_thunks_meets_a_page_of_slots() {
    const COUNT: u64 = 512;
    const START: u64 = 0x7f12_3456_7000;
    let size = THUNK_SIZE as u64;
    let code = thunk(CONTEXT_REGISTERS[0], true, 12_288).repeat(512);
    let instructions: Vec<_> = Decoder::with_ip(64, &code, START, DecoderOptions::NONE).into_iter().collect();
    for k in 0..COUNT {
        let inside = START + k * size..START + (k + 1) * size;
        let places: Vec<u64> = instructions
            .iter()
            .filter(|instruction| {
                inside.contains(&instruction.ip()) && instruction.is_ip_rel_memory_operand()
            })
            .map(|instruction| instruction.ip_rel_memory_address() - START - 12_288)
            .collect();
        assert_eq!(places, [k * size, k * size + 8], "thunk {k}");
    }
}

#[test]
fn traps_pass_the_note_on() {
    for host in InstructionSet::X86_64.abis() {
        for register in CONTEXT_REGISTERS {
            walk::thunk::walk_trap(&trap(register, host.convention()), register, host.convention())
                .unwrap_or_else(|wrong| panic!("{register:?}, {host:?}: {wrong}"));
        }
    }
}
