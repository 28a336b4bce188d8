//! Callbacks that borrow.
//!
//! # Safety
//!
//! A closure that borrows becomes one that does not, for as long as [`scoped`] runs: the callback cannot leave it, since
//! only a reference to it is given out, and is dropped before the borrows end, also on a panic. If a call is inside at
//! that moment, on another thread, the scope waits for it.
#![allow(unsafe_code)]

use super::guard::{Anybody, Guard, OneCall};
use super::make::{self, Live};
use super::signature::{Mutable, Run, Shared};
use super::{AnyThread, Builder, Callback, Signature, ThisThread, Threads};
use crate::error::Error;

/// Runs `body` with a callback whose closure may borrow from around.
///
/// ```
/// use callsmith::{Callback, Library, Ptr, callback};
///
/// let libc = Library::this_process();
/// // SAFETY: this is bsearch's prototype, and the lengths below match.
/// let bsearch = unsafe {
///     libc.function(
///         "void *bsearch(const void *key, const void *base, size_t n, size_t size,
///                        int (*cmp)(const void *, const void *))",
///     )?
/// };
/// let mut steps = 0;
/// let count = |a: Ptr, b: Ptr| {
///     steps += 1;
///     // SAFETY: bsearch gives pointers to the key and to elements.
///     let (a, b) = unsafe { (*a.as_ptr().cast::<i32>(), *b.as_ptr().cast::<i32>()) };
///     a.cmp(&b) as i32
/// };
/// let found = callback::scoped::<fn(Ptr, Ptr) -> i32, _, _>(count, |compare| {
///     bsearch.call::<_, Ptr>((&7, &[1, 3, 5, 7, 9][..], 5usize, 4usize, compare))
/// })??;
/// assert!(!found.is_null() && steps > 0);
/// # Ok::<(), callsmith::Error>(())
/// ```
///
/// # Errors
/// As for [`Callback::new`].
pub fn scoped<S, F, T>(closure: F, body: impl FnOnce(&Callback<S, ThisThread>) -> T) -> Result<T, Error>
where
    S: Signature,
    Mutable<F>: Run<S::Args, S::Result>,
{
    // SAFETY: the callback ends below. Only this thread may be inside, and it is not any more when `body` has ended.
    let callback = unsafe { Callback::<S, ThisThread>::borrowing::<_, OneCall>(Mutable(closure))? };
    Ok(body(&callback))
}

/// As [`scoped`], with a callback that any thread may call. The end of the scope waits for calls that are inside.
///
/// # Errors
/// As for [`Callback::new`].
pub fn scoped_shared<S, F, T>(closure: F, body: impl FnOnce(&Callback<S>) -> T) -> Result<T, Error>
where
    S: Signature,
    F: Send + Sync,
    Shared<F>: Run<S::Args, S::Result>,
{
    // SAFETY: the callback ends below, and `Waiting` goes before it.
    let callback = unsafe { Callback::<S, AnyThread>::borrowing::<_, Anybody>(Shared(closure))? };
    let waiting = Waiting(&callback.live);
    let result = body(&callback);
    drop(waiting);
    Ok(result)
}

/// Keeps a scope from ending while calls are inside, also when it ends by a panic.
struct Waiting<'a>(&'a Live);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // SAFETY: so was it.
        unsafe { self.0.close() };
    }
}

impl<S: Signature, T: Threads> Callback<S, T> {
    /// # Safety
    /// The callback is dropped, and nobody is inside, before anything ends that the closure borrows. The closure may be
    /// called on the threads that `T` says, if `G` lets them in.
    #[track_caller]
    unsafe fn borrowing<W, G>(closure: W) -> Result<Callback<S, T>, Error>
    where
        W: Run<S::Args, S::Result>,
        G: Guard,
    {
        let Builder { wish, panic, .. } = Callback::<S>::builder();
        // SAFETY: the caller's promise.
        let live = unsafe { make::typed::<S, W, G, _>(closure, panic, wish)? };
        Ok(Callback::of(live))
    }
}
