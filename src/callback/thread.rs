//! Which thread this is.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// A thread, told apart from all others that there ever were.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ThreadId(u64);

thread_local!(static THIS_THREAD: Cell<ThreadId> = const { Cell::new(ThreadId::NONE) });

impl ThreadId {
    /// That of threads which made no callback.
    pub(super) const NONE: ThreadId = ThreadId(0);

    /// This thread's, for a callback that it makes.
    #[inline]
    pub(super) fn of_maker() -> ThreadId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        THIS_THREAD.with(|this| {
            if this.get() == ThreadId::NONE {
                this.set(ThreadId(NEXT.fetch_add(1, Ordering::Relaxed)));
            }
            this.get()
        })
    }

    /// This thread's.
    #[inline(always)]
    pub(super) fn current() -> ThreadId {
        THIS_THREAD.with(Cell::get)
    }
}
