//! Putting a closure, an entry and a thunk of one signature together.
//!
//! # Safety
//!
//! A thunk is made here only: with an entry of its signature, the context that the entry is for, and, where code is
//! generated, of the plan for that signature.
#![allow(unsafe_code)]

use super::context::{Context, Header, Left};
use super::guard::Guard;
use super::panics::OnPanic;
use super::signature::{Bare, Entry, Guarded, Run, Signature};
use super::stop;
use crate::engine::{self, Ends, Grave, Kind, Note, Rested, Thunk};
use crate::error::{Error, ErrorKind};
use crate::function::Ret;
use crate::host;
use callsmith_arch::layout::{Scalar, Type};
use callsmith_arch::plan::Passing;
use callsmith_arch::{Abi, abi};
use std::any::type_name;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr;

/// What a callback asks for beside its closure.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    /// Whether panics go through C.
    pub(super) unwinds: bool,
    /// Where the callback is made, if that is to be remembered.
    pub(super) at: Option<&'static Location<'static>>,
}

/// A thunk, and the closure behind it.
pub(super) struct Live(ManuallyDrop<Thunk>);

// SAFETY: what a shared reference gives is the address, and `close`, which is for any thread.
unsafe impl Sync for Live {}

impl Live {
    /// A thunk for this context.
    ///
    /// # Safety
    /// As for [`Thunk::new`]; the thunk's kind and target are for the context.
    pub(super) unsafe fn new<F, P: Send>(
        kind: Kind,
        context: Box<Context<F, P>>,
        target: *const c_void,
    ) -> Result<Live, engine::PublishError> {
        let context = Box::into_raw(context);
        // SAFETY: the caller's promise; the context is freed by its own ends. Nobody has seen one that no thunk was made with.
        unsafe {
            Thunk::new(kind, context.cast(), target).map(Live::of).inspect_err(|_| Context::unused(context))
        }
    }

    #[inline(always)]
    pub(super) fn of(thunk: Thunk) -> Live {
        Live(ManuallyDrop::new(thunk))
    }

    /// The function pointer.
    pub(super) fn address(&self) -> *const c_void {
        self.0.address()
    }

    /// Whose it is.
    pub(super) fn note(&self) -> &Note {
        self.0.note()
    }

    /// Waits until nobody is inside, and lets nobody in after that.
    ///
    /// # Safety
    /// The callback was made by [`typed`].
    pub(super) unsafe fn close(&self) {
        self.0.shut();
        // SAFETY: a context that begins with a header.
        unsafe { &*self.0.context().cast::<Header>() }.gate().close();
    }
}

impl Drop for Live {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: dropped once; it is not looked at again.
        unsafe { ManuallyDrop::take(&mut self.0) }.retire();
    }
}

/// A closure of type `W`, called under `G`, whose panics go to `panic`, as a function of signature `S`.
///
/// # Safety
/// The result is dropped, and nobody is inside, before anything ends that the closure borrows.
#[inline]
pub(super) unsafe fn typed<S, W, G, P>(closure: W, panic: P, wish: Wish) -> Result<Live, Error>
where
    S: Signature,
    W: Run<S::Args, S::Result>,
    G: Guard,
    P: OnPanic<S::Result> + Send + 'static,
{
    let shared = const { &Made::<S, W, G, P>::ENDS };
    if may_be_straight::<S>() && !wish.unwinds && wish.at.is_none() && Context::<W, P>::IS_MEMORY {
        // SAFETY: the entry is for this signature and this context; the closure in it goes before what it borrows, as the
        // caller promises, and what rests after that is memory. These ends are for contexts with the same note.
        unsafe {
            if let Some(left) = Left::<W, P>::find::<G>(S::entry::<Guarded<W, G, P>>(), shared) {
                return Ok(Live::of(left.revive::<G>(closure, None)));
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { typed_otherwise::<S, W, G, P>(closure, panic, wish, shared) }
}

/// [`typed`], where it takes more than a new closure for an old context. `shared` are the ends of contexts whose note is not
/// their own: where they are named twice, they may be two.
///
/// # Safety
/// As for `typed`.
#[cold]
#[inline(never)]
unsafe fn typed_otherwise<S, W, G, P>(
    closure: W,
    panic: P,
    wish: Wish,
    shared: &'static Ends,
) -> Result<Live, Error>
where
    S: Signature,
    W: Run<S::Args, S::Result>,
    G: Guard,
    P: OnPanic<S::Result> + Send + 'static,
{
    let entry =
        if wish.unwinds { S::unwinding_entry::<Guarded<W, G, P>>() } else { S::entry::<Guarded<W, G, P>>() };
    let (kind, target) = match straight::<S>(entry) {
        Some(kind) => (kind, entry),
        None if wish.unwinds => return Err(no_way_to_unwind(type_name::<S>())),
        None => (Kind::ADAPTER, adapter_of::<S>()?),
    };
    let kind = if G::BY_THUNK { kind.counting() } else { kind };
    let ends = if wish.at.is_none() { shared } else { const { &Made::<S, W, G, P>::LOCATED_ENDS } };
    let mut context = Context::new::<G>(closure, panic, ends, S::handler::<Guarded<W, G, P>>());
    if let Some(at) = wish.at {
        context.set_note(Note { data: ptr::from_ref(at).cast(), ..note::<S>() });
    }
    // SAFETY: as in `typed`.
    let live = unsafe { Live::new(kind, context, target) };
    live.map_err(|source| no_code(type_name::<S>(), source))
}

/// How contexts of one type end.
struct Made<S, W, G, P>(PhantomData<(S, W, G, P)>);

impl<S: Signature, W, G: Guard, P: Send> Made<S, W, G, P> {
    /// Of callbacks that do not know where they were made.
    const ENDS: Ends = Context::<W, P>::ends::<G, <S::Result as Ret>::Native>(Some(const { &note::<S>() }));
    /// Of the others: each has a note of its own.
    const LOCATED_ENDS: Ends = Context::<W, P>::ends::<G, <S::Result as Ret>::Native>(None);
}

/// The note of callbacks of signature `S` that do not know where they were made.
const fn note<S: Signature>() -> Note {
    Note { trap: stop::called_after_drop, text: text::<S>, data: ptr::null() }
}

/// Whether [`bare`] is for closures of type `F`.
pub(super) fn is_bare<F>(wish: &Wish) -> bool {
    size_of::<F>() == 0 && !std::mem::needs_drop::<F>() && wish.at.is_none() && !wish.unwinds
}

/// A closure without content as a function of signature `S`; `None` where it takes more than a thunk and an entry.
/// The closure is given up.
#[inline(always)]
pub(super) fn bare<S, F>() -> Option<Result<Live, Error>>
where
    S: Signature,
    Bare<F>: Entry<S::Args, S::Result>,
{
    if !may_be_straight::<S>() {
        return None;
    }
    let (entry, grave) = (S::entry::<Bare<F>>(), grave::<S>());
    match Rested::find(entry, false) {
        Some(rested) if rested.context().as_ptr().cast_const() == grave => {
            // SAFETY: the target looks into no context, and with this one a thunk of its signature was made; the grave is for
            // ever.
            Some(Ok(Live::of(unsafe { rested.revive() })))
        }
        _ => bare_otherwise::<S>(entry, grave),
    }
}

#[cold]
#[inline(never)]
fn bare_otherwise<S: Signature>(entry: *const c_void, grave: *const c_void) -> Option<Result<Live, Error>> {
    let kind = straight::<S>(entry)?;
    // SAFETY: the entry is for this signature, and looks into no context; the grave is for ever.
    let thunk = unsafe { Thunk::new(kind, grave, entry) };
    Some(thunk.map(Live::of).map_err(|source| no_code(type_name::<S>(), source)))
}

/// The context of closures without content.
fn grave<S: Signature>() -> *const c_void {
    let grave = const { &Grave::new(const { &note::<S>() }) };
    ptr::from_ref(grave).cast()
}

/// The callback in words.
fn text<S>(note: &Note) -> String {
    // SAFETY: notes of typed callbacks point at a location, which is for ever, or nowhere.
    describe(type_name::<S>(), unsafe { note.data.cast::<Location<'static>>().as_ref() })
}

/// A signature, and where the callback was made, if that is known.
pub(super) fn describe(signature: &str, at: Option<&Location<'_>>) -> String {
    match at {
        Some(at) => format!("{signature} made at {at}"),
        None => signature.to_owned(),
    }
}

#[cold]
pub(super) fn no_code(function: &str, source: engine::PublishError) -> Error {
    ErrorKind::Code { function: function.into(), source: source.into() }.into()
}

fn no_way_to_unwind(function: &str) -> Error {
    let what = "panics cannot go through the code that this signature needs".into();
    let source = callsmith_arch::Error::Unsupported { what };
    ErrorKind::Signature { function: function.into(), source }.into()
}

fn signature_of<S: Signature>(
    abi: Abi,
    more: Option<Type>,
) -> Result<callsmith_arch::Signature, callsmith_arch::Error> {
    let mut params = S::params();
    params.extend(more);
    callsmith_arch::Signature::new(abi, <S::Result as Ret>::ty(), params)
}

fn adapter_of<S: Signature>() -> Result<*const c_void, Error> {
    let name = || type_name::<S>().to_owned();
    let signature = signature_of::<S>(S::ABI, None)
        .map_err(|source| ErrorKind::Signature { function: name(), source })?;
    let stub = engine::stub_of(signature, name)?;
    Ok(engine::adapter_of(stub, name)?.as_ptr().cast())
}

/// Whether an entry of signature `S` may be what a thunk enters: rustc passes all as C does. Others may have the same entries,
/// entered by adapters.
#[inline(always)]
fn may_be_straight<S: Signature>() -> bool {
    S::DIRECT && S::ABI == host::ABI && !Kind::ARE_FOR_ADAPTERS
}

/// Which register the context goes to, where `entry` takes it behind the parameters of signature `S`; `None` where it is none.
fn straight<S: Signature>(entry: *const c_void) -> Option<Kind> {
    if may_be_straight::<S>() { Kind::known_of(entry).or_else(plan_kind::<S>) } else { None }
}

fn plan_kind<S: Signature>() -> Option<Kind> {
    let signature = signature_of::<S>(host::ABI, Some(Scalar::Pointer.into())).ok()?;
    let plan = abi::classify(&signature).ok()?;
    match &plan.args.last()?.passing {
        Passing::Direct(run) => match plan.moves_of(*run) {
            [piece] => Kind::of(piece.location),
            _ => None,
        },
        Passing::Ignored(_) | Passing::Indirect { .. } => None,
    }
}
