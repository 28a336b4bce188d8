//! A thread's slots of one kind: those that may be used, and those that rest.
//!
//! ```text
//! one half        ┌──────┬─────────────────────────┬─────┐
//!                 │ none │ may be used             │     │
//!                 └──────┴─────────────────────────┴─────┘
//!                                                ▲ top
//! the other half  ┌──────┬─────────────────────────┬─────┐
//!                 │ none │ dropped, the oldest ... │     │
//!                 └──────┴─────────────────────────┴─────┘
//!                                                    ▲ next   ▲ end
//! ```
//!
//! Taking a slot and dropping one is a load or a store and a step. When there is no place for another dropped one, all but the
//! last [`REST`] have rested: they may be used where they are, and the last ones go to the other half.
//!
//! # Safety
//!
//! `top`, `next` and `end` stay in their halves, which are allocated with the first slot and freed by [`Stock::close`].
//! Nobody but the thread has them, and nothing calls back while they move.
#![allow(unsafe_code)]

use super::pool::Home;
use super::{NOBODYS, REST, Slot};
use crate::engine::code_memory::PublishError;
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicPtr, Ordering, fence};

type Place = NonNull<Slot>;

/// In a place that holds none: nobody's, and never anybody's.
static NO_SLOT: Slot = Slot {
    context: AtomicPtr::new((&raw const NOBODYS).cast_mut().cast()),
    target: AtomicPtr::new(ptr::null_mut()),
};
// SAFETY: a reference is not null.
const NONE: Place = unsafe { NonNull::new_unchecked((&raw const NO_SLOT).cast_mut()) };

/// How many places a half has, behind the one that holds none.
const ROOM: usize = 2 * REST;

const HALF: usize = 1 + ROOM;

type Places = [Place; 2 * HALF];

/// What `top` points at before anything is allocated: no slot.
struct Nothing(Place);

// SAFETY: never written.
unsafe impl Sync for Nothing {}

static NOTHING: Nothing = Nothing(NONE);

pub(super) struct Stock {
    /// The last one that may be used, or below that the place that holds none.
    top: Cell<*const Place>,
    /// Where the next dropped one goes.
    next: Cell<*mut Place>,
    /// The end of that half.
    end: Cell<*mut Place>,
    /// The first place of all.
    start: Cell<*mut Place>,
}

impl Stock {
    pub(super) const fn new() -> Stock {
        Stock {
            top: Cell::new(&raw const NOTHING.0),
            next: Cell::new(ptr::null_mut()),
            end: Cell::new(ptr::null_mut()),
            start: Cell::new(ptr::null_mut()),
        }
    }

    /// One that has rested, or one that is never anybody's where there is [none](Stock::is_empty). It stays.
    #[inline(always)]
    pub(super) fn peek(&self) -> NonNull<Slot> {
        // SAFETY: `top` points at a place.
        unsafe { *self.top.get() }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.peek() == NONE
    }

    /// Takes that one out.
    ///
    /// # Safety
    /// There is one.
    #[inline(always)]
    pub(super) unsafe fn pop(&self) {
        // SAFETY: a slot is never in a half's first place.
        self.top.set(unsafe { self.top.get().sub(1) });
    }

    /// Lays one to rest; gives false where there is no place.
    #[inline(always)]
    pub(super) fn put(&self, slot: NonNull<Slot>) -> bool {
        let next = self.next.get();
        if next == self.end.get() {
            return false;
        }
        // SAFETY: before the end there are places.
        unsafe {
            next.write(slot);
            self.next.set(next.add(1));
        }
        true
    }

    /// When no more may be used: gets some from among the dropped, or from the pool.
    #[cold]
    pub(super) fn fill(&self, home: &'static Home) -> Result<(), PublishError> {
        self.open();
        if self.dropped().len() == ROOM {
            self.turn(home);
            return Ok(());
        }
        let batch = home.take()?;
        debug_assert!(self.usable().is_empty() && batch.len() <= ROOM);
        for slot in batch {
            // SAFETY: the half has places for as many as a batch has.
            unsafe {
                let place = self.top.get().cast_mut().add(1);
                place.write(slot);
                self.top.set(place);
            }
        }
        Ok(())
    }

    /// Makes a place for a dropped one.
    #[cold]
    pub(super) fn make_room(&self, home: &'static Home) {
        if !self.open() {
            self.turn(home);
        }
    }

    /// Gives all to the pool, and has no more places.
    pub(super) fn close(&self, home: &'static Home) {
        if self.start.get().is_null() {
            return;
        }
        let all = [self.usable(), self.dropped()].concat();
        // SAFETY: as they were allocated; nobody has a pointer to them after this.
        drop(unsafe { Box::from_raw(self.start.get().cast::<Places>()) });
        self.top.set(&raw const NOTHING.0);
        for pointer in [&self.next, &self.end, &self.start] {
            pointer.set(ptr::null_mut());
        }
        home.lay_to_rest(all.into_iter());
    }

    /// Allocates the places; gives false where they are there.
    fn open(&self) -> bool {
        if !self.start.get().is_null() {
            return false;
        }
        let start = Box::into_raw(Box::<Places>::new([NONE; 2 * HALF])).cast::<Place>();
        self.start.set(start);
        self.top.set(start);
        // SAFETY: so many places there are.
        unsafe {
            self.next.set(start.add(HALF + 1));
            self.end.set(start.add(2 * HALF));
        }
        true
    }

    /// The half that dropped ones go to: its first place, and that of the other.
    fn halves(&self) -> (*mut Place, *mut Place) {
        let (start, end) = (self.start.get(), self.end.get());
        // SAFETY: there are two halves, and the end is that of one of them.
        unsafe {
            let middle = start.add(HALF);
            if end == middle { (start, middle) } else { (middle, start) }
        }
    }

    /// The dropped ones, the oldest first.
    fn dropped(&self) -> &[Place] {
        let (half, _) = self.halves();
        // SAFETY: they are between the half's first place and `next`.
        unsafe { slice::from_raw_parts(half.add(1), self.next.get().offset_from_unsigned(half) - 1) }
    }

    /// Those that may be used.
    fn usable(&self) -> &[Place] {
        let (_, half) = self.halves();
        // SAFETY: they are between the other half's first place, or this one's where they were dropped, and `top`.
        unsafe { slice::from_raw_parts(half.add(1), self.top.get().offset_from_unsigned(half)) }
    }

    /// Lets all but the last [`REST`] of the dropped be used, instead of those that are left of the usable.
    fn turn(&self, home: &'static Home) {
        let left: Vec<Place> = self.usable().to_vec();
        let (half, other) = self.halves();
        let dropped = self.dropped().len();
        let rested = dropped.saturating_sub(REST);
        // SAFETY: a half has places for the last ones, and those that were in it are copied out.
        unsafe {
            half.add(1 + rested).copy_to_nonoverlapping(other.add(1), dropped - rested);
            self.next.set(other.add(1 + dropped - rested));
            self.end.set(other.add(HALF));
            self.top.set(half.add(rested));
        }
        // See `Thunk::shut`: all that may be used now were shut before this.
        fence(Ordering::SeqCst);
        if !left.is_empty() {
            home.lay_to_rest(left.into_iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NonNull, REST, Slot, Stock};
    use crate::engine::thunks::Kind;
    use crate::engine::thunks::pool::Home;
    use std::collections::VecDeque;

    /// Slots are given out again when they have rested, and none is lost or given out twice.
    #[test]
    fn what_is_dropped_rests() {
        let home = Home::of(Kind::ADAPTER);
        let stock = Stock::new();
        let take = || {
            if stock.is_empty() {
                stock.fill(home).expect("slots");
            }
            assert!(!stock.is_empty());
            let slot = stock.peek();
            // SAFETY: there it is.
            unsafe { stock.pop() };
            slot
        };
        let put = |slot: NonNull<Slot>| {
            if !stock.put(slot) {
                stock.make_room(home);
                assert!(stock.put(slot));
            }
        };
        let mut live = VecDeque::new();
        let mut dropped = VecDeque::new();
        for round in 0..20_000 {
            // More taken than dropped for some time, then the other way.
            if live.is_empty() || (round / 3000 % 2 == 0 && round % 3 > 0) {
                let slot = take();
                assert!(!live.contains(&slot), "given out twice");
                assert!(!dropped.iter().rev().take(REST).any(|other| *other == slot), "did not rest");
                live.push_back(slot);
            } else if let Some(slot) = live.pop_front() {
                put(slot);
                dropped.push_back(slot);
            }
        }
        assert!(dropped.len() > 20 * REST);
        live.into_iter().for_each(put);
        stock.close(home);
        assert!(stock.is_empty());
    }
}
