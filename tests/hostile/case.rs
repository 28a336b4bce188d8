//! All stubs of one signature, and the least signature that shows a defect.

use super::machine::vector_bytes;
use super::memory::Side;
use super::random::rng::Rng;
use super::run::{Rig, Run};
use callsmith::arch::abi;
use callsmith::arch::isa::{self, Shape};
use callsmith::arch::plan::Location;
use callsmith::arch::{Abi, CallPlan, Error, Signature};
use callsmith::host;

const SHAPES: [Shape; 2] = [Shape::Slots, Shape::Gather];

/// Conventions that a stub is entered under: on x86-64 the other system's too. AArch64's systems enter it alike.
const ENTRIES: &[Abi] = if cfg!(target_arch = "x86_64") { &[Abi::SysV64, Abi::Win64] } else { &[host::ABI] };

/// Runs every stub of a signature on values that `seed` makes, next to guard pages on either side.
///
/// # Errors
///
/// Which stub did wrong, and how.
pub(crate) fn check(rig: &mut Rig, signature: &Signature, seed: u64, grows: bool) -> Result<(), String> {
    let plan = match abi::classify(signature) {
        Ok(plan) => plan,
        Err(Error::FrameTooLarge { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if !can_run(&plan) {
        return Ok(());
    }
    let mut rng = Rng::new(seed);
    let values: Vec<Vec<u8>> = plan.args.iter().map(|arg| bytes(&mut rng, arg.size as usize)).collect();
    let ways: Vec<_> = SHAPES
        .iter()
        .flat_map(|&shape| ENTRIES.iter().map(move |entry| (shape, entry.convention())))
        .collect();
    let stubs = ways.iter().map(|&(shape, entry)| isa::stub(&plan, shape, entry.abi));
    let stubs: Vec<_> = stubs.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let addresses = rig.code.publish(&stubs);
    for side in [Side::Start, Side::End] {
        for (&(shape, entry), &stub) in ways.iter().zip(&addresses) {
            let run = Run { plan: &plan, shape, entry, side, grows, stub };
            rig.run(run, &values, &mut rng).map_err(|wrong| {
                let (target, entry) = (plan.abi, entry.abi);
                format!("{shape:?} stub for {target:?}, entered by {entry:?}, guarded at {side:?}: {wrong}\n{plan}")
            })?;
        }
    }
    Ok(())
}

/// [`check`], and where it fails, a signature of as few of the parameters as fail too.
///
/// # Panics
///
/// Where it fails.
pub(crate) fn must_pass(rig: &mut Rig, signature: &Signature, seed: u64, grows: bool) {
    let Err(wrong) = check(rig, signature, seed, grows) else { return };
    let (mut least, mut why) = (signature.clone(), wrong);
    let mut index = 0;
    while index < least.params().len() {
        let fewer = without(&least, index);
        match check(rig, &fewer, seed, grows) {
            Err(wrong) => (least, why) = (fewer, wrong),
            Ok(()) => index += 1,
        }
    }
    panic!("CALLSMITH_SEED={seed} CALLSMITH_COUNT=1: {why}\n{least:?}");
}

/// The signature without one of its parameters.
fn without(signature: &Signature, index: usize) -> Signature {
    let mut params = signature.params().to_vec();
    params.remove(index);
    let (abi, result) = (signature.abi(), signature.result().cloned());
    let fewer = match signature.fixed() {
        Some(fixed) => Signature::variadic(abi, result, params, fixed - usize::from(index < fixed)),
        None => Signature::new(abi, result, params),
    };
    fewer.expect("a signature with one parameter less")
}

/// Whether the processor has registers as wide as the plan's.
fn can_run(plan: &CallPlan) -> bool {
    plan.moves.iter().all(|piece| match piece.location {
        Location::Vector(_) => u64::from(piece.width) <= vector_bytes(),
        Location::Gp(_) | Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => true,
    })
}

fn bytes(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&rng.next().to_le_bytes()[..chunk.len()]);
    }
    bytes
}
