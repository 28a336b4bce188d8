//! A stub, run: what it hands to the target, against `interp`; what it gives back, and to whom it returns.

use crate::machine::{Access, BACK, ESP, Machine, Number, STACK_TOP, Stop};
use crate::random::rng::Rng;
use callsmith_arch::CallPlan;
use callsmith_arch::interp::{self, Addresses, Image, Region};
use callsmith_arch::isa::Shape;
use callsmith_arch::plan::{Location, Move, ResultPlan};
use std::collections::BTreeMap;

const TARGET: u32 = 0x5000_0000;
const ARRAY: u32 = 0x5100_0000;
const RESULT: u32 = 0x5200_0000;
/// Where the first value is; each has so much room.
const VALUES: u32 = 0x1_0000;
const ROOM: u32 = 1 << 13;
/// Where one is that has none of the usual size.
const LARGE: u32 = 0x6000_0000;

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

/// The moves of the result.
pub(crate) fn result_moves(plan: &CallPlan) -> &[Move] {
    match plan.result {
        ResultPlan::None | ResultPlan::Hidden { .. } => &[],
        ResultPlan::Direct(run) => plan.moves_of(run),
    }
}

/// A number that the x87 holds as it is, in the format of so many bytes; and in its own.
pub(crate) fn number(rng: &mut Rng, width: u32) -> (Number, Vec<u8>) {
    let mantissa = rng.next();
    match width {
        4 => {
            let value = f32::from_bits(0x3f00_0000 | u32::try_from(mantissa >> 41).expect("23 bits"));
            (Number(value.to_le_bytes().to_vec()), extended(f64::from(value).to_bits()))
        }
        8 => {
            let bits = 0x3fe0_0000_0000_0000 | mantissa >> 12;
            (Number(bits.to_le_bytes().to_vec()), extended(bits))
        }
        _ => {
            let mut value = (mantissa | 1 << 63).to_le_bytes().to_vec();
            value.extend([0x12, 0x34]);
            (Number(value.clone()), value)
        }
    }
}

/// A normal double in the x87's format.
fn extended(bits: u64) -> Vec<u8> {
    let exponent = u16::try_from(bits >> 52 & 0x7ff).expect("11 bits") + 16_383 - 1_023;
    let mantissa = 1 << 63 | bits << 11;
    mantissa.to_le_bytes().into_iter().chain(exponent.to_le_bytes()).collect()
}

/// Runs a stub, and checks all that it does.
pub(crate) fn check(code: &[u8], plan: &CallPlan, shape: Shape, rng: &mut Rng) -> Result<End, String> {
    run(code, plan, shape, None, rng)
}

/// Runs a stub that looks at the stack pointer, of a target that pops `more` bytes than it should.
pub(crate) fn check_checked(code: &[u8], plan: &CallPlan, more: u32, rng: &mut Rng) -> Result<(), String> {
    run(code, plan, Shape::Slots, Some(more), rng).map(|_| ())
}

fn run(code: &[u8], plan: &CallPlan, shape: Shape, more: Option<u32>, rng: &mut Rng) -> Result<End, String> {
    let values: Vec<Vec<u8>> = plan.args.iter().map(|arg| bytes(rng, arg.size as usize)).collect();
    let mut machine = Machine::new(rng);
    let mut array = Vec::new();
    for (number, (arg, value)) in (0..).zip(plan.args.iter().zip(&values)) {
        let large = value.len() > ROOM as usize;
        let address = if large { LARGE + number * (1 << 21) } else { VALUES + number * ROOM };
        let in_slot = shape == Shape::Slots && arg.in_slot;
        if in_slot {
            array.extend(value);
        } else {
            machine.give(address, value, Access::Read);
            array.extend(address.to_le_bytes());
        }
        if shape == Shape::Slots {
            let used = if in_slot { value.len() } else { 4 };
            array.extend(bytes(rng, 8 - used));
        }
    }
    machine.give(ARRAY, &array, Access::Read);
    machine.give(RESULT, &vec![0; plan.result_size as usize], Access::Write);
    if more.is_some() {
        machine.give(RESULT - 8, &[0; 8], Access::Write);
    }
    let leaves = shape == Shape::Slots && plan.result_register().is_some() && more.is_none();
    // A slots stub of a result that it leaves is given two arguments.
    let given = [TARGET, ARRAY, RESULT].map(u32::to_le_bytes).concat();
    let given = if leaves { &given[..8] } else { &given[..] };
    machine.give(STACK_TOP, given, Access::Both);
    let entered = machine.gp;

    let end = match machine.run(code)? {
        Stop::Jump(TARGET) => End::Jump,
        Stop::Call(TARGET) => End::Return,
        other => return Err(format!("it stops with {other:x?}")),
    };
    if end == End::Jump && machine.gp[ESP] != STACK_TOP - 4 {
        return Err("it jumps with another stack pointer".into());
    }
    let refs: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    // A jump leaves the target a return address.
    let frame = if end == End::Jump { STACK_TOP } else { machine.gp[ESP] };
    let addresses = Addresses { frame: frame.into(), result: RESULT.into() };
    let image = interp::arguments(plan, &refs, addresses).ok_or("the plan is of other values")?;
    compare(&mut machine, &image, frame, plan.stack_align.bytes())?;
    if end == End::Return {
        let before = machine.gp[ESP];
        let held = after_call(&mut machine, plan, more.unwrap_or(0), rng);
        let after = machine.gp[ESP];
        let stop = machine.run(code)?;
        if stop != Stop::Return(BACK, 0) || machine.gp[ESP] != STACK_TOP {
            return Err(format!("it ends with {stop:x?} and the stack pointer {:#x}", machine.gp[ESP]));
        }
        check_result(&machine, plan, leaves, &held)?;
        let (seen, _) = machine.given(RESULT - 8);
        if more.is_some() && seen != [before, after].map(u32::to_le_bytes).concat() {
            return Err(format!("it saw the stack pointers {seen:02x?}"));
        }
    }
    kept(&machine, &entered)?;
    Ok(end)
}

/// The target has run. Gives what it left in the registers of its result.
fn after_call(
    machine: &mut Machine,
    plan: &CallPlan,
    more: u32,
    rng: &mut Rng,
) -> BTreeMap<Location, Vec<u8>> {
    // A target that gives back a number on the x87 stack has freed it; another need not have.
    machine.in_mmx &= !result_moves(plan).iter().any(|piece| matches!(piece.location, Location::X87(_)));
    machine.called(plan.frame_bytes, plan.callee_pops + more, rng);
    let mut held = BTreeMap::new();
    for piece in result_moves(plan) {
        let bytes = match piece.location {
            Location::Gp(register) => machine.gp[usize::from(register)].to_le_bytes().to_vec(),
            Location::Vector(register) => machine.vector[usize::from(register)].to_vec(),
            Location::Mmx(register) => {
                machine.in_mmx = true;
                machine.mmx[usize::from(register)].to_vec()
            }
            Location::X87(_) => {
                let (number, extended) = number(rng, piece.width);
                machine.x87.push(number);
                extended
            }
            Location::Stack(_) => Vec::new(),
        };
        held.insert(piece.location, bytes);
    }
    held
}

/// The result is where this shape has it, and nothing else was written.
fn check_result(
    machine: &Machine,
    plan: &CallPlan,
    leaves: bool,
    held: &BTreeMap<Location, Vec<u8>>,
) -> Result<(), String> {
    let (stored, written) = machine.given(RESULT);
    if machine.in_mmx {
        return Err("MMX still has the x87's registers".into());
    }
    if leaves || held.is_empty() {
        let moved = held.iter().any(|(location, bytes)| match *location {
            Location::Gp(register) => machine.gp[usize::from(register)].to_le_bytes() != bytes[..],
            Location::X87(_) => machine.x87.len() != 1,
            Location::Vector(_) | Location::Mmx(_) | Location::Stack(_) => true,
        });
        return match moved || written.contains(&true) {
            true => Err("the result is not in its register, or stored besides".into()),
            false => Ok(()),
        };
    }
    let registers = held.iter().map(|(location, bytes)| {
        (*location, Region { bytes: bytes.clone(), known: vec![true; bytes.len()] })
    });
    let image = Image { registers: registers.collect(), frame: Region::unknown(0) };
    let expected = interp::result(plan, &image).ok_or("no result")?;
    if written != expected.known || !machine.x87.is_empty() {
        return Err("it does not store the result's bytes, and these alone".into());
    }
    match (0..stored.len()).all(|at| !written[at] || stored[at] == expected.bytes[at]) {
        true => Ok(()),
        false => Err(format!("it stores {stored:02x?} instead of {:02x?}", expected.bytes)),
    }
}

/// What the machine holds is the image.
fn compare(machine: &mut Machine, image: &Image, frame: u32, align: u64) -> Result<(), String> {
    if !u64::from(frame).is_multiple_of(align) {
        return Err(format!("the stack pointer is {frame:#x}"));
    }
    for (location, region) in &image.registers {
        let held = match *location {
            Location::Gp(register) => machine.gp[usize::from(register)].to_le_bytes().to_vec(),
            Location::Vector(register) => machine.vector[usize::from(register)].to_vec(),
            Location::Mmx(register) => machine.mmx[usize::from(register)].to_vec(),
            Location::X87(_) | Location::Stack(_) => {
                return Err(format!("an argument in {location:?}"));
            }
        };
        let known = (0..region.bytes.len()).filter(|&at| region.known[at]);
        for at in known {
            if held.get(at) != Some(&region.bytes[at]) {
                return Err(format!("{location:?} is {held:02x?} instead of {:02x?}", region.bytes));
            }
        }
    }
    // As long as bytes are known, or not, from one place on.
    let mut end = 0;
    for run in image.frame.known.chunk_by(|a, b| a == b) {
        let start = end;
        end += run.len();
        let at = frame + u32::try_from(start).expect("in the frame");
        if run[0] && machine.read(at, run.len())? != image.frame.bytes[start..end] {
            return Err(format!("bytes {start} to {end} of the frame are wrong"));
        }
    }
    Ok(())
}

/// psABI i386, "Registers": what a function keeps for its caller.
pub(crate) fn kept(machine: &Machine, entered: &[u32; 8]) -> Result<(), String> {
    let lost = [3, 5, 6, 7].into_iter().find(|&register| machine.gp[register] != entered[register]);
    match lost {
        Some(register) => Err(format!("it does not keep register {register}")),
        None => Ok(()),
    }
}
