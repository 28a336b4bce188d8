//! How calls reach a function: straight, or through which stub. Found out once for each kind of call.
#![allow(unsafe_code)]

use super::contract::Contract;
use super::inner::{Inner, sign};
use super::words::{FewSlots, Words};
use crate::data::{Tag, Value};
use crate::engine::{self, Bound};
use crate::error::Error;
use crate::host;
use callsmith_arch::Signature;
use callsmith_arch::abi::classify;
use callsmith_arch::layout::Type;
use std::ptr;
use std::sync::OnceLock;

/// How a call whose Rust types are exactly the function's reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// rustc calls it.
    Straight,
    /// rustc calls it, as a variadic function whose first parameter is declared and no other.
    StraightVariadic,
    /// Through the stub.
    Slots,
}

/// A way, and the function bound to the stub for it.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) way: Way,
    pub(super) bound: Bound,
}

impl Inner {
    /// The route of calls with this variadic tail. `direct`: rustc can pass their types.
    pub(super) fn route(&self, bound: &Bound, direct: bool, tail: &[Type]) -> Result<Route, Error> {
        let way = if direct { self.way(tail)? } else { Way::Slots };
        let bound = if way == Way::Slots { self.bind_tail(bound, tail)? } else { *bound };
        Ok(Route { way, bound })
    }

    /// The way of calls with this variadic tail, whose types rustc can pass.
    fn way(&self, tail: &[Type]) -> Result<Way, Error> {
        let own = &self.stub.signature;
        match own.fixed() {
            _ if own.abi() != host::ABI => Ok(Way::Slots),
            None => Ok(Way::Straight),
            Some(0) => Ok(Way::Slots),
            Some(fixed) => {
                // Right where it makes no difference whether what follows the first parameter is declared.
                let params = [own.params(), tail].concat();
                let plan = |fixed| {
                    let call = Signature::variadic(own.abi(), own.result().cloned(), params.clone(), fixed)?;
                    classify(&call)
                };
                let same = plan(fixed).and_then(|declared| Ok(declared == plan(1)?));
                let same = same.map_err(|source| self.wrong_signature(source))?;
                Ok(if same { Way::StraightVariadic } else { Way::Slots })
            }
        }
    }

    /// The function bound to the stub for these types behind the fixed parameters.
    pub(super) fn bind_tail(&self, bound: &Bound, tail: &[Type]) -> Result<Bound, Error> {
        if tail.is_empty() {
            return Ok(Bound::new(bound.target(), self.stub));
        }
        let signature = sign(&self.prototype, tail)?;
        let stub = engine::stub_of(signature, || self.name().to_owned())?;
        Ok(Bound::new(bound.target(), stub))
    }
}

/// How many are remembered for a function. Beyond that every call looks its stub up.
const LIMIT: usize = 64;

/// Which calls take a route.
pub(super) enum Key {
    /// A call site's types.
    Contract(&'static Contract),
    /// The variants of all arguments, those behind the `...` promoted.
    Values(Box<[Tag]>, Words),
}

/// The routes of a function's calls so far: a list that only grows, read without a lock.
#[derive(Default)]
pub(super) struct Routes {
    first: OnceLock<Box<Node>>,
}

struct Node {
    key: Key,
    route: Route,
    next: OnceLock<Box<Node>>,
}

impl Routes {
    /// That of a call site.
    #[inline]
    pub(super) fn of_contract(&self, contract: &'static Contract) -> Option<&Route> {
        self.find(|key| match key {
            Key::Contract(known) => ptr::eq(*known, contract),
            Key::Values(..) => false,
        })
    }

    /// That of values of these variants, those behind the `...` promoted.
    pub(super) fn of_tags(&self, tags: impl Iterator<Item = Tag> + Clone) -> Option<&Route> {
        self.find(|key| match key {
            Key::Values(known, _) => known.iter().copied().eq(tags.clone()),
            Key::Contract(_) => false,
        })
    }

    /// That of values which are all words, with their slots.
    pub(super) fn of_words(&self, values: &[Value], slots: &mut FewSlots) -> Option<(&Words, &Bound)> {
        let mut next = self.first.get();
        while let Some(node) = next {
            if let Key::Values(_, words) = &node.key {
                // SAFETY: there are as many.
                if words.count == values.len() && unsafe { words.fill(slots, values) } {
                    return Some((words, &node.route.bound));
                }
            }
            next = node.next.get();
        }
        None
    }

    #[inline]
    fn find(&self, is: impl Fn(&Key) -> bool) -> Option<&Route> {
        let mut next = self.first.get();
        while let Some(node) = next {
            if is(&node.key) {
                return Some(&node.route);
            }
            next = node.next.get();
        }
        None
    }

    /// Remembers a route. Who comes second with the same key leaves a node that nobody finds.
    pub(super) fn add(&self, key: Key, route: Route) {
        let mut node = Box::new(Node { key, route, next: OnceLock::new() });
        let mut end = &self.first;
        for _ in 0..LIMIT {
            match end.set(node) {
                Ok(()) => return,
                Err(refused) => node = refused,
            }
            match end.get() {
                Some(taken) => end = &taken.next,
                None => return,
            }
        }
    }
}

impl Drop for Routes {
    /// One node after the other: a list dropped as such would recurse.
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(mut node) = next {
            next = node.next.take();
        }
    }
}
