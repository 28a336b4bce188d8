//! Memory between guard pages: for arguments and results, for code, for a stack.
//!
//! # Safety
//!
//! A [`Map`] owns what it mapped, and lends its bytes only through borrows of itself. Stubs and the two ends of the
//! machine reach them by address, while no such borrow is alive.
#![allow(unsafe_code)]

use super::fault::PAGE;
use std::collections::BTreeMap;
use std::ptr::null_mut;

/// Pages of one's own, with an inaccessible page below and above.
pub(crate) struct Map {
    /// The first byte after the lower guard page.
    start: usize,
    len: usize,
}

impl Map {
    /// At least `len` bytes, readable and writable, zero.
    pub(crate) fn new(len: usize) -> Map {
        let len = len.max(1).next_multiple_of(PAGE);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: new pages, at an address of the kernel's choice.
        let address = unsafe { libc::mmap(null_mut(), len + 2 * PAGE, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(address, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        let map = Map { start: address as usize + PAGE, len };
        map.protect(len, libc::PROT_READ | libc::PROT_WRITE);
        map
    }

    pub(crate) fn start(&self) -> usize {
        self.start
    }

    pub(crate) fn end(&self) -> usize {
        self.start + self.len
    }

    /// Changes the protection of the first `len` bytes.
    fn protect(&self, len: usize, protection: libc::c_int) {
        // SAFETY: pages of this map, of which no borrow is alive but `self`'s.
        let failed = unsafe { libc::mprotect(self.start as *mut libc::c_void, len, protection) };
        assert_eq!(failed, 0, "{}", std::io::Error::last_os_error());
    }

    /// Its bytes, all of them readable and writable again.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        self.protect(self.len, libc::PROT_READ | libc::PROT_WRITE);
        self.lend()
    }

    /// Its bytes, where it was neither made executable nor inaccessible.
    fn lend(&mut self) -> &mut [u8] {
        // SAFETY: mapped, readable and writable, and this map's alone.
        unsafe { std::slice::from_raw_parts_mut(self.start as *mut u8, self.len) }
    }

    /// Writes `stubs`, then makes them executable. Returns their addresses.
    pub(crate) fn publish(&mut self, stubs: &[Vec<u8>]) -> Vec<u64> {
        let (start, bytes) = (self.start, self.bytes());
        let mut at = 0;
        let mut addresses = Vec::new();
        for stub in stubs {
            bytes[at..at + stub.len()].copy_from_slice(stub);
            addresses.push((start + at) as u64);
            at = (at + stub.len()).next_multiple_of(16);
        }
        self.protect(self.len, libc::PROT_READ | libc::PROT_EXEC);
        addresses
    }

    /// Makes the first `len` bytes inaccessible, and forgets what was there.
    pub(crate) fn close(&mut self, len: usize) {
        self.protect(len, libc::PROT_NONE);
        // SAFETY: private pages of this map; they read as zeros from now on.
        unsafe { libc::madvise(self.start as *mut libc::c_void, len, libc::MADV_DONTNEED) };
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: this map and its guard pages; nothing borrows them.
        unsafe { libc::munmap((self.start - PAGE) as *mut libc::c_void, self.len + 2 * PAGE) };
    }
}

/// Which guard page a value lies next to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// It begins right after one.
    Start,
    /// It ends right before one.
    End,
}

/// A value between guard pages.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pages: usize,
    index: usize,
    offset: usize,
    len: usize,
}

/// Values, each in a map of its own. The maps are used again.
#[derive(Default)]
pub(crate) struct Arena {
    /// By the number of pages: the maps, and how many are in use.
    maps: BTreeMap<usize, (Vec<Map>, usize)>,
}

impl Arena {
    /// Frees all places.
    pub(crate) fn clear(&mut self) {
        self.maps.values_mut().for_each(|(_, used)| *used = 0);
    }

    /// A place for `len` bytes.
    pub(crate) fn place(&mut self, len: usize, side: Side) -> Place {
        let pages = len.div_ceil(PAGE).max(1);
        let (maps, used) = self.maps.entry(pages).or_default();
        if *used == maps.len() {
            maps.push(Map::new(pages * PAGE));
        }
        let index = *used;
        *used += 1;
        let offset = match side {
            Side::Start => 0,
            Side::End => pages * PAGE - len,
        };
        Place { pages, index, offset, len }
    }

    /// A place that holds `bytes`.
    pub(crate) fn put(&mut self, bytes: &[u8], side: Side) -> Place {
        let place = self.place(bytes.len(), side);
        self.bytes(place).copy_from_slice(bytes);
        place
    }

    pub(crate) fn address(&self, place: Place) -> u64 {
        (self.maps[&place.pages].0[place.index].start() + place.offset) as u64
    }

    /// The bytes of a place.
    pub(crate) fn bytes(&mut self, place: Place) -> &mut [u8] {
        let range = place.offset..place.offset + place.len;
        &mut self.whole(place)[range]
    }

    /// The bytes between the guard pages, and where the place begins among them.
    pub(crate) fn surroundings(&mut self, place: Place) -> (&mut [u8], usize) {
        (self.whole(place), place.offset)
    }

    fn whole(&mut self, place: Place) -> &mut [u8] {
        let (maps, _) = self.maps.get_mut(&place.pages).expect("places are of maps");
        maps[place.index].lend()
    }
}
