//! Who may be inside a callback, and who is.
//!
//! # Safety
//!
//! A [`Gate`] tells one caller alone that nobody is inside and nobody comes: the dropper, or the last one out.
#![allow(unsafe_code)]

use super::context::Header;
use super::stop;
use super::thread::ThreadId;
use crate::engine::{CLOSED, LEFT, THUNKS_COUNT};
use std::sync::atomic::{AtomicIsize, Ordering};

/// Added when the callback is dropped: whatever the number was, it is negative after that. Like the other states, it fits
/// where instructions have 32 bits for a number.
const DROPPED: isize = LEFT / 2;
/// The last call has left a dropped callback.
const EMPTIED: isize = LEFT / 8;

/// How many calls are inside: so many, or [`DROPPED`] and so many, or one of the other states that let nobody in.
///
/// Where thunks count, they do what [`enter`](Gate::enter) does, before they load the target, and whoever drops or closes a
/// callback changes the target before the number: so one who is not counted finds the trap.
pub(super) struct Gate<'a, W: Word = AtomicIsize>(pub(super) &'a W);

impl<W: Word> Clone for Gate<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: Word> Copy for Gate<'_, W> {}

/// An atomic number: the real one, or a model's.
pub(super) trait Word {
    fn load(&self, order: Ordering) -> isize;
    fn store(&self, value: isize, order: Ordering);
    fn fetch_add(&self, more: isize, order: Ordering) -> isize;
    fn fetch_sub(&self, less: isize, order: Ordering) -> isize;
    fn exchange(&self, from: isize, to: isize, done: Ordering, not_done: Ordering) -> bool;
    /// Lets other threads go on.
    fn wait();
}

macro_rules! word {
    ($word:ty, $wait:path) => {
        impl Word for $word {
            #[inline(always)]
            fn load(&self, order: Ordering) -> isize {
                <$word>::load(self, order)
            }

            #[inline(always)]
            fn store(&self, value: isize, order: Ordering) {
                <$word>::store(self, value, order);
            }

            #[inline(always)]
            fn fetch_add(&self, more: isize, order: Ordering) -> isize {
                <$word>::fetch_add(self, more, order)
            }

            #[inline(always)]
            fn fetch_sub(&self, less: isize, order: Ordering) -> isize {
                <$word>::fetch_sub(self, less, order)
            }

            #[inline(always)]
            fn exchange(&self, from: isize, to: isize, done: Ordering, not_done: Ordering) -> bool {
                self.compare_exchange(from, to, done, not_done).is_ok()
            }

            fn wait() {
                $wait();
            }
        }
    };
}

word!(AtomicIsize, std::thread::yield_now);

#[cfg(all(test, loom))]
mod models;

impl<W: Word> Gate<'_, W> {
    /// Comes in; gives false where it is closed.
    #[inline(always)]
    fn enter(self) -> bool {
        self.0.fetch_add(1, Ordering::Acquire) >= 0
    }

    /// Goes out; gives true where the callback is dropped.
    #[inline(always)]
    fn leave(self) -> bool {
        // Before it was at least one, or `DROPPED` and at least one.
        self.0.fetch_sub(1, Ordering::AcqRel) <= 0
    }

    /// As `enter`, where nobody is inside.
    #[inline(always)]
    fn enter_alone(self) -> bool {
        self.0.exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
    }

    /// Comes in, where all that come, and the dropper, are one thread: no other write comes between, and whoever comes
    /// after a drop finds the trap.
    #[inline(always)]
    fn enter_on_one_thread(self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// As `leave`, on one thread.
    #[inline(always)]
    fn leave_on_one_thread(self) -> bool {
        let inside = self.0.load(Ordering::Relaxed) - 1;
        self.0.store(inside, Ordering::Relaxed);
        inside < 0
    }

    /// As `enter_alone`, on one thread.
    #[inline(always)]
    fn enter_alone_on_one_thread(self) -> bool {
        let alone = self.0.load(Ordering::Relaxed) == 0;
        if alone {
            self.0.store(1, Ordering::Relaxed);
        }
        alone
    }

    fn is_dropped(self) -> bool {
        self.0.load(Ordering::Relaxed) < 0
    }

    /// The callback is dropped. Gives true to the one caller who drops the closure, if that is this one.
    #[inline(always)]
    pub(super) fn retire(self) -> bool {
        let before = self.0.fetch_add(DROPPED, Ordering::AcqRel);
        before == 0 || before == CLOSED
    }

    /// After a call that left a dropped callback: as `retire`.
    pub(super) fn is_last(self) -> bool {
        // Several may have left since; it is one of them.
        self.0.exchange(DROPPED, EMPTIED, Ordering::AcqRel, Ordering::Relaxed)
    }

    /// The closure is gone.
    #[inline(always)]
    pub(super) fn gone(self) {
        self.0.store(LEFT, Ordering::Release);
    }

    /// Waits until nobody is inside; whoever comes after that is refused.
    pub(super) fn close(self) {
        while !self.0.exchange(0, CLOSED, Ordering::AcqRel, Ordering::Relaxed) {
            W::wait();
        }
    }
}

/// Who may be inside.
pub(super) trait Guard {
    /// Comes in, if it may.
    ///
    /// # Safety
    /// The context was made for this guard, and is alive or rests.
    unsafe fn enter(header: &Header) -> bool;

    /// Goes out; gives true where the callback is dropped.
    ///
    /// # Safety
    /// The caller came in.
    unsafe fn leave(header: &Header) -> bool;

    /// Says why a call may not come in, and ends the process.
    ///
    /// # Safety
    /// The context was made for this guard.
    unsafe fn refuse(header: &Header) -> !;

    /// Whether only the thread that made the callback may come in.
    const BY_MAKER: bool = false;

    /// Whether the thunk counts who comes in.
    const BY_THUNK: bool = false;
}

/// Whoever comes: the callback is never dropped while somebody is inside, or never at all.
pub(super) struct Uncounted;

impl Guard for Uncounted {
    #[inline(always)]
    unsafe fn enter(_: &Header) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn leave(_: &Header) -> bool {
        false
    }

    unsafe fn refuse(header: &Header) -> ! {
        stop::dropped(header)
    }
}

/// Any number of threads.
pub(super) struct Anybody;

impl Guard for Anybody {
    const BY_THUNK: bool = THUNKS_COUNT;

    #[inline(always)]
    unsafe fn enter(header: &Header) -> bool {
        Self::BY_THUNK || header.gate().enter()
    }

    #[inline(always)]
    unsafe fn leave(header: &Header) -> bool {
        header.gate().leave()
    }

    unsafe fn refuse(header: &Header) -> ! {
        stop::dropped(header)
    }
}

/// Any thread, one at a time.
pub(super) struct OneByOne;

impl Guard for OneByOne {
    #[inline(always)]
    unsafe fn enter(header: &Header) -> bool {
        header.gate().enter_alone()
    }

    #[inline(always)]
    unsafe fn leave(header: &Header) -> bool {
        // SAFETY: the caller's promise.
        unsafe { Anybody::leave(header) }
    }

    unsafe fn refuse(header: &Header) -> ! {
        if header.gate().is_dropped() {
            stop::dropped(header);
        }
        stop::again(header)
    }
}

/// The thread that made the callback, any number of times.
pub(super) struct OneThread;

impl OneThread {
    /// # Safety
    /// The context was made for a guard that is `BY_MAKER`.
    #[inline(always)]
    unsafe fn is_here(header: &Header) -> bool {
        // SAFETY: the caller's promise.
        unsafe { header.maker() == ThreadId::current() }
    }
}

impl Guard for OneThread {
    const BY_MAKER: bool = true;

    #[inline(always)]
    unsafe fn enter(header: &Header) -> bool {
        // SAFETY: the caller's promise.
        let here = unsafe { OneThread::is_here(header) };
        if here {
            header.gate().enter_on_one_thread();
        }
        here
    }

    #[inline(always)]
    unsafe fn leave(header: &Header) -> bool {
        header.gate().leave_on_one_thread()
    }

    unsafe fn refuse(header: &Header) -> ! {
        stop::wrong_thread(header)
    }
}

/// The thread that made the callback, once at a time.
pub(super) struct OneCall;

impl Guard for OneCall {
    const BY_MAKER: bool = true;

    #[inline(always)]
    unsafe fn enter(header: &Header) -> bool {
        // SAFETY: the caller's promise.
        unsafe { OneThread::is_here(header) && header.gate().enter_alone_on_one_thread() }
    }

    #[inline(always)]
    unsafe fn leave(header: &Header) -> bool {
        header.gate().leave_on_one_thread()
    }

    unsafe fn refuse(header: &Header) -> ! {
        // SAFETY: the caller's promise.
        if !unsafe { OneThread::is_here(header) } {
            stop::wrong_thread(header);
        }
        // SAFETY: the caller's promise.
        unsafe { OneByOne::refuse(header) }
    }
}
