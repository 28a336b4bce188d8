//! An adapter, run: what its handler gets of what C passed, as `interp` says that C passes it, and what C gets back.

use crate::machine::{Access, Machine, STACK_TOP, Stop};
use crate::random::rng::Rng;
use crate::stub::{bytes, kept};
use callsmith_arch::interp::{self, Addresses};
use callsmith_arch::layout::Type;
use callsmith_arch::plan::{Extension, Location, Move, ResultPlan};
use callsmith_arch::{CallPlan, Signature};

const HANDLER: u64 = 0x50_0000_0000;
const CONTEXT: u64 = 0x60_0000_0000;
const RESULT: u64 = 0x70_0000_0000;

/// Runs an adapter, and checks all that it does.
pub(crate) fn check(
    code: &[u8],
    plan: &CallPlan,
    signature: &Signature,
    rng: &mut Rng,
) -> Result<(), String> {
    let values: Vec<Vec<u8>> = plan.args.iter().map(|arg| bytes(rng, arg.size as usize)).collect();
    let mut machine = Machine::new(rng);
    enter(&mut machine, plan, &values)?;
    let (entered_x, entered_v) = (machine.x, machine.v);

    let stop = machine.run(code)?;
    if stop != Stop::Call(HANDLER) {
        return Err(format!("it stops with {stop:x?}"));
    }
    let [context, arguments, result] = [machine.x[0], machine.x[1], machine.x[2]];
    if context != CONTEXT {
        return Err(format!("the handler's context is {context:#x}"));
    }
    for (number, (value, ty)) in (0..).zip(values.iter().zip(signature.params())) {
        look_at(&mut machine, arguments + number * 8, value, ty, signature)
            .map_err(|wrong| format!("argument {}: {wrong}", number + 1))?;
    }
    let given = bytes(rng, plan.result_size as usize);
    match &plan.result {
        ResultPlan::None => machine.called(0, rng)?,
        ResultPlan::Hidden { .. } if result != RESULT => {
            return Err(format!("the result goes to {result:#x}"));
        }
        ResultPlan::Hidden { .. } => machine.called(0, rng)?,
        ResultPlan::Direct(_) => {
            if !result.is_multiple_of(16) {
                return Err(format!("room for the result at {result:#x}"));
            }
            machine.called(0, rng)?;
            machine.write(result, &given)?;
        }
    }
    let stop = machine.run(code)?;
    if stop != Stop::Return(entered_x[30]) {
        return Err(format!("it ends with {stop:x?}"));
    }
    if let ResultPlan::Direct(run) = plan.result {
        plan.moves_of(run).iter().try_for_each(|piece| returned(&machine, piece, &given))?;
    }
    kept(&machine, &entered_x, &entered_v)
}

/// C calls: registers and stack as `interp` has them, anything where it leaves them open.
fn enter(machine: &mut Machine, plan: &CallPlan, values: &[Vec<u8>]) -> Result<(), String> {
    let refs: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let addresses = Addresses { frame: STACK_TOP, result: RESULT };
    let image = interp::arguments(plan, &refs, addresses).ok_or("the plan is of other values")?;
    for (location, region) in &image.registers {
        let fill = |held: &mut [u8]| {
            for at in (0..region.bytes.len()).filter(|&at| region.known[at]) {
                held[at] = region.bytes[at];
            }
        };
        match *location {
            Location::Gp(number) => {
                let mut held = machine.x[usize::from(number)].to_le_bytes();
                fill(&mut held);
                machine.x[usize::from(number)] = u64::from_le_bytes(held);
            }
            Location::Vector(number) => {
                let mut held = machine.v[usize::from(number)].to_le_bytes();
                fill(&mut held);
                machine.v[usize::from(number)] = u128::from_le_bytes(held);
            }
            Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => {
                return Err(format!("an argument in {location:?}"));
            }
        }
    }
    machine.give(STACK_TOP, &image.frame.bytes, Access::Read);
    machine.give(CONTEXT, &HANDLER.to_le_bytes(), Access::Read);
    machine.x[9] = CONTEXT;
    Ok(())
}

/// The handler looks at an argument.
fn look_at(
    machine: &mut Machine,
    pointer: u64,
    value: &[u8],
    ty: &Type,
    signature: &Signature,
) -> Result<(), String> {
    let pointer: [u8; 8] = machine.read(pointer, 8)?.try_into().expect("8 bytes");
    let pointer = u64::from_le_bytes(pointer);
    // As `DynCallback::raw` promises it.
    let align = ty.align(signature.abi().data_model()).bytes().min(16);
    if !pointer.is_multiple_of(align) {
        return Err(format!("it is at {pointer:#x}"));
    }
    if !value.is_empty() && !is_memberless(ty, signature) && machine.read(pointer, value.len())? != value {
        return Err("it is another".into());
    }
    Ok(())
}

/// Whether nothing of it passes.
fn is_memberless(ty: &Type, signature: &Signature) -> bool {
    let mut none = true;
    ty.for_each_leaf(signature.abi().data_model(), &mut |_| {
        none = false;
        false
    });
    none
}

/// C finds a piece of the result, widened where the plan says so.
fn returned(machine: &Machine, piece: &Move, result: &[u8]) -> Result<(), String> {
    let start = piece.offset as usize;
    let mut wanted = result[start..start + piece.width as usize].to_vec();
    let negative = wanted.last().is_some_and(|last| last & 0x80 != 0);
    let fill = match piece.extension {
        Extension::None => None,
        Extension::Sign => Some(if negative { 0xff } else { 0 }),
        Extension::Zero => Some(0),
    };
    if let Some(byte) = fill {
        wanted.resize(4, byte);
    }
    let held = match piece.location {
        Location::Gp(number) => u128::from(machine.x[usize::from(number)]),
        Location::Vector(number) => machine.v[usize::from(number)],
        Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => {
            return Err(format!("a result in {:?}", piece.location));
        }
    };
    match held.to_le_bytes().starts_with(&wanted) {
        true => Ok(()),
        false => Err(format!("{:?} is {held:#x} instead of {wanted:02x?}", piece.location)),
    }
}
