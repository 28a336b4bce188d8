//! Functions called by pointers to their arguments.
#![allow(unsafe_code)]

use super::Function;
use super::inner::Inner;
use crate::engine::Gather;
use crate::error::Error;
use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;

/// A [`Function`] for calls with pointers to the arguments' values, unchecked: libffi's shape, for runtimes. From
/// [`Function::invoker`].
#[derive(Clone)]
pub struct Invoker {
    gather: Gather,
    inner: Arc<Inner>,
}

impl Invoker {
    pub(super) fn new(function: &Function) -> Result<Invoker, Error> {
        let gather = function.bound.gather(|| function.name().to_owned())?;
        Ok(Invoker { gather, inner: Arc::clone(&function.inner) })
    }

    /// Calls with pointers to the arguments' values; the result is stored at `result`, exactly its size.
    ///
    /// # Safety
    /// `arguments` points at one pointer for each parameter (and each type of the function's tail, if it is from
    /// [`Function::with_tail`]), each to a readable value of its type; `result` is writable, large and aligned enough for
    /// the result, or anything where that is `void`. And the function may be called with these values.
    #[inline(always)]
    pub unsafe fn invoke(&self, arguments: *const *const c_void, result: *mut c_void) {
        // SAFETY: the caller's promise.
        unsafe { self.gather.call(arguments, result) }
    }
}

impl fmt::Debug for Invoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invoker of {}", self.inner.prototype)
    }
}
