//! Putting a closure, an entry and a thunk of one signature together.
//!
//! # Safety
//!
//! A thunk is made here only: with an entry of its signature, the context that the entry is for, and, where code is
//! generated, of the plan for that signature.
#![allow(unsafe_code)]

use super::context::{Context, Header};
use super::guard::Guard;
use super::panics::OnPanic;
use super::signature::{Bare, Entry, Guarded, Run, Signature};
use super::stop;
use crate::engine::{self, Grave, Kind, Note, Thunk};
use crate::error::{Error, ErrorKind};
use crate::function::{Contract, Ret};
use crate::host;
use callsmith_arch::layout::{Scalar, Type};
use callsmith_arch::plan::Passing;
use callsmith_arch::{Abi, abi};
use std::any::type_name;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    #[inline(always)]
    pub(super) unsafe fn new<F, P: Send>(
        kind: Kind,
        context: Box<Context<F, P>>,
        target: *const c_void,
    ) -> Result<Live, engine::PublishError> {
        let context = Box::into_raw(context);
        // SAFETY: the caller's promise; the context is freed by its own note.
        match unsafe { Thunk::at_hand(kind, context.cast(), target) } {
            Some(thunk) => Ok(Live(ManuallyDrop::new(thunk))),
            // SAFETY: as above.
            None => unsafe { Live::new_from_pool(kind, context, target) },
        }
    }

    /// # Safety
    /// As for [`Live::new`].
    #[cold]
    #[inline(never)]
    unsafe fn new_from_pool<F, P: Send>(
        kind: Kind,
        context: *mut Context<F, P>,
        target: *const c_void,
    ) -> Result<Live, engine::PublishError> {
        // SAFETY: the caller's promise. Nobody has seen a context that no thunk was made with.
        unsafe {
            Thunk::new(kind, context.cast(), target)
                .map(|thunk| Live(ManuallyDrop::new(thunk)))
                .inspect_err(|_| Context::unused(context))
        }
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
    if let (Some(kind), false, None) = (straight::<S>(), wish.unwinds, wish.at) {
        let note = const { &note::<S, W, G, P>() };
        // No adapter, so no handler.
        let context = Context::new::<G>(closure, panic, Some(note), ptr::null());
        // SAFETY: the entry is for this signature and this context; the closure in it goes before what it borrows, as the
        // caller promises, and what rests after that is memory.
        let live = unsafe { Live::new(kind, context, S::entry::<Guarded<W, G, P>>()) };
        return live.map_err(|source| no_code(type_name::<S>(), source));
    }
    // SAFETY: the caller's promise.
    unsafe { typed_otherwise::<S, W, G, P>(closure, panic, wish) }
}

/// [`typed`], where it takes more than a thunk, an entry and a context.
///
/// # Safety
/// As for `typed`.
#[inline(never)]
unsafe fn typed_otherwise<S, W, G, P>(closure: W, panic: P, wish: Wish) -> Result<Live, Error>
where
    S: Signature,
    W: Run<S::Args, S::Result>,
    G: Guard,
    P: OnPanic<S::Result> + Send + 'static,
{
    let (kind, target) = match straight::<S>() {
        Some(kind) if wish.unwinds => (kind, S::unwinding_entry::<Guarded<W, G, P>>()),
        Some(kind) => (kind, S::entry::<Guarded<W, G, P>>()),
        None if wish.unwinds => return Err(no_way_to_unwind(type_name::<S>())),
        None => (Kind::ADAPTER, adapter_of::<S>()?),
    };
    let note = const { &note::<S, W, G, P>() };
    let mut context = Context::new::<G>(closure, panic, Some(note), S::handler::<Guarded<W, G, P>>());
    if let Some(at) = wish.at {
        context.set_note(Note { data: ptr::from_ref(at).cast(), ..*note });
    }
    // SAFETY: as above.
    let live = unsafe { Live::new(kind, context, target) };
    live.map_err(|source| no_code(type_name::<S>(), source))
}

/// The note of callbacks of signature `S` that do not know where they were made.
const fn note<S: Signature, W, G: Guard, P: Send>() -> Note {
    let ends = Context::<W, P>::ends::<G, <S::Result as Ret>::Native>();
    Note { trap: stop::called_after_drop, text: text::<S>, data: ptr::null(), ends: Some(ends) }
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
    let kind = straight::<S>()?;
    // SAFETY: the entry is for this signature, and looks into no context; the grave is for ever.
    match unsafe { Thunk::at_hand(kind, grave::<S>(), S::entry::<Bare<F>>()) } {
        Some(thunk) => Some(Ok(Live(ManuallyDrop::new(thunk)))),
        None => Some(bare_from_pool::<S, F>(kind)),
    }
}

#[cold]
#[inline(never)]
fn bare_from_pool<S, F>(kind: Kind) -> Result<Live, Error>
where
    S: Signature,
    Bare<F>: Entry<S::Args, S::Result>,
{
    // SAFETY: as in `bare`.
    let thunk = unsafe { Thunk::new(kind, grave::<S>(), S::entry::<Bare<F>>()) };
    let thunk = thunk.map_err(|source| no_code(type_name::<S>(), source))?;
    Ok(Live(ManuallyDrop::new(thunk)))
}

/// The context of closures without content.
fn grave<S: Signature>() -> *const c_void {
    let grave = const {
        &Grave::new(
            const { &Note { trap: stop::called_after_drop, text: text::<S>, data: ptr::null(), ends: None } },
        )
    };
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

/// As [`kind_of`], where rustc passes all as C does.
#[inline(always)]
fn straight<S: Signature>() -> Option<Kind> {
    if S::DIRECT && S::ABI == host::ABI { kind_of::<S>() } else { None }
}

/// Which register the context goes to, where the handler of a callback of signature `S` takes it behind its parameters.
#[inline(always)]
fn kind_of<S: Signature>() -> Option<Kind> {
    let contract = ptr::from_ref(S::CONTRACT).addr();
    let known = RECENT[contract >> 4 & 255].load(Ordering::Relaxed);
    match Kind::from_code(known ^ contract) {
        None => find_kind::<S>(contract, known),
        kind => kind,
    }
}

/// Recently asked: a contract's address, with the kind's code in the bits that its alignment leaves.
static RECENT: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];
/// The code where there is no kind.
const NONE: usize = align_of::<Contract>() - 1;
const _: () = assert!(Kind::COUNT <= NONE);

/// [`kind_of`], to be known when it is asked for this contract again; there may be more than one copy of it.
#[cold]
#[inline(never)]
fn find_kind<S: Signature>(contract: usize, known: usize) -> Option<Kind> {
    if known == contract | NONE {
        return None;
    }
    let kind = plan_kind::<S>();
    RECENT[contract >> 4 & 255].store(contract | kind.map_or(NONE, Kind::code), Ordering::Relaxed);
    kind
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
