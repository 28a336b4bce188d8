//! Callbacks: Rust closures as C function pointers.
//!
//! ```
//! use callsmith::{Callback, Library, Ptr};
//!
//! let compare: Callback<fn(Ptr, Ptr) -> i32> = Callback::new(|a: Ptr, b: Ptr| {
//!     // SAFETY: qsort gives pointers to elements, which are i32.
//!     let (a, b) = unsafe { (*a.as_ptr().cast::<i32>(), *b.as_ptr().cast::<i32>()) };
//!     a.cmp(&b) as i32
//! })?;
//! let libc = Library::this_process();
//! // SAFETY: this is qsort's prototype, and the lengths below match.
//! let qsort = unsafe {
//!     libc.function("void qsort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))")?
//! };
//! let mut numbers = [5, 1, 99, 7, 33];
//! let () = qsort.call((&mut numbers[..], 5usize, 4usize, &compare))?;
//! assert_eq!(numbers, [1, 5, 7, 33, 99]);
//! # Ok::<(), callsmith::Error>(())
//! ```
//!
//! | closure | made by | may be called | type |
//! |---|---|---|---|
//! | `Fn + Send + Sync` | [`Callback::new`] | on any thread, also while it runs | `Callback<S>` |
//! | the same, never dropped | [`Callback::forever`] | on any thread, also while it runs | `&'static Callback<S>` |
//! | `FnMut + Send` | [`Callback::new_mut`] | on any thread, not while it runs | `Callback<S>` |
//! | `FnOnce + Send` | [`Callback::new_once`] | on any thread, once | `Callback<S>` |
//! | `Fn` | [`Callback::local`] | on the thread that made it, also while it runs | `Callback<S, ThisThread>` |
//! | `FnMut` | [`Callback::local_mut`] | on the thread that made it, not while it runs | `Callback<S, ThisThread>` |
//! | `FnOnce` | [`Callback::local_once`] | on the thread that made it, once | `Callback<S, ThisThread>` |
//! | `FnMut` that borrows | [`scoped`] | on the thread that made it, not while it runs | `&Callback<S, ThisThread>` |
//! | `Fn + Send + Sync` that borrows | [`scoped_shared`] | on any thread, also while it runs | `&Callback<S>` |
//!
//! [`DynCallback`] has the same of prototypes that are known at run time only; its builder has a `scoped`.
//!
//! A call that may not be ends the process with a sentence that says which callback it was. So does a call after the
//! callback was dropped; a call that is inside then finishes first, and the closure is dropped when it has. The address of
//! a dropped callback rests for at least 256 drops of the thread that dropped it. C that calls it after that may find it
//! somebody else's: with a function pointer that C keeps, the callback is to be kept too, or [leaked](Callback::leak). A
//! callback that is forgotten goes on working.
//!
//! A panic ends the process, unless the [`Builder`] was told otherwise.

mod context;
mod dynamic;
mod guard;
mod make;
mod panics;
mod scope;
mod signature;
mod stop;
#[cfg(test)]
mod tests;
mod thread;
mod typed;
mod values;

pub use dynamic::{CallbackArgs, DynBuilder, DynCallback};
pub use panics::Kept;
#[doc(hidden)]
pub use panics::{Keep, OnPanic, Pass};
pub use scope::{scoped, scoped_shared};
pub use signature::{Signature, Stdcall, SysV64, Win64};
pub use typed::{Builder, Callback};

#[doc(hidden)]
pub use context::{Context, Header};
#[doc(hidden)]
pub use signature::{Bare, Entry, Mutable, Once, Run, Shared};

use crate::data::Ptr;
use std::ffi::c_void;
use std::marker::PhantomData;

/// On which threads a callback may be called, and dropped.
pub trait Threads: sealed::Sealed {}

/// On any: its closure is `Send`, and `Sync` or called once at a time.
pub struct AnyThread(());

/// On the one that made it.
pub struct ThisThread(PhantomData<*const ()>);

impl Threads for AnyThread {}
impl Threads for ThisThread {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::AnyThread {}
    impl Sealed for super::ThisThread {}
}

/// A callback's address is one that C may call.
#[allow(unsafe_code)]
fn vouched(address: *const c_void) -> Ptr {
    // SAFETY: code that answers every call: with the closure, or with a sentence.
    unsafe { Ptr::new(address) }
}
