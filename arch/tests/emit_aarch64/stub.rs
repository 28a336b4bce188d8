//! A stub, run: what it hands to the target, against `interp`; what it gives back, and to whom it returns.

use crate::machine::{Access, Machine, SP, STACK_TOP, Stop};
use crate::random::rng::Rng;
use callsmith_arch::CallPlan;
use callsmith_arch::interp::{self, Addresses, Image, Region};
use callsmith_arch::isa::Shape;
use callsmith_arch::plan::Location;
use std::collections::BTreeMap;

const TARGET: u64 = 0x50_0000_0000;
const ARRAY: u64 = 0x60_0000_0000;
const RESULT: u64 = 0x70_0000_0000;
/// Where the first value is; each has so much room.
const VALUES: u64 = 0x100_0000_0000;
const ROOM: u64 = 1 << 24;

/// How a stub ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In a jump to the target.
    Jump,
    /// In a return, after a call.
    Return,
}

/// Random bytes.
pub(crate) fn bytes(rng: &mut Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| rng.next().to_le_bytes()[0]).collect()
}

/// Runs a stub, and checks all that it does.
pub(crate) fn check(code: &[u8], plan: &CallPlan, shape: Shape, rng: &mut Rng) -> Result<End, String> {
    let values: Vec<Vec<u8>> = plan.args.iter().map(|arg| bytes(rng, arg.size as usize)).collect();
    let mut machine = Machine::new(rng);
    let mut array = Vec::new();
    for (number, (arg, value)) in (0..).zip(plan.args.iter().zip(&values)) {
        let address = VALUES + number * ROOM;
        if shape == Shape::Slots && arg.in_slot {
            let mut slot = bytes(rng, 8);
            slot[..value.len()].copy_from_slice(value);
            array.extend(slot);
        } else {
            machine.give(address, value, Access::Read);
            array.extend(address.to_le_bytes());
        }
    }
    machine.give(ARRAY, &array, Access::Read);
    machine.give(RESULT, &vec![0; plan.result_size as usize], Access::Write);
    machine.x[..3].copy_from_slice(&[TARGET, ARRAY, RESULT]);
    machine.x[30] = 0xabcd_0000;
    let (entered_x, entered_v) = (machine.x, machine.v);

    let end = match machine.run(code)? {
        Stop::Branch(TARGET) => End::Jump,
        Stop::Call(TARGET) => End::Return,
        other => return Err(format!("it stops with {other:x?}")),
    };
    if end == End::Jump && (machine.x[SP], machine.x[30]) != (STACK_TOP, entered_x[30]) {
        return Err("it jumps with another stack pointer or return address".into());
    }
    let refs: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let addresses = Addresses { frame: machine.x[SP], result: RESULT };
    let image = interp::arguments(plan, &refs, addresses).ok_or("the plan is of other values")?;
    compare(&mut machine, &image, plan.stack_align.bytes())?;
    if end == End::Return {
        let (registers, expected) = after_call(&mut machine, plan, rng)?;
        let stop = machine.run(code)?;
        if stop != Stop::Return(entered_x[30]) {
            return Err(format!("it ends with {stop:x?}"));
        }
        check_result(&machine, plan, shape, &registers, &expected)?;
    }
    kept(&machine, &entered_x, &entered_v)?;
    Ok(end)
}

/// The target has run. Gives the registers that it left its result in, and the result.
fn after_call(
    machine: &mut Machine,
    plan: &CallPlan,
    rng: &mut Rng,
) -> Result<(BTreeMap<Location, u128>, Option<Region>), String> {
    machine.called(plan.frame_bytes.into(), rng)?;
    let mut registers = BTreeMap::new();
    let mut image = Image { registers: BTreeMap::new(), frame: Region::unknown(0) };
    for (number, (x, v)) in (0..).zip(machine.x.iter().zip(&machine.v).take(8)) {
        registers.insert(Location::Gp(number), u128::from(*x));
        registers.insert(Location::Vector(number), *v);
    }
    for (location, value) in &registers {
        let value = value.to_le_bytes();
        image.registers.insert(*location, Region { bytes: value.to_vec(), known: vec![true; 16] });
    }
    Ok((registers, interp::result(plan, &image)))
}

/// The result is where this shape has it, and nothing else was written.
fn check_result(
    machine: &Machine,
    plan: &CallPlan,
    shape: Shape,
    registers: &BTreeMap<Location, u128>,
    expected: &Option<Region>,
) -> Result<(), String> {
    let (stored, written) = machine.given(RESULT);
    let in_register = plan.result_register().filter(|_| shape == Shape::Slots);
    match (expected, in_register) {
        (Some(_), Some(location)) => {
            let now = match location {
                Location::Gp(number) => u128::from(machine.x[usize::from(number)]),
                Location::Vector(number) => machine.v[usize::from(number)],
                Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => {
                    return Err(format!("a result in {location:?}"));
                }
            };
            if now != registers[&location] || written.contains(&true) {
                return Err("the result is not in its register, or stored besides".into());
            }
        }
        (Some(expected), None) => {
            if written != expected.known {
                return Err("it does not store the result's bytes, and these alone".into());
            }
            let right = (0..stored.len()).all(|at| !written[at] || stored[at] == expected.bytes[at]);
            if !right {
                return Err(format!("it stores {stored:02x?} instead of {:02x?}", expected.bytes));
            }
        }
        (None, _) if written.contains(&true) => return Err("it stores a result that there is not".into()),
        (None, _) => {}
    }
    Ok(())
}

/// What the machine holds is the image.
pub(crate) fn compare(machine: &mut Machine, image: &Image, align: u64) -> Result<(), String> {
    let sp = machine.x[SP];
    if !sp.is_multiple_of(align.max(16)) {
        return Err(format!("the stack pointer is {sp:#x}"));
    }
    for (location, region) in &image.registers {
        let held = match *location {
            Location::Gp(number) => u128::from(machine.x[usize::from(number)]),
            Location::Vector(number) => machine.v[usize::from(number)],
            Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => {
                return Err(format!("an argument in {location:?}"));
            }
        };
        let held = held.to_le_bytes();
        let known = (0..region.bytes.len()).filter(|&at| region.known[at]);
        for at in known {
            if held.get(at) != Some(&region.bytes[at]) {
                return Err(format!("{location:?} is {held:02x?} instead of {:02x?}", region.bytes));
            }
        }
    }
    let frame = &image.frame;
    let mut start = 0;
    for run in frame.known.chunk_by(|one, next| one == next) {
        let end = start + run.len();
        if run[0] && machine.read(sp + start as u64, run.len())? != frame.bytes[start..end] {
            return Err(format!("bytes {start}..{end} of the frame are not what they should be"));
        }
        start = end;
    }
    Ok(())
}

/// "Callee-saved registers", and the platform's.
pub(crate) fn kept(machine: &Machine, x: &[u64; 32], v: &[u128; 32]) -> Result<(), String> {
    if machine.x[18..30] != x[18..30] || machine.x[SP] != x[SP] {
        return Err("it does not keep the registers from x18 to x29 and the stack pointer".into());
    }
    let low = |v: &[u128]| v[8..16].iter().map(|v| v & u128::from(u64::MAX)).collect::<Vec<_>>();
    match low(&machine.v) == low(v) {
        true => Ok(()),
        false => Err("it does not keep d8 to d15".into()),
    }
}
