//! What becomes of a panic in a callback.
//!
//! # Safety
//!
//! What C gets instead of a result crosses threads: it is a value that is given to C by value, so bytes that mean the
//! same everywhere.
#![allow(unsafe_code)]

use crate::function::Give;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// What becomes of a panic in a closure that gives back `R`.
pub trait OnPanic<R> {
    /// Runs the closure.
    fn run(&self, closure: impl FnOnce() -> R) -> R;
}

/// It goes on: out of an `extern "C"` function that is the end of the process, with Rust's message; out of an
/// `extern "C-unwind"` function it goes through C.
pub struct Pass;

impl<R> OnPanic<R> for Pass {
    #[inline(always)]
    fn run(&self, closure: impl FnOnce() -> R) -> R {
        closure()
    }
}

/// It is kept, and C gets this instead.
pub struct Keep<R: Give> {
    instead: R::Native,
    kept: Kept,
}

// SAFETY: plain bytes, copied out.
unsafe impl<R: Give> Send for Keep<R> {}
// SAFETY: as above.
unsafe impl<R: Give> Sync for Keep<R> {}

impl<R: Give> Keep<R> {
    pub(super) fn new(instead: R) -> (Keep<R>, Kept) {
        let kept = Kept::default();
        (Keep { instead: instead.give(), kept: kept.share() }, kept)
    }
}

impl<R: Give> OnPanic<R> for Keep<R> {
    fn run(&self, closure: impl FnOnce() -> R) -> R {
        // SAFETY: it was a value of this type.
        self.kept.catch(closure).unwrap_or_else(|| unsafe { R::from_native(self.instead) })
    }
}

/// The panics of a callback that keeps them.
#[derive(Default)]
pub struct Kept(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl Kept {
    /// The first panic since the last time, as [`std::panic::catch_unwind`] would have given it.
    pub fn take(&self) -> Option<Box<dyn Any + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Goes on with the panic, if there was one.
    pub fn resume(&self) {
        if let Some(payload) = self.take() {
            resume_unwind(payload);
        }
    }

    /// A second handle on the same panics.
    pub(super) fn share(&self) -> Kept {
        Kept(Arc::clone(&self.0))
    }

    /// What the closure gives back; `None` if it panics.
    pub(super) fn catch<R>(&self, closure: impl FnOnce() -> R) -> Option<R> {
        let payload = match catch_unwind(AssertUnwindSafe(closure)) {
            Ok(result) => return Some(result),
            Err(payload) => payload,
        };
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            // The first one tells most.
            *first = Some(payload);
        } else {
            drop(first);
            // Dropping it is its author's code, which may panic too; C is behind us.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        }
        None
    }
}
