//! Windows: address space, pages that become executable once.
//!
//! Nothing here can put a page in place of another in one step, and a page that is made writable again is not executable
//! meanwhile. So pages of code are filled once: committed, written, made executable, and left alone.
//!
//! # Safety
//!
//! Every block here is one system call, or a function of the C library. The system checks addresses and flags; whose
//! pages they are is the caller's to promise.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null};
use windows_sys::Win32::Foundation::{GetLastError, SetLastError};
use windows_sys::Win32::System::Diagnostics::Debug::FlushInstructionCache;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RESERVE, PAGE_EXECUTE_READ, PAGE_NOACCESS, PAGE_READWRITE, VirtualAlloc, VirtualProtect,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// C's `wchar_t`.
pub type WideChar = u16;

/// Whether [`fill`] may replace pages that others execute.
pub(crate) const REPLACES_CODE: bool = false;

/// Why pages could not be filled with code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FillError {
    /// No memory to write into.
    #[error("no memory for {bytes} bytes of code")]
    Memory { bytes: usize, source: io::Error },
    /// What is written may not be executed.
    #[error(
        "the system does not let this process execute memory that it has written; what forbids it is usually the \
         mitigation policy `ProhibitDynamicCode` (Arbitrary Code Guard)"
    )]
    Forbidden { source: io::Error },
}

/// The size of a page, in bytes: a power of two.
pub(crate) fn page_size() -> usize {
    let mut info = MaybeUninit::<SYSTEM_INFO>::zeroed();
    // SAFETY: the system fills the structure, of which zeros are a value.
    let info = unsafe {
        GetSystemInfo(info.as_mut_ptr());
        info.assume_init()
    };
    usize::try_from(info.dwPageSize).unwrap_or(4096)
}

/// Takes `len` bytes of address space, a multiple of the page size, that no other allocation will get: private, without
/// access and without memory behind it. It is never given back. The system rounds it up to 64 KiB.
pub(crate) fn reserve(len: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: a new range at an address of the system's choice touches nothing that exists.
    let start = unsafe { VirtualAlloc(null(), len, MEM_RESERVE, PAGE_NOACCESS) };
    NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)
}

/// Fills `len` bytes at `place` with code: what `write` puts there. Never writable and executable at
/// once.
///
/// # Errors
///
/// The system's. Nothing that others use has changed.
///
/// # Safety
///
/// Whole pages from [`reserve`] that belong to the caller alone.
pub(crate) unsafe fn fill(
    place: NonNull<u8>,
    len: usize,
    write: impl FnOnce(&mut [u8]),
) -> Result<(), FillError> {
    // SAFETY: the caller vouches for the pages.
    unsafe { open(place, len) }.map_err(|source| FillError::Memory { bytes: len, source })?;
    // SAFETY: committed just now, and nobody else's.
    write(unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), len) });
    let mut before = PAGE_READWRITE;
    // SAFETY: our pages, of which no reference is left, and this process.
    let done = unsafe {
        let start = place.as_ptr().cast::<c_void>();
        VirtualProtect(start, len, PAGE_EXECUTE_READ, &mut before) != 0
            && FlushInstructionCache(GetCurrentProcess(), start, len) != 0
    };
    if done { Ok(()) } else { Err(FillError::Forbidden { source: io::Error::last_os_error() }) }
}

/// Makes memory of `len` bytes at `start` readable and writable: zeros, private to the process.
///
/// # Safety
///
/// Whole pages from [`reserve`] that belong to the caller alone.
pub(crate) unsafe fn open(start: NonNull<u8>, len: usize) -> io::Result<()> {
    // SAFETY: the caller vouches for the pages.
    let opened = unsafe { VirtualAlloc(start.as_ptr().cast(), len, MEM_COMMIT, PAGE_READWRITE) };
    if opened.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
}

unsafe extern "C" {
    fn strerror(errno: c_int) -> *const c_char;

    /// Where this thread's `errno` is in the C library that this program is linked to.
    #[link_name = "_errno"]
    pub(crate) safe fn errno_location() -> *mut c_int;

    /// What the loader found for it: its address.
    #[cfg_attr(target_arch = "x86", link_name = "_imp___errno")]
    #[cfg_attr(not(target_arch = "x86"), link_name = "__imp__errno")]
    static ERRNO_LOCATION: *const c_void;
}

/// An address inside of the C library that this program is linked to.
pub(crate) fn in_c_library() -> *const c_void {
    // SAFETY: an import, which the loader has written before the program began, and nobody writes.
    unsafe { ERRNO_LOCATION }
}

/// This thread's last error.
#[inline(always)]
pub(crate) fn last_error() -> u32 {
    // SAFETY: reads a word of the thread's.
    unsafe { GetLastError() }
}

/// Sets this thread's last error.
#[inline(always)]
pub(crate) fn set_last_error(code: u32) {
    // SAFETY: writes a word of the thread's.
    unsafe { SetLastError(code) }
}

/// An `errno` as an error, with the C library's text.
pub(crate) fn errno_error(errno: i32) -> io::Error {
    let kind = match errno {
        2 => io::ErrorKind::NotFound,
        4 => io::ErrorKind::Interrupted,
        11 => io::ErrorKind::WouldBlock,
        12 => io::ErrorKind::OutOfMemory,
        13 => io::ErrorKind::PermissionDenied,
        17 => io::ErrorKind::AlreadyExists,
        22 => io::ErrorKind::InvalidInput,
        32 => io::ErrorKind::BrokenPipe,
        _ => io::ErrorKind::Other,
    };
    // SAFETY: a string of this thread's, until it asks again: copied at once.
    let text = unsafe { CStr::from_ptr(strerror(errno)) };
    io::Error::new(kind, format!("{} (errno {errno})", text.to_string_lossy()))
}

/// The system's text for an error code or an `HRESULT`.
pub(crate) fn error_text(code: i32) -> Option<String> {
    Some(io::Error::from_raw_os_error(code).to_string())
}

/// There is no fork here.
pub(crate) fn at_fork(_prepare: extern "C" fn(), _after: extern "C" fn()) -> io::Result<()> {
    Ok(())
}
