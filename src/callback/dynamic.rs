//! Callbacks whose signature is known at run time only.
//!
//! # Safety
//!
//! A callback's adapter, handler and context are put together by a [`DynBuilder`] only, of one prototype.
#![allow(unsafe_code)]

mod builder;
mod handler;

pub use builder::DynBuilder;
pub use handler::CallbackArgs;
pub(super) use handler::Shape;

use super::make::Live;
use super::{AnyThread, ThisThread, Threads, vouched};
use crate::ctype::{CType, Prototype};
use crate::data::Value;
use crate::error::Error;
use crate::function::Arg;
use callsmith_arch::layout::Type;
use handler::described;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

/// A Rust closure as a C function pointer of a [`Prototype`].
///
/// ```
/// use callsmith::{DynCallback, Library, Value, decl, host};
///
/// let prototype = decl::parse_prototype("int twice(int n)", host::MODEL)?;
/// let twice = DynCallback::new(&prototype, |args| match args.get(0) {
///     Value::I32(n) => Value::I32(2 * n),
///     _ => Value::I32(0),
/// })?;
/// // SAFETY: a callback of this prototype.
/// let function = unsafe { callsmith::Function::from_address(twice.address(), prototype)? };
/// let doubled: i32 = function.call((21,))?;
/// assert_eq!(doubled, 42);
/// # Ok::<(), callsmith::Error>(())
/// ```
///
/// `T` says who may call it, as for [`Callback`](super::Callback).
pub struct DynCallback<T: Threads = AnyThread> {
    /// Its note is one of a [`Described`](handler::Described).
    live: Live,
    threads: PhantomData<T>,
}

impl DynCallback {
    /// A callback that any thread may call, over values.
    ///
    /// The closure's result is converted to the prototype's where it fits; one that does not fit ends the process with a
    /// sentence, as a panic does.
    ///
    /// # Errors
    /// A prototype that cannot be called in this process, a variadic one among them; no memory for code.
    #[track_caller]
    pub fn new<F>(prototype: &Prototype, closure: F) -> Result<DynCallback, Error>
    where
        F: Fn(&CallbackArgs<'_>) -> Value + Send + Sync + 'static,
    {
        DynCallback::builder(prototype)?.shared(closure)
    }

    /// As [`DynCallback::new`], called by this thread only.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    #[track_caller]
    pub fn local<F>(prototype: &Prototype, closure: F) -> Result<DynCallback<ThisThread>, Error>
    where
        F: Fn(&CallbackArgs<'_>) -> Value + 'static,
    {
        DynCallback::builder(prototype)?.local(closure)
    }

    /// As [`DynCallback::new`], but not called while it runs.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    #[track_caller]
    pub fn new_mut<F>(prototype: &Prototype, closure: F) -> Result<DynCallback, Error>
    where
        F: FnMut(&CallbackArgs<'_>) -> Value + Send + 'static,
    {
        DynCallback::builder(prototype)?.shared_mut(closure)
    }

    /// As [`DynCallback::local`], but not called while it runs.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    #[track_caller]
    pub fn local_mut<F>(prototype: &Prototype, closure: F) -> Result<DynCallback<ThisThread>, Error>
    where
        F: FnMut(&CallbackArgs<'_>) -> Value + 'static,
    {
        DynCallback::builder(prototype)?.local_mut(closure)
    }

    /// As [`DynCallback::new`], called once.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    #[track_caller]
    pub fn new_once<F>(prototype: &Prototype, closure: F) -> Result<DynCallback, Error>
    where
        F: FnOnce(&CallbackArgs<'_>) -> Value + Send + 'static,
    {
        DynCallback::builder(prototype)?.shared_once(closure)
    }

    /// As [`DynCallback::local`], called once.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    #[track_caller]
    pub fn local_once<F>(prototype: &Prototype, closure: F) -> Result<DynCallback<ThisThread>, Error>
    where
        F: FnOnce(&CallbackArgs<'_>) -> Value + 'static,
    {
        DynCallback::builder(prototype)?.local_once(closure)
    }

    /// A callback that any thread may call, over bare memory, for runtimes: the closure gets pointers to the arguments'
    /// values and to room for the result, which it fills. All are aligned as their types are, but to no more than 16
    /// bytes, on 32-bit x86 no more than 4: what is wider is to be read and written unaligned. Where the result has no size, its pointer is nothing.
    ///
    /// Nobody counts who is inside, so that a call costs what it has to.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    ///
    /// # Safety
    /// The closure reads what the prototype's parameters say, and writes a value of its result type. The callback is not
    /// dropped while a call is inside.
    #[track_caller]
    pub unsafe fn raw<F>(prototype: &Prototype, closure: F) -> Result<DynCallback, Error>
    where
        F: Fn(*const *const c_void, *mut c_void) + Send + Sync + 'static,
    {
        // SAFETY: the caller's promise.
        unsafe { DynCallback::builder(prototype)?.raw(closure) }
    }

    /// A way to ask for more, and to make many callbacks of one prototype: what they share is prepared here, once.
    ///
    /// # Errors
    /// As for [`DynCallback::new`].
    #[track_caller]
    pub fn builder(prototype: &Prototype) -> Result<DynBuilder, Error> {
        let at = if cfg!(debug_assertions) { Some(Location::caller()) } else { None };
        DynBuilder::of(prototype, at)
    }
}

impl<T: Threads> DynCallback<T> {
    /// The function pointer.
    pub fn address(&self) -> *const c_void {
        self.live.address()
    }

    /// Its prototype.
    pub fn prototype(&self) -> &Prototype {
        &described(self.live.note()).shape.prototype
    }

    /// The function pointer as a value for a parameter or member of type `c`; `None` where that is not a pointer to such
    /// a function.
    ///
    /// # Safety
    /// As for [`Callback::value_for`](super::Callback::value_for).
    pub unsafe fn value_for(&self, c: &CType) -> Option<Value> {
        let wanted = c.prototype()?;
        let same = CType::function(&wanted).is_compatible_with(&CType::function(self.prototype()));
        same.then(|| Value::Pointer(vouched(self.address())))
    }

    /// This callback for C to keep for ever. The closure is never dropped.
    pub fn leak(self) -> &'static Self {
        Box::leak(Box::new(self))
    }
}

impl<T: Threads> fmt::Debug for DynCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback {} at {:p}", self.prototype(), self.address())
    }
}

// SAFETY: a function pointer, given only where the parameter is one of the callback's own signature.
unsafe impl<'a, T: Threads> Arg for &'a DynCallback<T> {
    type Native = &'a DynCallback<T>;
    const DIRECT: bool = false;
    const CHECKS_ITSELF: bool = true;

    /// Not known from the Rust type: every call looks at the callback itself.
    fn is(_: &CType) -> bool {
        false
    }

    fn variadic() -> Option<Type> {
        None
    }

    unsafe fn native(self) -> &'a DynCallback<T> {
        self
    }

    unsafe fn value(native: &'a DynCallback<T>, c: Option<&CType>) -> Value {
        // SAFETY: the caller's promise.
        c.and_then(|c| unsafe { native.value_for(c) }).unwrap_or(Value::Void)
    }
}
