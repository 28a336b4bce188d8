//! Functions whose Rust types are known when the program is compiled.
#![allow(unsafe_code)]

use super::Function;
use super::args::Args;
use super::contract::Contract;
use super::inner::Inner;
use super::ret::Ret;
use crate::engine::Bound;
use crate::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A [`Function`] that takes exactly the tuple `A` and gives back `R`: no check is left, and where rustc can call the
/// function itself, a call costs what a call through a C function pointer costs.
pub struct Typed<A, R> {
    bound: Bound,
    /// Whether rustc calls the target, instead of the stub.
    straight: bool,
    inner: Arc<Inner>,
    types: PhantomData<fn(A) -> R>,
}

impl<A: Args, R: Ret> Typed<A, R> {
    pub(super) fn new(function: &Function) -> Result<Typed<A, R>, Error> {
        let inner = &function.inner;
        let contract = Contract::of::<A, R>();
        let Some(tail) = contract.holds(&inner.prototype) else { return Err(inner.mismatch(contract)) };
        let straight = A::DIRECT && R::DIRECT && inner.is_host() && !inner.prototype.variadic;
        let bound = if straight { function.bound } else { inner.bind_tail(&function.bound, &tail)? };
        Ok(Typed { bound, straight, inner: Arc::clone(inner), types: PhantomData })
    }

    /// Calls the function.
    #[inline(always)]
    pub fn call(&self, arguments: A) -> R {
        // SAFETY: the contract holds, as `new` found out; and what calls of the function rely on was promised by whoever
        // made it.
        unsafe {
            if A::DIRECT && R::DIRECT && self.straight {
                arguments.direct(self.bound.target())
            } else {
                arguments.by_slots(&self.bound)
            }
        }
    }
}

impl<A, R> Clone for Typed<A, R> {
    fn clone(&self) -> Typed<A, R> {
        let Typed { bound, straight, inner, types } = self;
        Typed { bound: *bound, straight: *straight, inner: Arc::clone(inner), types: *types }
    }
}

impl<A, R> fmt::Debug for Typed<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:p}", self.inner.prototype, self.bound.target())
    }
}
