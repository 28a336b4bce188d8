//! Preparation: from a signature to what its stub consists of.

use super::stub_table::Prepared;
use crate::arch::isa::{self, Shape};
use crate::arch::{self, Abi, Signature, abi};

/// Plans calls of `signature`, and writes the stubs for them, which are entered under `entry`'s convention.
///
/// # Errors
///
/// Why the signature's convention has no place for something in it, or why it cannot be called from here.
pub(crate) fn prepare(signature: &Signature, entry: Abi) -> Result<Prepared, arch::Error> {
    let plan = abi::classify(signature)?;
    let slots = isa::stub(&plan, Shape::Slots, entry)?;
    let gather = isa::stub(&plan, Shape::Gather, entry)?;
    Ok(Prepared { plan, slots, gather })
}
