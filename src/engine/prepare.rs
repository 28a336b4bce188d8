//! Preparation: from a signature to what its stub consists of.

use super::bound::Returns;
use super::stub_table::{Prepared, Spare};
use crate::arch::isa::{self, Shape};
use crate::arch::plan::Location;
use crate::arch::{self, Abi, CallPlan, Signature, abi};
use crate::host;
use std::mem;

/// Plans calls of `signature`, and writes the stub for them, which is entered under `entry`'s convention, to `spare`'s code.
///
/// # Errors
///
/// Why the signature's convention has no place for something in it, or why it cannot be called from here.
pub(crate) fn prepare(signature: &Signature, entry: Abi, spare: &mut Spare) -> Result<Prepared, arch::Error> {
    let plan = abi::classify_in(mem::take(&mut spare.room), signature)?;
    if !signature.is_simple() {
        check_processor(&plan)?;
    }
    spare.code = isa::stub_in(mem::take(&mut spare.code), &plan, Shape::Slots, entry)?;
    let prepared = Prepared { returns: Returns::of(&plan), result_size: plan.result_size };
    spare.room = plan.into();
    Ok(prepared)
}

/// That this processor has the registers that the plan names.
fn check_processor(plan: &CallPlan) -> Result<(), arch::Error> {
    if plan.moves.iter().all(|piece| piece.width <= 16) {
        return Ok(());
    }
    let vectors = plan.moves.iter().filter(|piece| matches!(piece.location, Location::Vector(_)));
    let widest = vectors.map(|piece| piece.width).max().unwrap_or(0);
    if widest > host::vector_bytes() {
        let feature = if widest > 32 { "AVX-512" } else { "AVX" };
        let what =
            format!("vectors of {widest} bytes pass in registers of {feature}, which this processor lacks");
        return Err(arch::Error::Unsupported { what });
    }
    Ok(())
}
