//! What a thunk gives a callback: the closure, and who is inside it.
//!
//! # Safety
//!
//! The closure is dropped once, when the callback is dropped and nobody is inside: by the dropper, or by the last caller
//! out. The memory around it stays until its slot has rested and nobody is inside, so a thread that has loaded its
//! address from the slot just before the drop finds it, and finds it dead.
#![allow(unsafe_code)]

use super::stop;
use crate::engine::{self, Note};
use callsmith_arch::isa::NOTE_OFFSET;
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The sign bit, set in the number of calls inside when the callback is dropped.
const DEAD: i64 = i64::MIN;
/// The closure is gone too.
const GONE: i64 = i64::MIN / 2;

/// The part that does not depend on the closure's type.
#[repr(C)]
pub struct Header {
    /// What adapters call.
    pub(super) handler: *const c_void,
    /// How many calls are inside, or `DEAD` and more, or `GONE`.
    inside: AtomicI64,
    /// Where traps find it: see [`engine::Grave`].
    pub(super) note: *const Note,
    /// Who may call, where not everybody may.
    thread: ThreadId,
}

const _: () = assert!(std::mem::offset_of!(Header, note) == NOTE_OFFSET);

/// A closure with all that its calls need.
#[repr(C)]
pub struct Context<F, P> {
    pub(super) header: Header,
    closure: UnsafeCell<ManuallyDrop<F>>,
    /// What becomes of a panic.
    pub(super) panic: P,
    /// What the header's note points at.
    pub(super) note: Note,
}

impl<F, P> Context<F, P> {
    /// A context for `handler`, if it is entered through an adapter.
    pub(super) fn new(closure: F, panic: P, note: Note, handler: *const c_void) -> Box<Context<F, P>> {
        let header = Header {
            handler,
            inside: AtomicI64::new(0),
            note: std::ptr::null(),
            thread: ThreadId::of_maker(),
        };
        let closure = UnsafeCell::new(ManuallyDrop::new(closure));
        let mut context = Box::new(Context { header, closure, panic, note });
        context.header.note = &raw const context.note;
        context
    }

    /// The closure.
    ///
    /// # Safety
    /// The caller is inside.
    pub(super) unsafe fn closure(&self) -> &F {
        // SAFETY: it is not dropped while somebody is inside.
        unsafe { &*self.closure.get() }
    }

    /// The closure, alone.
    ///
    /// # Safety
    /// The caller is inside, and nobody else is.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn closure_mut(&self) -> &mut F {
        // SAFETY: as above.
        unsafe { &mut *self.closure.get() }
    }

    /// The callback is dropped: so is the closure, here or by the last call inside.
    pub(super) fn retire(&self) {
        match self.header.inside.fetch_or(DEAD, Ordering::AcqRel) {
            // Nobody inside: alive until now, or closed before.
            0 | DEAD => self.drop_closure(),
            _ => {}
        }
    }

    /// Waits until nobody is inside; whoever comes after that is stopped.
    pub(super) fn close(&self) {
        while self.header.inside.compare_exchange_weak(0, DEAD, Ordering::AcqRel, Ordering::Relaxed).is_err()
        {
            std::thread::yield_now();
        }
    }

    #[cold]
    fn drop_closure(&self) {
        // Also when the closure's own drop panics: what is left of it is memory.
        let _gone = Gone(&self.header.inside);
        // SAFETY: `inside` was zero when the callback died, or became so when the last call left: one thread sees that.
        unsafe { ManuallyDrop::drop(&mut *self.closure.get()) };
    }

    fn after_leaving(&self, inside: i64) {
        if inside == DEAD {
            self.drop_closure();
        }
    }
}

/// Says that the closure is gone, when it is.
struct Gone<'a>(&'a AtomicI64);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.store(GONE, Ordering::Release);
    }
}

impl<F, P: Send> engine::Context for Context<F, P> {
    fn is_left(&self) -> bool {
        self.header.inside.load(Ordering::Acquire) == GONE
    }
}

// SAFETY: what crosses threads while resting is memory whose closure is gone, or in the hands of the call inside it.
unsafe impl<F, P: Send> Send for Context<F, P> {}

/// Inside, until it is dropped.
pub(super) struct Inside<'a, F, P, G: Guard>(&'a Context<F, P>, PhantomData<G>);

impl<'a, F, P, G: Guard> Inside<'a, F, P, G> {
    /// Comes in, or ends the process with a sentence.
    ///
    /// # Safety
    /// The context is alive, or rests.
    #[inline(always)]
    pub(super) unsafe fn of(context: &'a Context<F, P>) -> Inside<'a, F, P, G> {
        // SAFETY: the caller's promise.
        unsafe { G::enter(context) };
        Inside(context, PhantomData)
    }
}

impl<F, P, G: Guard> Drop for Inside<'_, F, P, G> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: it came in.
        unsafe { G::leave(self.0) };
    }
}

/// Who may be inside.
pub(super) trait Guard {
    /// Comes in, or ends the process with a sentence.
    ///
    /// # Safety
    /// The context is alive, or rests.
    unsafe fn enter<F, P>(context: &Context<F, P>);

    /// Goes out.
    ///
    /// # Safety
    /// The caller came in.
    unsafe fn leave<F, P>(context: &Context<F, P>);
}

/// Any number of threads.
pub(super) struct Anybody;

impl Guard for Anybody {
    #[inline(always)]
    unsafe fn enter<F, P>(context: &Context<F, P>) {
        if context.header.inside.fetch_add(1, Ordering::Acquire) < 0 {
            stop::dropped(&context.header);
        }
    }

    #[inline(always)]
    unsafe fn leave<F, P>(context: &Context<F, P>) {
        let inside = context.header.inside.fetch_sub(1, Ordering::AcqRel) - 1;
        if inside < 0 {
            context.after_leaving(inside);
        }
    }
}

/// Any thread, one at a time.
pub(super) struct OneByOne;

impl Guard for OneByOne {
    #[inline(always)]
    unsafe fn enter<F, P>(context: &Context<F, P>) {
        let header = &context.header;
        match header.inside.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => {}
            Err(inside) if inside < 0 => stop::dropped(header),
            Err(_) => stop::again(header),
        }
    }

    #[inline(always)]
    unsafe fn leave<F, P>(context: &Context<F, P>) {
        // SAFETY: the caller's promise.
        unsafe { Anybody::leave(context) };
    }
}

/// The thread that made the callback, any number of times.
pub(super) struct OneThread;

impl Guard for OneThread {
    #[inline(always)]
    unsafe fn enter<F, P>(context: &Context<F, P>) {
        let header = &context.header;
        if header.thread != ThreadId::current() {
            stop::wrong_thread(header);
        }
        // One thread, so no other write comes between.
        let inside = header.inside.load(Ordering::Relaxed);
        if inside < 0 {
            stop::dropped(header);
        }
        header.inside.store(inside + 1, Ordering::Relaxed);
    }

    #[inline(always)]
    unsafe fn leave<F, P>(context: &Context<F, P>) {
        let inside = context.header.inside.load(Ordering::Relaxed) - 1;
        context.header.inside.store(inside, Ordering::Relaxed);
        if inside < 0 {
            context.after_leaving(inside);
        }
    }
}

/// The thread that made the callback, once at a time.
pub(super) struct OneCall;

impl Guard for OneCall {
    #[inline(always)]
    unsafe fn enter<F, P>(context: &Context<F, P>) {
        // SAFETY: the caller's promise.
        unsafe { OneThread::enter(context) };
        if context.header.inside.load(Ordering::Relaxed) != 1 {
            stop::again(&context.header);
        }
    }

    #[inline(always)]
    unsafe fn leave<F, P>(context: &Context<F, P>) {
        // SAFETY: the caller's promise.
        unsafe { OneThread::leave(context) };
    }
}

/// A thread, told apart from all others that there ever were.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ThreadId(u64);

thread_local!(static THIS_THREAD: Cell<ThreadId> = const { Cell::new(ThreadId::NONE) });

impl ThreadId {
    /// That of threads which made no callback.
    const NONE: ThreadId = ThreadId(0);

    /// This thread's, for a callback that it makes.
    #[inline]
    fn of_maker() -> ThreadId {
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
    fn current() -> ThreadId {
        THIS_THREAD.with(Cell::get)
    }
}
