//! Which stub serves a call that does not go straight: variadic tails, and types that rustc cannot pass itself.

use super::contract::Contract;
use crate::data::{Tag, Value};
use crate::engine::Bound;
use std::ptr;
use std::sync::OnceLock;

/// How many are remembered for a function. Beyond that every call looks its stub up.
const LIMIT: usize = 64;

/// What a call looks like that a stub serves.
pub(super) enum Key {
    /// A call site's types.
    Contract(&'static Contract),
    /// The variants that follow the fixed parameters.
    Values(Box<[Tag]>),
}

/// The stubs that a function's calls have needed so far: a list that only grows, read without a lock.
#[derive(Default)]
pub(super) struct Tails {
    first: OnceLock<Box<Node>>,
}

struct Node {
    key: Key,
    bound: Bound,
    next: OnceLock<Box<Node>>,
}

impl Tails {
    /// The stub for a call site.
    #[inline]
    pub(super) fn of_contract(&self, contract: &'static Contract) -> Option<&Bound> {
        self.find(|key| match key {
            Key::Contract(known) => ptr::eq(*known, contract),
            Key::Values(_) => false,
        })
    }

    /// The stub for values that follow the fixed parameters.
    pub(super) fn of_values(&self, tail: &[Value]) -> Option<&Bound> {
        self.find(|key| match key {
            Key::Values(tags) => tags.iter().copied().eq(tail.iter().map(Value::tag)),
            Key::Contract(_) => false,
        })
    }

    #[inline]
    fn find(&self, is: impl Fn(&Key) -> bool) -> Option<&Bound> {
        let mut next = self.first.get();
        while let Some(node) = next {
            if is(&node.key) {
                return Some(&node.bound);
            }
            next = node.next.get();
        }
        None
    }

    /// Remembers a stub. Who comes second with the same key leaves a node that nobody finds.
    pub(super) fn add(&self, key: Key, bound: Bound) {
        let mut node = Box::new(Node { key, bound, next: OnceLock::new() });
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

impl Drop for Tails {
    /// One node after the other: a list dropped as such would recurse.
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(mut node) = next {
            next = node.next.take();
        }
    }
}
