//! What adapters call: a closure, over values or over bare memory.
//!
//! # Safety
//!
//! An adapter calls the handlers here with the context that they are for, pointers to the arguments of the prototype, and
//! room for its result.

use crate::callback::context::{Context, Inside};
use crate::callback::guard::Guard;
use crate::callback::make::describe;
use crate::callback::panics::Kept;
use crate::callback::signature::Run;
use crate::callback::stop;
use crate::callback::values::{give, load};
use crate::ctype::Prototype;
use crate::data::Value;
use crate::engine::{CodePtr, Note};
use crate::function::Expected;
use callsmith_arch::layout::Type;
use std::ffi::c_void;
use std::panic::Location;
use std::sync::{Arc, Weak};

/// What a call has to know of the prototype.
pub(in crate::callback) struct Shape {
    pub(in crate::callback) prototype: Prototype,
    pub(super) params: Box<[Expected]>,
    pub(in crate::callback) result: Expected,
    pub(in crate::callback) result_type: Option<Type>,
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
pub(super) trait Ending: Send + Sync {
    fn described(&self) -> &Arc<Described>;

    /// Runs what fills `result`.
    ///
    /// # Safety
    /// `result` has room for the prototype's result.
    unsafe fn run(&self, result: *mut c_void, body: impl FnOnce());
}

/// What calls and messages need, for as long as the context lasts: the same for all callbacks of a builder.
pub(super) struct Described {
    /// Its `data` is this.
    pub(super) note: Note,
    pub(super) adapter: CodePtr,
    pub(super) shape: Arc<Shape>,
    pub(super) at: Option<&'static Location<'static>>,
}

impl Described {
    pub(super) fn new(
        adapter: CodePtr,
        shape: Arc<Shape>,
        at: Option<&'static Location<'static>>,
    ) -> Arc<Described> {
        Arc::new_cyclic(|this: &Weak<Described>| {
            let note = Note { trap: stop::called_after_drop, text, data: this.as_ptr().cast() };
            Described { note, adapter, shape, at }
        })
    }

    /// Another one of the same signature.
    pub(super) fn again(&self, at: Option<&'static Location<'static>>) -> Arc<Described> {
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
pub(super) struct Keeping {
    pub(super) described: Arc<Described>,
    pub(super) instead: Box<[u8]>,
    pub(super) kept: Kept,
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
pub(super) type Handler = unsafe extern "C" fn(*mut c_void, *const *const c_void, *mut c_void);

/// A closure that is called with the arguments of one call.
pub(super) trait OverArgs: for<'a, 'b> Run<(&'a CallbackArgs<'b>,), Value> {}

impl<W: for<'a, 'b> Run<(&'a CallbackArgs<'b>,), Value>> OverArgs for W {}

/// # Safety
/// Called by an adapter, with a context for this function.
pub(super) unsafe extern "C" fn over_values<W, G, E>(
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
pub(super) unsafe extern "C" fn over_memory<F, E>(
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

/// The callback in words.
fn text(note: &Note) -> String {
    let Described { shape, at, .. } = described(note);
    describe(&shape.prototype.to_string(), *at)
}

/// What the note of a dynamic callback is about.
pub(super) fn described(note: &Note) -> &Described {
    // SAFETY: it points at what the context keeps, which the note is in.
    unsafe { &*note.data.cast() }
}
