//! One run of one stub: what goes in, and whether what came out is what the plan's reading, `interp`, says.
//!
//! # Safety
//!
//! A stub that does wrong may do anything. What it may be expected to do, guard pages and canaries around its memory
//! show; the rest is the risk of running it, which the test harness's process bears.
#![allow(unsafe_code)]

use super::fault::{Faults, PAGE};
use super::machine::{KEPT_VECTOR_BYTES, Machine, SP, State, target};
use super::memory::{Arena, Map, Place, Side};
use super::random::rng::Rng;
use callsmith::arch::CallPlan;
use callsmith::arch::abi::Convention;
use callsmith::arch::interp::{self, Addresses, Image, Region};
use callsmith::arch::isa::Shape;
use callsmith::arch::plan::{Location, MAX_FRAME, Move, ResultPlan};

/// More than the longest frame, twice over.
const STACK: usize = 4 << 20;
/// Bytes above the caller's stack pointer that must stay as they are.
const CANARY: usize = 1024;
/// Pages at the top of the stack that are accessible from the start.
const TOP: usize = 4 * PAGE;
/// What the result's memory is full of before the call.
const UNTOUCHED: u8 = 0x5A;

/// What is used again by all runs.
pub(crate) struct Rig {
    faults: Faults,
    arena: Arena,
    pub(crate) code: Map,
    stack: Map,
    frame: Vec<u8>,
    /// Last, so that the lock outlives the handler.
    machine: Machine,
}

/// How a stub is run.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a CallPlan,
    pub(crate) shape: Shape,
    pub(crate) entry: &'a Convention,
    pub(crate) side: Side,
    /// Whether the stack's pages become accessible one by one, from above.
    pub(crate) grows: bool,
    /// Where the stub is.
    pub(crate) stub: u64,
}

/// Where a run's arguments and result are.
struct Places {
    values: Vec<Place>,
    array: Place,
    result: Place,
    /// The result's address as the stub is told.
    result_address: u64,
}

impl Run<'_> {
    /// The register that a result is left in.
    fn result_left(&self) -> Option<Location> {
        self.plan.result_register().filter(|_| self.shape == Shape::Slots)
    }

    /// The moves of a result in registers.
    fn result_moves(&self) -> &[Move] {
        match self.plan.result {
            ResultPlan::Direct(moves) => self.plan.moves_of(moves),
            ResultPlan::None | ResultPlan::Hidden { .. } => &[],
        }
    }
}

impl Rig {
    pub(crate) fn new() -> Rig {
        // The lock first: the handler is the process's.
        let machine = Machine::lock();
        Rig {
            machine,
            faults: Faults::catch(),
            arena: Arena::default(),
            code: Map::new(1 << 20),
            stack: Map::new(STACK),
            frame: vec![0; usize::try_from(MAX_FRAME).expect("1 MiB")],
        }
    }

    /// Runs a stub on `values`, and checks everything that can be seen.
    ///
    /// # Errors
    ///
    /// What was not as it should be.
    pub(crate) fn run(&mut self, run: Run<'_>, values: &[Vec<u8>], rng: &mut Rng) -> Result<(), String> {
        let places = self.place(run, values, rng);
        let canary = self.prepare_stack(run, rng);
        self.prepare_state(run, &places, rng);
        let machine = &mut self.machine;
        // SAFETY: the stub was emitted for this plan; whether it does as it should is the question, and its accesses that
        // are not to its arguments, result and stack are expected to end in guard pages.
        let fault = self.faults.during(|| unsafe { machine.enter() });
        if let Some(fault) = fault {
            return Err(format!("{fault}, {:#x} bytes into the stub", fault.ip.wrapping_sub(run.stub)));
        }
        self.check_target(run, values, &places)?;
        self.check_caller(run)?;
        self.check_result(run, &places)?;
        for (index, (&place, value)) in places.values.iter().zip(values).enumerate() {
            if self.arena.bytes(place) != value {
                return Err(format!("argument {} was changed", index + 1));
            }
        }
        let kept = canary.0 - self.stack.start();
        match self.stack_bytes(run)[kept..kept + canary.1.len()] == canary.1 {
            true => Ok(()),
            false => Err("the caller's stack was changed".into()),
        }
    }

    /// The stack's bytes, all of them accessible again.
    fn stack_bytes(&mut self, run: Run<'_>) -> &mut [u8] {
        if run.grows {
            self.faults.grow(usize::MAX, PAGE);
        }
        self.stack.bytes()
    }

    /// Puts arguments, their array and the result next to guard pages.
    fn place(&mut self, run: Run<'_>, values: &[Vec<u8>], rng: &mut Rng) -> Places {
        self.arena.clear();
        let mut array = Vec::new();
        let values: Vec<Place> = values.iter().map(|value| self.arena.put(value, run.side)).collect();
        for (&place, arg) in values.iter().zip(&run.plan.args) {
            let entry = if arg.in_slot && run.shape == Shape::Slots {
                // What is beside a narrow value in its slot is anything.
                let mut slot = rng.next().to_le_bytes();
                slot[..arg.size as usize].copy_from_slice(self.arena.bytes(place));
                slot
            } else {
                self.arena.address(place).to_le_bytes()
            };
            array.extend(entry);
        }
        let array = self.arena.put(&array, run.side);
        let result = self.arena.place(run.plan.result_size as usize, run.side);
        self.arena.surroundings(result).0.fill(UNTOUCHED);
        let in_memory = match run.plan.result {
            ResultPlan::None => false,
            ResultPlan::Hidden { .. } => true,
            ResultPlan::Direct(_) => run.result_left().is_none(),
        };
        let result_address = if in_memory { self.arena.address(result) } else { rng.next() };
        Places { values, array, result, result_address }
    }

    /// Sets the caller's stack pointer, and fills what is above: those bytes, and where they are.
    fn prepare_stack(&mut self, run: Run<'_>, rng: &mut Rng) -> (usize, Vec<u8>) {
        let start = self.stack.start();
        let sp = self.stack.end() - TOP + 256 + rng.pick(&[0, 16, 48, 2000, 2048, 3840]);
        let canary_at = sp + run.entry.shadow_space as usize;
        let canary: Vec<u8> = (0..CANARY).map(|_| rng.next().to_le_bytes()[0]).collect();
        let bytes = self.stack_bytes(run);
        bytes[canary_at - start..][..CANARY].copy_from_slice(&canary);
        if run.grows {
            self.stack.close(STACK - TOP);
            self.faults.grow(start, start + STACK - TOP);
        }
        self.machine.state().enter.gp[SP] = sp as u64;
        (canary_at, canary)
    }

    fn prepare_state(&mut self, run: Run<'_>, places: &Places, rng: &mut Rng) {
        let array = self.arena.address(places.array);
        let frame = self.frame.as_mut_ptr() as u64;
        let state = self.machine.state();
        let sp = state.enter.gp[SP];
        for registers in [&mut state.enter, &mut state.give] {
            registers.fill(rng);
        }
        state.enter.gp[SP] = sp;
        let params = [target(), array, places.result_address];
        for (&register, param) in run.entry.gp_params.iter().zip(params) {
            state.enter.gp[usize::from(register)] = param;
        }
        state.prepare(run.plan, run.result_moves(), rng);
        state.stub = run.stub;
        state.frame = frame;
        state.frame_len = run.plan.frame_bytes.into();
        // So that nothing of an earlier run is taken for this one's.
        state.seen.gp.fill(0);
        state.after.gp.fill(0);
    }

    /// What the target saw.
    fn check_target(&mut self, run: Run<'_>, values: &[Vec<u8>], places: &Places) -> Result<(), String> {
        let state = self.machine.state();
        let frame = state.seen.gp[SP] + u64::from(run.entry.abi.instruction_set().return_address());
        if !frame.is_multiple_of(run.plan.stack_align.bytes()) {
            return Err(format!("the stack pointer is {frame:#x} at the call"));
        }
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let addresses = Addresses { frame, result: places.result_address };
        let image = interp::arguments(run.plan, &values, addresses).ok_or("interp has other arguments")?;
        for (&location, region) in &image.registers {
            compare(&format!("{location:?} at the call"), region, &state.seen.bytes(location))?;
        }
        compare("the stack at the call", &image.frame, &self.frame[..run.plan.frame_bytes as usize])?;
        state.check_modes("at the call", &state.seen)
    }

    /// What the caller has again.
    fn check_caller(&mut self, run: Run<'_>) -> Result<(), String> {
        let State { enter, give, after, .. } = self.machine.state();
        for number in run.entry.preserved_gp.iter() {
            let (is, was) = (after.gp[usize::from(number)], enter.gp[usize::from(number)]);
            if is != was {
                return Err(format!("{:?} is {is:#x}, was {was:#x}", Location::Gp(number)));
            }
        }
        for number in run.entry.preserved_vector.iter().map(usize::from) {
            if after.vectors[number][..KEPT_VECTOR_BYTES] != enter.vectors[number][..KEPT_VECTOR_BYTES] {
                return Err(format!("vector register {number} is lost"));
            }
        }
        let returned = match (&run.plan.result, run.result_moves()) {
            (ResultPlan::Hidden { returned, .. }, _) => returned.map(|place| (place, 8)),
            (_, [piece]) if run.result_left().is_some() => Some((piece.location, piece.width as usize)),
            (ResultPlan::None | ResultPlan::Direct(_), _) => None,
        };
        if let Some((location, width)) = returned
            && after.bytes(location)[..width] != give.bytes(location)[..width]
        {
            return Err(format!("the result in {location:?} is lost"));
        }
        let state = self.machine.state();
        state.check_modes("after the call", &state.after)
    }

    /// What is in the result's memory, and around it.
    fn check_result(&mut self, run: Run<'_>, places: &Places) -> Result<(), String> {
        let state = self.machine.state();
        let mut given = Image { registers: Default::default(), frame: Region::unknown(0) };
        state.given(&mut given);
        let value = interp::result(run.plan, &given).filter(|_| run.result_left().is_none());
        let (memory, offset) = self.arena.surroundings(places.result);
        let mut expected = Region { bytes: vec![UNTOUCHED; memory.len()], known: vec![true; memory.len()] };
        if let Some(value) = value {
            for (index, byte) in value.bytes.into_iter().enumerate().filter(|&(index, _)| value.known[index])
            {
                expected.bytes[offset + index] = byte;
            }
        }
        compare(&format!("the page of the result, which is at {offset}"), &expected, memory)
    }
}

/// Whether the known bytes are there.
fn compare(what: &str, expected: &Region, given: &[u8]) -> Result<(), String> {
    let differs = |&index: &usize| expected.known[index] && given.get(index) != Some(&expected.bytes[index]);
    let Some(index) = (0..expected.bytes.len()).find(differs) else { return Ok(()) };
    let end = expected.bytes.len().min(index + 16);
    Err(format!(
        "{what}: from byte {index} on {:02x?} instead of {:02x?}",
        given.get(index..end),
        &expected.bytes[index..end]
    ))
}
