//! Cases that end the process: run in a child, which is this test binary again.

use std::process::{Command, ExitStatus, Output};

const CASE: &str = "CALLSMITH_DYING";

/// Whether this process is the child for `case`.
fn is_child(case: &str) -> bool {
    std::env::var(CASE).is_ok_and(|wanted| wanted == case)
}

/// Runs the test `case`, from which this is called, again in a child.
fn again(case: &str) -> Output {
    Command::new(std::env::current_exe().expect("this test"))
        .args([case, "--exact", "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .output()
        .expect("a child")
}

/// Whether a process ended by `abort`.
#[cfg(unix)]
fn was_aborted(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(libc::SIGABRT)
}

/// Whether a process ended by `abort`: with the status of a fast failure.
#[cfg(windows)]
fn was_aborted(status: ExitStatus) -> bool {
    const STATUS_STACK_BUFFER_OVERRUN: u32 = 0xc000_0409;
    status.code() == Some(STATUS_STACK_BUFFER_OVERRUN.cast_signed())
}

/// Runs `body` in a child, which must end by `abort` and say each of `sentences`. `case` is the test's path.
#[allow(dead_code)] // not every test crate has every ending
pub(crate) fn dies(case: &str, sentences: &[&str], body: impl FnOnce()) {
    if is_child(case) {
        return body();
    }
    let output = again(case);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(was_aborted(output.status), "{case}: {:?}: {said}", output.status);
    for sentence in sentences {
        assert!(said.contains(sentence), "{case}: no '{sentence}' in: {said}");
    }
}

/// Runs `body` in a child, which must end well.
#[allow(dead_code)] // not every test crate has every ending
pub(crate) fn alone(case: &str, body: impl FnOnce()) {
    if is_child(case) {
        return body();
    }
    let output = again(case);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {:?}: {said}", output.status);
    eprint!("{said}");
}

/// Runs `body` in a child, which may end well, or by `abort` with `sentence`: whether it did the latter.
#[allow(dead_code)] // not every test crate has every ending
pub(crate) fn may_die(case: &str, sentence: &str, body: impl FnOnce()) -> bool {
    if is_child(case) {
        body();
        return false;
    }
    let output = again(case);
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return false;
    }
    assert!(was_aborted(output.status), "{case}: {:?}: {said}", output.status);
    assert!(said.contains(sentence), "{case}: no '{sentence}' in: {said}");
    true
}
