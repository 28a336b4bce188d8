//! Bytes at an alignment known at run time.
//!
//! # Safety
//! Small values live in the struct itself, others in an allocation that it owns alone; both are initialised from the
//! start, to zeros.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// What fits here needs no allocation of its own.
const INLINE: usize = 32;

/// Owned, zeroed, aligned bytes.
pub(super) enum Storage {
    Inline {
        bytes: Small,
        len: usize,
    },
    /// `layout` is what was allocated, which may be more.
    Heap {
        start: NonNull<u8>,
        len: usize,
        layout: Layout,
    },
}

#[derive(Clone, Copy)]
#[repr(align(16))]
pub(super) struct Small([u8; INLINE]);

impl Storage {
    /// `layout` comes from a C type, so its size is below `isize::MAX`.
    pub(super) fn zeroed(layout: Layout) -> Storage {
        if layout.size() <= INLINE && layout.align() <= align_of::<Small>() {
            return Storage::Inline { bytes: Small([0; INLINE]), len: layout.size() };
        }
        let len = layout.size();
        // Over-aligned and empty: an allocation of one unit has the alignment, and no byte of it is used.
        let layout = Layout::from_size_align(len.max(1), layout.align()).unwrap_or(layout);
        // SAFETY: the size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        match NonNull::new(start) {
            Some(start) => Storage::Heap { start, len, layout },
            None => handle_alloc_error(layout),
        }
    }

    pub(super) fn as_ptr(&self) -> *const u8 {
        match self {
            Storage::Inline { bytes, .. } => bytes.0.as_ptr(),
            Storage::Heap { start, .. } => start.as_ptr(),
        }
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        match self {
            Storage::Inline { bytes, .. } => bytes.0.as_mut_ptr(),
            Storage::Heap { start, .. } => start.as_ptr(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Storage::Inline { len, .. } | Storage::Heap { len, .. } => *len,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: this many bytes are there, initialised, and borrowed with `self`.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len()) }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr(), self.len()) }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        if let Storage::Heap { start, layout, .. } = *self {
            // SAFETY: allocated with this layout, and owned alone.
            unsafe { dealloc(start.as_ptr(), layout) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_as_many_as_the_layout_says() {
        for (size, align) in [(0, 1), (0, 16), (0, 64), (3, 1), (32, 16), (32, 32), (33, 1), (64, 64)] {
            let layout = Layout::from_size_align(size, align).expect("a layout");
            let mut storage = Storage::zeroed(layout);
            assert_eq!(storage.bytes(), vec![0; size], "{layout:?}");
            assert_eq!(storage.bytes_mut().len(), size, "{layout:?}");
            assert_eq!(storage.as_ptr().addr() % align, 0, "{layout:?}");
        }
    }
}
