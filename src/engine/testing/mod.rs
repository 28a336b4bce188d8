//! For tests: code to publish; a child process to do something in, where there is fork; and threads that work until the
//! test ends.

pub(super) mod code;
#[cfg(unix)]
mod forked;

#[cfg(unix)]
pub(super) use forked::in_child;

use std::sync::atomic::{AtomicBool, Ordering};

/// Threads work while this is on.
pub(super) struct Running(AtomicBool);

impl Running {
    /// It is on.
    pub(super) const fn new() -> Running {
        Running(AtomicBool::new(true))
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Turns it off at the end of its scope, also where the test fails: a scope waits for its threads.
pub(super) struct Off<'a>(pub(super) &'a Running);

impl Drop for Off<'_> {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}
