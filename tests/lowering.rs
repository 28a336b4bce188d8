//! Classification against clang's: random signatures are compiled to LLVM's assembly for each ABI's target, and what clang
//! made of their parameters and results is carried on to registers and stack bytes by the rules of LLVM's calling
//! conventions, which stand here a second time (`lowering/`), written down from LLVM's side. Nothing is run, so this is
//! the evidence for the systems that no machine here has.
//!
//! `CALLSMITH_COUNT` is the number of signatures for each ABI, `CALLSMITH_SEED` repeats a run, `CALLSMITH_ZIG` is the
//! command for zig.

mod support;

#[path = "lowering"]
mod lowering {
    pub(crate) mod aarch64;
    pub(crate) mod ir;
    pub(crate) mod sample;
    pub(crate) mod x86;
    pub(crate) mod x86_64;
}

use callsmith::arch::abi::{self, Aapcs64, X86Call, X86Flavour};
use callsmith::arch::plan::{Extension, Location, MoveRange, Passing, ResultPlan};
use callsmith::arch::{Abi, CallPlan};
use lowering::ir::{self, Call};
use lowering::sample::{self, Sample};
use lowering::{aarch64, x86, x86_64};
use std::fmt::Write as _;
use support::compiler::Compiler;
use support::rng::Rng;

/// Signatures in one C file.
const BATCH: usize = 100;
/// Signatures for each ABI, where the environment does not say.
const COUNT: usize = 2_000;

/// Where a value passes, in order of its pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere.
    Nowhere,
    /// Its pieces; what widens the only one.
    Pieces(Vec<Location>, Extension),
    /// Its address, there.
    Address(Location),
}

/// What a plan says, in the same words.
fn planned(plan: &CallPlan) -> (Vec<Place>, Place) {
    let pieces = |run: MoveRange| {
        let moves = plan.moves_of(run);
        let extension = moves.first().map_or(Extension::None, |piece| piece.extension);
        Place::Pieces(moves.iter().map(|piece| piece.location).collect(), extension)
    };
    let args = plan.args.iter().map(|arg| match arg.passing {
        Passing::Ignored(_) => Place::Nowhere,
        Passing::Direct(run) => pieces(run),
        Passing::Indirect { pointer, .. } => Place::Address(pointer),
    });
    let result = match plan.result {
        ResultPlan::None => Place::Nowhere,
        ResultPlan::Direct(run) => pieces(run),
        ResultPlan::Hidden { pointer, .. } => Place::Address(pointer),
    };
    (args.collect(), result)
}

/// What became of a run.
#[derive(Default)]
struct Tally {
    compared: usize,
    skipped: usize,
    wrong: String,
}

/// Compares a batch.
fn batch(abi: Abi, compiler: &Compiler, samples: &[Sample], tally: &mut Tally) {
    let mut source = support::ctype::prelude(compiler.model);
    samples
        .iter()
        .enumerate()
        .for_each(|(number, sample)| sample.source(number, attribute(abi), &mut source));
    let text = compiler.lowering(&source, "lowering").unwrap_or_else(|why| panic!("{abi:?}: {why}"));
    let module = ir::Module::read(&text).unwrap_or_else(|why| panic!("{abi:?}: {why}"));
    for (number, sample) in samples.iter().enumerate() {
        let sizes = module.sizes(number);
        if sizes != sample.sizes() {
            // Another layout is another test's affair (`tests/layout.rs`).
            tally.skipped += 1;
            continue;
        }
        let read = module.call(number).and_then(|call| Ok((call, module.shapes(number)?)));
        let (call, shapes) = read.unwrap_or_else(|why| panic!("{abi:?}: {why}\n{}", sample.show()));
        match expected(abi, sample, &call, &shapes) {
            Ok(None) => tally.skipped += 1,
            Ok(Some(expected)) => {
                tally.compared += 1;
                let plan = abi::classify(&sample.signature(abi)).expect("a plan");
                if planned(&plan) != expected {
                    let _ = writeln!(
                        tally.wrong,
                        "{}\n{}\nexpected {expected:?}\n{plan}",
                        sample.show(),
                        call.text
                    );
                }
            }
            Err(why) => panic!("{abi:?}: {why}\n{}\n{}", sample.show(), call.text),
        }
    }
}

/// What stands behind a declaration of such a function.
fn attribute(abi: Abi) -> &'static str {
    match abi {
        Abi::X86(X86Call::Stdcall, _) => " __attribute__((stdcall))",
        Abi::X86(X86Call::Fastcall, _) => " __attribute__((fastcall))",
        Abi::X86(X86Call::Thiscall, _) => " __attribute__((thiscall))",
        Abi::X86(X86Call::Cdecl, _) | Abi::SysV64 | Abi::Win64 | Abi::Aapcs64(_) => "",
    }
}

/// Where clang and LLVM have everything; `None` where clang is no judge.
fn expected(
    abi: Abi,
    sample: &Sample,
    call: &Call,
    shapes: &[usize],
) -> Result<Option<(Vec<Place>, Place)>, String> {
    match abi {
        Abi::Aapcs64(system) => aarch64::places(system, sample, call),
        Abi::SysV64 => x86_64::sysv64(sample, call, shapes),
        Abi::Win64 => x86_64::win64(sample, call, shapes),
        Abi::X86(convention, flavour) => x86::places(convention, flavour, sample, call, shapes),
    }
}

fn compare(abi: Abi) {
    let compiler = match Compiler::clang(abi) {
        Ok(compiler) => compiler,
        Err(why) => return support::note(&format!("lowering for {abi:?}: skipped: {why}")),
    };
    let (seed, count) = (support::seed(), support::count(COUNT));
    let mut rng = Rng::new(seed);
    let mut tally = Tally::default();
    while tally.compared < count {
        let takes = match abi {
            Abi::SysV64 => sample::plain,
            Abi::X86(X86Call::Fastcall, X86Flavour::Linux | X86Flavour::Mingw) => x86::by_gcc_fastcall,
            Abi::X86(_, X86Flavour::Linux | X86Flavour::Mingw) => x86::by_gcc,
            Abi::X86(_, X86Flavour::Msvc) | Abi::Win64 | Abi::Aapcs64(_) => sample::any,
        };
        let random = |_| match (abi, Sample::random(Rng::new(rng.next()), compiler.model, takes)) {
            (Abi::X86(X86Call::Thiscall, _), sample) => sample.of_object(),
            (_, sample) => sample,
        };
        let samples: Vec<Sample> = (0..BATCH).map(random).collect();
        batch(abi, &compiler, &samples, &mut tally);
        assert!(tally.wrong.is_empty(), "CALLSMITH_SEED={seed}, {abi:?}:\n{}", tally.wrong);
    }
    let Tally { compared, skipped, .. } = tally;
    support::note(&format!(
        "lowering for {abi:?}: {compared} signatures, {skipped} left out, CALLSMITH_SEED={seed}"
    ));
    assert!(skipped <= compared / 2, "{skipped} were left out");
}

#[test]
fn sysv64() {
    compare(Abi::SysV64);
}

#[test]
fn win64() {
    compare(Abi::Win64);
}

#[test]
fn aapcs64_linux() {
    compare(Abi::Aapcs64(Aapcs64::Linux));
}

#[test]
fn aapcs64_darwin() {
    compare(Abi::Aapcs64(Aapcs64::Darwin));
}

#[test]
fn aapcs64_windows() {
    compare(Abi::Aapcs64(Aapcs64::Windows));
}

/// Of the four conventions, whatever the compiler.
fn compare_x86(flavour: X86Flavour) {
    for call in [X86Call::Cdecl, X86Call::Stdcall, X86Call::Fastcall, X86Call::Thiscall] {
        compare(Abi::X86(call, flavour));
    }
}

#[test]
fn x86_linux() {
    compare_x86(X86Flavour::Linux);
}

#[test]
fn x86_mingw() {
    compare_x86(X86Flavour::Mingw);
}

#[test]
fn x86_msvc() {
    compare_x86(X86Flavour::Msvc);
}
