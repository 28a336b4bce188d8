//! Memory between pages that nobody may touch.

use std::ptr;

const PAGE: usize = 4096;
/// Pages between two guards.
const PAGES: usize = 2;
/// What memory holds that nobody should write to.
const CANARY: u8 = 0xc3;

/// At which end of the memory a value is, against a guard page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    Start,
    End,
}

/// Memory of `len` bytes behind and before `fence` bytes that nobody may touch.
#[cfg(unix)]
fn fenced(fence: usize, len: usize) -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, at an address of the system's choice.
    let base = unsafe { libc::mmap(ptr::null_mut(), len + 2 * fence, libc::PROT_NONE, flags, -1, 0) };
    assert_ne!(base, libc::MAP_FAILED, "no memory");
    let start = base.cast::<u8>().wrapping_add(fence);
    // SAFETY: inside the mapping that was just made, which nobody else knows.
    let made = unsafe { libc::mprotect(start.cast(), len, libc::PROT_READ | libc::PROT_WRITE) };
    assert_eq!(made, 0, "mprotect");
    start
}

/// Memory of `len` bytes behind and before `fence` bytes that nobody may touch.
#[cfg(windows)]
fn fenced(fence: usize, len: usize) -> *mut u8 {
    use windows_sys::Win32::System::Memory::{
        MEM_COMMIT, MEM_RESERVE, PAGE_NOACCESS, PAGE_READWRITE, VirtualAlloc,
    };
    // SAFETY: a new range, at an address of the system's choice.
    let base = unsafe { VirtualAlloc(ptr::null(), len + 2 * fence, MEM_RESERVE, PAGE_NOACCESS) };
    assert!(!base.is_null(), "no memory");
    let start = base.cast::<u8>().wrapping_add(fence);
    // SAFETY: inside the range that was just made, which nobody else knows.
    let made = unsafe { VirtualAlloc(start.cast(), len, MEM_COMMIT, PAGE_READWRITE) };
    assert!(!made.is_null(), "no memory");
    start
}

/// A few pages between two guard pages. Never unmapped: a process has a few.
pub(crate) struct Guarded {
    start: *mut u8,
    /// Where the value in it is.
    at: usize,
    size: usize,
}

impl Guarded {
    pub(crate) fn new() -> Guarded {
        Guarded { start: fenced(PAGE, PAGES * PAGE), at: 0, size: 0 }
    }

    /// Makes room for a value of `size` bytes at one edge; all else is canaries.
    pub(crate) fn place(&mut self, size: usize, edge: Edge) -> &mut [u8] {
        assert!(size <= PAGES * PAGE, "a value of {size} bytes");
        (self.at, self.size) = match edge {
            Edge::Start => (0, size),
            Edge::End => (PAGES * PAGE - size, size),
        };
        self.all().fill(CANARY);
        self.value()
    }

    /// The value's address.
    pub(crate) fn address(&self) -> *mut u8 {
        self.start.wrapping_add(self.at)
    }

    /// The value's bytes.
    pub(crate) fn value(&mut self) -> &mut [u8] {
        let (at, size) = (self.at, self.size);
        &mut self.all()[at..at + size]
    }

    /// Whether a byte around the value was written to.
    pub(crate) fn is_trampled(&mut self) -> bool {
        let (at, end) = (self.at, self.at + self.size);
        let all = self.all();
        all[..at].iter().chain(&all[end..]).any(|byte| *byte != CANARY)
    }

    fn all(&mut self) -> &mut [u8] {
        // SAFETY: the readable part of the mapping, initialised with zeros by the system, and this value's alone.
        unsafe { std::slice::from_raw_parts_mut(self.start, PAGES * PAGE) }
    }
}
