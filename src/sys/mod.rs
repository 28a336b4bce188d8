//! What the engine asks of the operating system: one file per system, the same function names in each.

cfg_if::cfg_if! {
    if #[cfg(target_os = "linux")] {
        mod linux;
        use linux as system;
    } else if #[cfg(windows)] {
        mod windows;
        use windows as system;
    } else {
        compile_error!("callsmith publishes machine code on Linux and Windows: `src/sys/` has no file for this system");
    }
}

pub use system::WideChar;
pub(crate) use system::{
    FORBIDS_CODE, LIMITS_PAGES, REPLACES_CODE, at_fork, errno, fill, open, page_size, reserve, set_errno,
};

/// Why pages could not be filled with code.
pub(crate) enum FillError {
    /// No memory to write into.
    Memory(std::io::Error),
    /// What is written may not be executed.
    Forbidden(std::io::Error),
    /// The pages could not take their place.
    Place(std::io::Error),
}
