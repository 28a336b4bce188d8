//! What the tests share: a small random number generator, random C types, and C compilers as judges.
//!
//! Every test crate compiles this for itself and uses its own part.
#![allow(dead_code)]

pub(crate) mod compiler;
pub(crate) mod ctype;
pub(crate) mod rng;
pub(crate) mod shrink;
pub(crate) mod typegen;

use std::io::Write as _;

/// Prints past the test harness's capture, for what a passing run should show too: seeds, and why something was skipped.
pub(crate) fn note(text: &str) {
    let mut line = String::from(text);
    line.push('\n');
    // Nobody to tell where standard error is closed.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The run's seed: `CALLSMITH_SEED`, or the clock's.
pub(crate) fn seed() -> u64 {
    number("CALLSMITH_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |since| u64::from(since.subsec_nanos()) ^ since.as_secs() << 20)
    })
}

/// How many random cases to try: `CALLSMITH_COUNT`, or the test's own number.
pub(crate) fn count(default: usize) -> usize {
    number("CALLSMITH_COUNT").and_then(|count| usize::try_from(count).ok()).unwrap_or(default)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, which is no number")))
}
