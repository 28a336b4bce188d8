//! This program under valgrind's callgrind: sections of its run, and how many instructions each took.

#![allow(dead_code)] // each bench uses its own part

use crate::support::ways::Prepared;
use std::collections::HashMap;
use std::ffi::c_void;
use std::fs;
use std::hint::black_box;
use std::io::ErrorKind;
use std::process::Command;

/// Set for the run that is counted.
const COUNTED: &str = "CALLSMITH_COUNTED";
/// The function at which callgrind ends a section.
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
        callsmith_mark();
        run(times);
        callsmith_mark();
    }
    println!("{key}");
}

/// Counts, as [`count`], the calls of one way.
pub(crate) fn count_calls<B>(key: &str, way: Prepared<B>) {
    let Prepared { call, mut block } = way;
    // SAFETY: a function of one pointer, whatever it points at.
    let call: unsafe fn(usize, usize, *mut c_void) = unsafe { std::mem::transmute(call) };
    let block: *mut c_void = (&raw mut block).cast();
    count(key, |times| repeat(call, block, times));
}

/// One loop for all: what it costs itself is the same for all.
#[inline(never)]
fn repeat(call: unsafe fn(usize, usize, *mut c_void), block: *mut c_void, times: u64) {
    for _ in 0..times {
        // SAFETY: the way's own block.
        unsafe { black_box(call)(0, 0, block) };
    }
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

/// Runs this program again, counted: what [`TIMES`] times took of each.
pub(crate) fn run() -> Result<Counts, String> {
    let directory = std::env::temp_dir().join(format!("callsmith-instructions-{}", std::process::id()));
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    let counts = run_in(&directory.join("out").to_string_lossy());
    // What is left there is only clutter.
    let _ = fs::remove_dir_all(&directory);
    counts
}

fn run_in(out: &str) -> Result<Counts, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--dump-before={MARK}"), &format!("--callgrind-out-file={out}")])
        .arg(program)
        .env(COUNTED, "1")
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => "valgrind is not installed".to_owned(),
            _ => format!("valgrind: {error}"),
        })?;
    if !run.status.success() {
        return Err(format!("valgrind: {}\n{}", run.status, String::from_utf8_lossy(&run.stderr)));
    }
    let keys = String::from_utf8_lossy(&run.stdout).into_owned();
    let mut counts = Counts::new();
    for (index, key) in keys.lines().enumerate() {
        // Each key has four marks, which end: what was before, N calls, what was between, 2 N calls.
        let [short, long] = [2, 4].map(|mark| total(&format!("{out}.{}", 4 * index + mark)));
        counts.insert(key.into(), long? - short?);
    }
    Ok(counts)
}

/// The instructions of one of callgrind's dumps.
fn total(path: &str) -> Result<u64, String> {
    let dump = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let total = dump.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).ok_or_else(|| format!("{path} has no total"))
}
