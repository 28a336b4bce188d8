//! Random signatures: callees made by gcc at -O0 and -O2 check what arrives, and what they give back is checked here.
//!
//! Each signature is called by pointers, by slots and by values, SysV64 and, through `ms_abi`, Win64. Every scalar in it,
//! bit-fields too, carries a pattern made of its number; padding is dirty; values end or start at pages that nobody may
//! touch; callees write to their parameters.
//!
//! `CALLSMITH_COUNT` is the number of signatures, `CALLSMITH_SEED` repeats a run (without it, one seed serves always),
//! `CALLSMITH_CASE` repeats one case by the name that a failure prints.

mod support;

#[path = "random_calls"]
mod random_calls {
    pub(crate) mod callee;
    pub(crate) mod caller;
    pub(crate) mod case;
    pub(crate) mod gcc;
    pub(crate) mod guarded;
    pub(crate) mod judge;
    pub(crate) mod spots;
}

use callsmith::arch::Abi;
use random_calls::callee::Callee;
use random_calls::case::Name;
use random_calls::judge::{Failure, Level, child as call_batch, has_compiler, judge};

/// Signatures in one C file.
const BATCH: usize = 100;
/// Signatures of both conventions together.
const COUNT: usize = 2_000;
/// The seed where none is given: a failure that is somebody else's must not come by chance.
const SEED: u64 = 20_261_123;
/// Smaller cases that are judged together.
const CANDIDATES: usize = 16;

#[test]
fn sysv64() {
    run(Abi::SysV64);
}

#[test]
fn win64() {
    run(Abi::Win64);
}

#[test]
#[ignore = "the process that the others start"]
fn child() {
    call_batch();
}

/// The case of `CALLSMITH_CASE`.
#[test]
fn one_case() {
    let Ok(name) = std::env::var("CALLSMITH_CASE") else { return };
    let name: Name = name.parse().unwrap_or_else(|why| panic!("{why}"));
    for level in [Level::O0, Level::O2] {
        let failures = judge(std::slice::from_ref(&name), level).unwrap_or_else(|why| panic!("{why}"));
        if let Some((_, why)) = failures.first() {
            panic!("{}", story(&name, level, why));
        }
    }
}

fn run(abi: Abi) {
    if let Err(why) = has_compiler() {
        support::note(&format!("random calls of {abi:?}: skipped: {why}"));
        return;
    }
    let seed = if std::env::var_os("CALLSMITH_SEED").is_some() { support::seed() } else { SEED };
    let count = support::count(COUNT).div_ceil(2);
    support::note(&format!("random calls of {abi:?}: {count} signatures, CALLSMITH_SEED={seed}"));
    for start in (0..count).step_by(BATCH) {
        let indices = (start as u64..).take(BATCH.min(count - start));
        let names: Vec<Name> = indices.map(|index| Name { abi, seed, index, steps: Vec::new() }).collect();
        for level in [Level::O0, Level::O2] {
            let failures =
                judge(&names, level).unwrap_or_else(|why| panic!("seed {seed}, from {start}: {why}"));
            fail(&names, level, &failures);
        }
    }
}

/// Panics with the smallest case that can be made of the first failure, if there is one.
fn fail(names: &[Name], level: Level, failures: &[Failure]) {
    let Some((number, why)) = failures.first() else { return };
    let found = story(&names[*number], level, why);
    let (smallest, why) = minimise(names[*number].clone(), level, why.clone());
    let smallest = story(&smallest, level, &why);
    panic!(
        "{} of {} signatures failed. The first:\n{found}\nMade smaller:\n{smallest}",
        failures.len(),
        names.len()
    );
}

/// The smallest case that still fails, and how.
fn minimise(mut name: Name, level: Level, mut why: String) -> (Name, String) {
    loop {
        let candidates = name.smaller();
        match candidates.chunks(CANDIDATES).find_map(|candidates| first_failure(candidates, level)) {
            Some((smaller, how)) => (name, why) = (smaller, how),
            None => return (name, why),
        }
    }
}

/// The first of the cases that fails. One at a time where together they do not compile: leaving things out can break a
/// rule of C.
fn first_failure(names: &[Name], level: Level) -> Option<(Name, String)> {
    let mut failures = match judge(names, level) {
        Ok(failures) => failures,
        Err(_) if names.len() > 1 => {
            return names.iter().find_map(|name| first_failure(std::slice::from_ref(name), level));
        }
        Err(_) => return None,
    };
    failures.sort_unstable();
    failures.into_iter().next().map(|(number, why)| (names[number].clone(), why))
}

fn story(name: &Name, level: Level, why: &str) -> String {
    format!("CALLSMITH_CASE={name}, gcc {level}\n{}\n{why}", Callee::new(name, 0).show())
}
