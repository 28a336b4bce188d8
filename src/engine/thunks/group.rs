//! A group of thunks: code and slots in one range of addresses.
//!
//! # Safety
//!
//! A group's addresses are its own from `reserve` on, for ever. Its code is written before it is moved into place, and
//! never again; its data is made accessible before any slot is handed out.
#![allow(unsafe_code)]

use super::{Kind, Slot, SlotPtr};
use crate::engine::code_memory::PublishError;
use crate::host;
use crate::sys;
use callsmith_arch::isa::{THUNK_SIZE, thunk};
use memmap2::MmapOptions;
use std::ptr::NonNull;

const _: () = assert!(size_of::<Slot>() == THUNK_SIZE);

/// Three pages, so that thunks fill them without a rest, and a byte of code goes with a byte of data.
const PAGES: usize = 3;

/// How far a slot lies behind its thunk, in bytes.
pub(super) fn distance() -> usize {
    PAGES * sys::page_size()
}

/// Makes a group, and gives its slots.
pub(super) fn make(kind: Kind) -> Result<impl Iterator<Item = SlotPtr>, PublishError> {
    let bytes = distance();
    let count = bytes / THUNK_SIZE;
    let start = sys::reserve(2 * bytes).map_err(|source| PublishError::Reserve { bytes, source })?;
    let mut code =
        MmapOptions::new().len(bytes).map_anon().map_err(|source| PublishError::Map { bytes, source })?;
    let one = thunk(host::ABI.instruction_set(), kind.index(), i32::try_from(bytes).unwrap_or(i32::MAX));
    for place in code.chunks_exact_mut(THUNK_SIZE) {
        place.copy_from_slice(&one);
    }
    let code = code.make_exec().map_err(|source| PublishError::Protect { source })?;
    // SAFETY: both halves are inside what was just reserved, and nobody knows of it yet.
    let slots = unsafe {
        sys::move_over(code, start).map_err(|source| PublishError::Move { bytes, source })?;
        let data = start.add(bytes);
        sys::open(data, bytes).map_err(|source| PublishError::Map { bytes, source })?;
        data.cast::<Slot>()
    };
    // SAFETY: `count` slots fit.
    Ok((0..count).map(move |index| SlotPtr(unsafe { NonNull::add(slots, index) })))
}
