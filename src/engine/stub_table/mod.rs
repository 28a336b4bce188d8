//! The stub table: from a signature to its stub, shared by all threads.
//!
//! Looked into when a function is bound, never when it is called. The key is what the types are, not where their
//! descriptions lie: a caller that describes the same function again finds the same stub.
//!
//! A hit takes no lock and allocates nothing. Misses take turns: the first prepares and publishes the stub, those who
//! wanted the same one find it when their turn comes, so that no code is made in vain. Making code in parallel would
//! gain little, because most of a miss is the system calls of publishing, which wait for one another anyway. Hits never
//! wait for a miss.
//!
//! Stubs live until the process ends, as their code does: there is one for each distinct signature, however often it is
//! bound.

mod level;
#[cfg(test)]
mod tests;

use super::bound::Returns;
use super::code_memory::{self, CodeMemory, CodePtr, PublishError};
use super::fork;
use crate::arch::plan::Room;
use crate::arch::{self, CallPlan, Signature, abi};
use foldhash::fast::FixedState;
use level::{Last, Levels};
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Always the same: who may choose signatures calls C functions, and need not look for ones that collide.
const HASHER: FixedState = FixedState::with_seed(0);

/// The process-wide table.
pub(super) static GLOBAL: StubTable = StubTable::new(&code_memory::GLOBAL);

/// Everything that calling a function of one signature takes.
#[derive(Debug)]
pub(crate) struct Stub {
    /// What it is for.
    pub(crate) signature: Signature,
    /// The signature's hash.
    hash: u64,
    /// The code that takes its arguments from slots.
    pub(crate) slots: CodePtr,
    /// How that gives the result back.
    pub(crate) returns: Returns,
    /// The result's size in bytes.
    pub(crate) result_size: u32,
    /// The code that takes its arguments from an array of pointers, once it was asked for.
    pub(super) gather: OnceLock<CodePtr>,
    /// The code that dynamic callbacks of this signature share, once there is one.
    pub(super) adapter: OnceLock<CodePtr>,
}

impl Stub {
    /// Where everything goes: planned anew, since few ask and it takes more memory than all the rest.
    ///
    /// # Errors
    ///
    /// As for [`abi::classify`], so none: it was planned before.
    pub(crate) fn plan(&self) -> Result<CallPlan, arch::Error> {
        abi::classify(&self.signature)
    }
}

/// Why there is no stub for a signature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// The convention has no place for it.
    #[error(transparent)]
    Plan(#[from] arch::Error),
    /// The system did not take the code.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What there is to know of a stub whose code is written.
pub(crate) struct Prepared {
    /// How it gives the result back.
    pub(crate) returns: Returns,
    /// The result's size in bytes.
    pub(crate) result_size: u32,
}

/// From a signature to its stub.
pub(crate) struct StubTable {
    memory: &'static CodeMemory,
    levels: Levels,
    /// How many stubs were entered: so that a miss knows whether one came between its look and its turn.
    count: AtomicUsize,
    /// Held by the one miss that is being prepared. Taken before the memory's lock.
    turn: Mutex<Turn>,
}

/// Memory that each preparation uses after the other.
pub(crate) struct Spare {
    /// For the plan.
    pub(crate) room: Room,
    /// For the code that takes its arguments from slots.
    pub(crate) code: Vec<u8>,
}

/// What it takes to add a stub.
pub(crate) struct Turn {
    spare: Spare,
    last: Last,
    /// Room for the next stubs: one allocation for many.
    room: &'static mut [MaybeUninit<Stub>],
}

/// For how many stubs room is made at once.
const ROOM: usize = 32;

impl Turn {
    /// Keeps `stub` for ever.
    fn keep(&mut self, stub: Stub) -> &'static Stub {
        let room = match std::mem::take(&mut self.room) {
            [] => Box::leak(Box::new_uninit_slice(ROOM)),
            room => room,
        };
        let (place, rest) = room.split_at_mut(1);
        self.room = rest;
        place[0].write(stub)
    }
}

impl StubTable {
    /// A table of its own, whose code goes to `memory`.
    pub(crate) const fn new(memory: &'static CodeMemory) -> StubTable {
        let spare = Spare { room: Room::new(), code: Vec::new() };
        let turn = Turn { spare, last: Last::new(), room: &mut [] };
        StubTable { memory, levels: Levels::new(), count: AtomicUsize::new(0), turn: Mutex::new(turn) }
    }

    /// The process-wide table.
    pub(crate) fn global() -> &'static StubTable {
        fork::hold_locks_across();
        &GLOBAL
    }

    /// The stub for `signature`: the one there is, or one from what `prepare` makes.
    ///
    /// # Errors
    ///
    /// Why there can be none. Nothing is remembered of it: the next call tries again.
    #[inline(never)] // `benches/preparation.rs` counts it
    pub(crate) fn get_or_prepare(
        &self,
        signature: Signature,
        prepare: impl FnOnce(&Signature, &mut Spare) -> Result<Prepared, arch::Error>,
    ) -> Result<&'static Stub, PrepareError> {
        let hash = HASHER.hash_one(&signature);
        let count = self.count.load(Ordering::Acquire);
        if let Some(stub) = self.levels.find(hash, &signature) {
            return Ok(stub);
        }
        let mut turn = self.take_turn();
        if self.count.load(Ordering::Relaxed) != count
            && let Some(stub) = self.levels.find(hash, &signature)
        {
            return Ok(stub);
        }
        let prepared = prepare(&signature, &mut turn.spare)?;
        let slots = self.memory.publish(&turn.spare.code)?;
        Ok(self.enter(&mut turn, signature, hash, prepared, slots))
    }

    /// Enters a stub that there was none of.
    fn enter(
        &self,
        turn: &mut Turn,
        signature: Signature,
        hash: u64,
        prepared: Prepared,
        slots: CodePtr,
    ) -> &'static Stub {
        let Prepared { returns, result_size } = prepared;
        let [gather, adapter] = [const { OnceLock::new() }; 2];
        let stub = turn.keep(Stub { signature, hash, slots, returns, result_size, gather, adapter });
        self.levels.insert(&mut turn.last, stub);
        self.count.fetch_add(1, Ordering::Release);
        stub
    }

    /// Makes those of the stubs that there are not, and publishes them together. A signature that there can be no stub for is
    /// left out: whoever asks for it is told why.
    ///
    /// # Errors
    ///
    /// What the system refused. Then no stub was entered.
    pub(crate) fn prepare_all(
        &self,
        signatures: Vec<Signature>,
        prepare: impl Fn(&Signature, &mut Spare) -> Result<Prepared, arch::Error>,
    ) -> Result<(), PublishError> {
        let mut turn = self.take_turn();
        let mut made = HashMap::with_hasher(HASHER);
        for signature in signatures {
            let hash = HASHER.hash_one(&signature);
            if made.contains_key(&signature) || self.levels.find(hash, &signature).is_some() {
                continue;
            }
            if let Ok(prepared) = prepare(&signature, &mut turn.spare) {
                made.insert(signature, (hash, prepared, turn.spare.code.clone()));
            }
        }
        let made: Vec<_> = made.into_iter().collect();
        let pieces: Vec<&[u8]> = made.iter().map(|(_, (_, _, code))| &**code).collect();
        let codes = self.memory.publish_batch(&pieces)?;
        for ((signature, (hash, prepared, _)), slots) in made.into_iter().zip(codes) {
            self.enter(&mut turn, signature, hash, prepared, slots);
        }
        Ok(())
    }

    /// The lock that whoever makes code for a stub holds, and the only one there is. Never taken twice by one thread.
    pub(crate) fn take_turn(&self) -> MutexGuard<'_, Turn> {
        // A poisoned lock is taken all the same: a stub is entered whole or not at all.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
