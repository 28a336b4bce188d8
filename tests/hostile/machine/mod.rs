//! The two ends of a stub, in assembly: a caller that enters it with every register set, and a target that records every
//! register and its stack, spoils what its convention lets it spoil, and returns with every register set again.
//!
//! # Safety
//!
//! All state is in one static, so one test at a time may use it: whoever holds the [`Machine`]. The caller switches to a
//! stack of its own and comes back by an address that it keeps in the state, however the stub left the registers.
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as own;
#[cfg(target_arch = "x86_64")]
use x86_64 as own;

pub(crate) use own::{KEPT_VECTOR_BYTES, SP, State, go_on_at, recovery, target, vector_bytes};

use callsmith::arch::interp::Region;
use std::cell::UnsafeCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Shared(UnsafeCell<State>);

// SAFETY: only the holder of LOCK touches the state, see `Machine`.
unsafe impl Sync for Shared {}

// SAFETY: integers and arrays of integers, for which zeros are values.
static STATE: Shared = Shared(UnsafeCell::new(unsafe { std::mem::zeroed() }));
static LOCK: Mutex<()> = Mutex::new(());

/// The right to use the state.
pub(crate) struct Machine {
    _lock: MutexGuard<'static, ()>,
}

impl Machine {
    /// Waits until no other test uses it.
    pub(crate) fn lock() -> Machine {
        Machine { _lock: LOCK.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    pub(crate) fn state(&mut self) -> &mut State {
        // SAFETY: `self` holds the lock, and no assembly runs while the borrow of it lives.
        unsafe { &mut *STATE.0.get() }
    }

    /// Enters the stub.
    ///
    /// # Safety
    ///
    /// `stub` is the address of code that does what it may with what `enter` holds, or else causes a fault that
    /// [`super::fault`] ends at [`recovery`]. At the stack pointer there is a stack, at `frame` room for `frame_len` bytes.
    pub(crate) unsafe fn enter(&mut self) {
        // SAFETY: it keeps what a function must keep; the rest is the caller's promise.
        unsafe { own::hostile_enter() }
    }
}

/// Bytes that are all known.
fn known(bytes: Vec<u8>) -> Region {
    Region { known: vec![true; bytes.len()], bytes }
}
