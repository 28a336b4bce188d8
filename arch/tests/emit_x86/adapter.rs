//! An adapter, run: what its handler gets of what C passed, as `interp` says that C passes it, and what C gets back.

use crate::machine::{Access, BACK, EAX, ESP, Machine, Number, STACK_TOP, Stop};
use crate::random::rng::Rng;
use crate::stub::{bytes, kept, number, result_moves};
use callsmith_arch::CallPlan;
use callsmith_arch::abi::Convention;
use callsmith_arch::interp::{self, Addresses};
use callsmith_arch::plan::{Location, Move, Passing, ResultPlan};

const HANDLER: u32 = 0x5000_0000;
const CONTEXT: u32 = 0x5100_0000;
const RESULT: u32 = 0x5200_0000;

/// Runs an adapter to a host, and checks all that it does.
pub(crate) fn check(code: &[u8], plan: &CallPlan, host: &Convention, rng: &mut Rng) -> Result<(), String> {
    let values: Vec<Vec<u8>> = plan.args.iter().map(|arg| bytes(rng, arg.size as usize)).collect();
    let mut machine = Machine::new(rng);
    enter(&mut machine, plan, &values)?;
    let entered = machine.gp;

    let stop = machine.run(code)?;
    let esp = machine.gp[ESP];
    if stop != Stop::Call(HANDLER) || !esp.is_multiple_of(host.stack_align) || machine.in_mmx {
        return Err(format!("it stops with {stop:x?}, and the stack pointer {esp:#x}"));
    }
    let context = machine.read_word(esp)?;
    let arguments = machine.read_word(esp + 4)?;
    if context != CONTEXT {
        return Err(format!("the handler's context is {context:#x}"));
    }
    for (number, (value, arg)) in (0..).zip(values.iter().zip(&plan.args)) {
        let pointer = machine.read_word(arguments + number * 4)?;
        let passes = !matches!(arg.passing, Passing::Ignored(_));
        if passes && machine.read(pointer, value.len())? != *value {
            return Err(format!("argument {} is another", number + 1));
        }
    }
    let mut numbers = Vec::new();
    let mut given = bytes(rng, plan.result_size as usize);
    for piece in result_moves(plan) {
        if let Location::X87(_) = piece.location {
            let (number, _) = number(rng, piece.width);
            let start = piece.offset as usize;
            given[start..start + number.0.len()].copy_from_slice(&number.0);
            numbers.push(number);
        }
    }
    match &plan.result {
        ResultPlan::None => {}
        ResultPlan::Hidden { .. } => {
            let result = machine.read_word(esp + 8)?;
            if result != RESULT {
                return Err(format!("the result goes to {result:#x}"));
            }
        }
        ResultPlan::Direct(_) => {
            let result = machine.read_word(esp + 8)?;
            // The room has whole words, and not all of it need be the value.
            let room = given.len().next_multiple_of(4);
            let rest = bytes(rng, room - given.len());
            machine.write(result, &[&given[..], &rest].concat())?;
        }
    }
    // The handler's three arguments are its own.
    machine.called(12, 0, rng);
    leave(&mut machine, code, plan, &given, &numbers)?;
    kept(&machine, &entered)
}

/// The handler has returned, and C gets the rest.
fn leave(
    machine: &mut Machine,
    code: &[u8],
    plan: &CallPlan,
    given: &[u8],
    numbers: &[Number],
) -> Result<(), String> {
    let pops = plan.callee_pops;
    let back = match machine.run(code)? {
        Stop::Return(back, _) => back,
        // More than a return instruction pops.
        Stop::Jump(back) if pops > 0xffff => back,
        other @ (Stop::Jump(_) | Stop::Call(_)) => return Err(format!("it ends with {other:x?}")),
    };
    if back != BACK || machine.gp[ESP] != STACK_TOP + pops {
        return Err(format!("it returns to {back:#x} with the stack pointer {:#x}", machine.gp[ESP]));
    }
    if machine.x87 != numbers {
        return Err(format!("the x87 stack holds {:02x?} instead of {numbers:02x?}", machine.x87));
    }
    if matches!(plan.result, ResultPlan::Hidden { .. }) && machine.gp[EAX] != RESULT {
        return Err(format!("the result's address comes back as {:#x}", machine.gp[EAX]));
    }
    result_moves(plan).iter().try_for_each(|piece| returned(machine, piece, given))
}

/// C calls: registers and stack as `interp` has them, anything where it leaves them open.
fn enter(machine: &mut Machine, plan: &CallPlan, values: &[Vec<u8>]) -> Result<(), String> {
    let refs: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let addresses = Addresses { frame: STACK_TOP.into(), result: RESULT.into() };
    let image = interp::arguments(plan, &refs, addresses).ok_or("the plan is of other values")?;
    for (location, region) in &image.registers {
        let fill = |held: &mut [u8]| {
            for (at, byte) in held.iter_mut().enumerate() {
                if region.known.get(at) == Some(&true) {
                    *byte = region.bytes[at];
                }
            }
        };
        match *location {
            Location::Gp(register) => {
                let mut held = machine.gp[usize::from(register)].to_le_bytes();
                fill(&mut held);
                machine.gp[usize::from(register)] = u32::from_le_bytes(held);
            }
            Location::Vector(register) => fill(&mut machine.vector[usize::from(register)]),
            Location::Mmx(register) => {
                machine.in_mmx = true;
                fill(&mut machine.mmx[usize::from(register)]);
            }
            Location::X87(_) | Location::Stack(_) => {
                return Err(format!("an argument in {location:?}"));
            }
        }
    }
    machine.give(STACK_TOP, &image.frame.bytes, Access::Read);
    machine.give(CONTEXT, &HANDLER.to_le_bytes(), Access::Read);
    machine.gp[EAX] = CONTEXT;
    Ok(())
}

/// C finds a piece of the result.
fn returned(machine: &Machine, piece: &Move, result: &[u8]) -> Result<(), String> {
    let start = piece.offset as usize;
    let wanted = &result[start..start + piece.width as usize];
    let held = match piece.location {
        Location::Gp(register) => machine.gp[usize::from(register)].to_le_bytes().to_vec(),
        Location::Vector(register) => machine.vector[usize::from(register)].to_vec(),
        Location::Mmx(register) => machine.mmx[usize::from(register)].to_vec(),
        // Looked at already.
        Location::X87(_) => return Ok(()),
        Location::Stack(_) => return Err(format!("a result in {:?}", piece.location)),
    };
    match held.starts_with(wanted) {
        true => Ok(()),
        false => Err(format!("{:?} is {held:02x?} instead of {wanted:02x?}", piece.location)),
    }
}
