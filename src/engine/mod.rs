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

mod adapters;
mod bound;
mod code_memory;
mod fork;
mod prepare;
mod stub_table;
#[cfg(test)]
mod testing;
mod thunks;

pub(crate) use adapters::adapter_of;
pub(crate) use bound::Returns;
pub use bound::{Bound, Slot};
pub(crate) use code_memory::{CodePtr, PublishError};
pub(crate) use stub_table::Stub;
pub(crate) use thunks::{Context, Grave, Kind, Note, Thunk};

use crate::error::{Error, ErrorKind};
use crate::host;
use callsmith_arch::plan::Location;
use callsmith_arch::{CallPlan, Signature};
use stub_table::{PrepareError, StubTable};

/// The stub for `signature`, of a function called `name` in messages.
pub(crate) fn stub_of(signature: Signature, name: impl Fn() -> String) -> Result<&'static Stub, Error> {
    let stub = StubTable::global().get_or_prepare(signature, |signature| {
        let prepared = prepare::prepare(signature, host::ABI)?;
        check_processor(&prepared.plan)?;
        Ok(prepared)
    });
    stub.map_err(|error| match error {
        PrepareError::Plan(source) => ErrorKind::Signature { function: name(), source }.into(),
        PrepareError::Publish(source) => ErrorKind::Code { function: name(), source: source.into() }.into(),
    })
}

/// That this processor has the registers that the plan names.
fn check_processor(plan: &CallPlan) -> Result<(), callsmith_arch::Error> {
    if plan.moves.iter().all(|piece| piece.width <= 16) {
        return Ok(());
    }
    let vectors = plan.moves.iter().filter(|piece| matches!(piece.location, Location::Vector(_)));
    let widest = vectors.map(|piece| piece.width).max().unwrap_or(0);
    if widest > host::vector_bytes() {
        let feature = if widest > 32 { "AVX-512" } else { "AVX" };
        let what =
            format!("vectors of {widest} bytes pass in registers of {feature}, which this processor lacks");
        return Err(callsmith_arch::Error::Unsupported { what });
    }
    Ok(())
}
