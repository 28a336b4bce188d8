//! The slots that no thread keeps, by kind; and the traps.

use super::{Kind, Resting, SlotPtr, group};
use crate::engine::code_memory::{CodeMemory, CodePtr, PublishError};
use crate::engine::fork;
use crate::host;
use callsmith_arch::isa;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// How many slots a thread takes at once.
pub(super) const BATCH: usize = 64;

/// The slots of one kind that no thread keeps.
pub(in crate::engine) struct Pool {
    /// Never used.
    fresh: Vec<SlotPtr>,
    /// Dropped long ago, or by threads that are gone; the oldest first.
    resting: VecDeque<Resting>,
}

static POOLS: [Mutex<Pool>; Kind::COUNT] =
    [const { Mutex::new(Pool { fresh: Vec::new(), resting: VecDeque::new() }) }; Kind::COUNT];

static TRAPS: OnceLock<[CodePtr; Kind::COUNT]> = OnceLock::new();

/// The guards of all pools, for a fork.
pub(in crate::engine) type Pools = [MutexGuard<'static, Pool>; Kind::COUNT];

/// All pools, for a fork.
pub(in crate::engine) fn lock_all() -> Pools {
    std::array::from_fn(|index| lock(&POOLS[index]))
}

fn lock(pool: &'static Mutex<Pool>) -> MutexGuard<'static, Pool> {
    // Nothing panics in the middle of a change.
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Slots for a thread that has run out: a batch, of this kind.
pub(super) fn take(kind: Kind) -> Result<Vec<SlotPtr>, PublishError> {
    fork::hold_locks_across();
    let mut pool = lock(&POOLS[kind.index()]);
    let rested = pool.rested();
    if !rested.is_empty() {
        // What a context holds beside its closure is its user's, who may come back here when it is dropped.
        drop(pool);
        return Ok(rested.into_iter().map(Resting::end).collect());
    }
    // Under the lock: a fork that came in the middle would leave the child waiting for a thread that it does not have.
    publish_traps()?;
    if pool.fresh.is_empty() {
        pool.fresh.extend(group::make(kind)?);
    }
    let left = pool.fresh.len().saturating_sub(BATCH);
    Ok(pool.fresh.split_off(left))
}

impl Pool {
    /// A batch of slots that have rested, or as many of it as nobody is inside of.
    fn rested(&mut self) -> Vec<Resting> {
        if self.resting.len() < super::REST + BATCH {
            return Vec::new();
        }
        let (left, inside): (Vec<_>, Vec<_>) = self.resting.drain(..BATCH).partition(Resting::is_left);
        self.resting.extend(inside);
        left
    }
}

/// Takes over resting slots from a thread that has too many, or ends.
pub(super) fn give_back(kind: Kind, slots: impl Iterator<Item = Resting>) {
    lock(&POOLS[kind.index()]).resting.extend(slots);
}

/// Takes over unused slots from a thread that ends.
pub(super) fn give_back_unused(kind: Kind, slots: impl Iterator<Item = SlotPtr>) {
    lock(&POOLS[kind.index()]).fresh.extend(slots);
}

/// The trap of a kind. There is one before there is a slot.
pub(super) fn trap(kind: Kind) -> CodePtr {
    match TRAPS.get() {
        Some(traps) => traps[kind.index()],
        None => std::process::abort(),
    }
}

fn publish_traps() -> Result<(), PublishError> {
    if TRAPS.get().is_none() {
        let code = Kind::ALL.map(|kind| isa::trap(host::ABI, kind.index()));
        let traps = CodeMemory::global().publish_all(code.each_ref().map(Vec::as_slice))?;
        // Who comes second leaves its own unused.
        let _ = TRAPS.set(traps);
    }
    Ok(())
}
