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
//! there. When the rest is over, the context is the next callback's of the same make, or another takes its place, which may
//! be one that is for ever, before it is freed.
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
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicIsize, AtomicPtr, Ordering, fence};

pub(crate) use local::Rested;
pub(super) use pool::{Pools, lock_all};

/// How many dropped slots a thread keeps resting before it reuses the oldest.
pub(crate) const REST: usize = 256;

/// The registers that thunks may load their context into, by number.
const CONTEXT_REGISTERS: &[u8] = host::ABI.instruction_set().context_registers();
const REGISTERS: u8 = {
    assert!(CONTEXT_REGISTERS.len() < 64);
    #[allow(clippy::cast_possible_truncation)] // see above
    {
        CONTEXT_REGISTERS.len() as u8
    }
};

/// Whether thunks can count who comes in.
pub(crate) const THUNKS_COUNT: bool = host::ABI.instruction_set().thunks_count();

/// Which register a thunk loads its context into, and whether it counts who comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(u8);

impl Kind {
    /// How many kinds there are.
    const COUNT: usize = if THUNKS_COUNT { 2 } else { 1 } * CONTEXT_REGISTERS.len();

    /// The kind for handlers that take the context in this place; `None` where no thunk can put it there.
    pub(crate) fn of(place: Location) -> Option<Kind> {
        let Location::Gp(number) = place else { return None };
        let index = CONTEXT_REGISTERS.iter().position(|&register| register == number)?;
        u8::try_from(index).ok().map(Kind)
    }

    /// Whether there are none for handlers that take the context as one more argument.
    pub(crate) const ARE_FOR_ADAPTERS: bool = REGISTERS == 1;

    /// The kind for adapters.
    pub(crate) const ADAPTER: Kind = Kind(REGISTERS - 1);

    /// The same, counting, where thunks can.
    #[inline(always)]
    pub(crate) const fn counting(self) -> Kind {
        if THUNKS_COUNT && !self.counts() { Kind(self.0 + REGISTERS) } else { self }
    }

    /// The same, not counting.
    fn plain(self) -> Kind {
        if self.counts() { Kind(self.0 - REGISTERS) } else { self }
    }

    const fn counts(self) -> bool {
        self.0 >= REGISTERS
    }

    /// Which of [`CONTEXT_REGISTERS`].
    fn register(self) -> usize {
        usize::from(self.0 % REGISTERS)
    }

    /// All of them, by index.
    const ALL: [Kind; Kind::COUNT] = {
        let mut all = [Kind(0); Kind::COUNT];
        let mut index = 1;
        while index < Kind::COUNT {
            all[index] = Kind(all[index - 1].0 + 1);
            index += 1;
        }
        all
    };

    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a context begins with.
#[repr(C)]
pub(crate) struct Head {
    /// What adapters call.
    pub(crate) handler: *const c_void,
    /// How many calls are inside.
    pub(crate) inside: AtomicIsize,
    /// Whose it is.
    pub(crate) note: *const Note,
    /// What to do when the callback is dropped, if anything: then nobody is inside only when this has been done, and `inside`
    /// is [`LEFT`].
    ///
    /// # Safety
    /// For a context of the type that this is for, once.
    pub(crate) retire: Option<unsafe fn(*const c_void)>,
    /// What to do with the context; nothing with one that is for ever.
    pub(crate) ends: Option<&'static Ends>,
}

/// So many calls are inside a context whose closure is gone. It fits where instructions have 32 bits for a number.
pub(crate) const LEFT: isize = i32::MIN as isize / 2;
/// So many are inside one that was closed before it was dropped.
pub(crate) const CLOSED: isize = LEFT / 4;

const _: () = assert!(std::mem::offset_of!(Head, inside) == INSIDE_OFFSET);
const _: () = assert!(std::mem::offset_of!(Head, note) == NOTE_OFFSET);
const _: () = assert!(std::mem::offset_of!(Head, retire) == std::mem::offset_of!(Grave, retire));
const _: () = assert!(std::mem::offset_of!(Head, ends) == std::mem::offset_of!(Grave, ends));

/// Whose a context is.
#[repr(C)]
pub(crate) struct Note {
    /// Says that the callback was called after it was dropped, and ends the process. Traps call it.
    pub(crate) trap: extern "C" fn(&Note) -> !,
    /// The callback in words.
    pub(crate) text: fn(&Note) -> String,
    /// Whatever `text` needs.
    pub(crate) data: *const c_void,
}

/// How a context ends.
pub(crate) struct Ends {
    /// The note of all contexts that end like this, if they have one in common.
    pub(crate) note: Option<&'static Note>,
    /// What the contexts' [`Head::retire`] is.
    pub(crate) retire: Option<unsafe fn(*const c_void)>,
    /// Nobody finds the context any more.
    ///
    /// # Safety
    /// For a context of the type that this is for, once, after `retire`, when nobody is inside. It may be on any thread.
    pub(crate) free: unsafe fn(*mut c_void),
    /// Whatever the callback's own code looks for here.
    pub(crate) more: *const c_void,
}

// SAFETY: `data` is read only.
unsafe impl Sync for Note {}
// SAFETY: as above.
unsafe impl Send for Note {}
// SAFETY: its code is for any thread.
unsafe impl Sync for Ends {}

/// Where in a context the number of calls inside is.
const INSIDE_OFFSET: usize = host::ABI.instruction_set().inside_offset() as usize;
/// Where in a context its note is.
const NOTE_OFFSET: usize = host::ABI.instruction_set().note_offset() as usize;

/// What a context begins with, for thunks that count nobody: the context where there is no other.
#[repr(C)]
pub(crate) struct Grave {
    room: [usize; 2],
    note: &'static Note,
    retire: Option<unsafe fn(*const c_void)>,
    ends: Option<&'static Ends>,
}

impl Grave {
    /// `note` is of a context that is for ever.
    pub(crate) const fn new(note: &'static Note) -> Grave {
        Grave { room: [0; 2], note, retire: None, ends: None }
    }
}

/// The context of slots that are nobody's.
static NOBODYS: Nobodys = Nobodys(Head {
    handler: ptr::null(),
    inside: AtomicIsize::new(0),
    note: &Note { trap: nobodys, text: |_| String::new(), data: ptr::null() },
    retire: None,
    ends: None,
});

#[repr(transparent)]
struct Nobodys(Head);

// SAFETY: its pointers are to what is for ever, and read only.
unsafe impl Sync for Nobodys {}

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
    /// A thunk that enters `target` with `context` in its register; the next one of this target may be one that
    /// [has rested](Rested::find).
    ///
    /// # Errors
    /// What the system refused; nothing has become of the context then.
    ///
    /// # Safety
    /// `target` takes what C passes, and `context` where [`Kind`] says. `context` points at a [`Head`], or a [`Grave`] if the
    /// kind does not count; it lives until its [`Ends`], if it has some, free it.
    #[cold]
    pub(crate) unsafe fn new(
        kind: Kind,
        context: *const c_void,
        target: *const c_void,
    ) -> Result<Thunk, PublishError> {
        let thunk = match Thunk::instead(kind, context) {
            Some(thunk) => thunk,
            None => Thunk::with(local::take_from_pool(kind)?, context),
        };
        // Whoever gets the address gets it after this.
        thunk.slot().target.store(target.cast_mut(), Ordering::Release);
        local::remember(target, kind);
        Ok(thunk)
    }

    /// In a slot that this thread has at hand, in the place of a context that has rested. It has no target yet.
    fn instead(kind: Kind, context: *const c_void) -> Option<Thunk> {
        let slot = local::take(kind)?;
        // SAFETY: slots are never unmapped.
        let before = unsafe { slot.as_ref() }.context.load(Ordering::Relaxed);
        if !is_left(before) {
            local::lay_to_rest_elsewhere(slot);
            return None;
        }
        let thunk = Thunk::with(slot, context);
        if let Some(ends) = ends(before) {
            // SAFETY: it is left, and in the slot no more.
            unsafe { (ends.free)(before) };
        }
        Some(thunk)
    }

    fn with(slot: NonNull<Slot>, context: *const c_void) -> Thunk {
        let thunk = Thunk(slot);
        thunk.slot().context.store(context.cast_mut(), Ordering::Release);
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

    /// From now on calls go to the trap.
    ///
    /// Whoever comes in by a thunk that counts is counted before he looks for the target. So if he finds the old one, he is
    /// seen by those who look for the number of calls inside after this, and after a fence or an operation that is one: each of
    /// the two writes, and then reads what the other writes.
    #[inline(always)]
    pub(crate) fn shut(&self) {
        self.slot().target.store(group::block_of(self.0).trap, Ordering::Release);
    }

    /// The callback is dropped: from now on its calls go to the trap. The slot is laid to rest with its context, which is
    /// freed or another's when that is over, and the closure is dropped too, here or by the last call that is inside.
    ///
    /// # Panics
    /// Where the closure's drop does.
    #[inline] // into programs, which reach thread-locals faster than libraries do
    pub(crate) fn retire(self) {
        self.shut();
        let stock = group::block_of(self.0).stock;
        let context = self.slot().context.load(Ordering::Relaxed);
        // SAFETY: it begins with a head or a grave, which have this in the same place.
        let retire = unsafe { (*context.cast::<Head>()).retire };
        // Until it is retired nobody takes it, however many are dropped by what is dropped with it.
        local::lay_to_rest(self.0, stock);
        if let Some(retire) = retire {
            // SAFETY: the context is there until its slot has rested, and is retired; a callback is dropped once.
            unsafe { retire(context) }
        }
    }

    fn slot(&self) -> &Slot {
        // SAFETY: slots are never unmapped.
        unsafe { self.0.as_ref() }
    }
}

/// How this context ends, if it does.
#[inline(always)]
fn ends(context: *const c_void) -> Option<&'static Ends> {
    // SAFETY: what a slot's context points at begins with a head or a grave, which have this in the same place.
    unsafe { (*context.cast::<Head>()).ends }
}

/// Whether nobody is in calls with this context any more, nor comes: its callback is dropped.
fn is_left(context: *const c_void) -> bool {
    if ends(context).is_none() {
        return true;
    }
    // See `Thunk::shut`.
    fence(Ordering::SeqCst);
    // SAFETY: a context that ends has a head.
    let head = unsafe { &*context.cast::<Head>() };
    let inside = head.inside.load(Ordering::Acquire);
    if head.retire.is_some() { inside == LEFT } else { inside == 0 || inside == CLOSED }
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
