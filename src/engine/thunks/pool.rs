//! Where slots come from and go to, by kind; and the traps.

use super::{Kind, REST, Slot, end, group, is_left};
use crate::engine::code_memory::{CodeMemory, PublishError};
use crate::engine::fork;
use crate::host;
use callsmith_arch::isa;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many slots a thread takes at once.
const BATCH: usize = 64;

/// What the slots of one kind have in common.
pub(in crate::engine) struct Home {
    pub(super) kind: Kind,
    /// Where dropped slots go. It is there before there is a slot.
    pub(super) trap: AtomicPtr<c_void>,
    pool: Mutex<Pool>,
}

/// The slots that no thread keeps.
pub(in crate::engine) struct Pool {
    /// Nobody's.
    free: Vec<SlotPtr>,
    /// Dropped long ago, or by threads that are gone; the oldest first.
    resting: VecDeque<Resting>,
}

/// A dropped slot. What looks for leaks finds its context here: slots are in memory that it does not know.
struct Resting {
    slot: SlotPtr,
    context: AtomicPtr<c_void>,
}

impl Resting {
    fn new(slot: NonNull<Slot>) -> Resting {
        let context = AtomicPtr::new(words(slot).context.load(Ordering::Relaxed));
        Resting { slot: SlotPtr(slot), context }
    }

    fn is_left(&self) -> bool {
        is_left(self.context.load(Ordering::Relaxed))
    }
}

struct SlotPtr(NonNull<Slot>);

// SAFETY: whoever holds it owns the slot; its words are atomic, and the context behind it may be freed on any thread.
#[allow(unsafe_code)]
unsafe impl Send for SlotPtr {}

static HOMES: [Home; Kind::COUNT] = {
    let mut homes = [const { Home::new(Kind::ADAPTER) }; Kind::COUNT];
    let mut index = 0;
    while index < Kind::COUNT {
        homes[index].kind = Kind::ALL[index];
        index += 1;
    }
    homes
};

/// The guards of all pools, for a fork.
pub(in crate::engine) type Pools = [MutexGuard<'static, Pool>; Kind::COUNT];

/// All pools, for a fork.
pub(in crate::engine) fn lock_all() -> Pools {
    HOMES.each_ref().map(Home::lock)
}

impl Home {
    const fn new(kind: Kind) -> Home {
        let pool = Pool { free: Vec::new(), resting: VecDeque::new() };
        Home { kind, trap: AtomicPtr::new(ptr::null_mut()), pool: Mutex::new(pool) }
    }

    pub(super) fn of(kind: Kind) -> &'static Home {
        &HOMES[kind.index()]
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        // Nothing panics in the middle of a change.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Slots for a thread that has run out: a batch that is nobody's.
    pub(super) fn take(&'static self) -> Result<Vec<NonNull<Slot>>, PublishError> {
        fork::hold_locks_across();
        let mut pool = self.lock();
        let rested = pool.rested();
        if !rested.is_empty() {
            // What a context holds beside its closure is its user's, who may come back here when it is dropped.
            drop(pool);
            return Ok(rested
                .into_iter()
                .map(|resting| resting.slot.0)
                .inspect(|slot| end(words(*slot)))
                .collect());
        }
        // Under the lock: a fork that came in the middle would leave the child waiting for a thread that it does not have.
        self.publish_traps()?;
        if pool.free.is_empty() {
            pool.free.extend(group::make(self)?.map(SlotPtr));
        }
        let left = pool.free.len().saturating_sub(BATCH);
        Ok(pool.free.drain(left..).map(|SlotPtr(slot)| slot).collect())
    }

    /// Takes slots that are nobody's.
    pub(super) fn give_back(&self, slots: impl Iterator<Item = NonNull<Slot>>) {
        self.lock().free.extend(slots.map(SlotPtr));
    }

    /// Takes dropped slots, the oldest first.
    pub(super) fn lay_to_rest(&self, slots: impl Iterator<Item = NonNull<Slot>>) {
        self.lock().resting.extend(slots.map(Resting::new));
    }

    fn publish_traps(&self) -> Result<(), PublishError> {
        if self.trap.load(Ordering::Relaxed).is_null() {
            let code = Kind::ALL.map(|kind| isa::trap(host::ABI, kind.register()));
            let traps = CodeMemory::global().publish_all(code.each_ref().map(Vec::as_slice))?;
            for (home, trap) in HOMES.iter().zip(traps) {
                // Where two threads come at once, one trap is as good as the other.
                home.trap.store(trap.as_ptr().cast_mut().cast(), Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

impl Pool {
    /// A batch of slots that have rested, or as many of it as nobody is inside of.
    fn rested(&mut self) -> Vec<Resting> {
        if self.resting.len() < REST + BATCH {
            return Vec::new();
        }
        let batch = self.resting.drain(..BATCH);
        let (left, inside): (Vec<_>, Vec<_>) = batch.partition(Resting::is_left);
        self.resting.extend(inside);
        left
    }
}

#[allow(unsafe_code)]
fn words<'a>(slot: NonNull<Slot>) -> &'a Slot {
    // SAFETY: slots are never unmapped.
    unsafe { slot.as_ref() }
}
