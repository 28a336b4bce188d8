//! Putting a closure, an entry and a thunk of one signature together.
//!
//! # Safety
//!
//! A thunk is made here only: with an entry of its signature, the context that the entry is for, and, where code is
//! generated, of the plan for that signature.
#![allow(unsafe_code)]

use super::context::{Context, Guard};
use super::panics::OnPanic;
use super::signature::{Bare, Entry, Guarded, Run, Signature};
use super::stop;
use crate::engine::{self, Grave, Kind, Note, Thunk};
use crate::error::{Error, ErrorKind};
use crate::function::Ret;
use crate::host;
use callsmith_arch::layout::{Scalar, Type};
use callsmith_arch::plan::Passing;
use callsmith_arch::{Abi, abi};
use std::any::type_name;
use std::ffi::c_void;
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
pub(super) struct Live {
    /// `Some` until it is dropped.
    thunk: Option<Thunk>,
    context: Option<Box<dyn Retire>>,
}

// SAFETY: what a shared reference gives is the address, and `close`, which is for any thread.
unsafe impl Sync for Live {}

/// A context, whatever its closure's type.
pub(super) trait Retire: engine::Context {
    fn retire(&self);
    fn close(&self);
    fn into_context<'a>(self: Box<Self>) -> Box<dyn engine::Context + 'a>
    where
        Self: 'a;
}

impl<F, P: Send> Retire for Context<F, P> {
    fn retire(&self) {
        Context::retire(self);
    }

    fn close(&self) {
        Context::close(self);
    }

    fn into_context<'a>(self: Box<Self>) -> Box<dyn engine::Context + 'a>
    where
        Self: 'a,
    {
        self
    }
}

impl Live {
    /// Puts the two together, if there is a thunk.
    pub(super) fn new(
        thunk: Result<Thunk, engine::PublishError>,
        context: Box<dyn Retire>,
        name: impl FnOnce() -> String,
    ) -> Result<Live, Error> {
        match thunk {
            Ok(thunk) => Ok(Live { thunk: Some(thunk), context: Some(context) }),
            Err(source) => {
                context.retire();
                Err(no_code(name(), source))
            }
        }
    }

    /// The function pointer.
    pub(super) fn address(&self) -> *const c_void {
        // There is a thunk until the callback is dropped.
        self.thunk.as_ref().map_or(ptr::null(), Thunk::address)
    }

    /// Waits until nobody is inside, and lets nobody in after that.
    pub(super) fn close(&self) {
        if let Some(context) = &self.context {
            context.close();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let Some(thunk) = &self.thunk else { return };
        thunk.disarm();
        let _rest = Rest(self);
        if let Some(context) = &_rest.0.context {
            context.retire();
        }
    }
}

/// Lays the thunk to rest with its context, also when the closure's drop panics.
struct Rest<'a>(&'a mut Live);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        if let Some(thunk) = self.0.thunk.take() {
            thunk.release(self.0.context.take().map(|context| context.into_context()));
        }
    }
}

/// A closure of type `W`, called under `G`, whose panics go to `panic`, as a function of signature `S`.
///
/// # Safety
/// The result is dropped, and nobody is inside, before anything ends that the closure borrows.
pub(super) unsafe fn typed<S, W, G, P>(closure: W, panic: P, wish: Wish) -> Result<Live, Error>
where
    S: Signature,
    W: Run<S::Args, S::Result>,
    G: Guard,
    P: OnPanic<S::Result> + Send + 'static,
{
    let straight = if S::DIRECT && S::ABI == host::ABI { kind_of::<S>() } else { None };
    let (kind, target) = match straight {
        Some(kind) if wish.unwinds => (kind, S::unwinding_entry::<Guarded<W, G, P>>()),
        Some(kind) => (kind, S::entry::<Guarded<W, G, P>>()),
        None if wish.unwinds => return Err(no_way_to_unwind(type_name::<S>())),
        None => (Kind::ADAPTER, adapter_of::<S>()?),
    };
    let data = wish.at.map_or(ptr::null(), |at| ptr::from_ref(at).cast());
    let note = Note { trap: stop::called_after_drop, text: text::<S>, data };
    let handler = S::handler::<Guarded<W, G, P>>();
    let context = Context::new::<G, <S::Result as Ret>::Native>(closure, panic, note, handler);
    let address = ptr::from_ref(&*context).cast::<c_void>();
    let context: Box<dyn Retire + '_> = context;
    // SAFETY: the closure in it goes before what it borrows, as the caller promises. What rests after that is memory.
    let context = unsafe { std::mem::transmute::<Box<dyn Retire + '_>, Box<dyn Retire>>(context) };
    // SAFETY: the entry is for this signature and this context; the context rests with the slot.
    let thunk = unsafe { Thunk::new(kind, address, target) };
    Live::new(thunk, context, || type_name::<S>().into())
}

/// A closure without content as a function of signature `S`; `None` where it takes more than a thunk and an entry.
pub(super) fn bare<S, F>(closure: F, wish: Wish) -> Result<Result<Live, F>, Error>
where
    S: Signature,
    Bare<F>: Entry<S::Args, S::Result>,
{
    let plain = size_of::<F>() == 0 && !std::mem::needs_drop::<F>() && wish.at.is_none() && !wish.unwinds;
    match kind_of::<S>() {
        Some(kind) if plain && S::DIRECT && S::ABI == host::ABI => {
            let grave = const {
                &Grave::new(&Note { trap: stop::called_after_drop, text: text::<S>, data: ptr::null() })
            };
            let context = ptr::from_ref(grave).cast();
            // SAFETY: the entry is for this signature, and looks into no context; the grave is for ever.
            let thunk = unsafe { Thunk::new(kind, context, S::entry::<Bare<F>>()) };
            let thunk = thunk.map_err(|source| no_code(type_name::<S>().into(), source))?;
            Ok(Ok(Live { thunk: Some(thunk), context: None }))
        }
        Some(_) | None => Ok(Err(closure)),
    }
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

fn no_code(function: String, source: engine::PublishError) -> Error {
    ErrorKind::Code { function, source: source.into() }.into()
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

/// Which register the context goes to, where the handler of a callback of signature `S` takes it behind its parameters.
fn kind_of<S: Signature>() -> Option<Kind> {
    /// Recently asked: a contract's address, with the kind's code in the bits that an alignment of 8 leaves.
    static RECENT: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];
    const CODE: usize = 7;
    let contract = ptr::from_ref(S::CONTRACT).addr();
    let recent = &RECENT[contract >> 4 & 255];
    let known = recent.load(Ordering::Relaxed);
    if known & !CODE == contract {
        return Kind::from_code(known & CODE);
    }
    let kind = find_kind::<S>();
    recent.store(contract | kind.map_or(CODE, Kind::code), Ordering::Relaxed);
    kind
}

#[cold]
fn find_kind<S: Signature>() -> Option<Kind> {
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
