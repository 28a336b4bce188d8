//! Thunks and traps: what they load, where they jump, and that they touch nothing else.

use super::{At, Base, Branch, End, Known, State, Surroundings, gp, members};
use callsmith_arch::abi::{Convention, RegSet};
use callsmith_arch::isa::InstructionSet;
use callsmith_arch::isa::x86_64::Gp;
use iced_x86::Register;

/// What is around a thunk: its slot, and whoever called it.
struct Thunk {
    context: Register,
    /// The slot's distance from the thunk.
    distance: i64,
    /// How often it is still to add to the number of calls inside.
    counts: usize,
}

/// Walks through the thunk that begins `code`, and gives its length without what fills its place.
///
/// # Errors
///
/// What the thunk did wrong.
pub(crate) fn walk_thunk(code: &[u8], context: Gp, counts: bool, distance: i32) -> Result<usize, String> {
    let mut thunk = Thunk { context: gp(context.number()), distance: distance.into(), counts: counts.into() };
    super::walk(code, &[], &mut thunk).map(|(_, length)| length)
}

impl Surroundings for Thunk {
    fn read(&mut self, at: At, width: i64) -> Result<Known, String> {
        match at == (Base::Code, self.distance) && width == 8 {
            true => Ok(Known::Address(Base::Context, 0)),
            false => Err("a read beside the slot's first word".into()),
        }
    }

    fn write(&mut self, at: At, width: i64) -> Result<(), String> {
        let inside = (Base::Context, i64::from(InstructionSet::X86_64.inside_offset()));
        match self.counts.checked_sub(1) {
            Some(left) if (at, width) == (inside, 8) => self.counts = left,
            _ => return Err("a store".into()),
        }
        Ok(())
    }

    fn call(&mut self, _: Branch, _: &mut State) -> Result<&'static Convention, String> {
        Err("a call".into())
    }

    /// Every register but the context's is the caller's, since the next function takes its arguments there.
    fn jump(&mut self, to: Branch, state: &State) -> Result<(), String> {
        let target = self.distance + i64::from(InstructionSet::X86_64.target_offset());
        if to != Branch::Through((Base::Code, target)) {
            return Err("it does not go where the slot says".into());
        }
        if self.counts > 0 {
            return Err("it counts nobody".into());
        }
        if state.known(self.context) != Known::Address(Base::Context, 0) {
            return Err(format!("the context is {:?}", state.known(self.context)));
        }
        let mut others = members(RegSet(0xffff), RegSet(0xffff));
        others.retain(|register| *register != self.context);
        state.check_kept(&others)
    }

    fn end(&mut self, _: End, _: &State) -> Result<(), String> {
        Ok(())
    }
}

/// What is around a trap: the slot, or what was its context, and the note in the third word of either.
struct Trap<'a> {
    host: &'a Convention,
}

/// Walks through a trap that finds the slot, or the old context, in `context`.
///
/// # Errors
///
/// What the trap did wrong.
pub(crate) fn walk_trap(code: &[u8], context: Gp, host: &Convention) -> Result<(), String> {
    let known = [(gp(context.number()), Known::Address(Base::Context, 0))];
    let (_, length) = super::walk(code, &known, &mut Trap { host })?;
    if length == code.len() { Ok(()) } else { Err("code after the end".into()) }
}

impl Surroundings for Trap<'_> {
    fn read(&mut self, at: At, width: i64) -> Result<Known, String> {
        match (at, width) {
            ((Base::Context, 16), 8) => Ok(Known::Address(Base::Note, 0)),
            ((Base::Note, 0), 8) => Ok(Known::Address(Base::Function, 0)),
            _ => Err("a read of neither the note nor its function".into()),
        }
    }

    fn write(&mut self, _: At, _: i64) -> Result<(), String> {
        Err("a store".into())
    }

    fn call(&mut self, _: Branch, _: &mut State) -> Result<&'static Convention, String> {
        Err("a call".into())
    }

    /// The note's function gets the note, on the stack that C made for a callee.
    fn jump(&mut self, to: Branch, state: &State) -> Result<(), String> {
        if to != Branch::To(Known::Address(Base::Function, 0)) {
            return Err("it does not go to the note's function".into());
        }
        match state.known(gp(self.host.gp_params[0])) {
            Known::Address(Base::Note, 0) => state.check_kept(&[]),
            other => Err(format!("the function gets {other:?}")),
        }
    }

    fn end(&mut self, _: End, _: &State) -> Result<(), String> {
        Ok(())
    }
}
