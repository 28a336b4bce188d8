//! The slots that a thread keeps at hand.
#![allow(unsafe_code)]

use super::group::head_of;
use super::pool::Home;
use super::stock::Stock;
use super::{Kind, Slot, end, is_left};
use crate::engine::code_memory::PublishError;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

thread_local! {
    /// By kind.
    static STOCKS: [Stock; Kind::COUNT] = const { [const { Stock::new() }; Kind::COUNT] };
    /// Gives them back when the thread ends. Apart from them, so that those who use them need not look whether it has.
    static GIVES_BACK: GivesBack = const { GivesBack };
}

struct GivesBack;

impl Drop for GivesBack {
    fn drop(&mut self) {
        STOCKS.with(|stocks| {
            stocks.iter().zip(Kind::ALL).for_each(|(stock, kind)| stock.close(Home::of(kind)))
        });
    }
}

/// A slot of this kind, if there is one at hand.
#[inline(always)]
pub(super) fn take(kind: Kind) -> Option<NonNull<Slot>> {
    STOCKS.with(|stocks| stocks[kind.index()].take())
}

/// A slot of this kind, nobody's.
#[cold]
#[inline(never)]
pub(super) fn take_from_pool(kind: Kind) -> Result<NonNull<Slot>, PublishError> {
    let home = Home::of(kind);
    // A thread that is ending keeps nothing.
    if GIVES_BACK.try_with(|_| ()).is_err() {
        let mut batch = home.take()?.into_iter();
        let slot = batch.next();
        home.give_back(batch);
        return slot.ok_or(PublishError::Data { bytes: 0, source: std::io::ErrorKind::OutOfMemory.into() });
    }
    loop {
        let Some(slot) = take(kind) else {
            STOCKS.with(|stocks| stocks[kind.index()].fill(home))?;
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
    head_of(slot).home.lay_to_rest([slot].into_iter());
}

/// Lays a slot to rest.
#[inline(always)]
pub(super) fn lay_to_rest(slot: NonNull<Slot>) {
    let kind = head_of(slot).home.kind;
    if !STOCKS.with(|stocks| stocks[kind.index()].put(slot)) {
        make_room_for(slot);
    }
}

#[cold]
#[inline(never)]
fn make_room_for(slot: NonNull<Slot>) {
    let home = head_of(slot).home;
    let stock = home.kind.index();
    // A thread that is ending keeps nothing.
    if GIVES_BACK.try_with(|_| ()).is_ok() {
        STOCKS.with(|stocks| stocks[stock].make_room(home));
    }
    if !STOCKS.with(|stocks| stocks[stock].put(slot)) {
        lay_to_rest_elsewhere(slot);
    }
}
