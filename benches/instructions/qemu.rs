//! Counting by qemu-user, which runs a program instruction by instruction and logs each with the function that it is in.

use super::{MARK, Run, counted};
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

/// Runs a program.
pub(super) fn run(qemu: &str, program: &Path) -> Result<Run, String> {
    let args = ["-singlestep", "-d", "exec,nochain"];
    let mut child = counted(qemu, &args, program).spawn().map_err(|error| format!("{qemu}: {error}"))?;
    let (Some(log), Some(mut out)) = (child.stderr.take(), child.stdout.take()) else {
        return Err(format!("{qemu}: no output"));
    };
    // The keys are few, and fit a pipe until the log is read.
    let read = sections(BufReader::with_capacity(1 << 20, log));
    let mut printed = String::new();
    out.read_to_string(&mut printed).map_err(|error| error.to_string())?;
    let status = child.wait().map_err(|error| error.to_string())?;
    let (sections, said) = read?;
    if status.success() { Ok(Run { printed, sections }) } else { Err(format!("{qemu}: {status}\n{said}")) }
}

/// The instructions before each mark, as the log has them, and what else there is to read in it.
fn sections(mut log: impl BufRead) -> Result<(Vec<u64>, String), String> {
    let (mut sections, mut count, mut marking, mut said) = (Vec::new(), 0, false, String::new());
    let mut line = Vec::new();
    while log.read_until(b'\n', &mut line).map_err(|error| error.to_string())? > 0 {
        if line.starts_with(b"Trace ") {
            let marks = line.trim_ascii_end().ends_with(MARK.as_bytes());
            if marks && !marking {
                sections.push(count);
                count = 0;
            }
            marking = marks;
            count += 1;
        } else {
            let line = String::from_utf8_lossy(&line);
            said.push_str(line.split("Trace ").next().unwrap_or(&line));
        }
        line.clear();
    }
    Ok((sections, said))
}
