//! What a thunk gives a callback: the closure, and who is inside it.
//!
//! # Safety
//!
//! The closure is dropped once, when the callback is dropped and nobody is inside: by the dropper, or by the last caller
//! out. The memory around it stays until its slot has rested and nobody is inside, so a thread that has loaded its
//! address from the slot just before the drop finds it, and finds it dead.
#![allow(unsafe_code)]

use super::stop;
use crate::engine::{self, NOTE_OFFSET, Note};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The sign bit, set in the number of calls inside when the callback is dropped.
const DEAD: i64 = i64::MIN;
/// The last call has left it, and the closure is being dropped.
const GOING: i64 = DEAD / 4 * 3;
/// The closure is gone too.
const GONE: i64 = DEAD / 2;

/// The part that does not depend on the closure's type.
#[repr(C)]
pub struct Header {
    /// What adapters call.
    pub(super) handler: *const c_void,
    /// How many calls are inside, or `DEAD` and more, or `GOING`, or `GONE`.
    inside: AtomicI64,
    /// Where traps find it: see [`engine::Grave`].
    pub(super) note: *const Note,
    /// Who may call, where not everybody may.
    thread: ThreadId,
    /// Where a call goes that may not come in: a [`refuse`].
    refuse: *const c_void,
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

impl Header {
    /// Ends the process with a sentence. That is a jump to a function like the one that comes in, so that a call which may
    /// come in keeps no room on the stack for it.
    ///
    /// # Safety
    /// The context was made for results of type `N`.
    #[inline(always)]
    unsafe fn refused<N>(&self) -> N {
        unlikely();
        // SAFETY: a `refuse` of this type.
        unsafe { std::mem::transmute::<*const c_void, extern "C" fn(&Header) -> N>(self.refuse)(self) }
    }
}

/// Says to the compiler that what calls this is no usual way.
#[cold]
#[inline(always)]
fn unlikely() {}

extern "C" fn refuse<G: Guard, N>(header: &Header) -> N {
    G::refuse(header)
}

impl<F, P> Context<F, P> {
    /// A context for calls under `G` with results of type `N` for C; for `handler`, if it is entered through an adapter.
    pub(super) fn new<G: Guard, N>(
        closure: F,
        panic: P,
        note: Note,
        handler: *const c_void,
    ) -> Box<Context<F, P>> {
        let header = Header {
            handler,
            inside: AtomicI64::new(0),
            note: std::ptr::null(),
            thread: ThreadId::of_maker(),
            refuse: refuse::<G, N> as extern "C" fn(&Header) -> N as *const c_void,
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

    /// A call has left, and the callback is dropped: so is the closure, if it was the last.
    #[cold]
    fn after_leaving(&self) {
        // Several may have left since: it is one of them.
        let inside = &self.header.inside;
        if inside.compare_exchange(DEAD, GOING, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
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
    /// Comes in, runs `body`, and goes out with what it gives. Ends the process with a sentence where it may not come in.
    ///
    /// # Safety
    /// The context is alive, or rests; it was made for `G` and `N`.
    #[inline(always)]
    pub(super) unsafe fn run<N: Copy>(context: &'a Context<F, P>, body: impl FnOnce() -> N) -> N {
        // SAFETY: the caller's promise.
        unsafe {
            if !G::enter(&context.header) {
                return context.header.refused();
            }
            let inside = Inside::<F, P, G>(context, PhantomData);
            let given = body();
            std::mem::forget(inside);
            if G::leave(&context.header) {
                return context.left(given);
            }
            given
        }
    }
}

/// Results of up to so many bytes are in registers.
const IN_REGISTERS: usize = 16;

impl<F, P> Context<F, P> {
    /// After a call that left a callback which is dropped. A jump, where it can be, as in [`Header::refused`].
    #[inline(always)]
    fn left<N: Copy>(&self, given: N) -> N {
        #[cold]
        #[inline(never)]
        extern "C" fn with<F, P, N: Copy>(context: &Context<F, P>, given: N) -> N {
            context.after_leaving();
            given
        }

        #[cold]
        #[inline(never)]
        extern "C" fn with_copy<F, P, N: Copy>(context: &Context<F, P>, given: &N) -> N {
            context.after_leaving();
            *given
        }

        if size_of::<N>() <= IN_REGISTERS {
            return with(self, given);
        }
        let copy = given;
        with_copy(self, &copy)
    }
}

/// Where the closure panics.
impl<F, P, G: Guard> Drop for Inside<'_, F, P, G> {
    fn drop(&mut self) {
        // SAFETY: it came in.
        if unsafe { G::leave(&self.0.header) } {
            self.0.after_leaving();
        }
    }
}

/// Who may be inside.
pub(super) trait Guard {
    /// Comes in, if it may.
    ///
    /// # Safety
    /// The context is alive, or rests.
    unsafe fn enter(header: &Header) -> bool;

    /// Goes out; gives true where the callback is dropped.
    ///
    /// # Safety
    /// The caller came in.
    unsafe fn leave(header: &Header) -> bool;

    /// Says why a call may not come in, and ends the process.
    fn refuse(header: &Header) -> !;
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

    fn refuse(header: &Header) -> ! {
        stop::dropped(header)
    }
}

/// Any number of threads.
pub(super) struct Anybody;

impl Guard for Anybody {
    #[inline(always)]
    unsafe fn enter(header: &Header) -> bool {
        header.inside.fetch_add(1, Ordering::Acquire) >= 0
    }

    #[inline(always)]
    unsafe fn leave(header: &Header) -> bool {
        // Before it was at least one, or `DEAD` and at least one.
        header.inside.fetch_sub(1, Ordering::AcqRel) <= 0
    }

    fn refuse(header: &Header) -> ! {
        stop::dropped(header)
    }
}

/// Any thread, one at a time.
pub(super) struct OneByOne;

impl Guard for OneByOne {
    #[inline(always)]
    unsafe fn enter(header: &Header) -> bool {
        header.inside.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline(always)]
    unsafe fn leave(header: &Header) -> bool {
        // SAFETY: the caller's promise.
        unsafe { Anybody::leave(header) }
    }

    fn refuse(header: &Header) -> ! {
        if header.inside.load(Ordering::Relaxed) < 0 {
            stop::dropped(header);
        }
        stop::again(header)
    }
}

/// The thread that made the callback, any number of times.
pub(super) struct OneThread;

impl Guard for OneThread {
    #[inline(always)]
    unsafe fn enter(header: &Header) -> bool {
        // One thread, so no other write comes between.
        header.thread == ThreadId::current() && {
            let inside = header.inside.load(Ordering::Relaxed);
            header.inside.store(inside + 1, Ordering::Relaxed);
            inside >= 0
        }
    }

    #[inline(always)]
    unsafe fn leave(header: &Header) -> bool {
        let inside = header.inside.load(Ordering::Relaxed) - 1;
        header.inside.store(inside, Ordering::Relaxed);
        inside < 0
    }

    fn refuse(header: &Header) -> ! {
        if header.thread != ThreadId::current() {
            stop::wrong_thread(header);
        }
        stop::dropped(header)
    }
}

/// The thread that made the callback, once at a time.
pub(super) struct OneCall;

impl Guard for OneCall {
    #[inline(always)]
    unsafe fn enter(header: &Header) -> bool {
        header.thread == ThreadId::current() && header.inside.load(Ordering::Relaxed) == 0 && {
            header.inside.store(1, Ordering::Relaxed);
            true
        }
    }

    #[inline(always)]
    unsafe fn leave(header: &Header) -> bool {
        let dropped = header.inside.load(Ordering::Relaxed) != 1;
        header.inside.store(if dropped { DEAD } else { 0 }, Ordering::Relaxed);
        dropped
    }

    fn refuse(header: &Header) -> ! {
        if header.thread != ThreadId::current() {
            stop::wrong_thread(header);
        }
        OneByOne::refuse(header)
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
