//! Programs of the machine that the tests run on: compilers, first of all.
//!
//! Under wine they are Linux programs. Wine starts them, and cannot wait for them: a shell does, and leaves what they said
//! in files.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How a program ended, and what it said.
pub(crate) struct Ran {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The first lines that speak of an error, where it failed.
    pub(crate) fn ok(self) -> Result<(), String> {
        if self.success {
            return Ok(());
        }
        let errors = self.stderr.lines().filter(|line| line.contains("rror")).take(8);
        Err(errors.collect::<Vec<_>>().join("\n"))
    }
}

/// Wine's shell.
const SHELL: &str = "/bin/sh";
/// The longest that a program may take under wine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs a program. An error: it cannot be started.
pub(crate) fn run<S: AsRef<str>>(words: &[S]) -> Result<Ran, String> {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if cfg!(windows) && Path::new(SHELL).exists() {
        return run_under_wine(&words);
    }
    let output = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", words[0]))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { success: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// A path as such a program has it.
pub(crate) fn path(path: &Path) -> String {
    let path = path.to_string_lossy().into_owned();
    if !cfg!(windows) || !Path::new(SHELL).exists() {
        return path;
    }
    path.trim_start_matches("Z:").replace('\\', "/")
}

fn run_under_wine(words: &[&str]) -> Result<Ran, String> {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let stem = format!("run-{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let file =
        |kind: &str| -> PathBuf { Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{stem}.{kind}")) };
    let files @ [out, err, status] = &["out", "err", "status"].map(file);
    // Those of a process that was killed: under wine, numbers of processes come again soon.
    files.iter().for_each(|file| drop(std::fs::remove_file(file)));
    let script = "stem=$1; shift; \"$@\" >$stem.out 2>$stem.err </dev/null; echo $? >$stem.new; mv $stem.new $stem.status";
    let stem = path(&file("")).trim_end_matches('.').to_owned();
    let shell =
        Command::new(SHELL).args(["-c", script, "sh", &stem]).args(words).stdin(Stdio::null()).spawn();
    shell.map_err(|error| format!("{SHELL}: {error}"))?;
    let start = Instant::now();
    while !status.exists() {
        if start.elapsed() > PATIENCE {
            return Err(format!("{}: no end after {PATIENCE:?}", words[0]));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let text = |file: &Path| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
    let ran = Ran { success: text(status).trim() == "0", stdout: text(out), stderr: text(err) };
    let started = text(status).trim() != "127";
    files.iter().for_each(|file| drop(std::fs::remove_file(file)));
    if started { Ok(ran) } else { Err(format!("{}: not found", words[0])) }
}
