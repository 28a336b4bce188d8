//! The slots that a thread keeps at hand.
//!
//! # Safety
//!
//! [`HAND`] points at [`EMPTY`], which is never written, or at a box that is freed when the thread ends, by what puts `EMPTY`
//! in its place.
#![allow(unsafe_code)]

use super::group::block_of;
use super::pool::Home;
use super::stock::Stock;
use super::{Kind, Slot, Thunk, end, is_left};
use crate::engine::code_memory::PublishError;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

/// What a thread keeps.
pub(super) struct Hand {
    /// By kind.
    stocks: [Stock; Kind::COUNT],
    /// By the end of the target's address.
    recent: [Recent; RECENT],
}

/// How many targets are remembered.
const RECENT: usize = 64;

/// A target, and the stock of the slots that such callbacks take. The code of the target says which register the context is
/// in, so where two targets have one address, they have one stock.
struct Recent {
    target: Cell<*const c_void>,
    stock: Cell<*const Stock>,
}

struct Empty(Hand);

// SAFETY: never written.
unsafe impl Sync for Empty {}

/// What a thread has before it makes a callback, and when it ends.
static EMPTY: Empty = Empty(Hand::new());

thread_local! {
    static HAND: Cell<*const Hand> = const { Cell::new(&raw const EMPTY.0) };
    /// Gives the slots back when the thread ends. Apart from them, so that those who use them need not look whether it has.
    static GIVES_BACK: GivesBack = const { GivesBack };
}

struct GivesBack;

impl Drop for GivesBack {
    fn drop(&mut self) {
        let hand = HAND.replace(&raw const EMPTY.0);
        if ptr::eq(hand, &raw const EMPTY.0) {
            return;
        }
        // SAFETY: it came from a box, and nobody finds it any more.
        let hand = unsafe { Box::from_raw(hand.cast_mut()) };
        hand.stocks.iter().zip(Kind::ALL).for_each(|(stock, kind)| stock.close(Home::of(kind)));
    }
}

impl Hand {
    const fn new() -> Hand {
        Hand {
            stocks: [const { Stock::new() }; Kind::COUNT],
            recent: [const { Recent { target: Cell::new(ptr::null()), stock: Cell::new(ptr::null()) } };
                RECENT],
        }
    }

    /// This thread's.
    #[inline(always)]
    fn here() -> *const Hand {
        HAND.with(|hand| hand.get())
    }

    /// This thread's, with room for slots; `None` in a thread that is ending, which keeps nothing.
    fn open() -> Option<&'static Hand> {
        GIVES_BACK.try_with(|_| ()).ok()?;
        if ptr::eq(Hand::here(), &raw const EMPTY.0) {
            HAND.set(Box::into_raw(Box::new(Hand::new())));
        }
        // SAFETY: the caller does not keep it beyond the thread's end, which is not in the middle of anything here.
        Some(unsafe { &*Hand::here() })
    }

    /// Where the stock of this kind is, in bytes from a hand's address.
    pub(super) const fn offset_of(kind: Kind) -> usize {
        std::mem::offset_of!(Hand, stocks) + kind.index() * size_of::<Stock>()
    }

    fn stock(&self, kind: Kind) -> &Stock {
        &self.stocks[kind.index()]
    }
}

/// Which of the recent ones it may be.
#[inline(always)]
fn index_of(target: *const c_void) -> usize {
    // Most functions are aligned to 16 bytes.
    target.addr() / 16 % RECENT
}

/// A slot at hand that has rested, with the context of the callback before: still in the stock. Where the stock is empty, it
/// is a slot that is nobody's, so that its context is not the one that is looked for.
pub(crate) struct Rested {
    stock: NonNull<Stock>,
    slot: NonNull<Slot>,
    target: *const c_void,
}

impl Rested {
    /// One for callbacks of this target, if the thread has made one not long ago.
    #[inline(always)]
    pub(crate) fn find(target: *const c_void, counts: bool) -> Option<Rested> {
        // SAFETY: a hand; what is remembered in it is a stock in it.
        unsafe {
            let recent = &(&(*Hand::here()).recent)[index_of(target)];
            if recent.target.get() != target {
                return None;
            }
            let apart = if counts { Kind::ADAPTER.counting().index() - Kind::ADAPTER.index() } else { 0 };
            let stock = NonNull::new_unchecked(recent.stock.get().add(apart).cast_mut());
            let slot = stock.as_ref().peek();
            Some(Rested { stock, slot, target })
        }
    }

    /// The context before.
    #[inline(always)]
    pub(crate) fn context(&self) -> NonNull<c_void> {
        // SAFETY: slots are never unmapped, and have a context.
        unsafe { NonNull::new_unchecked(self.slot.as_ref().context.load(Ordering::Relaxed)) }
    }

    /// A thunk that enters the target with the context before, which is alive again.
    ///
    /// # Safety
    /// As for [`Thunk::new`]; the context is one that a thunk was made with. Nothing else was asked for a slot since this was
    /// found.
    #[inline(always)]
    pub(crate) unsafe fn revive(self) -> Thunk {
        // SAFETY: the slot is still the top of the stock; slots are never unmapped.
        unsafe {
            self.stock.as_ref().pop();
            // Whoever gets the address gets it after this.
            self.slot.as_ref().target.store(self.target.cast_mut(), Ordering::Release);
        }
        Thunk(self.slot)
    }
}

impl Kind {
    /// The kind of callbacks of this target, not counting, if the thread has made one not long ago.
    pub(crate) fn known_of(target: *const c_void) -> Option<Kind> {
        // SAFETY: a hand.
        let hand = unsafe { &*Hand::here() };
        let recent = &hand.recent[index_of(target)];
        let is_its = |kind: &Kind| ptr::eq(hand.stock(*kind), recent.stock.get());
        (recent.target.get() == target).then(|| Kind::ALL.into_iter().find(is_its)).flatten()
    }
}

/// From now on slots for callbacks of this target are found by it.
pub(super) fn remember(target: *const c_void, kind: Kind) {
    if let Some(hand) = Hand::open() {
        let recent = &hand.recent[index_of(target)];
        recent.target.set(target);
        // From the array's address: the counting ones are found from here.
        recent.stock.set(hand.stocks.as_ptr().wrapping_add(kind.plain().index()));
    }
}

/// A slot of this kind that has rested, with whatever context it had.
pub(super) fn take(kind: Kind) -> Option<NonNull<Slot>> {
    // SAFETY: a hand.
    let stock = unsafe { &*Hand::here() }.stock(kind);
    if stock.is_empty() {
        return None;
    }
    let slot = stock.peek();
    // SAFETY: there is one.
    unsafe { stock.pop() };
    Some(slot)
}

/// A slot of this kind, nobody's.
#[cold]
pub(super) fn take_from_pool(kind: Kind) -> Result<NonNull<Slot>, PublishError> {
    let home = Home::of(kind);
    let Some(hand) = Hand::open() else {
        let mut batch = home.take()?.into_iter();
        let slot = batch.next();
        home.give_back(batch);
        return slot.ok_or(PublishError::Data { bytes: 0, source: std::io::ErrorKind::OutOfMemory.into() });
    };
    loop {
        let Some(slot) = take(kind) else {
            hand.stock(kind).fill(home)?;
            continue;
        };
        // SAFETY: slots are never unmapped.
        let words = unsafe { slot.as_ref() };
        if is_left(words.context.load(Ordering::Relaxed)) {
            end(words);
            return Ok(slot);
        }
        lay_to_rest_elsewhere(slot);
    }
}

/// Lays a slot to rest in the pool: somebody is still inside.
#[cold]
#[inline(never)]
pub(super) fn lay_to_rest_elsewhere(slot: NonNull<Slot>) {
    block_of(slot).home.lay_to_rest([slot].into_iter());
}

/// Lays a slot to rest, where its block says.
#[inline(always)]
pub(super) fn lay_to_rest(slot: NonNull<Slot>, stock: usize) {
    // SAFETY: a block of slots says where in a hand their stock is.
    let stock = unsafe { &*Hand::here().byte_add(stock).cast::<Stock>() };
    if !stock.put(slot) {
        make_room_for(slot);
    }
}

#[cold]
#[inline(never)]
fn make_room_for(slot: NonNull<Slot>) {
    let home = block_of(slot).home;
    let rests = Hand::open().is_some_and(|hand| {
        let stock = hand.stock(home.kind);
        stock.make_room(home);
        stock.put(slot)
    });
    if !rests {
        lay_to_rest_elsewhere(slot);
    }
}
