//! Levels: where stubs are found, without a lock.
//!
//! ```text
//! first ─▶ level   │ stub │      │ stub │ …   256 places: a stub is at the one that its hash names, or next to it
//!            │ next
//!            ▼
//!          level   │      │ stub │      │ …   four times as many; made when half of those above are taken
//! ```
//!
//! A place is filled once, and a level neither moves nor goes: a look is loads and no more, and no stub is hashed or placed
//! a second time.
//!
//! # Safety
//!
//! One block, which makes a reference of the address in a place. Only [`Levels::insert`] puts one there, that of a stub
//! for ever.
#![allow(unsafe_code)]

use super::Stub;
use crate::arch::Signature;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

/// How many places the first level has: a power of two.
const FIRST: usize = 256;
/// How many times as many each next one has: a power of two.
const GROWTH: usize = 4;

/// The first level, and through it the others.
pub(super) struct Levels(OnceLock<&'static Level>);

struct Level {
    /// Where a stub is, or null; a power of two of them.
    places: Box<[AtomicPtr<Stub>]>,
    next: Levels,
}

/// Where the next stub goes: the last level, and how many of its places are taken.
pub(super) struct Last {
    level: Option<&'static Level>,
    taken: usize,
}

impl Last {
    /// Where there is no level yet.
    pub(super) const fn new() -> Last {
        Last { level: None, taken: 0 }
    }
}

impl Levels {
    /// None yet.
    pub(super) const fn new() -> Levels {
        Levels(OnceLock::new())
    }

    /// The stub for `signature`, whose hash this is.
    #[inline]
    pub(super) fn find(&self, hash: u64, signature: &Signature) -> Option<&'static Stub> {
        let mut levels = self;
        loop {
            let level = levels.0.get()?;
            let mut index = level.index(hash);
            // Half of the places are free.
            while let Some(stub) = level.stub(index) {
                if stub.hash == hash && stub.signature == *signature {
                    return Some(stub);
                }
                index = level.after(index);
            }
            levels = &level.next;
        }
    }

    /// Enters a stub that is not there. One thread at a time does, with the one `last` of these levels.
    pub(super) fn insert(&self, last: &mut Last, stub: &'static Stub) {
        let level = match last.level {
            Some(level) if last.taken < level.places.len() / 2 => level,
            full => {
                last.taken = 0;
                let (end, size) = full.map_or((self, FIRST), |full| (&full.next, GROWTH * full.places.len()));
                end.0.get_or_init(|| Box::leak(Box::new(Level::new(size))))
            }
        };
        last.level = Some(level);
        last.taken += 1;
        let mut index = level.index(stub.hash);
        while level.stub(index).is_some() {
            index = level.after(index);
        }
        level.places[index].store(ptr::from_ref(stub).cast_mut(), Ordering::Release);
    }
}

impl Level {
    fn new(size: usize) -> Level {
        let places = std::iter::repeat_with(|| AtomicPtr::new(ptr::null_mut()));
        Level { places: places.take(size).collect(), next: Levels::new() }
    }

    /// The place that `hash` names.
    #[inline]
    fn index(&self, hash: u64) -> usize {
        // The low bits are as good as the high ones.
        #[allow(clippy::cast_possible_truncation)]
        let hash = hash as usize;
        hash & (self.places.len() - 1)
    }

    /// The place after that at `index`.
    #[inline]
    fn after(&self, index: usize) -> usize {
        (index + 1) & (self.places.len() - 1)
    }

    /// The stub at `index`, if its place is taken.
    #[inline]
    fn stub(&self, index: usize) -> Option<&'static Stub> {
        let stub = self.places[index].load(Ordering::Acquire);
        // SAFETY: null, or a stub that is for ever.
        unsafe { stub.as_ref() }
    }
}
