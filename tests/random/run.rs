//! A run: batches, and the smallest case that fails.

use super::case::Name;
use super::judge::{Failure, Level, judge};
use super::{Direction, subject};
use crate::support;
use crate::support::compiler::Compiler;
use callsmith::arch::Abi;
use callsmith::arch::abi::{X86Call, X86Flavour};
use callsmith::host;

/// Signatures in one C file.
const BATCH: usize = 100;
/// Signatures of all conventions together.
const COUNT: usize = 2_000;
/// The seed where none is given: a failure that is somebody else's must not come by chance.
const SEED: u64 = 20_261_123;
/// Smaller cases that are judged together.
const CANDIDATES: usize = 16;

/// The case of `CALLSMITH_CASE`, if there is one.
pub(crate) fn one_case<D: Direction>() {
    let Ok(name) = std::env::var("CALLSMITH_CASE") else { return };
    let name: Name = name.parse().unwrap_or_else(|why| panic!("{why}"));
    for level in [Level::O0, Level::O2] {
        let failures = judge::<D>(std::slice::from_ref(&name), level).unwrap_or_else(|why| panic!("{why}"));
        if let Some((_, why)) = failures.first() {
            panic!("{}", story::<D>(&name, level, why));
        }
    }
}

/// How many conventions gcc has attributes for, or else its own one.
fn conventions() -> usize {
    match host::ABI {
        Abi::X86(..) => 4,
        Abi::SysV64 | Abi::Win64 => 2,
        Abi::Aapcs64(_) => 1,
    }
}

/// This convention of 32-bit x86, in the flavour of this process if it has one.
pub(crate) fn x86(call: X86Call) -> Abi {
    match host::ABI {
        Abi::X86(_, flavour) => Abi::X86(call, flavour),
        Abi::SysV64 | Abi::Win64 | Abi::Aapcs64(_) => Abi::X86(call, X86Flavour::Linux),
    }
}

/// As many signatures of a convention as there should be.
pub(crate) fn run<D: Direction>(abi: Abi) {
    if abi.instruction_set() != host::ABI.instruction_set() {
        support::note(&format!("random {} of {abi:?}: skipped: this is {}", D::WHAT, host::NAME));
        return;
    }
    if let Err(why) = Compiler::native() {
        support::note(&format!("random {} of {abi:?}: skipped: {why}", D::WHAT));
        return;
    }
    let seed = if std::env::var_os("CALLSMITH_SEED").is_some() { support::seed() } else { SEED };
    let count = support::count(COUNT).div_ceil(conventions());
    support::note(&format!("random {} of {abi:?}: {count} signatures, CALLSMITH_SEED={seed}", D::WHAT));
    for start in (0..count).step_by(BATCH) {
        let indices = (start as u64..).take(BATCH.min(count - start));
        let names: Vec<Name> = indices.map(|index| Name { abi, seed, index, steps: Vec::new() }).collect();
        for level in [Level::O0, Level::O2] {
            let failures =
                judge::<D>(&names, level).unwrap_or_else(|why| panic!("seed {seed}, from {start}: {why}"));
            fail::<D>(&names, level, &failures);
        }
    }
}

/// Panics with the smallest case that can be made of the first failure, if there is one.
fn fail<D: Direction>(names: &[Name], level: Level, failures: &[Failure]) {
    let Some((number, why)) = failures.first() else { return };
    let found = story::<D>(&names[*number], level, why);
    let (smallest, why) = minimise::<D>(names[*number].clone(), level, why.clone());
    let smallest = story::<D>(&smallest, level, &why);
    panic!(
        "{} of {} signatures failed. The first:\n{found}\nMade smaller:\n{smallest}",
        failures.len(),
        names.len()
    );
}

/// The smallest case that still fails, and how.
fn minimise<D: Direction>(mut name: Name, level: Level, mut why: String) -> (Name, String) {
    loop {
        let candidates = name.smaller();
        match candidates.chunks(CANDIDATES).find_map(|candidates| first_failure::<D>(candidates, level)) {
            Some((smaller, how)) => (name, why) = (smaller, how),
            None => return (name, why),
        }
    }
}

/// The first of the cases that fails. One at a time where together they do not compile: leaving things out can break a
/// rule of C.
fn first_failure<D: Direction>(names: &[Name], level: Level) -> Option<(Name, String)> {
    let mut failures = match judge::<D>(names, level) {
        Ok(failures) => failures,
        Err(_) if names.len() > 1 => {
            return names.iter().find_map(|name| first_failure::<D>(std::slice::from_ref(name), level));
        }
        Err(_) => return None,
    };
    failures.sort_unstable();
    failures.into_iter().next().map(|(number, why)| (names[number].clone(), why))
}

fn story<D: Direction>(name: &Name, level: Level, why: &str) -> String {
    format!("CALLSMITH_CASE={name}, gcc {level}\n{}\n{why}", subject::<D>(name, 0).show())
}
