//! A group of thunks: code and slots in one range of addresses.
//!
//! # Safety
//!
//! A group's addresses are its own from `reserve` on, for ever. Its code is written before it is executable, and never
//! again; its data is made accessible before any slot is handed out.
#![allow(unsafe_code)]

use super::{Kind, Slot, SlotPtr};
use crate::engine::code_memory::PublishError;
use crate::host;
use crate::sys;
use callsmith_arch::isa::{THUNK_SIZE, thunk};

/// Three pages of thunks have two pages of slots, or one where addresses have 4 bytes, and neither leaves a rest.
const CODE_PAGES: usize = 3;
const DATA_PAGES: usize = CODE_PAGES * size_of::<Slot>() / THUNK_SIZE;

const _: () = assert!(CODE_PAGES * size_of::<Slot>() == DATA_PAGES * THUNK_SIZE);

/// Makes a group, and gives its slots.
pub(super) fn make(kind: Kind) -> Result<impl Iterator<Item = SlotPtr>, PublishError> {
    let [code_bytes, data_bytes] = [CODE_PAGES, DATA_PAGES].map(|pages| pages * sys::page_size());
    let bytes = code_bytes + data_bytes;
    let start = sys::reserve(bytes).map_err(|source| PublishError::Reserve { bytes, source })?;
    let write = |code: &mut [u8]| {
        for (index, place) in code.chunks_exact_mut(THUNK_SIZE).enumerate() {
            let distance = code_bytes + index * size_of::<Slot>() - index * THUNK_SIZE;
            let distance = i32::try_from(distance).unwrap_or(i32::MAX);
            let at = (start.addr().get() + index * THUNK_SIZE) as u64;
            place.copy_from_slice(&thunk(host::ABI.instruction_set(), kind.index(), at, distance));
        }
    };
    // SAFETY: both parts are inside what was just reserved, and nobody knows of it yet.
    let slots = unsafe {
        sys::fill(start, code_bytes, write)?;
        let data = start.add(code_bytes);
        sys::open(data, data_bytes).map_err(|source| PublishError::Data { bytes: data_bytes, source })?;
        data.cast::<Slot>()
    };
    Ok((0..code_bytes / THUNK_SIZE).map(move |index| {
        // SAFETY: so many thunks and slots fit.
        unsafe { SlotPtr { slot: slots.add(index), thunk: start.add(index * THUNK_SIZE) } }
    }))
}
