//! Batches: compiled by gcc, called in a process of their own, so that a crash has a name.

use super::case::Name;
use super::{Direction, subject};
use crate::support::compiler::Compiler;
use crate::support::ctype::prelude;
use callsmith::host;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The variables that make this program the process that calls: the library, the file of the cases, the first of them.
const LIBRARY: &str = "CALLSMITH_RANDOM_LIBRARY";
const CASES: &str = "CALLSMITH_RANDOM_CASES";
const START: &str = "CALLSMITH_RANDOM_START";
/// The longest that one case may take before its process is ended.
const PATIENCE: Duration = Duration::from_secs(100);

/// How gcc optimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    O0,
    O2,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-{self:?}")
    }
}

/// A case that went wrong: its number in the batch, and how.
pub(crate) type Failure = (usize, String);

/// Compiles the cases together and makes the calls of each. An error is gcc's.
pub(crate) fn judge<D: Direction>(names: &[Name], level: Level) -> Result<Vec<Failure>, String> {
    let library = compile(&source::<D>(names), level)?;
    let cases = library.with_extension("cases");
    let list: Vec<String> = names.iter().map(Name::to_string).collect();
    let written = std::fs::write(&cases, list.join("\n")).map_err(|error| error.to_string());
    let judged = written.map(|()| call_all(&library, &cases, names.len()));
    for path in [library, cases] {
        let _ = std::fs::remove_file(path);
    }
    judged
}

/// One C file with all the cases.
fn source<D: Direction>(names: &[Name]) -> String {
    let mut out = prelude(host::MODEL) + include_str!("runtime.c") + D::prelude();
    for (number, name) in names.iter().enumerate() {
        D::source(&subject::<D>(name, number), &mut out);
    }
    out
}

/// The library that gcc makes of `source`.
fn compile(source: &str, level: Level) -> Result<PathBuf, String> {
    let level = level.to_string();
    // gcc 12 loses the upper bits of a bit-field of more than 64 where it merges its store with others'.
    let mut flags = vec!["-std=gnu11", "-w", "-Wno-psabi", "-fno-store-merging", &level];
    // gcc 12 for AArch64 takes _Float16 and _Float128 from a va_list as other types than they are, and then thinks that
    // nobody reads what it has stored.
    flags.push("-fno-strict-aliasing");
    // At -O2 gcc 12 zeroes the upper half of a struct or union that it returns in a ymm or zmm register.
    flags.extend(match host::vector_bytes() {
        64 => &["-mavx512f", "-mno-vzeroupper"][..],
        32 => &["-mavx", "-mno-vzeroupper"],
        _ => &[],
    });
    // gcc for 32-bit x86 passes vectors of 8 bytes in registers that it is told of, and may hold numbers in wider ones.
    if cfg!(target_arch = "x86") {
        flags.extend(["-mmmx", "-msse2"]);
    }
    if cfg!(all(windows, target_arch = "x86")) {
        // Names as they are in C, without the decoration that conventions get.
        flags.push("-Wl,--kill-at");
    }
    Compiler::native()?.library(source, "random", &flags)
}

/// Calls the cases of a library, in as many processes as it takes.
fn call_all(library: &Path, cases: &Path, count: usize) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut start = 0;
    while start < count {
        let program = std::env::current_exe().expect("this program's path");
        let output = Command::new(program)
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env(LIBRARY, library)
            .env(CASES, cases)
            .env(START, start.to_string())
            .stdin(Stdio::null())
            .output()
            .expect("this program runs");
        let said = String::from_utf8_lossy(&output.stdout);
        failures.extend(said.lines().filter_map(failure));
        if output.status.success() {
            break;
        }
        let (number, step) = said.lines().filter_map(progress).next_back().unwrap_or((start, "start"));
        let (status, why) = (output.status, String::from_utf8_lossy(&output.stderr));
        failures.push((number, format!("{step}: {status} {why}")));
        start = number + 1;
    }
    failures
}

/// A line of the other process that says where it is.
fn progress(line: &str) -> Option<(usize, &str)> {
    let (number, step) = line.strip_prefix("@ ")?.split_once(' ')?;
    Some((number.parse().ok()?, step))
}

/// A line of the other process about a case that went wrong.
fn failure(line: &str) -> Option<Failure> {
    let (number, why) = line.strip_prefix("! ")?.split_once(' ')?;
    Some((number.parse().ok()?, why.replace('\u{1f}', "\n")))
}

/// The other process: makes the calls, if that is what it was started for.
pub(crate) fn child<D: Direction>() {
    let Ok(library) = std::env::var(LIBRARY) else { return };
    let read = |variable| std::env::var(variable).unwrap_or_else(|error| panic!("{variable}: {error}"));
    let start = read(START).parse().expect("a number");
    let cases = std::fs::read_to_string(read(CASES)).expect("the file of the cases");
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        // Without a reader there is nobody to tell.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    say(String::new());
    let deadline = watch();
    let mut direction = D::open(&library).unwrap_or_else(|error| panic!("{error}"));
    for (number, name) in cases.lines().enumerate().skip(start) {
        let name: Name = name.parse().unwrap_or_else(|why| panic!("{why}"));
        *deadline.lock().expect("the watch") = Instant::now() + PATIENCE;
        let progress = |step: &str| say(format!("@ {number} {step}"));
        if let Err(why) = direction.run(subject::<D>(&name, number), &mut name.rng(), &progress) {
            say(format!("! {number} {}", why.replace('\n', "\u{1f}")));
        }
    }
}

/// Ends this process when the time that is in the result has come.
fn watch() -> Arc<Mutex<Instant>> {
    let deadline = Arc::new(Mutex::new(Instant::now() + PATIENCE));
    let watched = Arc::clone(&deadline);
    std::thread::spawn(move || {
        while *watched.lock().expect("the watch") > Instant::now() {
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("no end after {PATIENCE:?}");
        std::process::abort();
    });
    deadline
}
