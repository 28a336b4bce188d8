//! Memory of a C type.
//!
//! # Safety
//! Small values live in the struct itself, others in an allocation that it owns alone; both are initialised from the
//! start, to zeros.
#![allow(unsafe_code)]

use super::Shape;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::Arc;

/// What fits here needs no allocation of its own.
const INLINE: usize = 32;

/// Owned bytes of a type's alignment, and of its size or more.
pub(super) struct Storage {
    shape: Arc<Shape>,
    /// Where they are, if not inline. Inline they are as many as the type has.
    heap: Option<Box<Heap>>,
    inline: Small,
}

#[repr(align(16))]
struct Small([u8; INLINE]);

impl Storage {
    /// As many zeros as `shape` has bytes, then what `fill` writes there.
    #[inline(always)]
    pub(super) fn new(shape: &Arc<Shape>, fill: impl FnOnce(*mut u8)) -> Storage {
        let mut inline = Small([0; INLINE]);
        let memory = shape.memory();
        let heap = if memory.size() <= INLINE && memory.align() <= align_of::<Small>() {
            fill(inline.0.as_mut_ptr());
            None
        } else {
            let heap = Heap::zeroed(memory);
            fill(heap.start.as_ptr());
            Some(heap)
        };
        Storage { shape: Arc::clone(shape), heap, inline }
    }

    /// `len` zeros, `None` where no memory can be so large.
    pub(super) fn with_len(shape: &Arc<Shape>, len: usize) -> Option<Storage> {
        if len == shape.memory().size() {
            return Some(Storage::new(shape, |_| ()));
        }
        let layout = Layout::from_size_align(len, shape.memory().align()).ok()?;
        let inline = Small([0; INLINE]);
        Some(Storage { shape: Arc::clone(shape), heap: Some(Heap::zeroed(layout)), inline })
    }

    #[inline(always)]
    pub(super) fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *const u8 {
        match &self.heap {
            None => self.inline.0.as_ptr(),
            Some(heap) => heap.start.as_ptr(),
        }
    }

    #[inline]
    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        match &self.heap {
            None => self.inline.0.as_mut_ptr(),
            Some(heap) => heap.start.as_ptr(),
        }
    }

    fn len(&self) -> usize {
        self.heap.as_ref().map_or(self.shape.memory().size(), |heap| heap.len)
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

/// Bytes in an allocation of their own.
struct Heap {
    start: NonNull<u8>,
    len: usize,
    /// What was allocated, which may be more.
    layout: Layout,
}

impl Heap {
    #[cold]
    #[inline(never)]
    fn zeroed(layout: Layout) -> Box<Heap> {
        let len = layout.size();
        // For no bytes at a large alignment, one, which has the alignment and is not used.
        let layout = Layout::from_size_align(len.max(1), layout.align()).unwrap_or(layout);
        // SAFETY: the size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout));
        Box::new(Heap { start, len, layout })
    }
}

impl Drop for Heap {
    /// Out of line, so that dropping a value without one is little code.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and owned alone.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decl, host};

    #[test]
    fn bytes_are_as_many_as_the_type_has() {
        let cases = [
            ("struct {}", 0, 1),
            ("struct { char c[3]; }", 3, 1),
            ("struct { __int128 n[2]; }", 32, 16),
            ("struct { char c[33]; }", 33, 1),
            ("struct { char c; } __attribute__((aligned(64)))", 64, 64),
            ("struct {} __attribute__((aligned(64)))", 0, 64),
        ];
        for (text, size, align) in cases {
            let ctype = decl::parse_type(text, host::MODEL).expect(text);
            let shape = Shape::new(&ctype).expect(text);
            for len in [size, size + 1, size + 40] {
                let mut storage = Storage::with_len(&shape, len).expect(text);
                assert_eq!(storage.bytes(), vec![0; len], "{text}");
                assert_eq!(storage.bytes_mut().len(), len, "{text}");
                assert_eq!(storage.as_ptr().addr() % align, 0, "{text}");
            }
        }
    }
}
