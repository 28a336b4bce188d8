//! What a thunk gives a callback: the closure, and who is inside it.
//!
//! # Safety
//!
//! The closure is dropped once, when the callback is dropped and nobody is inside: by the dropper, or by the last caller
//! out. One that has nothing to be dropped is only memory. The memory stays until its slot has rested and nobody is inside, so
//! a thread that has loaded its address from the slot just before the drop finds it; then it is freed, or the closure of
//! another callback of the same make takes its place.
#![allow(unsafe_code)]

use super::guard::{Gate, Guard};
use super::thread::ThreadId;
use crate::engine::{Ends, Head, LEFT, Note, Rested, Thunk};
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicIsize, Ordering};

/// The part that does not depend on the closure's type.
#[repr(C)]
pub struct Header {
    head: Head,
    /// Who may call, where [`Guard::BY_MAKER`] says that not everybody may.
    maker: MaybeUninit<ThreadId>,
}

impl Header {
    /// Who is inside.
    #[inline(always)]
    pub(super) fn gate(&self) -> Gate<'_> {
        Gate(&self.head.inside)
    }

    /// Who may call.
    ///
    /// # Safety
    /// The context was made for a guard that is [`Guard::BY_MAKER`].
    #[inline(always)]
    pub(super) unsafe fn maker(&self) -> ThreadId {
        // SAFETY: the caller's promise.
        unsafe { self.maker.assume_init() }
    }

    /// Whose it is.
    #[inline(always)]
    pub(super) fn note(&self) -> &Note {
        // SAFETY: a note lives as long as its context.
        unsafe { &*self.head.note }
    }

    /// Ends the process with a sentence. That is a jump to a function like the one that comes in, so that a call which may
    /// come in keeps no room on the stack for it.
    ///
    /// # Safety
    /// The context was made for results of type `N`.
    #[inline(always)]
    unsafe fn refused<N>(&self) -> N {
        unlikely();
        // SAFETY: contexts with a header end, and have a `refuse` of this type.
        unsafe {
            let refuse = self.head.ends.unwrap_unchecked().more;
            std::mem::transmute::<*const c_void, extern "C" fn(&Header) -> N>(refuse)(self)
        }
    }
}

/// Says to the compiler that what calls this is no usual way.
#[cold]
#[inline(always)]
fn unlikely() {}

extern "C" fn refuse<G: Guard, N>(header: &Header) -> N {
    // SAFETY: contexts made for `G` have this one.
    unsafe { G::refuse(header) }
}

/// A closure with all that its calls need.
#[repr(C)]
pub struct Context<F, P> {
    pub(super) header: Header,
    closure: UnsafeCell<ManuallyDrop<F>>,
    /// What becomes of a panic.
    pub(super) panic: P,
    /// Where the header's note is, if it is this callback's alone.
    note: MaybeUninit<Note>,
}

impl<F, P: Send> Context<F, P> {
    /// Whether there is nothing to be done for a context whose callback is dropped, but to free its memory.
    pub(super) const IS_MEMORY: bool = !std::mem::needs_drop::<P>();

    /// How contexts for calls under `G` with results of type `N` for C end, and where a call goes that may not come in.
    /// All contexts that end like this have `note`; if there is none, each is to be given one.
    pub(super) const fn ends<G: Guard, N>(note: Option<&'static Note>) -> Ends {
        Ends {
            note,
            retire: if Self::CLOSURE_DROPS { Some(Context::<F, P>::retire_at) } else { None },
            free: Context::<F, P>::free_at,
            more: refuse::<G, N> as extern "C" fn(&Header) -> N as *const c_void,
        }
    }

    /// A context for calls under `G`; for `handler`, if it is entered through an adapter. Where `ends` have no note, one is to
    /// be [set](Context::set_note), or [shared](Context::share_note).
    pub(super) fn new<G: Guard>(
        closure: F,
        panic: P,
        ends: &'static Ends,
        handler: *const c_void,
    ) -> Box<Context<F, P>> {
        let note = ends.note.map_or(ptr::null(), ptr::from_ref);
        let header = Header {
            head: Head { handler, inside: AtomicIsize::new(0), note, retire: ends.retire, ends: Some(ends) },
            maker: if G::BY_MAKER { MaybeUninit::new(ThreadId::of_maker()) } else { MaybeUninit::uninit() },
        };
        let closure = UnsafeCell::new(ManuallyDrop::new(closure));
        Box::new(Context { header, closure, panic, note: MaybeUninit::uninit() })
    }

    /// Gives it a note of its own.
    pub(super) fn set_note(&mut self, note: Note) {
        self.header.head.note = self.note.write(note);
    }

    /// Gives it a note that others have too.
    ///
    /// # Safety
    /// It lives as long as what is beside the closure.
    pub(super) unsafe fn share_note(&mut self, note: *const Note) {
        self.header.head.note = note;
    }

    /// # Safety
    /// At `context` is one of this type, whose callback is dropped; once.
    unsafe fn retire_at(context: *const c_void) {
        // SAFETY: the caller's promise.
        let context = unsafe { &*context.cast::<Context<F, P>>() };
        // Somebody inside drops the closure when he leaves.
        if context.header.gate().retire() {
            context.drop_closure();
        }
    }

    /// Drops a context that no callback was made with.
    ///
    /// # Safety
    /// At `context` is one of this type, from [`Box::into_raw`].
    #[cold]
    pub(super) unsafe fn unused(context: *mut Context<F, P>) {
        // SAFETY: the caller's promise.
        unsafe {
            Context::<F, P>::retire_at(context.cast_const().cast());
            Context::<F, P>::free_at(context.cast());
        }
    }

    /// # Safety
    /// At `context` is one of this type, from [`Box::into_raw`]; nobody is inside, and nobody comes.
    unsafe fn free_at(context: *mut c_void) {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(context.cast::<Context<F, P>>()) });
    }
}

/// The context of a callback that is long dropped, still in its slot, which this thread has at hand.
pub(super) struct Left<F, P> {
    rested: Rested,
    context: NonNull<Context<F, P>>,
}

impl<F, P: Send> Left<F, P> {
    /// One whose thunk may enter `target`, if it is of callbacks that end like this, and nobody is in it any more. Two types
    /// may have the same ends: then these do the same with both, and the memory that they free is alike.
    ///
    /// # Safety
    /// `ends` are for contexts of this type under `G`.
    #[inline(always)]
    pub(super) unsafe fn find<G: Guard>(target: *const c_void, ends: &'static Ends) -> Option<Left<F, P>> {
        let rested = Rested::find(target, G::BY_THUNK)?;
        let context = rested.context();
        // SAFETY: contexts begin with a head, or with a grave, which has no ends.
        unsafe {
            let head = context.cast::<Head>().as_ptr();
            let same = (*head).ends.is_some_and(|its| ptr::eq(its, ends));
            let left = same && (*head).inside.load(Ordering::Acquire) == Context::<F, P>::LEFT;
            left.then_some(Left { rested, context: context.cast() })
        }
    }

    /// What it has beside the closure.
    #[inline(always)]
    pub(super) fn panic(&self) -> &P {
        // SAFETY: it is there until the context is freed, which is on this thread if at all.
        unsafe { &(*self.context.as_ptr()).panic }
    }

    /// The thunk again, with this closure, and this handler, if there is one. What the context has beside them stays.
    ///
    /// # Safety
    /// As for [`Thunk::new`]; nothing else was asked for a slot since this was found. The context was made for `G`.
    #[inline(always)]
    pub(super) unsafe fn revive<G: Guard>(self, closure: F, handler: Option<*const c_void>) -> Thunk {
        let context = self.context.as_ptr();
        // SAFETY: nobody looks at the closure's place, which has nothing to be dropped. A call that comes too late is counted
        // by the word only, where it stays.
        unsafe {
            (&raw mut (*context).closure).write(UnsafeCell::new(ManuallyDrop::new(closure)));
            if let Some(handler) = handler {
                (*context).header.head.handler = handler;
            }
            // Callbacks that only their maker may call are dropped by him, and what a thread has at hand was dropped by it.
            debug_assert!(!G::BY_MAKER || (*context).header.maker() == ThreadId::current());
            if Context::<F, P>::LEFT != 0 {
                (*context).header.head.inside.fetch_sub(Context::<F, P>::LEFT, Ordering::Release);
            }
            self.rested.revive()
        }
    }
}

impl<F, P> Context<F, P> {
    const CLOSURE_DROPS: bool = std::mem::needs_drop::<F>();

    /// So many calls are inside when nobody is inside any more, if the context was not closed.
    const LEFT: isize = if Self::CLOSURE_DROPS { LEFT } else { 0 };

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

    fn drop_closure(&self) {
        // Also when the closure's own drop panics: what is left of it is memory.
        let _gone = Gone(self.header.gate());
        // SAFETY: the gate told one caller alone that nobody is inside.
        unsafe { ManuallyDrop::drop(&mut *self.closure.get()) };
    }

    /// A call has left, and the callback is dropped: so is the closure, if it was the last.
    #[cold]
    fn after_leaving(&self) {
        if self.header.gate().is_last() {
            self.drop_closure();
        }
    }
}

/// Says that the closure is gone, when it is.
struct Gone<'a>(Gate<'a>);

impl Drop for Gone<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.gone();
    }
}

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
            // A closure without anything to be dropped is not waited for: its memory stays while somebody is inside.
            if G::leave(&context.header) && Context::<F, P>::CLOSURE_DROPS {
                return context.left(given);
            }
            given
        }
    }
}

/// Where the closure panics.
impl<F, P, G: Guard> Drop for Inside<'_, F, P, G> {
    fn drop(&mut self) {
        // SAFETY: it came in.
        if unsafe { G::leave(&self.0.header) } && Context::<F, P>::CLOSURE_DROPS {
            self.0.after_leaving();
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
