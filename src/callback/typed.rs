//! Callbacks whose signature is known when the program is compiled.

use super::guard::{Anybody, Guard, OneByOne, OneCall, OneThread, Uncounted};
use super::make::{self, Live, Wish};
use super::panics::{Keep, Kept, OnPanic, Pass};
use super::signature::{Bare, Entry, Mutable, Once, Run, Shared, Signature};
use super::{AnyThread, ThisThread, Threads, vouched};
use crate::ctype::{CType, Prototype};
use crate::data::{Ptr, Value};
use crate::error::Error;
use crate::function::{Arg, abi_of};
use callsmith_arch::layout::{Scalar, Type};
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

/// A Rust closure as a C function pointer of signature `S`, a function type such as `fn(i32) -> f64`.
///
/// See the [module](super) for who may call it; `T` says it too. It is `Send` and `Sync` where that is any thread:
///
/// ```compile_fail
/// use callsmith::Callback;
///
/// let callback = Callback::<fn(i32) -> i32>::local(|n: i32| n)?;
/// std::thread::spawn(move || drop(callback));
/// # Ok::<(), callsmith::Error>(())
/// ```
///
/// What its closure borrows must be for ever; [`scoped`](super::scoped) is for what is not:
///
/// ```compile_fail
/// use callsmith::Callback;
///
/// let by = 2;
/// let callback = Callback::<fn(i32) -> i32>::new(|n: i32| n * by)?;
/// # Ok::<(), callsmith::Error>(())
/// ```
pub struct Callback<S: Signature, T: Threads = AnyThread> {
    pub(super) live: Live,
    types: PhantomData<(S, T)>,
}

/// How a callback is to be made, where the defaults do not fit.
pub struct Builder<S: Signature, P = Pass> {
    pub(super) wish: Wish,
    pub(super) panic: P,
    signature: PhantomData<S>,
}

impl<S: Signature> Callback<S> {
    /// A callback that any thread may call.
    ///
    /// # Errors
    /// A signature that its convention does not have; no memory for code, or a system that lets no code be made.
    #[track_caller]
    pub fn new<F>(closure: F) -> Result<Callback<S>, Error>
    where
        F: Send + Sync + 'static,
        Shared<F>: Run<S::Args, S::Result>,
        Bare<F>: Entry<S::Args, S::Result>,
    {
        let builder = Builder::new();
        if make::is_bare::<F>(&builder.wish) {
            return match make::bare::<S, F>() {
                Some(live) => {
                    std::mem::forget(closure);
                    live.map(Callback::of)
                }
                None => builder.shared_out_of_line(closure),
            };
        }
        builder.shared(closure)
    }

    /// A callback that any thread may call, but not while it runs.
    ///
    /// # Errors
    /// As for [`Callback::new`].
    #[track_caller]
    pub fn new_mut<F: Send + 'static>(closure: F) -> Result<Callback<S>, Error>
    where
        Mutable<F>: Run<S::Args, S::Result>,
    {
        Builder::new().shared_mut(closure)
    }

    /// A callback that any thread may call, once.
    ///
    /// # Errors
    /// As for [`Callback::new`].
    #[track_caller]
    pub fn new_once<F: Send + 'static>(closure: F) -> Result<Callback<S>, Error>
    where
        Once<F>: Run<S::Args, S::Result>,
    {
        Builder::new().shared_once(closure)
    }

    /// A callback that any thread may call, and that is never dropped: for C that keeps it. Since nobody has to know who
    /// is inside, its calls cost less than those of [`Callback::new`].
    ///
    /// # Errors
    /// As for [`Callback::new`].
    #[track_caller]
    pub fn forever<F>(closure: F) -> Result<&'static Callback<S>, Error>
    where
        F: Send + Sync + 'static,
        Shared<F>: Run<S::Args, S::Result>,
    {
        Builder::new().forever(closure)
    }

    /// A callback that only this thread may call.
    ///
    /// # Errors
    /// As for [`Callback::new`].
    #[track_caller]
    pub fn local<F: 'static>(closure: F) -> Result<Callback<S, ThisThread>, Error>
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
    pub fn local_mut<F: 'static>(closure: F) -> Result<Callback<S, ThisThread>, Error>
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
    pub fn local_once<F: 'static>(closure: F) -> Result<Callback<S, ThisThread>, Error>
    where
        Once<F>: Run<S::Args, S::Result>,
    {
        Builder::new().local_once(closure)
    }

    /// A way to ask for more, such as another end of panics.
    #[track_caller]
    pub fn builder() -> Builder<S> {
        Builder::new()
    }
}

impl<S: Signature, T: Threads> Callback<S, T> {
    pub(super) fn of(live: Live) -> Callback<S, T> {
        Callback { live, types: PhantomData }
    }

    /// The function pointer.
    pub fn address(&self) -> *const c_void {
        self.live.address()
    }

    /// The function pointer as a value for a parameter or member of type `c`; `None` where that is not a pointer to such
    /// a function.
    ///
    /// # Safety
    /// The value, which says nothing of its type, goes only to what C declares as `c`, and C does not call it after the
    /// callback is dropped. [`Function::call`](crate::Function::call) and [`Linked::set`](crate::Linked::set) take the
    /// callback itself, and see to both.
    #[allow(unsafe_code)]
    pub unsafe fn value_for(&self, c: &CType) -> Option<Value> {
        is_for::<S>(c).then(|| Value::Pointer(vouched(self.address())))
    }

    /// This callback for C to keep for ever. The closure is never dropped.
    pub fn leak(self) -> &'static Self {
        Box::leak(Box::new(self))
    }
}

impl<S: Signature> Builder<S> {
    #[track_caller]
    pub(super) fn new() -> Builder<S> {
        let at = if cfg!(debug_assertions) { Some(Location::caller()) } else { None };
        Builder { wish: Wish { unwinds: false, at }, panic: Pass, signature: PhantomData }
    }

    /// Lets panics go through C, as `extern "C-unwind"`: for C that was compiled with `-fexceptions`.
    ///
    /// They arrive where the function was called from, if it was called by [`Typed::call`](crate::Typed::call), or by
    /// [`Function::call`](crate::Function::call) with exactly the types that it declares.
    pub fn unwinding(mut self) -> Builder<S> {
        self.wish.unwinds = true;
        self
    }

    /// Keeps a panic, and gives C `instead`. The panic is found with [`Kept`] after the C function has returned.
    pub fn on_panic(self, instead: S::Result) -> (Builder<S, Keep<S::Result>>, Kept) {
        let (panic, kept) = Keep::new(instead);
        (Builder { wish: self.wish, panic, signature: PhantomData }, kept)
    }
}

impl<S: Signature, P> Builder<S, P>
where
    P: OnPanic<S::Result> + Send + Sync + 'static,
{
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
        self.make::<_, Anybody, AnyThread>(Shared(closure))
    }

    /// As [`Callback::new_mut`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn shared_mut<F: Send + 'static>(self, closure: F) -> Result<Callback<S>, Error>
    where
        Mutable<F>: Run<S::Args, S::Result>,
    {
        self.make::<_, OneByOne, AnyThread>(Mutable(closure))
    }

    /// As [`Callback::new_once`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn shared_once<F: Send + 'static>(self, closure: F) -> Result<Callback<S>, Error>
    where
        Once<F>: Run<S::Args, S::Result>,
    {
        self.make::<_, OneByOne, AnyThread>(Once(Some(closure)))
    }

    #[inline(never)]
    fn shared_out_of_line<F: Send + Sync + 'static>(self, closure: F) -> Result<Callback<S>, Error>
    where
        Shared<F>: Run<S::Args, S::Result>,
    {
        self.shared(closure)
    }

    /// As [`Callback::forever`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn forever<F: Send + Sync + 'static>(self, closure: F) -> Result<&'static Callback<S>, Error>
    where
        Shared<F>: Run<S::Args, S::Result>,
    {
        let callback = self.make::<_, Uncounted, AnyThread>(Shared(closure))?;
        Ok(Box::leak(Box::new(callback)))
    }

    /// As [`Callback::local`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn local<F: 'static>(self, closure: F) -> Result<Callback<S, ThisThread>, Error>
    where
        Shared<F>: Run<S::Args, S::Result>,
    {
        self.make::<_, OneThread, ThisThread>(Shared(closure))
    }

    /// As [`Callback::local_mut`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn local_mut<F: 'static>(self, closure: F) -> Result<Callback<S, ThisThread>, Error>
    where
        Mutable<F>: Run<S::Args, S::Result>,
    {
        self.make::<_, OneCall, ThisThread>(Mutable(closure))
    }

    /// As [`Callback::local_once`].
    ///
    /// # Errors
    /// As for [`Builder::shared`].
    pub fn local_once<F: 'static>(self, closure: F) -> Result<Callback<S, ThisThread>, Error>
    where
        Once<F>: Run<S::Args, S::Result>,
    {
        self.make::<_, OneCall, ThisThread>(Once(Some(closure)))
    }

    #[allow(unsafe_code)]
    fn make<W, G, T>(self, closure: W) -> Result<Callback<S, T>, Error>
    where
        W: Run<S::Args, S::Result> + 'static,
        G: Guard,
        T: Threads,
    {
        // SAFETY: the closure borrows nothing; each caller's guard lets in whom the closure's bounds allow.
        let live = unsafe { make::typed::<S, W, G, P>(closure, self.panic, self.wish)? };
        Ok(Callback::of(live))
    }
}

impl<S: Signature, T: Threads> fmt::Debug for Callback<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback {} at {:p}", std::any::type_name::<S>(), self.address())
    }
}

/// Whether `c` is a function of signature `S`, or a pointer to one.
pub(super) fn is_for<S: Signature>(c: &CType) -> bool {
    let same = |prototype: &Prototype| {
        !prototype.variadic
            && abi_of(prototype.convention, String::new).is_ok_and(|abi| abi == S::ABI)
            && S::CONTRACT.holds(prototype).is_some()
    };
    c.prototype().is_some_and(|prototype| same(&prototype))
}

macro_rules! arguments {
    ($($callback:ty, $this:ident => $address:expr;)*) => {$(
        // SAFETY: a function pointer of the signature that `is` compares, or null.
        #[allow(unsafe_code)]
        unsafe impl<S: Signature, T: Threads> Arg for $callback {
            type Native = Ptr;
            const PROMISED: bool = S::PROMISED;

            fn is(c: &CType) -> bool {
                is_for::<S>(c)
            }

            fn variadic() -> Option<Type> {
                (!S::PROMISED).then_some(Type::Scalar(Scalar::Pointer))
            }

            unsafe fn native(self) -> Ptr {
                let $this = self;
                $address
            }

            unsafe fn value(native: Ptr, _: Option<&CType>) -> Value {
                Value::Pointer(native)
            }
        }
    )*};
}

arguments! {
    &Callback<S, T>, this => vouched(this.address());
    Option<&Callback<S, T>>, this => this.map_or(Ptr::NULL, |callback| vouched(callback.address()));
}
