//! Counting by valgrind's callgrind, which writes a dump at each mark.

use super::{MARK, Run, counted};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Runs a program.
pub(super) fn run(program: &Path) -> Result<Run, String> {
    let directory = std::env::temp_dir().join(format!("callsmith-instructions-{}", std::process::id()));
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    let run = run_in(&directory.join("out").to_string_lossy(), program);
    // What is left there is only clutter.
    let _ = fs::remove_dir_all(&directory);
    run
}

fn run_in(out: &str, program: &Path) -> Result<Run, String> {
    let args = ["--tool=callgrind", &format!("--dump-before={MARK}"), &format!("--callgrind-out-file={out}")];
    let run = counted("valgrind", &args, program).output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => "valgrind is not installed".to_owned(),
        _ => format!("valgrind: {error}"),
    })?;
    if !run.status.success() {
        return Err(format!("valgrind: {}\n{}", run.status, String::from_utf8_lossy(&run.stderr)));
    }
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    let dumps = (1..).map(|number| format!("{out}.{number}"));
    let sections = dumps.take_while(|dump| Path::new(dump).exists()).map(|dump| total(&dump));
    Ok(Run { printed, sections: sections.collect::<Result<_, _>>()? })
}

/// The instructions of one of callgrind's dumps.
fn total(path: &str) -> Result<u64, String> {
    let dump = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let total = dump.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).ok_or_else(|| format!("{path} has no total"))
}
