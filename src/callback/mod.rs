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
//! | closure | made by | may be called |
//! |---|---|---|
//! | `Fn + Send + Sync` | [`Callback::new`] | on any thread, also while it runs |
//! | `Fn` | [`Callback::local`] | on the thread that made it, also while it runs |
//! | `FnMut` | [`Callback::local_mut`] | on the thread that made it, not while it runs |
//! | `FnOnce` | [`Callback::once`] | on the thread that made it, once |
//! | any of these that borrows | [`scoped`] | as above, until the scope ends |
//!
//! A call that may not be ends the process with a sentence that says which callback it was. So does a call after the
//! callback was dropped; a call that is inside then finishes first. A panic ends the process too, unless the
//! [`Builder`] was told otherwise. A callback that is forgotten, or [leaked](Callback::leak), goes on working.

mod context;
mod dynamic;
mod make;
mod scope;
mod signature;
mod stop;

pub use dynamic::{CallbackArgs, DynCallback};
pub use scope::{scoped, scoped_shared};
pub use signature::Signature;

use crate::ctype::{CType, Convention};
use crate::data::{Ptr, Value};
use crate::error::Error;
use crate::function::Arg;
use callsmith_arch::layout::{Scalar, Type};
use context::{Anybody, OneCall, OneThread};
#[doc(hidden)]
pub use context::{Context, Header, Keep, OnPanic, Pass};
use make::{Live, Wish};
#[doc(hidden)]
pub use signature::{Bare, Entry, Mutable, Once, Run, Shared};
use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// A Rust closure as a C function pointer of signature `S`, a function type such as `fn(i32) -> f64`.
///
/// See the [module](self) for who may call it.
pub struct Callback<S: Signature> {
    live: Live,
    signature: PhantomData<S>,
}

/// How a callback is to be made, where the defaults do not fit.
pub struct Builder<S: Signature, P = Pass> {
    wish: Wish,
    panic: P,
    signature: PhantomData<S>,
}

impl<S: Signature> Callback<S> {
    /// A callback that any thread may call.
    ///
    /// # Errors
    /// No memory for code, or a system that lets no code be made.
    #[track_caller]
    pub fn new<F>(closure: F) -> Result<Callback<S>, Error>
    where
        F: Send + Sync + 'static,
        Shared<F>: Run<S::Args, S::Result>,
        Bare<F>: Entry<S::Args, S::Result>,
    {
        let builder = Builder::new();
        match make::bare::<S, F>(closure, builder.wish)? {
            Ok(live) => Ok(Callback { live, signature: PhantomData }),
            Err(closure) => builder.shared(closure),
        }
    }

    /// A callback that only this thread may call.
    ///
    /// # Errors
    /// As for [`Callback::new`].
    #[track_caller]
    pub fn local<F: 'static>(closure: F) -> Result<Callback<S>, Error>
    where
        Shared<F>: Run<S::Args, S::Result>,
    {
        Builder::new().local(closure)
    }

    /// A callback that only this thread may call, and not while it runs.
    ///
    /// # Errors
    /// As for [`Callback::new`].
    #[track_caller]
    pub fn local_mut<F: 'static>(closure: F) -> Result<Callback<S>, Error>
    where
        Mutable<F>: Run<S::Args, S::Result>,
    {
        Builder::new().local_mut(closure)
    }

    /// A callback that only this thread may call, once.
    ///
    /// # Errors
    /// As for [`Callback::new`].
    #[track_caller]
    pub fn once<F: 'static>(closure: F) -> Result<Callback<S>, Error>
    where
        Once<F>: Run<S::Args, S::Result>,
    {
        Builder::new().once(closure)
    }

    /// A way to ask for more: a convention, another end of panics.
    #[track_caller]
    pub fn builder() -> Builder<S> {
        Builder::new()
    }

    /// The function pointer.
    pub fn address(&self) -> *const c_void {
        self.live.address()
    }

    /// The function pointer, for C to keep for ever. The closure is never dropped.
    pub fn leak(self) -> Ptr {
        let address = self.address();
        std::mem::forget(self);
        vouched(address)
    }
}

/// A callback's address is one that C may call.
#[allow(unsafe_code)]
fn vouched(address: *const c_void) -> Ptr {
    // SAFETY: code that answers every call, for ever: with the closure, or with a sentence.
    unsafe { Ptr::new(address) }
}

impl<S: Signature> Builder<S> {
    #[track_caller]
    fn new() -> Builder<S> {
        let at = cfg!(debug_assertions).then(Location::caller);
        let wish = Wish { abi: crate::host::ABI, unwinds: false, at };
        Builder { wish, panic: Pass, signature: PhantomData }
    }

    /// Lets panics go through C, as `extern "C-unwind"`: for C that was compiled for it.
    pub fn unwinding(mut self) -> Builder<S> {
        self.wish.unwinds = true;
        self
    }

    /// Keeps a panic, and gives C `instead`. The panic is found with [`Kept`] after the C function has returned.
    pub fn on_panic(self, instead: S::Result) -> (Builder<S, Arc<Keep<S::Result>>>, Kept<S::Result>)
    where
        S::Result: Copy,
    {
        let keep = Arc::new(Keep { instead, payload: Mutex::new(None) });
        let kept = Kept(Arc::clone(&keep));
        (Builder { wish: self.wish, panic: keep, signature: PhantomData }, kept)
    }
}

#[allow(unsafe_code)]
impl<S: Signature, P> Builder<S, P>
where
    P: OnPanic<S::Result> + Send + 'static,
{
    /// Makes it a function of this convention.
    ///
    /// # Errors
    /// A convention that this process cannot call.
    pub fn convention(mut self, convention: Convention) -> Result<Builder<S, P>, Error> {
        self.wish.abi = crate::function::abi_of(convention, || std::any::type_name::<S>().into())?;
        Ok(self)
    }

    /// Remembers where the callback is made, also without `debug_assertions`: calls after its drop say so.
    #[track_caller]
    pub fn located(mut self) -> Builder<S, P> {
        self.wish.at = Some(Location::caller());
        self
    }

    /// As [`Callback::new`].
    ///
    /// # Errors
    /// As for [`Callback::new`]; a signature that does not go with what was asked for.
    pub fn shared<F: Send + Sync + 'static>(self, closure: F) -> Result<Callback<S>, Error>
    where
        Shared<F>: Run<S::Args, S::Result>,
    {
        // SAFETY: the closure borrows nothing.
        let live = unsafe { make::typed::<S, _, Anybody, P>(Shared(closure), self.panic, self.wish)? };
        Ok(Callback { live, signature: PhantomData })
    }

    /// As [`Callback::local`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn local<F: 'static>(self, closure: F) -> Result<Callback<S>, Error>
    where
        Shared<F>: Run<S::Args, S::Result>,
    {
        // SAFETY: the closure borrows nothing.
        let live = unsafe { make::typed::<S, _, OneThread, P>(Shared(closure), self.panic, self.wish)? };
        Ok(Callback { live, signature: PhantomData })
    }

    /// As [`Callback::local_mut`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn local_mut<F: 'static>(self, closure: F) -> Result<Callback<S>, Error>
    where
        Mutable<F>: Run<S::Args, S::Result>,
    {
        // SAFETY: the closure borrows nothing.
        let live = unsafe { make::typed::<S, _, OneCall, P>(Mutable(closure), self.panic, self.wish)? };
        Ok(Callback { live, signature: PhantomData })
    }

    /// As [`Callback::once`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn once<F: 'static>(self, closure: F) -> Result<Callback<S>, Error>
    where
        Once<F>: Run<S::Args, S::Result>,
    {
        // SAFETY: the closure borrows nothing.
        let live = unsafe { make::typed::<S, _, OneCall, P>(Once(Some(closure)), self.panic, self.wish)? };
        Ok(Callback { live, signature: PhantomData })
    }
}

impl<R: Copy> OnPanic<R> for Arc<Keep<R>> {
    fn run(&self, closure: impl FnOnce() -> R) -> R {
        (**self).run(closure)
    }
}

/// The panics of a callback that keeps them.
pub struct Kept<R>(Arc<Keep<R>>);

impl<R> Kept<R> {
    /// The first panic since the last time, as [`std::panic::catch_unwind`] would have given it.
    pub fn take(&self) -> Option<Box<dyn Any + Send>> {
        self.0.payload.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Goes on with the panic, if there was one.
    pub fn resume(&self) {
        if let Some(payload) = self.take() {
            std::panic::resume_unwind(payload);
        }
    }
}

impl<S: Signature> fmt::Debug for Callback<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback {} at {:p}", std::any::type_name::<S>(), self.address())
    }
}

// SAFETY: a function pointer, of the signature that `is` compares.
#[allow(unsafe_code)]
unsafe impl<S: Signature> Arg for &Callback<S> {
    type Native = Ptr;

    fn is(c: &CType) -> bool {
        let prototype = c.prototype().filter(|prototype| !prototype.variadic);
        prototype.is_some_and(|prototype| S::CONTRACT.holds(&prototype).is_some())
    }

    fn variadic() -> Option<Type> {
        Some(Type::Scalar(Scalar::Pointer))
    }

    fn native(self) -> Ptr {
        vouched(self.address())
    }

    fn value(native: Ptr, _: Option<&CType>) -> Value {
        Value::Pointer(native)
    }
}
