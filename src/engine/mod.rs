//! The unsafe core: from a signature to code that can be called.
//!
//! ```text
//! Signature ──▶ stub table ── hit ──▶ &'static Stub
//!                   │                     ▲
//!                   └ miss: prepare ──▶ publish in code memory
//! ```
//!
//! Code is never taken away: what was published stays, executable and at its address, until the process ends. So a
//! pointer to it can be copied freely and needs no owner.

mod bound;
mod code_memory;
mod fork;
mod on_request;
mod prepare;
mod stub_table;
#[cfg(test)]
mod testing;
mod thunks;

pub use bound::{Bound, Slot};
pub(crate) use bound::{Gather, Returns};
pub(crate) use code_memory::{CodePtr, PublishError};
pub(crate) use on_request::{StackCheck, adapter_of, checked_of};
pub(crate) use stub_table::Stub;
pub(crate) use thunks::{CLOSED, Ends, Grave, Head, Kind, LEFT, Note, Rested, THUNKS_COUNT, Thunk};

use crate::error::{Error, ErrorKind};
use crate::host;
use callsmith_arch::Signature;
use stub_table::{PrepareError, StubTable};

/// The stub for `signature`, of a function called `name` in messages.
pub(crate) fn stub_of(signature: Signature, name: impl Fn() -> String) -> Result<&'static Stub, Error> {
    let stub = StubTable::global()
        .get_or_prepare(signature, |signature, spare| prepare::prepare(signature, host::ABI, spare));
    stub.map_err(|error| match error {
        PrepareError::Plan(source) => ErrorKind::Signature { function: name(), source }.into(),
        PrepareError::Publish(source) => ErrorKind::Code { function: name(), source: source.into() }.into(),
    })
}

/// Makes the stubs of these signatures together, as far as there are none: one publication for all, which takes fewer system
/// calls, and on Windows fewer pages. Those that cannot be made are left to [`stub_of`], which says why.
pub(crate) fn prepare_all(signatures: Vec<Signature>) {
    let prepare = |signature: &Signature, spare: &mut _| prepare::prepare(signature, host::ABI, spare);
    // Where the system refuses so much at once, it may give less to each alone.
    let _ = StubTable::global().prepare_all(signatures, prepare);
}
