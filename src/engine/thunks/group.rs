//! A group of thunks: code and slots in one range of addresses.
//!
//! Slots lie in blocks, each of which begins with what they have in common: where an address is rounded down, that is found.
//!
//! # Safety
//!
//! A group's addresses are its own from `reserve` on, for ever. Its code is written before it is executable, and never
//! again; its data is made accessible, and filled, before any slot is handed out.
#![allow(unsafe_code)]

use super::local::Hand;
use super::pool::Home;
use super::{NOBODYS, Slot};
use crate::engine::code_memory::PublishError;
use crate::host;
use crate::sys;
use callsmith_arch::isa::{THUNK_SIZE, thunk};
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Three pages of thunks have two pages of slots, or one where addresses have 4 bytes, and neither leaves a rest.
const CODE_PAGES: usize = 3;
const DATA_PAGES: usize = CODE_PAGES * size_of::<Slot>() / THUNK_SIZE;

const _: () = assert!(CODE_PAGES * size_of::<Slot>() == DATA_PAGES * THUNK_SIZE);

/// The size of a block, and its alignment: no page is smaller.
const BLOCK: usize = 4096;
const SLOTS: usize = BLOCK / size_of::<Slot>();

/// What a block of slots begins with, in the place of the first ones.
#[repr(C)]
pub(super) struct Block {
    pub(super) home: &'static Home,
    /// Where dropped slots go.
    pub(super) trap: *mut c_void,
    /// Where a thread's stock of such slots is, in bytes from its [`Hand`]'s address.
    pub(super) stock: usize,
    /// The thunk of the first place; it is never used.
    first: NonNull<u8>,
}

/// How many slots it takes the place of.
const TAKEN: usize = size_of::<Block>() / size_of::<Slot>();

const _: () = assert!(size_of::<Block>() == TAKEN * size_of::<Slot>());

/// What the slots around this one have in common.
#[inline(always)]
pub(super) fn block_of(slot: NonNull<Slot>) -> &'static Block {
    let block = slot.as_ptr().map_addr(|address| address & !(BLOCK - 1));
    // SAFETY: slots are made in blocks only, which are never unmapped.
    unsafe { &*block.cast() }
}

/// The thunk of a slot.
pub(super) fn thunk_of(slot: NonNull<Slot>) -> *const c_void {
    let index = slot.addr().get() % BLOCK / size_of::<Slot>();
    block_of(slot).first.as_ptr().wrapping_add(index * THUNK_SIZE).cast_const().cast()
}

/// Makes a group, and gives its slots.
pub(super) fn make(home: &'static Home) -> Result<impl Iterator<Item = NonNull<Slot>>, PublishError> {
    let [code_bytes, data_bytes] = [CODE_PAGES, DATA_PAGES].map(|pages| pages * sys::page_size());
    let bytes = code_bytes + data_bytes;
    let start = sys::reserve(bytes).map_err(|source| PublishError::Reserve { bytes, source })?;
    let (register, counts) = (home.kind.register(), home.kind.counts());
    let write = |code: &mut [u8]| {
        for (index, place) in code.chunks_exact_mut(THUNK_SIZE).enumerate() {
            let distance = code_bytes + index * size_of::<Slot>() - index * THUNK_SIZE;
            let distance = i32::try_from(distance).unwrap_or(i32::MAX);
            let at = (start.addr().get() + index * THUNK_SIZE) as u64;
            place.copy_from_slice(&thunk(host::ABI.instruction_set(), register, counts, at, distance));
        }
    };
    // SAFETY: both parts are inside what was just reserved, and nobody knows of it yet.
    let data = unsafe {
        sys::fill(start, code_bytes, write)?;
        let data = start.add(code_bytes);
        sys::open(data, data_bytes).map_err(|source| PublishError::Data { bytes: data_bytes, source })?;
        data.cast::<Slot>()
    };
    let trap = home.trap.load(Ordering::Relaxed);
    Ok((0..code_bytes / THUNK_SIZE).filter_map(move |index| {
        // SAFETY: so many thunks and slots fit, and they are nobody's yet.
        unsafe {
            let slot = data.add(index);
            if index % SLOTS == 0 {
                let (first, stock) = (start.add(index * THUNK_SIZE), Hand::offset_of(home.kind));
                slot.cast::<Block>().write(Block { home, trap, stock, first });
            }
            if index % SLOTS < TAKEN {
                return None;
            }
            slot.write(Slot {
                context: AtomicPtr::new((&raw const NOBODYS).cast_mut().cast()),
                target: AtomicPtr::new(trap),
            });
            Some(slot)
        }
    }))
}
