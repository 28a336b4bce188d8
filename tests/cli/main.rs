//! The command, run as a user runs it: what it prints is what the C functions are known to give.

mod benches;
mod calls;
mod explanations;
mod layouts;
mod libraries;

#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, Output};

/// The C library and that of mathematics, as the system names them.
const LIBC: &str = if cfg!(windows) { "msvcrt" } else { "libc.so.6" };
const LIBM: &str = if cfg!(windows) { "msvcrt" } else { "libm.so.6" };

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callsmith")).args(arguments).output().expect("the command starts")
}

/// What the command prints, where it succeeds.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(arguments);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success() && stderr.is_empty(), "{arguments:?}: {status}\n{stderr}");
    lines(stdout)
}

/// A C library of Windows ends lines in two characters.
fn lines(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes).expect("UTF-8");
    if cfg!(windows) { text.replace("\r\n", "\n") } else { text }
}

#[track_caller]
fn call(library: &str, declaration: &str, arguments: &[&str]) -> String {
    printed(&[&["call", library, declaration], arguments].concat())
}

/// What the command says where it fails with exit code `code` and prints nothing.
#[track_caller]
fn refused(code: i32, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(arguments);
    assert_eq!(status.code(), Some(code), "{arguments:?}");
    assert!(stdout.is_empty(), "{arguments:?} printed {}", String::from_utf8_lossy(&stdout));
    String::from_utf8(stderr).expect("UTF-8")
}
