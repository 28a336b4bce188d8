//! Batches: compiled by gcc, called in a process of their own, so that a crash has a name.

use super::case::Name;
use super::{Direction, subject};
use crate::support::ctype::prelude;
use callsmith::host;
use std::fmt;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The variables that make this program the process that calls: the library, the file of the cases, the first of them.
const LIBRARY: &str = "CALLSMITH_RANDOM_LIBRARY";
const CASES: &str = "CALLSMITH_RANDOM_CASES";
const START: &str = "CALLSMITH_RANDOM_START";
/// The longest that one case may take, in seconds, before its process is ended.
const PATIENCE: u32 = 100;

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

/// Whether there is a gcc, or why not.
pub(crate) fn has_compiler() -> Result<(), String> {
    match Command::new("gcc").arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("gcc --version: {}", output.status)),
        Err(error) => Err(format!("gcc: {error}")),
    }
}

/// Compiles the cases together and makes the calls of each. An error is gcc's.
pub(crate) fn judge<D: Direction>(names: &[Name], level: Level) -> Result<Vec<Failure>, String> {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let stem = format!("random-{}-{number}", std::process::id());
    let file = |kind: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{stem}.{kind}"));
    let (c, library, cases) = (file("c"), file("so"), file("cases"));
    let list: Vec<String> = names.iter().map(Name::to_string).collect();
    let written =
        std::fs::write(&c, source::<D>(names)).and_then(|()| std::fs::write(&cases, list.join("\n")));
    let judged = written
        .map_err(|error| error.to_string())
        .and_then(|()| compile(&c, &library, level))
        .map(|()| call_all(&library, &cases, names.len()));
    for path in [c, library, cases] {
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

fn compile(c: &Path, library: &Path, level: Level) -> Result<(), String> {
    // At -O2 gcc 12 zeroes the upper half of a struct or union that it returns in a ymm or zmm register.
    let vectors: &[&str] = match host::vector_bytes() {
        64 => &["-mavx512f", "-mno-vzeroupper"],
        32 => &["-mavx", "-mno-vzeroupper"],
        _ => &[],
    };
    let output = Command::new("gcc")
        .args(["-std=gnu11", "-w", "-Wno-psabi", "-shared", "-fPIC"])
        // gcc 12 loses the upper bits of a bit-field of more than 64 where it merges its store with others'.
        .arg("-fno-store-merging")
        .arg(level.to_string())
        .args(vectors)
        .arg(c)
        .arg("-o")
        .arg(library)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text.lines().filter(|line| line.contains("error")).take(8).collect::<Vec<_>>().join("\n"))
}

/// Calls the cases of a library, in as many processes as it takes.
fn call_all(library: &PathBuf, cases: &PathBuf, count: usize) -> Vec<Failure> {
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
        let why = match output.status.signal() {
            Some(signal) => format!("killed by signal {signal}"),
            None => String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        failures.push((number, format!("{step}: {why}")));
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
    let mut direction = D::open(&library).unwrap_or_else(|error| panic!("{error}"));
    for (number, name) in cases.lines().enumerate().skip(start) {
        let name: Name = name.parse().unwrap_or_else(|why| panic!("{why}"));
        // SAFETY: only sets a timer.
        unsafe { libc::alarm(PATIENCE) };
        let progress = |step: &str| say(format!("@ {number} {step}"));
        if let Err(why) = direction.run(subject::<D>(&name, number), &mut name.rng(), &progress) {
            say(format!("! {number} {}", why.replace('\n', "\u{1f}")));
        }
    }
}
