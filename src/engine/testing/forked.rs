//! A child process by fork.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A forked child that is running or has ended.
#[must_use]
pub(in crate::engine) struct Child(libc::pid_t);

/// Forks, and runs `body` in the child. The child is killed where it hangs for ten seconds.
pub(in crate::engine) fn in_child(body: impl FnOnce() -> bool) -> Child {
    // SAFETY: the child runs `body`, which keeps to what a child of a threaded process may do under this libc (allocate,
    // fork-safe locks), and leaves without running anything of the test harness.
    unsafe {
        match libc::fork() {
            -1 => panic!("fork failed"),
            0 => {
                libc::alarm(10);
                let right = catch_unwind(AssertUnwindSafe(body)).unwrap_or(false);
                libc::_exit(if right { 0 } else { 1 })
            }
            pid => Child(pid),
        }
    }
}

impl Child {
    /// Waits for its end, and says whether its body returned true.
    pub(in crate::engine) fn succeeded(self) -> bool {
        let mut status = -1;
        // SAFETY: `self` is a child that nobody else waits for.
        let waited = unsafe { libc::waitpid(self.0, &mut status, 0) };
        waited == self.0 && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
    }
}
