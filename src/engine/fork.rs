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
//! The handlers may be registered more than once, by threads that come at the same time. Waiting for one another would
//! not do: a child that is forked in the middle would wait for a thread that it does not have.
//!
//! # Safety
//!
//! The guards lie in a static between the two handlers. Only the thread that holds the locks touches it, and in the child
//! that thread's copy.
#![allow(unsafe_code)]

use super::code_memory::{self, Chunk};
use super::stub_table::{self, Turn};
use super::thunks;
use crate::sys;
use std::cell::UnsafeCell;
use std::process::abort;
use std::ptr;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// The guards, while a fork is under way. A new process-wide lock gets its field here, in the order of taking.
struct Held {
    _stub_table: MutexGuard<'static, Turn>,
    _thunks: thunks::Pools,
    _code_memory: MutexGuard<'static, Chunk>,
}

/// A place that belongs to the thread that holds the locks.
struct Place(UnsafeCell<Option<Held>>);

// SAFETY: accessed between taking and releasing the locks only, so by one thread at a time.
unsafe impl Sync for Place {}

static HELD: Place = Place(UnsafeCell::new(None));

/// The [`me`] of the thread that has put the guards there, or null.
static HOLDER: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// An address of this thread's own, the same in a child that it forks.
fn me() -> *mut u8 {
    thread_local!(static ME: u8 = const { 0 });
    ME.with(|me| ptr::from_ref(me).cast_mut())
}

/// From the first call on, forks hold the locks. Each way to a process-wide lock calls this first.
#[inline]
pub(super) fn hold_locks_across() {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if !REGISTERED.load(Ordering::Acquire) {
        register();
        REGISTERED.store(true, Ordering::Release);
    }
}

#[cold]
fn register() {
    if let Err(error) = sys::at_fork(take, release) {
        // Three pointers' worth of memory are lacking: as fatal as any failed allocation is in Rust.
        eprintln!("callsmith: no fork handler: {error}");
        abort();
    }
}

extern "C" fn take() {
    if HOLDER.load(Ordering::Relaxed) == me() {
        return;
    }
    let held = Held {
        _stub_table: stub_table::GLOBAL.take_turn(),
        _thunks: thunks::lock_all(),
        _code_memory: code_memory::GLOBAL.lock(),
    };
    // SAFETY: this thread holds the locks from here on.
    unsafe { *HELD.0.get() = Some(held) };
    HOLDER.store(me(), Ordering::Relaxed);
}

extern "C" fn release() {
    if HOLDER.load(Ordering::Relaxed) != me() {
        return;
    }
    HOLDER.store(ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: this thread, or the one it is the copy of, took the locks in `take`, and holds them until `held` goes.
    let held = unsafe { (*HELD.0.get()).take() };
    drop(held);
}

#[cfg(all(test, unix))]
mod tests {
    use super::{hold_locks_across, register};
    use crate::engine::code_memory::CodeMemory;
    use crate::engine::testing::code::returns;
    use crate::engine::testing::in_child;

    #[test]
    fn handlers_that_are_registered_twice_take_the_locks_once() {
        hold_locks_across();
        register();
        let publish = || CodeMemory::global().publish(&returns(0)).is_ok();
        for _ in 0..3 {
            let child = in_child(|| publish() && in_child(publish).succeeded());
            assert!(publish());
            assert!(child.succeeded());
        }
    }
}
