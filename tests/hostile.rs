//! Generated stubs, run in hostile surroundings: every register set on entry, poisoned or checked; values, results and
//! slots against guard pages on either side; a target that records all registers and its stack, and spoils all that it
//! may. What it recorded must be what `interp` reads in the plan. On x86-64 all four pairs of entry and target convention
//! run, on AArch64 all three flavours of the target's: to a processor they are alike.
//!
//! `CALLSMITH_SEED` repeats a run, `CALLSMITH_COUNT` is the number of random signatures for each convention.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

#[path = "hostile/case.rs"]
mod case;
#[path = "hostile/fault.rs"]
mod fault;
#[path = "hostile/machine/mod.rs"]
mod machine;
#[path = "hostile/memory.rs"]
mod memory;
#[path = "../arch/tests/random/mod.rs"]
mod random;
#[path = "hostile/run.rs"]
mod run;

use callsmith::arch::layout::{Float, Member, Record, RecordAttrs, RecordKind, Scalar, Type};
use callsmith::arch::plan::MAX_FRAME;
use callsmith::arch::{Abi, Align, Signature};
use callsmith::host;
use case::must_pass;
use random::rng::{self, Rng};
use run::Rig;
use std::io::Write as _;

const LONG: Type = Type::Scalar(Scalar::I64);

fn structure(members: &[Member], packed: bool, align: Option<u64>) -> Type {
    let mut attrs = RecordAttrs::new(RecordKind::Struct);
    attrs.packed = packed;
    attrs.align = align.map(Align::of);
    Record::new(host::MODEL, attrs, members).unwrap().into()
}

fn bytes(len: u64, align: Option<u64>) -> Type {
    let array = Type::array(Type::Scalar(Scalar::U8), len, host::MODEL).unwrap();
    structure(&[Member::new(array)], false, align)
}

/// The conventions of this instruction set.
fn conventions() -> impl Iterator<Item = Abi> {
    host::ABI.instruction_set().abis()
}

/// Runs a function of `params` returning `result` under one convention.
fn one(rig: &mut Rig, abi: Abi, result: Type, params: Vec<Type>, grows: bool) {
    must_pass(rig, &Signature::new(abi, Some(result), params).unwrap(), 1, grows);
}

/// The same under every convention.
fn all(rig: &mut Rig, result: &Type, params: &[Type], grows: bool) {
    for abi in conventions() {
        one(rig, abi, result.clone(), params.to_vec(), grows);
    }
}

#[test]
fn random_signatures() {
    let (seed, count) = (rng::seed(), rng::count(2_000));
    // Past the harness's capture: a fault that nothing catches leaves no other trace.
    let _ = writeln!(std::io::stderr(), "CALLSMITH_SEED={seed} CALLSMITH_COUNT={count}");
    let mut rig = Rig::new();
    for case in 0..count as u64 {
        let seed = seed.wrapping_add(case);
        for abi in conventions() {
            let signature = random::signature(&mut Rng::new(seed), abi);
            must_pass(&mut rig, &signature, seed, false);
        }
    }
}

#[test]
fn structs_of_every_size() {
    let mut rig = Rig::new();
    for len in (0..=70).chain(250..265).chain([511, 512, 4095, 4096, 4097]) {
        let ty = bytes(len, None);
        // In registers and on the stack; where one eightbyte of the last register is left for it.
        for before in [0, 5, 7] {
            let params = [vec![LONG; before], vec![ty.clone(); 2]].concat();
            all(&mut rig, &ty, &params, false);
        }
    }
}

#[test]
fn pieces_of_every_width() {
    let [half, float, double] =
        [Float::F16, Float::F32, Float::F64].map(|float| Member::new(Scalar::Float(float)));
    let starts: [&[&Member]; 6] =
        [&[&half], &[&half, &half], &[&half, &half, &half], &[&float], &[&float, &half], &[&double, &float]];
    let mut rig = Rig::new();
    for start in starts {
        // A bit-field moves the piece from a vector register to a general one.
        for bits in [0, 8, 16, 24] {
            let bits = (bits > 0).then(|| Member::unnamed_bits(Scalar::U32, bits));
            let members: Vec<Member> = start.iter().copied().cloned().chain(bits).collect();
            let ty = structure(&members, true, None);
            all(&mut rig, &ty, &[ty.clone(), LONG, ty.clone()], false);
        }
    }
}

#[test]
fn a_thousand_arguments() {
    let mut rig = Rig::new();
    for abi in conventions() {
        let complex = Type::Complex(abi.data_model().long_double);
        for ty in [Type::Scalar(Scalar::I8), Type::Scalar(Scalar::U16), complex, bytes(7, None)] {
            one(&mut rig, abi, ty.clone(), vec![ty; 1_000], false);
        }
    }
}

#[test]
fn frames_touch_every_page_in_order() {
    let mut rig = Rig::new();
    let lens = [1, 4000, 4080, 4088, 4096, 8000, 8176, 65_528, MAX_FRAME - 32, MAX_FRAME];
    for len in lens {
        all(&mut rig, &bytes(16, None), &[bytes(len, None)], true);
    }
    for align in (5..=20).map(|power| 1 << power) {
        for len in [1, 4080, 8000, 100_000] {
            let params = [vec![LONG; 7], vec![bytes(len, Some(align))]].concat();
            for abi in conventions() {
                let result = Type::Scalar(Scalar::Float(abi.data_model().long_double));
                one(&mut rig, abi, result, params.clone(), true);
            }
        }
    }
}
