//! What the engine asks of the operating system: one file per system, the same function names in each.

cfg_if::cfg_if! {
    if #[cfg(any(target_os = "linux", target_os = "android"))] {
        mod linux;
        pub(crate) use linux::{at_fork, move_over, open, page_size, reserve};
    } else {
        compile_error!("callsmith publishes machine code on Linux and Android only: `src/sys/` has no file for this system");
    }
}
