//! The engine's process-wide locks, held across `fork`.
//!
//! A child has one thread. A lock that another thread of the parent held at the fork would stay locked in the child for
//! ever, with half a change behind it. So the forking thread takes them first, and lets them go on both sides: the child
//! finds every stub that the parent had, and goes on.
//!
//! This holds for `fork`, from anywhere but a signal handler that interrupts the engine itself. It does not hold for
//! `_Fork` or a raw `clone`, which run no handlers, nor does it have to for `vfork` and `posix_spawn`, whose child must
//! do nothing but `exec`.
//!
//! # Safety
//!
//! The guards lie in a static between the two handlers. Only the thread that holds the locks touches it, and in the child
//! that thread's copy.
#![allow(unsafe_code)]

use super::code_memory::{self, Chunk};
use super::stub_table::{self, Locks};
use super::thunks;
use crate::sys;
use std::cell::UnsafeCell;
use std::process::abort;
use std::sync::{MutexGuard, Once};

/// The guards, while a fork is under way. A new process-wide lock gets its field here, in the order of taking.
struct Held {
    _stub_table: Locks<'static>,
    _thunks: thunks::Pools,
    _code_memory: MutexGuard<'static, Chunk>,
}

/// A place that belongs to the thread that holds the locks.
struct Place(UnsafeCell<Option<Held>>);

// SAFETY: accessed between taking and releasing the locks only, so by one thread at a time.
unsafe impl Sync for Place {}

static HELD: Place = Place(UnsafeCell::new(None));

/// From the first call on, forks hold the locks. Each way to a process-wide lock calls this first.
pub(super) fn hold_locks_across() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = sys::at_fork(take, release) {
            // Three pointers' worth of memory are lacking: as fatal as any failed allocation is in Rust.
            eprintln!("callsmith: no fork handler: {error}");
            abort();
        }
    });
}

extern "C" fn take() {
    let held = Held {
        _stub_table: stub_table::GLOBAL.lock(),
        _thunks: thunks::lock_all(),
        _code_memory: code_memory::GLOBAL.lock(),
    };
    // SAFETY: this thread holds the locks from here on.
    unsafe { *HELD.0.get() = Some(held) };
}

extern "C" fn release() {
    // SAFETY: this thread, or the one it is the copy of, took the locks in `take`, and holds them until `held` goes.
    let held = unsafe { (*HELD.0.get()).take() };
    drop(held);
}
