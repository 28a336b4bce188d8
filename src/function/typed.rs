//! Functions whose Rust types are known when the program is compiled.
#![allow(unsafe_code)]

use super::Function;
use super::args::Args;
use super::contract::Contract;
use super::inner::Inner;
use super::ret::Ret;
use super::route::{Route, Way};
use crate::engine::Bound;
use crate::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A [`Function`] that takes exactly the tuple `A` and gives back `R`. No check is left: rustc makes the call, and it
/// costs what a call through a C function pointer costs. (128-bit integers and `long double` go through the stub.)
pub struct Typed<A, R, const VARIADIC: bool = false> {
    bound: Bound,
    inner: Arc<Inner>,
    types: PhantomData<fn(A) -> R>,
}

/// A variadic [`Function`], for calls of exactly these types; as [`Typed`].
pub type TypedVariadic<A, R> = Typed<A, R, true>;

impl<A: Args, R: Ret, const VARIADIC: bool> Typed<A, R, VARIADIC> {
    pub(super) fn new(function: &Function) -> Result<Self, Error> {
        let inner = &function.inner;
        let contract = Contract::of::<A, R>();
        let Some(tail) = contract.holds(&inner.prototype) else { return Err(inner.mismatch(contract)) };
        if !inner.manner.is_plain() {
            return Err(inner.not_typed(Way::Slots));
        }
        let direct = A::DIRECT && R::DIRECT;
        let Route { way, bound } = inner.route(&function.bound, direct, &tail)?;
        let right = match way {
            Way::Straight => !VARIADIC,
            Way::StraightVariadic => VARIADIC,
            Way::Slots => !direct,
        };
        if right {
            Ok(Typed { bound, inner: Arc::clone(inner), types: PhantomData })
        } else {
            Err(inner.not_typed(way))
        }
    }

    /// Calls the function.
    #[inline(always)]
    pub fn call(&self, arguments: A) -> R {
        // SAFETY: the contract holds, and this is the way for it, as `new` found out; and what calls of the function rely
        // on was promised by whoever made it.
        unsafe {
            if !(A::DIRECT && R::DIRECT) {
                arguments.by_slots(&self.bound)
            } else if VARIADIC {
                arguments.direct_variadic(self.bound.target())
            } else {
                arguments.direct(self.bound.target())
            }
        }
    }
}

impl<A, R, const VARIADIC: bool> Clone for Typed<A, R, VARIADIC> {
    fn clone(&self) -> Self {
        let Typed { bound, inner, types } = self;
        Typed { bound: *bound, inner: Arc::clone(inner), types: *types }
    }
}

impl<A, R, const VARIADIC: bool> fmt::Debug for Typed<A, R, VARIADIC> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:p}", self.inner.prototype, self.bound.target())
    }
}
