//! Callbacks whose signature is known at run time only.
//!
//! # Safety
//!
//! An adapter calls the handlers here with the context that they are for, pointers to the arguments of the prototype, and
//! room for its result.
#![allow(unsafe_code)]

use super::context::{Context, Inside, Left};
use super::guard::{Anybody, Guard, OneByOne, OneCall, OneThread, Uncounted};
use super::make::{Live, describe, no_code};
use super::panics::Kept;
use super::signature::{Mutable, Once, Run, Shared};
use super::values::{give, load};
use super::{AnyThread, ThisThread, Threads, stop, vouched};
use crate::ctype::{CType, Prototype};
use crate::data::Value;
use crate::engine::{self, CodePtr, Ends, Kind, Note, PublishError};
use crate::error::{Error, ErrorKind};
use crate::function::{Arg, Expected, sign};
use callsmith_arch::layout::Type;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Weak};

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
    /// Its note is one of a [`Described`].
    live: Live,
    threads: PhantomData<T>,
}

/// What a call has to know of the prototype.
pub(super) struct Shape {
    pub(super) prototype: Prototype,
    params: Box<[Expected]>,
    pub(super) result: Expected,
    pub(super) result_type: Option<Type>,
}

/// The arguments of one call.
pub struct CallbackArgs<'a> {
    shape: &'a Shape,
    pointers: *const *const c_void,
}

impl CallbackArgs<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.shape.params.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shape.params.is_empty()
    }

    /// Argument `index`, counted from 0; [`Value::Void`] where there is none.
    #[inline]
    pub fn get(&self, index: usize) -> Value {
        let Some(expected) = self.shape.params.get(index) else { return Value::Void };
        // SAFETY: there are as many pointers as parameters, each to a value of its type.
        unsafe { load(expected, *self.pointers.add(index)) }
    }

    /// The address of argument `index`'s value, valid until the closure returns.
    pub fn pointer(&self, index: usize) -> Option<*const c_void> {
        // SAFETY: as above.
        (index < self.len()).then(|| unsafe { *self.pointers.add(index) })
    }
}

/// What a handler finds in a context beside the closure.
trait Ending: Send + Sync {
    fn described(&self) -> &Arc<Described>;

    /// Runs what fills `result`.
    ///
    /// # Safety
    /// `result` has room for the prototype's result.
    unsafe fn run(&self, result: *mut c_void, body: impl FnOnce());
}

/// What calls and messages need, for as long as the context lasts: the same for all callbacks of a builder.
struct Described {
    /// Its `data` is this.
    note: Note,
    adapter: CodePtr,
    shape: Arc<Shape>,
    at: Option<&'static Location<'static>>,
}

impl Described {
    fn new(adapter: CodePtr, shape: Arc<Shape>, at: Option<&'static Location<'static>>) -> Arc<Described> {
        Arc::new_cyclic(|this: &Weak<Described>| {
            let note = Note { trap: stop::called_after_drop, text, data: this.as_ptr().cast() };
            Described { note, adapter, shape, at }
        })
    }

    /// Another one of the same signature.
    fn again(&self, at: Option<&'static Location<'static>>) -> Arc<Described> {
        Described::new(self.adapter, Arc::clone(&self.shape), at)
    }
}

impl Ending for Arc<Described> {
    fn described(&self) -> &Arc<Described> {
        self
    }

    #[inline(always)]
    unsafe fn run(&self, _: *mut c_void, body: impl FnOnce()) {
        body();
    }
}

/// A panic is kept, and C gets this result instead.
struct Keeping {
    described: Arc<Described>,
    instead: Box<[u8]>,
    kept: Kept,
}

impl Ending for Keeping {
    fn described(&self) -> &Arc<Described> {
        &self.described
    }

    unsafe fn run(&self, result: *mut c_void, body: impl FnOnce()) {
        if self.kept.catch(body).is_none() {
            let Keeping { instead, .. } = self;
            // SAFETY: the caller's promise: as many bytes as the result has.
            unsafe { instead.as_ptr().copy_to_nonoverlapping(result.cast(), instead.len()) };
        }
    }
}

/// What an adapter calls.
type Handler = unsafe extern "C" fn(*mut c_void, *const *const c_void, *mut c_void);

/// A closure that is called with the arguments of one call.
trait OverArgs: for<'a, 'b> Run<(&'a CallbackArgs<'b>,), Value> {}

impl<W: for<'a, 'b> Run<(&'a CallbackArgs<'b>,), Value>> OverArgs for W {}

/// # Safety
/// Called by an adapter, with a context for this function.
unsafe extern "C" fn over_values<W, G, E>(
    context: *mut c_void,
    pointers: *const *const c_void,
    result: *mut c_void,
) where
    W: OverArgs,
    G: Guard,
    E: Ending,
{
    // SAFETY: the adapter's promise; `G` lets in whom the closure is for.
    unsafe {
        let context = &*context.cast::<Context<W, E>>();
        let shape = &*context.panic.described().shape;
        let body = || {
            let value = W::run(context, (&CallbackArgs { shape, pointers },));
            if let Err(why) = give(shape, &value, result) {
                stop::bad_result(&context.header, &why);
            }
        };
        Inside::<W, E, G>::run(context, || context.panic.run(result, body));
    }
}

/// # Safety
/// Called by an adapter, with a context for this function that is not dropped meanwhile.
unsafe extern "C" fn over_memory<F, E>(
    context: *mut c_void,
    pointers: *const *const c_void,
    result: *mut c_void,
) where
    F: Fn(*const *const c_void, *mut c_void),
    E: Ending,
{
    // SAFETY: the adapter's promise.
    unsafe {
        let context = &*context.cast::<Context<F, E>>();
        context.panic.run(result, || context.closure()(pointers, result));
    }
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
}

/// How dynamic callbacks of one prototype are to be made.
pub struct DynBuilder {
    described: Arc<Described>,
    /// The result where a panic is kept, and where it is kept.
    keep: Option<(Box<[u8]>, Kept)>,
}

impl DynBuilder {
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

    /// Runs `body` with a callback whose closure may borrow from around, as [`scoped`](super::scoped).
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

/// The callback in words.
fn text(note: &Note) -> String {
    let Described { shape, at, .. } = described(note);
    describe(&shape.prototype.to_string(), *at)
}

/// What the note of a dynamic callback is about.
fn described(note: &Note) -> &Described {
    // SAFETY: it points at what the context keeps, which the note is in.
    unsafe { &*note.data.cast() }
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
