//! An allocator that costs the same whatever was allocated before, so that its part in a count can be taken off.
//!
//! # Safety
//!
//! Small blocks of one size form a list, which one thread uses: the main one, before it starts another.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

#[global_allocator]
static ALLOCATOR: Lists = Lists(AtomicPtr::new(ptr::null_mut()));

/// Up to so many bytes, and aligned to no more, blocks are small.
const SMALL: usize = 128;
const ALIGN: usize = 16;

/// The small blocks that are free, each with the next one's address in it.
struct Lists(AtomicPtr<u8>);

// SAFETY: blocks are the system's own, large enough for each small layout, and given out once until they come back.
unsafe impl GlobalAlloc for Lists {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise; see above.
        unsafe {
            if layout.size() > SMALL || layout.align() > ALIGN {
                return System.alloc(layout);
            }
            let first = self.0.load(Ordering::Relaxed);
            if first.is_null() {
                return System.alloc(Layout::from_size_align_unchecked(SMALL, ALIGN));
            }
            self.0.store(first.cast::<*mut u8>().read(), Ordering::Relaxed);
            first
        }
    }

    #[inline(always)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe {
            if layout.size() > SMALL || layout.align() > ALIGN {
                return System.dealloc(block, layout);
            }
            block.cast::<*mut u8>().write(self.0.load(Ordering::Relaxed));
            self.0.store(block, Ordering::Relaxed);
        }
    }
}
