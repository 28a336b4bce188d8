//! What the engine asks of the operating system: one file per system, the same function names in each.

cfg_if::cfg_if! {
    if #[cfg(target_os = "linux")] {
        mod linux;
        pub(crate) use linux::{at_fork, errno, move_over, open, page_size, reserve, set_errno};
    } else {
        compile_error!("callsmith publishes machine code on Linux only: `src/sys/` has no file for this system");
    }
}
