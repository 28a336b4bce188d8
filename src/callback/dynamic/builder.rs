//! How dynamic callbacks of one prototype are made.

use super::DynCallback;
use super::handler::{
    CallbackArgs, Described, Ending, Handler, Keeping, OverArgs, Shape, over_memory, over_values,
};
use crate::callback::context::{Context, Left};
use crate::callback::guard::{Anybody, Guard, OneByOne, OneCall, OneThread, Uncounted};
use crate::callback::make::{Live, no_code};
use crate::callback::panics::Kept;
use crate::callback::signature::{Mutable, Once, Shared};
use crate::callback::values::give;
use crate::callback::{AnyThread, ThisThread, Threads};
use crate::ctype::Prototype;
use crate::data::Value;
use crate::engine::{self, Ends, Kind, PublishError};
use crate::error::{Error, ErrorKind};
use crate::function::{Expected, sign};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// How dynamic callbacks of one prototype are to be made.
pub struct DynBuilder {
    described: Arc<Described>,
    /// The result where a panic is kept, and where it is kept.
    keep: Option<(Box<[u8]>, Kept)>,
}

impl DynBuilder {
    /// `at` is where it is asked for, if that is to be remembered.
    pub(super) fn of(
        prototype: &Prototype,
        at: Option<&'static Location<'static>>,
    ) -> Result<DynBuilder, Error> {
        let name = || prototype.to_string();
        if prototype.variadic {
            let what = "a variadic function cannot be a callback: nothing tells it what it was given".into();
            let source = callsmith_arch::Error::Unsupported { what };
            return Err(ErrorKind::Signature { function: name(), source }.into());
        }
        let stub = engine::stub_of(sign(prototype, &[])?, name)?;
        let adapter = engine::adapter_of(stub, name)?;
        let (params, result) = Expected::all(prototype, &stub.signature)?;
        let result_type = stub.signature.result().cloned();
        let shape = Shape { prototype: prototype.clone(), params, result, result_type };
        Ok(DynBuilder { described: Described::new(adapter, Arc::new(shape), at), keep: None })
    }

    /// Remembers where this is called, also without `debug_assertions`: calls of a dropped callback say so.
    #[track_caller]
    pub fn located(mut self) -> DynBuilder {
        self.described = self.described.again(Some(Location::caller()));
        self
    }

    /// Keeps a panic, and gives C `instead`. The panic is found with [`Kept`] after the C function has returned.
    ///
    /// # Errors
    /// A value that does not fit the prototype's result.
    pub fn on_panic(mut self, instead: &Value) -> Result<(DynBuilder, Kept), Error> {
        let shape = &self.described.shape;
        let mut bytes = vec![0; shape.result.size].into_boxed_slice();
        // SAFETY: there is room.
        unsafe { give(shape, instead, bytes.as_mut_ptr().cast()) }.map_err(|why| {
            let wanted = shape.prototype.result.to_string();
            Error::from(ErrorKind::Value { wanted, given: instead.describe(), why: Some(why) })
        })?;
        let kept = Kept::default();
        self.described = self.described.again(self.described.at);
        self.keep = Some((bytes, kept.share()));
        Ok((self, kept))
    }

    /// As [`DynCallback::new`].
    ///
    /// # Errors
    /// No memory for code.
    pub fn shared<F>(&self, closure: F) -> Result<DynCallback, Error>
    where
        F: Fn(&CallbackArgs<'_>) -> Value + Send + Sync + 'static,
    {
        self.over_values::<_, Anybody, AnyThread>(Shared(closure))
    }

    /// As [`DynCallback::new_mut`].
    ///
    /// # Errors
    /// As for [`DynBuilder::shared`].
    pub fn shared_mut<F>(&self, closure: F) -> Result<DynCallback, Error>
    where
        F: FnMut(&CallbackArgs<'_>) -> Value + Send + 'static,
    {
        self.over_values::<_, OneByOne, AnyThread>(Mutable(closure))
    }

    /// As [`DynCallback::new_once`].
    ///
    /// # Errors
    /// As for [`DynBuilder::shared`].
    pub fn shared_once<F>(&self, closure: F) -> Result<DynCallback, Error>
    where
        F: FnOnce(&CallbackArgs<'_>) -> Value + Send + 'static,
    {
        self.over_values::<_, OneByOne, AnyThread>(Once(Some(closure)))
    }

    /// As [`DynCallback::local`].
    ///
    /// # Errors
    /// As for [`DynBuilder::shared`].
    pub fn local<F>(&self, closure: F) -> Result<DynCallback<ThisThread>, Error>
    where
        F: Fn(&CallbackArgs<'_>) -> Value + 'static,
    {
        self.over_values::<_, OneThread, ThisThread>(Shared(closure))
    }

    /// As [`DynCallback::local_mut`].
    ///
    /// # Errors
    /// As for [`DynBuilder::shared`].
    pub fn local_mut<F>(&self, closure: F) -> Result<DynCallback<ThisThread>, Error>
    where
        F: FnMut(&CallbackArgs<'_>) -> Value + 'static,
    {
        self.over_values::<_, OneCall, ThisThread>(Mutable(closure))
    }

    /// As [`DynCallback::local_once`].
    ///
    /// # Errors
    /// As for [`DynBuilder::shared`].
    pub fn local_once<F>(&self, closure: F) -> Result<DynCallback<ThisThread>, Error>
    where
        F: FnOnce(&CallbackArgs<'_>) -> Value + 'static,
    {
        self.over_values::<_, OneCall, ThisThread>(Once(Some(closure)))
    }

    /// Runs `body` with a callback whose closure may borrow from around, as [`scoped`](crate::callback::scoped).
    ///
    /// # Errors
    /// As for [`DynBuilder::shared`].
    pub fn scoped<F, R>(
        &self,
        closure: F,
        body: impl FnOnce(&DynCallback<ThisThread>) -> R,
    ) -> Result<R, Error>
    where
        F: FnMut(&CallbackArgs<'_>) -> Value,
    {
        // SAFETY: the callback ends below. Only this thread may be inside, and it is not any more when `body` has ended.
        let callback = unsafe { self.borrowing_over_values::<_, OneCall, _>(Mutable(closure))? };
        Ok(body(&callback))
    }

    /// As [`DynCallback::raw`].
    ///
    /// # Errors
    /// As for [`DynBuilder::shared`].
    ///
    /// # Safety
    /// As for [`DynCallback::raw`].
    pub unsafe fn raw<F>(&self, closure: F) -> Result<DynCallback, Error>
    where
        F: Fn(*const *const c_void, *mut c_void) + Send + Sync + 'static,
    {
        // SAFETY: it borrows nothing.
        unsafe {
            self.make::<Uncounted, _, _>(closure, over_memory::<F, Arc<Described>>, over_memory::<F, Keeping>)
        }
    }

    /// `G` lets in whom `T` and the closure allow.
    fn over_values<W: OverArgs + 'static, G: Guard, T: Threads>(
        &self,
        closure: W,
    ) -> Result<DynCallback<T>, Error> {
        // SAFETY: it borrows nothing.
        unsafe { self.borrowing_over_values::<W, G, T>(closure) }
    }

    /// As `over_values`.
    ///
    /// # Safety
    /// As for [`DynBuilder::make`].
    unsafe fn borrowing_over_values<W: OverArgs, G: Guard, T: Threads>(
        &self,
        closure: W,
    ) -> Result<DynCallback<T>, Error> {
        let (plain, keeping) = (over_values::<W, G, Arc<Described>>, over_values::<W, G, Keeping>);
        // SAFETY: the caller's promise.
        unsafe { self.make::<G, _, _>(closure, plain, keeping) }
    }

    /// `plain` and `keeping` are for contexts of an `F` under `G`, which lets in whom `T` and `F` allow.
    ///
    /// # Safety
    /// The result is dropped, and nobody is inside, before anything ends that the closure borrows.
    #[inline(always)]
    unsafe fn make<G: Guard, F, T: Threads>(
        &self,
        closure: F,
        plain: Handler,
        keeping: Handler,
    ) -> Result<DynCallback<T>, Error> {
        let ends = const { &Context::<F, Arc<Described>>::ends::<G, ()>(None) };
        // SAFETY: the adapter is of this prototype, the handler for this context, whose note is the one of `described`; the
        // rest is the caller's promise.
        unsafe {
            let adapter = self.described.adapter.as_ptr().cast();
            // One that keeps panics has a `described` that no such context has.
            match Left::<F, Arc<Described>>::find::<G>(adapter, ends) {
                Some(left) if Arc::ptr_eq(left.panic(), &self.described) => {
                    let live = Live::of(left.revive::<G>(closure, Some(plain as *const c_void)));
                    Ok(DynCallback { live, threads: PhantomData })
                }
                _ => self.make_otherwise::<G, F, T>(closure, ends, plain, keeping),
            }
        }
    }

    /// [`DynBuilder::make`], where it takes more than a new closure for an old context.
    ///
    /// # Safety
    /// As for `make`.
    #[cold]
    #[inline(never)]
    unsafe fn make_otherwise<G: Guard, F, T: Threads>(
        &self,
        closure: F,
        ends: &'static Ends,
        plain: Handler,
        keeping: Handler,
    ) -> Result<DynCallback<T>, Error> {
        let described = Arc::clone(&self.described);
        // SAFETY: the caller's promise.
        let made = unsafe {
            match &self.keep {
                None => DynCallback::put_together::<G, _, _>(closure, described, ends, plain),
                Some((instead, kept)) => {
                    let ending = Keeping { described, instead: instead.clone(), kept: kept.share() };
                    let ends = const { &Context::<F, Keeping>::ends::<G, ()>(None) };
                    DynCallback::put_together::<G, _, _>(closure, ending, ends, keeping)
                }
            }
        };
        made.map_err(|source| no_code(&self.described.shape.prototype.to_string(), source))
    }
}

impl<T: Threads> DynCallback<T> {
    /// # Safety
    /// As for [`DynBuilder::make`]; `handler` and `ends` are for a context of these.
    unsafe fn put_together<G: Guard, F, E: Ending + 'static>(
        closure: F,
        ending: E,
        ends: &'static Ends,
        handler: Handler,
    ) -> Result<DynCallback<T>, PublishError> {
        let adapter = ending.described().adapter.as_ptr().cast();
        let note = &raw const ending.described().note;
        let mut context = Context::new::<G>(closure, ending, ends, handler as *const c_void);
        let kind = if G::BY_THUNK { Kind::ADAPTER.counting() } else { Kind::ADAPTER };
        // SAFETY: the adapter is of this prototype, the handler for this context, which keeps what it has the note of.
        let live = unsafe {
            context.share_note(note);
            Live::new(kind, context, adapter)
        };
        Ok(DynCallback { live: live?, threads: PhantomData })
    }
}
