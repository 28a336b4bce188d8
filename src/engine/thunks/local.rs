//! The slots that a thread keeps at hand.

use super::pool::{self, BATCH};
use super::{Kind, REST, Resting, SlotPtr};
use crate::engine::code_memory::PublishError;
use std::cell::RefCell;
use std::collections::VecDeque;

/// So many resting slots are too many for one thread: half go to the pool.
const MOST: usize = 2 * REST + 2 * BATCH;

/// A thread's slots of one kind.
struct Local {
    kind: Kind,
    /// Ready for use.
    ready: Vec<SlotPtr>,
    /// Dropped by this thread, the oldest first.
    resting: VecDeque<Resting>,
}

impl Local {
    const fn new(kind: Kind) -> Local {
        Local { kind, ready: Vec::new(), resting: VecDeque::new() }
    }
}

/// A thread's slots.
struct Locals([Local; Kind::COUNT]);

thread_local! {
    static LOCALS: RefCell<Locals> = const { RefCell::new(Locals::EMPTY) };
}

impl Locals {
    const EMPTY: Locals = {
        let mut locals = [const { Local::new(Kind::ADAPTER) }; Kind::COUNT];
        let mut index = 0;
        while index < Kind::COUNT {
            locals[index].kind = Kind::ALL[index];
            index += 1;
        }
        Locals(locals)
    };
}

/// A slot of this kind.
pub(super) fn take(kind: Kind) -> Result<SlotPtr, PublishError> {
    let at_hand = LOCALS.try_with(|locals| locals.try_borrow_mut().ok()?.0[kind.index()].take());
    match at_hand {
        Ok(Some(slot)) => Ok(slot),
        Ok(None) | Err(_) => refill(kind),
    }
}

/// Lays a slot to rest.
pub(super) fn give_back(kind: Kind, resting: Resting) {
    let mut resting = Some(resting);
    let kept = LOCALS.try_with(|locals| match (locals.try_borrow_mut(), resting.take()) {
        (Ok(mut locals), Some(slot)) => {
            locals.0[kind.index()].give_back(slot);
            true
        }
        (Ok(_) | Err(_), slot) => {
            resting = slot;
            false
        }
    });
    // The thread is ending.
    if !kept.unwrap_or(false) {
        pool::give_back(kind, resting.into_iter());
    }
}

impl Local {
    #[inline]
    fn take(&mut self) -> Option<SlotPtr> {
        if let Some(slot) = self.ready.pop() {
            return Some(slot);
        }
        if self.resting.len() <= REST {
            return None;
        }
        let oldest = self.resting.pop_front()?;
        if oldest.is_left() {
            return Some(oldest.end());
        }
        self.resting.push_back(oldest);
        None
    }

    #[inline]
    fn give_back(&mut self, resting: Resting) {
        self.resting.push_back(resting);
        if self.resting.len() > MOST {
            pool::give_back(self.kind, self.resting.drain(..MOST / 2));
        }
    }
}

/// A slot from the pool, and more for later.
#[cold]
fn refill(kind: Kind) -> Result<SlotPtr, PublishError> {
    let mut batch = pool::take(kind)?;
    let slot = batch.pop();
    // A thread that is ending keeps nothing: what is left goes back.
    let _ = LOCALS.try_with(|locals| {
        if let Ok(mut locals) = locals.try_borrow_mut() {
            locals.0[kind.index()].ready.append(&mut batch);
        }
    });
    pool::give_back_unused(kind, batch.into_iter());
    match slot {
        Some(slot) => Ok(slot),
        None => Err(PublishError::Data { bytes: 0, source: std::io::ErrorKind::OutOfMemory.into() }),
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        pool::give_back(self.kind, self.resting.drain(..));
        pool::give_back_unused(self.kind, self.ready.drain(..));
    }
}
