//! What the tests share: a small random number generator, random C types, and C compilers as judges.
//!
//! Every test crate compiles this for itself and uses its own part.
#![allow(dead_code, unused_imports)]

pub(crate) mod compiler;
pub(crate) mod ctype;
pub(crate) mod program;
pub(crate) mod rng;
pub(crate) mod shrink;
pub(crate) mod typegen;

pub(crate) use rng::{count, seed};

use std::io::Write as _;

/// Prints past the test harness's capture, for what a passing run should show too: seeds, and why something was skipped.
pub(crate) fn note(text: &str) {
    let mut line = String::from(text);
    line.push('\n');
    // Nobody to tell where standard error is closed.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
