//! Thunks: the addresses that C calls, made and dropped by writing three words.
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
//! there. When the rest is over, the context becomes a [`Grave`], which is for ever, before it is freed.
#![allow(unsafe_code)]

mod group;
mod local;
mod pool;

use super::code_memory::PublishError;
use crate::host;
use callsmith_arch::plan::Location;
use std::ffi::c_void;
use std::io::Write as _;
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

/// What to say when a dropped callback is called.
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

/// Where in a context its note is.
pub(crate) const NOTE_OFFSET: usize = host::ABI.instruction_set().note_offset() as usize;

/// What a context begins with, as traps read it: the context where there is no other.
#[repr(C)]
pub(crate) struct Grave {
    room: [usize; 2],
    note: &'static Note,
}

impl Grave {
    pub(crate) const fn new(note: &'static Note) -> Grave {
        Grave { room: [0; 2], note }
    }
}

const _: () = assert!(std::mem::offset_of!(Grave, note) == NOTE_OFFSET);

/// The context of slots that have rested, until they are somebody's again.
static NOBODYS: Grave = Grave::new(&Note { trap: nobodys, text: |_| String::new(), data: std::ptr::null() });

extern "C" fn nobodys(_: &Note) -> ! {
    // Whether or not anybody listens.
    let _ = std::io::stderr().write_all(b"callsmith: a callback was called that was dropped long ago\n");
    std::process::abort()
}

/// A slot, as its thunk reads it.
#[repr(C)]
struct Slot {
    context: AtomicPtr<c_void>,
    target: AtomicPtr<c_void>,
}

const _: () =
    assert!(std::mem::offset_of!(Slot, target) == host::ABI.instruction_set().target_offset() as usize);

/// A slot and its thunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SlotPtr {
    slot: NonNull<Slot>,
    thunk: NonNull<u8>,
}

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
    /// `target` takes what C passes, and `context` where [`Kind`] says. What `context` points at lives until the slot has
    /// rested, with a note in its third word, as a [`Grave`].
    pub(crate) unsafe fn new(
        kind: Kind,
        context: *const c_void,
        target: *const c_void,
    ) -> Result<Thunk, PublishError> {
        let slot = local::take(kind)?;
        let words = slot.words();
        words.context.store(context.cast_mut(), Ordering::Relaxed);
        // Whoever gets the address gets it after this.
        words.target.store(target.cast_mut(), Ordering::Release);
        Ok(Thunk { slot, kind })
    }

    /// The address for C.
    pub(crate) fn address(&self) -> *const c_void {
        self.slot.thunk.as_ptr().cast_const().cast()
    }

    /// Turns the slot to the trap.
    pub(crate) fn disarm(&self) {
        let trap = pool::trap(self.kind).as_ptr().cast_mut().cast();
        self.slot.words().target.store(trap, Ordering::Release);
    }

    /// Lays a disarmed slot to rest. `context` is freed when that is over.
    pub(crate) fn release(self, context: Option<Box<dyn Context>>) {
        local::give_back(self.kind, Resting { slot: self.slot, context });
    }
}

impl SlotPtr {
    fn words(&self) -> &Slot {
        // SAFETY: slots are never unmapped.
        unsafe { self.slot.as_ref() }
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

    /// Ends the rest: the context is freed.
    fn end(self) -> SlotPtr {
        self.slot.words().context.store((&raw const NOBODYS).cast_mut().cast(), Ordering::Release);
        self.slot
    }
}
