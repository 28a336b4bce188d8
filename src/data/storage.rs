//! Memory of a C type.
//!
//! # Safety
//! Small values live in the struct itself, others in an allocation that it owns alone; both are initialised from the
//! start, to zeros. Which of them it is says a pointer that is compared in one instruction: that is why this is no enum.
#![allow(unsafe_code)]

use super::shape::{Kept, Shape};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// What fits here needs no allocation of its own.
const SMALL: usize = 32;

/// Whether memory of this size and alignment needs no allocation of its own.
pub(super) fn is_small(memory: Layout) -> bool {
    memory.size() <= SMALL && memory.align() <= align_of::<Small>()
}

/// The bytes of a small value, then zeros.
#[repr(align(16))]
pub(crate) struct Small([u8; SMALL]);

impl Small {
    /// The bytes of a word, then zeros.
    #[inline(always)]
    pub(crate) fn of_word(word: u64) -> Small {
        let mut small = Small([0; SMALL]);
        small.0[..8].copy_from_slice(&word.to_le_bytes());
        small
    }

    /// Zeros, then what `fill` writes there.
    #[inline(always)]
    pub(crate) fn filled(fill: impl FnOnce(*mut u8)) -> Small {
        let mut small = Small([0; SMALL]);
        fill(small.0.as_mut_ptr());
        small
    }
}

/// Owned bytes of a type's alignment, and of its size or more.
#[repr(C)] // in this order, rustc makes a value that a call gives back without moving the bytes more than once
pub(super) struct Storage {
    /// The shape, if the bytes are as many as it has, and are `bytes`; else there is a `heap`.
    pub(super) small: Option<&'static Shape>,
    pub(super) heap: Option<Box<Heap>>,
    pub(super) bytes: Small,
}

impl Storage {
    /// As many zeros as `shape` has bytes.
    pub(super) fn new(shape: Kept) -> Storage {
        match shape {
            Kept::Lasting(shape) if shape.is_small() => Storage::of_small(shape, Small([0; SMALL])),
            shape @ (Kept::Lasting(_) | Kept::Counted(_)) => {
                let memory = shape.memory();
                Storage::of_heap(Heap::zeroed(shape, memory))
            }
        }
    }

    /// `len` zeros, `None` where there is no such memory.
    pub(super) fn with_len(shape: Kept, len: usize) -> Option<Storage> {
        if len == shape.memory().size() && shape.is_small() {
            return Some(Storage::new(shape));
        }
        let memory = Layout::from_size_align(len, shape.memory().align()).ok()?;
        Some(Storage::of_heap(Heap::try_zeroed(shape, memory).ok()?))
    }

    /// These bytes, as many as `shape` has.
    #[inline(always)]
    pub(super) fn of_small(shape: &'static Shape, bytes: Small) -> Storage {
        debug_assert!(shape.is_small());
        Storage { small: Some(shape), heap: None, bytes }
    }

    fn of_heap(heap: Heap) -> Storage {
        Storage { small: None, heap: Some(Box::new(heap)), bytes: Small([0; SMALL]) }
    }

    pub(super) fn shape(&self) -> &Shape {
        match (self.small, &self.heap) {
            (Some(shape), _) => shape,
            (None, Some(heap)) => &heap.shape,
            (None, None) => unreachable!("small or on the heap"),
        }
    }

    /// The shape, to make more of it.
    pub(super) fn kept(&self) -> Kept {
        match (self.small, &self.heap) {
            (Some(shape), _) => Kept::Lasting(shape),
            (None, Some(heap)) => heap.shape.clone(),
            (None, None) => unreachable!("small or on the heap"),
        }
    }

    /// The shape, if the bytes are no more than it has, and lie here.
    #[inline(always)]
    pub(super) fn small(&self) -> Option<&'static Shape> {
        self.small
    }

    /// Where the bytes are, if here.
    #[inline(always)]
    pub(super) fn as_small_ptr(&self) -> *const u8 {
        self.bytes.0.as_ptr()
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *const u8 {
        match &self.heap {
            None => self.as_small_ptr(),
            Some(heap) => heap.start.as_ptr(),
        }
    }

    #[inline]
    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        match &self.heap {
            Some(heap) => heap.start.as_ptr(),
            None => self.bytes.0.as_mut_ptr(),
        }
    }

    fn len(&self) -> usize {
        self.heap.as_ref().map_or_else(|| self.shape().memory().size(), |heap| heap.memory.size())
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
pub(super) struct Heap {
    shape: Kept,
    start: NonNull<u8>,
    /// How many they are, and their alignment.
    memory: Layout,
}

/// What is allocated for `memory`: for no bytes at a large alignment one, which has the alignment and is not used.
fn allocation(memory: Layout) -> Layout {
    Layout::from_size_align(memory.size().max(1), memory.align()).unwrap_or(memory)
}

impl Heap {
    fn zeroed(shape: Kept, memory: Layout) -> Heap {
        Heap::try_zeroed(shape, memory).unwrap_or_else(|layout| handle_alloc_error(layout))
    }

    /// Or what there is no memory for.
    fn try_zeroed(shape: Kept, memory: Layout) -> Result<Heap, Layout> {
        let layout = allocation(memory);
        // SAFETY: the size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        Ok(Heap { shape, start: NonNull::new(start).ok_or(layout)?, memory })
    }
}

impl Drop for Heap {
    /// Out of line, so that dropping a value without one is little code.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and owned alone.
        unsafe { dealloc(self.start.as_ptr(), allocation(self.memory)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decl, host};
    use std::sync::Arc;

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
            if text.contains("__int128") && !host::MODEL.int128 {
                continue;
            }
            let ctype = decl::parse_type(text, host::MODEL).expect(text);
            let counted = Kept::Counted(Arc::new(Shape::new(&ctype).expect(text)));
            let lasting = Kept::Lasting(Shape::lasting(&ctype).expect(text));
            for shape in [counted, lasting] {
                for len in [size, size + 1, size + 40] {
                    let mut storage = Storage::with_len(shape.clone(), len).expect(text);
                    assert_eq!(storage.bytes(), vec![0; len], "{text}");
                    assert_eq!(storage.bytes_mut().len(), len, "{text}");
                    assert_eq!(storage.as_ptr().addr() % align, 0, "{text}");
                }
            }
        }
    }
}
