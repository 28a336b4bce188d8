//! What the engine asks of the operating system: one file per system, the same function names in each.

cfg_if::cfg_if! {
    if #[cfg(target_os = "linux")] {
        mod instructions;
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
    FillError, REPLACES_CODE, at_fork, errno_error, errno_location, error_text, fill, open, page_size,
    reserve,
};

#[cfg(windows)]
pub(crate) use system::{in_c_library, last_error, set_last_error};
