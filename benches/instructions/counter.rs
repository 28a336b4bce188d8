//! This program run again and counted: sections of its run, and how many instructions each took. Valgrind's callgrind counts,
//! or qemu where `CALLSMITH_QEMU` says how to run a program of this target.

#[path = "callgrind.rs"]
mod callgrind;
#[path = "qemu.rs"]
mod qemu;

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

/// Set for the run that is counted.
const COUNTED: &str = "CALLSMITH_COUNTED";
/// The function at which a section ends.
const MARK: &str = "callsmith_mark";
/// How often the shorter of two runs does what is counted.
pub(crate) const TIMES: u64 = 1000;

/// Instructions by what was counted.
pub(crate) type Counts = HashMap<String, u64>;

/// Whether this is the run that is counted.
pub(crate) fn is_counted() -> bool {
    std::env::var_os(COUNTED).is_some()
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn callsmith_mark() {
    black_box(());
}

/// Counts, under the name `key`, what `run` does as often as it is told to.
pub(crate) fn count(key: &str, mut run: impl FnMut(u64)) {
    // The first times may prepare something.
    run(TIMES);
    for times in [TIMES, 2 * TIMES] {
        section(&mut run, times);
    }
    println!("{key}");
}

/// A section between two marks. The same code for all times, so that what it costs itself is the same.
#[inline(never)]
fn section(run: &mut dyn FnMut(u64), times: u64) {
    callsmith_mark();
    run(times);
    callsmith_mark();
}

/// What each time took, of counts of what takes the same every time.
pub(crate) fn each(counts: Counts) -> Result<Counts, String> {
    let each = counts.into_iter().map(|(key, all)| {
        if all.is_multiple_of(TIMES) {
            Ok((key, all / TIMES))
        } else {
            Err(format!("{key}: {TIMES} times took {all} instructions, so not each the same"))
        }
    });
    each.collect()
}

/// A run that was counted.
struct Run {
    /// What it printed: the keys.
    printed: String,
    /// The instructions before each mark, since the one before.
    sections: Vec<u64>,
}

/// Runs this program again, counted: what [`TIMES`] times took of each.
pub(crate) fn run() -> Result<Counts, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let Run { printed, sections } = match std::env::var("CALLSMITH_QEMU") {
        Ok(qemu) => qemu::run(&qemu, &program)?,
        Err(_) => callgrind::run(&program)?,
    };
    let count = |(index, key): (usize, &str)| {
        // Each key has four marks, before which are: what was before, N calls, what was between, 2 N calls.
        let marks =
            sections.get(4 * index..4 * index + 4).ok_or_else(|| format!("{key}: nothing counted"))?;
        Ok((key.to_owned(), marks[3] - marks[1]))
    };
    printed.lines().enumerate().map(count).collect()
}

/// `program`, to be run by the command `by`, and to say what it counts.
fn counted(by: &str, args: &[&str], program: &Path) -> Command {
    let mut words = by.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(by));
    command.args(words).args(args).arg(program).env(COUNTED, "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
