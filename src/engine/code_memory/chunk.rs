//! A chunk: a range of reserved addresses that fills up with code from its start.
//!
//! # Safety
//!
//! The unsafe blocks rest on three facts. (1) A chunk's addresses are ours from `reserve` to the end of the process:
//! nothing unmaps them. (2) `0..used` is published; an exchange changes no byte of it, because the new pages are filled
//! from the old ones by the chunk's only owner. (3) `used..len` is known to nobody until a [`CodePtr`] into it is handed
//! out, which happens after the exchange.

use super::{CodePtr, PublishError};
use crate::sys;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;

/// Where a piece of code may start: a multiple of this many bytes.
const START_ALIGN: usize = 16;

/// Pages that are reserved at once. Each page that code was added to is a mapping of its own, and a process may have
/// 65,530 mappings: so a chunk that is full is made one mapping.
const CHUNK_PAGES: usize = 64;

/// A range of addresses: code up to `used`, beyond that nothing yet.
pub(in crate::engine) struct Chunk {
    start: NonNull<u8>,
    len: usize,
    used: usize,
    page: usize,
    /// The published pieces, where the system replaces no code: there each publication takes a page or more of its own,
    /// and pieces that are the same share one.
    shared: BTreeMap<&'static [u8], CodePtr>,
}

// SAFETY: its addresses are the process's, not a thread's.
unsafe impl Send for Chunk {}

impl Chunk {
    /// No addresses. The first code makes room for itself.
    pub(super) const EMPTY: Chunk =
        Chunk { start: NonNull::dangling(), len: 0, used: 0, page: 1, shared: BTreeMap::new() };

    /// Publishes `pieces`, in one exchange of pages: those that are new one behind the other.
    pub(super) fn publish<const N: usize>(
        &mut self,
        pieces: [&[u8]; N],
    ) -> Result<[CodePtr; N], PublishError> {
        if !sys::REPLACES_CODE {
            self.put_new(&pieces)?;
            return Ok(pieces.map(|piece| self.known(piece)));
        }
        let mut next = self.put(&pieces)?;
        Ok(pieces.map(|piece| take(&mut next, piece)))
    }

    /// The same, of any number.
    pub(super) fn publish_batch(&mut self, pieces: &[&[u8]]) -> Result<Vec<CodePtr>, PublishError> {
        if !sys::REPLACES_CODE {
            self.put_new(pieces)?;
            return Ok(pieces.iter().map(|piece| self.known(piece)).collect());
        }
        let mut next = self.put(pieces)?;
        Ok(pieces.iter().map(|piece| take(&mut next, piece)).collect())
    }

    /// Puts those of `pieces` that are not known, each once, and knows them from then on.
    fn put_new(&mut self, pieces: &[&[u8]]) -> Result<(), PublishError> {
        let mut seen = BTreeSet::new();
        let new = pieces.iter().copied();
        let new: Vec<&[u8]> =
            new.filter(|piece| !self.shared.contains_key(piece) && seen.insert(*piece)).collect();
        let mut next = self.put(&new)?;
        for piece in new {
            let code = take(&mut next, piece);
            // SAFETY: the piece as it was published just now, at its address for ever.
            let published = unsafe { std::slice::from_raw_parts(code.as_ptr(), piece.len()) };
            self.shared.insert(published, code);
        }
        Ok(())
    }

    /// The code of a piece that was put.
    fn known(&self, piece: &[u8]) -> CodePtr {
        self.shared.get(piece).copied().unwrap_or(CodePtr(self.start))
    }

    /// Puts `pieces` one behind the other, in one exchange of pages, and says where the first is.
    fn put(&mut self, pieces: &[&[u8]]) -> Result<NonNull<u8>, PublishError> {
        if pieces.is_empty() {
            return Ok(self.start);
        }
        let bytes = pieces.iter().fold(0usize, |bytes, piece| bytes.saturating_add(footprint(piece)));
        if self.len - self.used < bytes {
            self.renew(bytes)?;
        }
        let base = self.used;
        self.append(pieces, bytes)?;
        // SAFETY: below `used`, so inside of the chunk's addresses or at their end.
        Ok(unsafe { self.start.add(base) })
    }

    /// Goes on in fresh addresses, with room for `bytes` at least.
    fn renew(&mut self, bytes: usize) -> Result<(), PublishError> {
        let mut fresh = Chunk::reserve(bytes).map_err(|source| PublishError::Reserve { bytes, source })?;
        fresh.shared = std::mem::take(&mut self.shared);
        let full = std::mem::replace(self, fresh);
        if sys::REPLACES_CODE {
            // Many mappings where one would do are no reason to refuse new code.
            let _ = full.unite();
        }
        Ok(())
    }

    fn reserve(bytes: usize) -> io::Result<Chunk> {
        let page = sys::page_size();
        let len =
            bytes.max(CHUNK_PAGES * page).checked_next_multiple_of(page).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Chunk { start: sys::reserve(len)?, len, page, ..Chunk::EMPTY })
    }

    /// Puts `pieces`, which take `bytes` and have room, behind what is there.
    fn append(&mut self, pieces: &[&[u8]], bytes: usize) -> Result<(), PublishError> {
        let end = self.used + bytes;
        let first = self.used / self.page * self.page;
        let kept = first..self.used;
        self.exchange(first..end.next_multiple_of(self.page), |fresh| {
            let (old, mut rest) = fresh.split_at_mut(kept.len());
            old.copy_from_slice(self.published(kept));
            for piece in pieces {
                let (place, behind) = rest.split_at_mut(footprint(piece));
                place[..piece.len()].copy_from_slice(piece);
                rest = behind;
            }
        })?;
        self.used = if sys::REPLACES_CODE { end } else { end.next_multiple_of(self.page) };
        Ok(())
    }

    /// Makes the pages in use one mapping.
    fn unite(&self) -> Result<(), PublishError> {
        self.exchange(0..self.used.next_multiple_of(self.page), |fresh| {
            fresh[..self.used].copy_from_slice(self.published(0..self.used));
        })
    }

    /// The bytes of a published range.
    fn published(&self, range: Range<usize>) -> &[u8] {
        debug_assert!(range.end <= self.used);
        // SAFETY: published bytes are readable, and no exchange changes them.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start).as_ptr(), range.len()) }
    }

    /// Puts fresh pages in place of `pages`, filled by `write`, which must repeat every published byte there is in them.
    fn exchange(&self, pages: Range<usize>, write: impl FnOnce(&mut [u8])) -> Result<(), PublishError> {
        let bytes = pages.len();
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: `pages` are whole pages of this chunk. Both callers repeat what is published in them; the rest of
        // them is known to nobody.
        Ok(unsafe { sys::fill(self.start.add(pages.start), bytes, write) }?)
    }
}

/// The address of `piece`, which is at `next`; `next` moves on to that of the piece behind it.
fn take(next: &mut NonNull<u8>, piece: &[u8]) -> CodePtr {
    let code = CodePtr(*next);
    // SAFETY: the pieces lie one behind the other, so that is where the next one starts, or where the last one ends.
    *next = unsafe { next.add(footprint(piece)) };
    code
}

/// How many bytes `code` takes, so that what follows is aligned. Never nothing: no two pieces share an address.
fn footprint(code: &[u8]) -> usize {
    // A slice has at most `isize::MAX` bytes.
    code.len().max(1).next_multiple_of(START_ALIGN)
}
