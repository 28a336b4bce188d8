//! Linux: address space, pages that move, fork.
//!
//! # Safety
//!
//! Every block here is one system call. The kernel checks addresses and flags; what it cannot know, that nobody uses the
//! mapping a call replaces, is the caller's to promise and stands at [`move_over`].
#![allow(unsafe_code)]

pub use libc::wchar_t as WideChar;

use super::instructions;
use memmap2::{Mmap, MmapOptions};
use std::ffi::c_void;
use std::io;
use std::process::abort;
use std::ptr::{NonNull, null_mut};

/// Whether [`fill`] may replace pages that others execute.
pub(crate) const REPLACES_CODE: bool = true;

/// Why pages could not be filled with code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FillError {
    /// No memory to write into.
    #[error("no memory for {bytes} bytes of code")]
    Memory { bytes: usize, source: io::Error },
    /// What is written may not be executed.
    #[error(
        "the system does not let this process execute memory that it has written; what forbids it is usually SELinux \
         (`execmem`), systemd (`MemoryDenyWriteExecute=`) or `prctl(PR_SET_MDWE)`"
    )]
    Forbidden { source: io::Error },
    /// The new pages could not take their place.
    #[error("{bytes} bytes of code could not be moved into place (`vm.max_map_count` may be too low)")]
    Place { bytes: usize, source: io::Error },
}

/// The size of a page, in bytes: a power of two.
pub(crate) fn page_size() -> usize {
    // SAFETY: sysconf reads a constant of the process.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).unwrap_or(4096)
}

/// Takes `len` bytes of address space, a multiple of the page size, that no other mapping will get: private, without
/// access and without memory behind it. It is never given back.
pub(crate) fn reserve(len: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    let start = unsafe { libc::mmap(null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// Puts pages of code in place of `len` bytes at `place`: what `write` puts into fresh ones, which are zero, never writable
/// and executable at once. Where pages are replaced, that is one step to every other thread.
///
/// # Errors
///
/// The system's, with `place` as it was.
///
/// # Safety
///
/// Whole pages from [`reserve`]. They belong to the caller alone, or `write` repeats every byte that somebody may still
/// read or execute there.
pub(crate) unsafe fn fill(
    place: NonNull<u8>,
    len: usize,
    write: impl FnOnce(&mut [u8]),
) -> Result<(), FillError> {
    // Populated, or each page would come with a fault.
    let mapped = MmapOptions::new().len(len).populate().map_anon();
    let mut fresh = mapped.map_err(|source| FillError::Memory { bytes: len, source })?;
    write(&mut fresh);
    // Before the pages take their place: from then on others may run what is repeated in them.
    // SAFETY: they are mapped.
    unsafe { instructions::make_visible(fresh.as_ptr(), len) };
    let fresh = fresh.make_exec().map_err(|source| FillError::Forbidden { source })?;
    // SAFETY: the caller's promise.
    unsafe { move_over(fresh, place) }.map_err(|source| FillError::Place { bytes: len, source })?;
    // And at the addresses that the code will run at: an instruction cache that is indexed by them may have kept lines
    // from before under them (Arm ARM, D7.5.9, "VIPT instruction caches").
    // SAFETY: the same pages, readable where they are now.
    unsafe { instructions::make_visible(place.as_ptr(), len) };
    instructions::synchronise_threads();
    Ok(())
}

/// Moves `fresh` with its pages and its protection to `destination`, in place of what is mapped there.
///
/// To every other thread the exchange is one step: the kernel holds the address space's lock from before the old pages go
/// until the new ones stand, and a thread that touches `destination` in between waits in its page fault.
///
/// # Errors
///
/// The system's, with `destination` as it was. Where the kernel has dropped the old pages and then found no memory for
/// its own tables, code that others run is gone, and the process is stopped.
///
/// # Safety
///
/// `destination` is page-aligned, and as many bytes as `fresh` has are mapped there, from [`reserve`]. They belong to
/// the caller alone, or `fresh` holds every byte that somebody may still read or execute there.
unsafe fn move_over(fresh: Mmap, destination: NonNull<u8>) -> io::Result<()> {
    let (source, len) = (fresh.as_ptr().cast_mut().cast::<c_void>(), fresh.len());
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: `source` is a mapping that we own; the caller vouches for `destination`.
    let moved = unsafe { libc::mremap(source, len, len, flags, destination.as_ptr().cast::<c_void>()) };
    if moved == libc::MAP_FAILED {
        let error = io::Error::last_os_error();
        stop_unless_mapped(destination, len);
        return Err(error);
    }
    // Its pages are elsewhere now: dropping it would unmap whatever comes to live at its old address.
    std::mem::forget(fresh);
    Ok(())
}

/// Makes memory of `len` bytes at `start` readable and writable: zeros, private to the process.
///
/// # Safety
///
/// Whole pages from [`reserve`] that belong to the caller alone.
pub(crate) unsafe fn open(start: NonNull<u8>, len: usize) -> io::Result<()> {
    // SAFETY: the caller vouches for the pages.
    let done = unsafe { libc::mprotect(start.as_ptr().cast(), len, libc::PROT_READ | libc::PROT_WRITE) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The system's text for an `HRESULT`: it has none.
pub(crate) fn error_text(_code: i32) -> Option<String> {
    None
}

/// Where this thread's `errno` is.
#[inline]
pub(crate) fn errno_location() -> *mut i32 {
    // SAFETY: it only looks.
    unsafe { libc::__errno_location() }
}

/// An `errno` as an error, with the system's text.
pub(crate) fn errno_error(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

/// Stops the process where some of these pages are not mapped.
fn stop_unless_mapped(start: NonNull<u8>, len: usize) {
    // SAFETY: on private anonymous memory msync only looks whether all of it is mapped.
    let mapped = unsafe { libc::msync(start.as_ptr().cast::<c_void>(), len, libc::MS_ASYNC) } == 0;
    if !mapped {
        eprintln!("callsmith: the kernel lost {len} bytes of code at {start:p} for want of memory");
        abort();
    }
}

/// Has every later fork call `prepare` before it, in the forking thread, and `after` when it is done, in that thread and
/// in its copy in the child.
///
/// # Errors
///
/// `ENOMEM` only.
pub(crate) fn at_fork(prepare: extern "C" fn(), after: extern "C" fn()) -> io::Result<()> {
    // SAFETY: the handlers are functions that live as long as this code; libc drops them when it unloads us.
    match unsafe { libc::pthread_atfork(Some(prepare), Some(after), Some(after)) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}
