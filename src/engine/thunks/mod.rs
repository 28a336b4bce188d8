//! Thunks: the addresses that C calls, made and dropped by writing two words.
//!
//! ```text
//! group     ┌──────────────────────────┬──────────────────────────┐
//!           │ thunk 0 │ thunk 1 │ …    │ slot 0 │ slot 1 │ …      │
//!           └──────────────────────────┴──────────────────────────┘
//!             code (r-x), never written     data (rw-), private
//!
//! slot      { context, target }         the thunk loads `context` into its register and jumps to `target`
//! ```
//!
//! A dropped slot's target is a trap, which finds in the context what to say, says it and ends the process. The slot
//! rests, behind at least [`REST`] others, before it is anybody else's, and the context with it. Each thread keeps slots
//! at hand, so that making and dropping take no lock.
//!
//! # Safety
//!
//! Slots are written by whoever owns them ([`Thunk`] is not `Clone`), and read by thunks at any time. A drop changes the
//! target alone: a thunk that comes in between enters the old target or the trap, both with the context that is still
//! there. When the rest is over, another context takes its place, the next callback's or a [`Grave`] that is for ever, before
//! it is freed.
#![allow(unsafe_code)]

mod group;
mod local;
mod pool;
mod stock;

use super::code_memory::PublishError;
use crate::host;
use callsmith_arch::plan::Location;
use std::ffi::c_void;
use std::io::Write as _;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicIsize, AtomicPtr, Ordering};

pub(super) use pool::{Pools, lock_all};

/// How many dropped slots a thread keeps resting before it reuses the oldest.
pub(crate) const REST: usize = 256;

/// The registers that thunks may load their context into, by number.
const CONTEXT_REGISTERS: &[u8] = host::ABI.instruction_set().context_registers();

/// Which register a thunk loads its context into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(u8);

impl Kind {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = CONTEXT_REGISTERS.len();

    /// The kind for handlers that take the context in this place; `None` where no thunk can put it there.
    pub(crate) fn of(place: Location) -> Option<Kind> {
        let Location::Gp(number) = place else { return None };
        let index = CONTEXT_REGISTERS.iter().position(|&register| register == number)?;
        u8::try_from(index).ok().map(Kind)
    }

    /// The kind of this code.
    #[inline]
    pub(crate) fn from_code(code: usize) -> Option<Kind> {
        u8::try_from(code).ok().filter(|_| code < Kind::COUNT).map(Kind)
    }

    /// A number below [`Kind::COUNT`].
    #[inline]
    pub(crate) fn code(self) -> usize {
        self.index()
    }

    /// The kind for adapters.
    pub(crate) const ADAPTER: Kind = Kind::ALL[Kind::COUNT - 1];

    /// All of them, by code.
    const ALL: [Kind; Kind::COUNT] = {
        let mut all = [Kind(0); Kind::COUNT];
        let mut code = 1;
        while code < Kind::COUNT {
            all[code] = Kind(all[code - 1].0 + 1);
            code += 1;
        }
        all
    };

    #[inline(always)]
    fn index(self) -> usize {
        let index = usize::from(self.0);
        // SAFETY: kinds are made out of smaller numbers only.
        unsafe { std::hint::assert_unchecked(index < Kind::COUNT) };
        index
    }
}

/// What a context begins with.
#[repr(C)]
pub(crate) struct Head {
    /// What adapters call.
    pub(crate) handler: *const c_void,
    /// How many calls are inside; [`LEFT`] or less when there will be none any more.
    pub(crate) inside: AtomicIsize,
    /// Whose it is.
    pub(crate) note: *const Note,
}

/// A context that nobody is in any more, and whose closure is gone.
pub(crate) const LEFT: isize = isize::MIN / 2;

const _: () = assert!(std::mem::offset_of!(Head, note) == NOTE_OFFSET);

/// What belongs to a context beside what is in it.
#[repr(C)]
pub(crate) struct Note {
    /// Says that the callback was called after it was dropped, and ends the process. Traps call it.
    pub(crate) trap: extern "C" fn(&Note) -> !,
    /// The callback in words.
    pub(crate) text: fn(&Note) -> String,
    /// Whatever `text` needs.
    pub(crate) data: *const c_void,
    /// What to do with the context; nothing with one that is for ever.
    pub(crate) ends: Option<&'static Ends>,
}

/// How a context ends.
pub(crate) struct Ends {
    /// The callback is dropped. Where there is nothing to do but to add [`LEFT`] to `inside`, nothing.
    ///
    /// # Safety
    /// For a context of the type that this is for, once.
    pub(crate) retire: Option<unsafe fn(*const c_void)>,
    /// Nobody finds the context any more.
    ///
    /// # Safety
    /// As for `retire`, after it, when `inside` is [`LEFT`]. It may be on any thread.
    pub(crate) free: unsafe fn(*mut c_void),
    /// Whatever the callback's own code looks for here.
    pub(crate) more: *const c_void,
}

// SAFETY: `data` is read only.
unsafe impl Sync for Note {}
// SAFETY: as above.
unsafe impl Send for Note {}

/// Where in a context its note is.
const NOTE_OFFSET: usize = host::ABI.instruction_set().note_offset() as usize;

/// What a context begins with, as traps read it: the context where there is no other.
#[repr(C)]
pub(crate) struct Grave {
    room: [usize; 2],
    note: &'static Note,
}

impl Grave {
    /// `note` is of a context that is for ever.
    pub(crate) const fn new(note: &'static Note) -> Grave {
        assert!(note.ends.is_none());
        Grave { room: [0; 2], note }
    }
}

const _: () = assert!(std::mem::offset_of!(Grave, note) == NOTE_OFFSET);

/// The context of slots that are nobody's.
static NOBODYS: Grave =
    Grave::new(&Note { trap: nobodys, text: |_| String::new(), data: std::ptr::null(), ends: None });

extern "C" fn nobodys(_: &Note) -> ! {
    // Whether or not anybody listens.
    let _ = std::io::stderr().write_all(b"callsmith: a callback was called that was dropped long ago\n");
    std::process::abort()
}

/// A slot, as its thunk reads it.
#[repr(C)]
struct Slot {
    /// A [`Head`] or a [`Grave`].
    context: AtomicPtr<c_void>,
    target: AtomicPtr<c_void>,
}

const _: () =
    assert!(std::mem::offset_of!(Slot, target) == host::ABI.instruction_set().target_offset() as usize);

/// A callback's code: an address for C, owned.
pub(crate) struct Thunk(NonNull<Slot>);

// SAFETY: its slot is its own, and its words are atomic.
unsafe impl Send for Thunk {}
// SAFETY: as above; shared references only give addresses.
unsafe impl Sync for Thunk {}

impl Thunk {
    /// A thunk that enters `target` with `context` in its register.
    ///
    /// # Errors
    /// What the system refused; nothing has become of the context then.
    ///
    /// # Safety
    /// `target` takes what C passes, and `context` where [`Kind`] says. `context` points at a [`Head`] or a [`Grave`], which
    /// lives until its [`Ends`], if it has some, free it.
    #[cold]
    pub(crate) unsafe fn new(
        kind: Kind,
        context: *const c_void,
        target: *const c_void,
    ) -> Result<Thunk, PublishError> {
        Ok(Thunk::of(local::take_from_pool(kind)?, context, target))
    }

    /// As [`Thunk::new`], where this thread has a slot at hand.
    ///
    /// # Safety
    /// As for `new`.
    #[inline] // into programs, which reach thread-locals faster than libraries do
    pub(crate) unsafe fn at_hand(kind: Kind, context: *const c_void, target: *const c_void) -> Option<Thunk> {
        let slot = local::take(kind)?;
        // SAFETY: slots are never unmapped.
        let before = unsafe { slot.as_ref() }.context.load(Ordering::Relaxed);
        match ends(before) {
            None => Some(Thunk::of(slot, context, target)),
            Some(ends) => Thunk::instead_of(before, ends, slot, context, target),
        }
    }

    /// A thunk in the place of one whose context, `before`, has rested.
    #[inline(never)]
    fn instead_of(
        before: *mut c_void,
        ends: &Ends,
        slot: NonNull<Slot>,
        context: *const c_void,
        target: *const c_void,
    ) -> Option<Thunk> {
        if !is_left(before) {
            local::lay_to_rest_elsewhere(slot);
            return None;
        }
        let thunk = Thunk::of(slot, context, target);
        // SAFETY: it is left, and in the slot no more.
        unsafe { (ends.free)(before) };
        Some(thunk)
    }

    #[inline(always)]
    fn of(slot: NonNull<Slot>, context: *const c_void, target: *const c_void) -> Thunk {
        let thunk = Thunk(slot);
        let slot = thunk.slot();
        slot.context.store(context.cast_mut(), Ordering::Release);
        // Whoever gets the address gets it after this.
        slot.target.store(target.cast_mut(), Ordering::Release);
        thunk
    }

    /// The address for C.
    pub(crate) fn address(&self) -> *const c_void {
        group::thunk_of(self.0)
    }

    /// What it was made with.
    pub(crate) fn context(&self) -> *const c_void {
        self.slot().context.load(Ordering::Relaxed)
    }

    /// The note of its context.
    pub(crate) fn note(&self) -> &Note {
        // SAFETY: the context is there as long as the thunk.
        unsafe { &*(*self.context().cast::<Head>()).note }
    }

    /// The callback is dropped: from now on its calls go to the trap. The closure is dropped too, here or by the last call
    /// that is inside; then the slot is laid to rest, with its context, which is freed when that is over.
    ///
    /// # Panics
    /// Where the closure's drop does.
    #[inline] // as above
    pub(crate) fn retire(self) {
        let slot = self.slot();
        let trap = group::head_of(self.0).home.trap.load(Ordering::Relaxed);
        slot.target.store(trap, Ordering::Release);
        let context = slot.context.load(Ordering::Relaxed);
        if let Some(ends) = ends(context) {
            if let Some(retire) = ends.retire {
                return self.retire_by(retire);
            }
            // SAFETY: a context that ends has a head.
            unsafe { (*context.cast::<Head>()).inside.fetch_add(LEFT, Ordering::AcqRel) };
        }
        local::lay_to_rest(self.0);
    }

    #[inline(never)]
    fn retire_by(self, retire: unsafe fn(*const c_void)) {
        /// Lays the slot to rest, also when the closure's drop panics.
        struct Rest(NonNull<Slot>);
        impl Drop for Rest {
            fn drop(&mut self) {
                local::lay_to_rest(self.0);
            }
        }
        let _rest = Rest(self.0);
        // SAFETY: the context is there until its slot has rested; a callback is dropped once.
        unsafe { retire(self.context()) }
    }

    fn slot(&self) -> &Slot {
        // SAFETY: slots are never unmapped.
        unsafe { self.0.as_ref() }
    }
}

/// How this context ends, if it does.
#[inline(always)]
fn ends(context: *const c_void) -> Option<&'static Ends> {
    // SAFETY: what a slot's context points at begins with a head or a grave, whose note is where the context is.
    unsafe { (*(*context.cast::<Head>()).note).ends }
}

/// Whether nobody is in calls with this context any more.
#[inline(always)]
fn is_left(context: *const c_void) -> bool {
    // SAFETY: a context that ends has a head.
    ends(context).is_none() || unsafe { (*context.cast::<Head>()).inside.load(Ordering::Acquire) } <= LEFT
}

/// Makes a slot that has rested nobody's: its context, which is left, is freed.
fn end(slot: &Slot) {
    let context = slot.context.load(Ordering::Relaxed);
    if let Some(ends) = ends(context) {
        slot.context.store((&raw const NOBODYS).cast_mut().cast(), Ordering::Release);
        // SAFETY: it is left, and in the slot no more.
        unsafe { (ends.free)(context) };
    }
}
