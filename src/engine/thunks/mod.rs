//! Thunks: the addresses that C calls, made and dropped by writing three words.
//!
//! ```text
//! group     ┌──────────────────────────┬──────────────────────────┐
//!           │ thunk 0 │ thunk 1 │ …    │ slot 0 │ slot 1 │ …      │
//!           └──────────────────────────┴──────────────────────────┘
//!             code (r-x), never written     data (rw-), private
//!
//! slot      { context, target, note }   the thunk loads `context` into its register and jumps to `target`
//! ```
//!
//! A dropped slot's target is a trap, which ends the process with a sentence. It rests, behind at least [`REST`] others,
//! before it is anybody else's. Each thread keeps slots at hand, so that making and dropping take no lock.
//!
//! # Safety
//!
//! Slots are written by whoever owns them ([`Thunk`] is not `Clone`), and read by thunks at any time: so in an order in
//! which every mixture of old and new words is harmless. On drop the target goes first: a thunk that has loaded the old
//! context enters the old target, whose context is still there (it rests with the slot), or the trap, which reads its note
//! from the old context as it would from the slot.
#![allow(unsafe_code)]

mod group;
mod local;
mod pool;

use super::code_memory::PublishError;
use crate::host;
use callsmith_arch::plan::Location;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

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
    const COUNT: usize = CONTEXT_REGISTERS.len();

    /// The kind for handlers that take the context in this place; `None` where no thunk can put it there.
    pub(crate) fn of(place: Location) -> Option<Kind> {
        let Location::Gp(number) = place else { return None };
        let index = CONTEXT_REGISTERS.iter().position(|&register| register == number)?;
        u8::try_from(index).ok().map(Kind)
    }

    /// The kind of this code.
    pub(crate) fn from_code(code: usize) -> Option<Kind> {
        u8::try_from(code).ok().filter(|_| code < Kind::COUNT).map(Kind)
    }

    /// A number below [`Kind::COUNT`].
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

    fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What a slot's third word points at: what to say when a dropped callback is called.
#[repr(C)]
pub(crate) struct Note {
    /// Says it, and ends the process.
    pub(crate) trap: extern "C" fn(&Note) -> !,
    /// The callback in words.
    pub(crate) text: fn(&Note) -> String,
    /// Whatever `text` needs.
    pub(crate) data: *const c_void,
}

// SAFETY: `data` is read only.
unsafe impl Sync for Note {}
// SAFETY: as above.
unsafe impl Send for Note {}

/// A slot, as its thunk reads it.
#[repr(C)]
struct Slot {
    context: AtomicPtr<c_void>,
    target: AtomicPtr<c_void>,
    note: AtomicPtr<Note>,
}

/// A slot's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SlotPtr(NonNull<Slot>);

// SAFETY: whoever holds it owns the slot; its words are atomic.
unsafe impl Send for SlotPtr {}

/// A callback's code: an address for C, owned.
pub(crate) struct Thunk {
    slot: SlotPtr,
    kind: Kind,
}

// SAFETY: its slot is its own, and its words are atomic.
unsafe impl Send for Thunk {}
// SAFETY: as above; shared references only give the address.
unsafe impl Sync for Thunk {}

impl Thunk {
    /// A thunk that enters `target` with `context` in its register.
    ///
    /// # Errors
    /// What the system refused.
    ///
    /// # Safety
    /// `target` takes what C passes, and `context` where [`Kind`] says; `note` lives until the slot has rested, and if
    /// `context` is not null, so does what it points at, with the same note in its third word.
    pub(crate) unsafe fn new(
        kind: Kind,
        context: *mut c_void,
        target: *const c_void,
        note: *const Note,
    ) -> Result<Thunk, PublishError> {
        let slot = local::take(kind)?;
        let words = slot.words();
        let context = if context.is_null() { slot.0.as_ptr().cast() } else { context };
        words.note.store(note.cast_mut(), Ordering::Relaxed);
        words.context.store(context, Ordering::Relaxed);
        // Whoever gets the address gets it after this.
        words.target.store(target.cast_mut(), Ordering::Release);
        Ok(Thunk { slot, kind })
    }

    /// The address for C.
    pub(crate) fn address(&self) -> *const c_void {
        // SAFETY: a slot's thunk lies before it in the same mapping.
        unsafe { self.slot.0.as_ptr().cast::<c_void>().byte_sub(group::distance()) }
    }

    /// Turns the slot to the trap and lays it to rest. `context` is freed when that is over.
    pub(crate) fn release(self, context: Option<Box<dyn Context>>) {
        let words = self.slot.words();
        words.target.store(pool::trap(self.kind).as_ptr().cast_mut().cast(), Ordering::Release);
        words.context.store(self.slot.0.as_ptr().cast(), Ordering::Release);
        local::give_back(self.kind, Resting { slot: self.slot, context });
    }
}

impl SlotPtr {
    fn words(&self) -> &Slot {
        // SAFETY: slots are never unmapped.
        unsafe { self.0.as_ref() }
    }
}

/// What lives at least as long as a slot rests: the context that its thunk gave out.
pub(crate) trait Context: Send {
    /// Whether nobody is in a call with this context any more.
    fn is_left(&self) -> bool;
}

/// A slot that rests.
struct Resting {
    slot: SlotPtr,
    context: Option<Box<dyn Context>>,
}

impl Resting {
    /// Whether it may be used again, as far as calls go that are still in it.
    fn is_left(&self) -> bool {
        self.context.as_ref().is_none_or(|context| context.is_left())
    }
}
