//! The stub table: from a signature to its stub, shared by all threads.
//!
//! Looked into when a function is bound, never when it is called. The key is what the types are, not where their
//! descriptions lie: a caller that describes the same function again finds the same stub.
//!
//! A hit takes a read lock and allocates nothing. Misses take turns: the first prepares and publishes the stub, those
//! who wanted the same one find it when their turn comes, so that no code is made in vain. Making code in parallel would
//! gain little, because most of a miss is the system calls of publishing, which wait for one another anyway. Hits do not
//! wait for a miss but while it enters its stub.
//!
//! Stubs live until the process ends, as their code does: there is one for each distinct signature, however often it is
//! bound.

#[cfg(test)]
mod tests;

use super::bound::Returns;
use super::code_memory::{self, CodeMemory, CodePtr, PublishError};
use super::fork;
use crate::arch::{self, CallPlan, Signature, abi};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

/// The process-wide table.
pub(super) static GLOBAL: StubTable = StubTable::new(&code_memory::GLOBAL);

/// Everything that calling a function of one signature takes.
#[derive(Debug)]
pub(crate) struct Stub {
    /// What it is for.
    pub(crate) signature: Signature,
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

/// A stub before its code is published.
pub(crate) struct Prepared {
    /// The code that takes its arguments from slots.
    pub(crate) slots: Vec<u8>,
    /// How it gives the result back.
    pub(crate) returns: Returns,
    /// The result's size in bytes.
    pub(crate) result_size: u32,
}

/// What a look into the table finds.
enum Found {
    Stub(&'static Stub),
    /// No stub for the signature among so many.
    Nothing {
        among: usize,
    },
}

/// The key lies in the stub.
type Stubs = HashMap<&'static Signature, &'static Stub, RandomState>;

/// From a signature to its stub.
pub(crate) struct StubTable {
    memory: &'static CodeMemory,
    /// Held by the one miss that is being prepared: how many stubs there are, so that who waited knows whether to look
    /// again. Taken before the lock on `stubs`, and that before the memory's.
    turn: Mutex<usize>,
    /// `None` until the first: its hasher gets its seed at run time.
    stubs: RwLock<Option<Stubs>>,
}

impl StubTable {
    /// A table of its own, whose code goes to `memory`.
    pub(crate) const fn new(memory: &'static CodeMemory) -> StubTable {
        StubTable { memory, turn: Mutex::new(0), stubs: RwLock::new(None) }
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
        prepare: impl FnOnce(&Signature) -> Result<Prepared, arch::Error>,
    ) -> Result<&'static Stub, PrepareError> {
        let known = match self.get(&signature) {
            Found::Stub(stub) => return Ok(stub),
            Found::Nothing { among } => among,
        };
        let mut made = self.take_turn();
        if *made != known
            && let Found::Stub(stub) = self.get(&signature)
        {
            return Ok(stub);
        }
        let Prepared { slots, returns, result_size } = prepare(&signature)?;
        let slots = self.memory.publish(&slots)?;
        let [gather, adapter] = [const { OnceLock::new() }; 2];
        let stub = Stub { signature, slots, returns, result_size, gather, adapter };
        let stub: &'static Stub = Box::leak(Box::new(stub));
        *made += 1;
        self.write().get_or_insert_default().insert(&stub.signature, stub);
        Ok(stub)
    }

    #[inline(never)]
    fn get(&self, signature: &Signature) -> Found {
        let stubs = self.stubs.read().unwrap_or_else(PoisonError::into_inner);
        let Some(stubs) = &*stubs else { return Found::Nothing { among: 0 } };
        match stubs.get(signature) {
            Some(stub) => Found::Stub(stub),
            None => Found::Nothing { among: stubs.len() },
        }
    }

    // A poisoned lock is taken all the same: an entry is whole or absent, and a wrong count costs a look.

    /// The lock that whoever makes code for a stub holds. Never taken twice by one thread.
    pub(crate) fn take_turn(&self) -> MutexGuard<'_, usize> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Stubs>> {
        self.stubs.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of the table's locks, for a fork.
    pub(super) fn lock(&self) -> Locks<'_> {
        let turn = self.take_turn();
        Locks { _turn: turn, _stubs: self.write() }
    }
}

/// The guards of a table that stands still.
pub(super) struct Locks<'a> {
    _turn: MutexGuard<'a, usize>,
    _stubs: RwLockWriteGuard<'a, Option<Stubs>>,
}
