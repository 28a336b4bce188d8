//! Adapters: where the handler finds each argument, what it is called with, and what goes back to C.

use super::{At, Base, Branch, End, Fill, Known, State, Surroundings, gp, kept, zmm};
use callsmith_arch::CallPlan;
use callsmith_arch::abi::Convention;
use callsmith_arch::plan::{Extension, Location, Move, Passing, ResultPlan};
use iced_x86::Register;

/// Where a thunk leaves the context.
const CONTEXT: Register = Register::R10;
/// The return address.
const RETURN: i64 = 8;

/// What is around an adapter: C, which called it, and the handler.
struct Adapter<'a> {
    plan: &'a CallPlan,
    host: &'static Convention,
    /// Where the handler writes the result, if that is on the stack.
    result: Option<At>,
}

/// Walks through an adapter whose handler has the convention `host`.
///
/// # Errors
///
/// What the adapter did wrong.
pub(crate) fn walk(code: &[u8], plan: &CallPlan, host: &'static Convention) -> Result<(), String> {
    let known = [(CONTEXT, Known::Address(Base::Context, 0))];
    let (end, length) = super::walk(code, &known, &mut Adapter { plan, host, result: None })?;
    match (end, length == code.len()) {
        (End::Return, true) => Ok(()),
        (End::Jump, _) => Err("it ends in a jump".into()),
        (End::Return, false) => Err("code after the end".into()),
    }
}

impl Surroundings for Adapter<'_> {
    fn read(&mut self, (base, offset): At, width: i64) -> Result<Known, String> {
        if base != Base::Entry {
            return Err("a read of what is no business of an adapter".into());
        }
        if let Some((_, start)) = self.result {
            let room = i64::from(self.plan.result_size.next_multiple_of(16));
            if start <= offset && offset + width <= start + room {
                return Ok(Known::Given { offset: offset - start, width, fill: Fill::Any });
            }
        }
        match offset >= RETURN && offset + width <= RETURN + i64::from(self.plan.stack_bytes) {
            true if width == 8 => Ok(Known::Passed(offset - RETURN)),
            true => Err("a read of a part of a word of C's".into()),
            false => Err("a read of what the adapter did not store".into()),
        }
    }

    fn write(&mut self, _: At, _: i64) -> Result<(), String> {
        Err("a store outside the frame".into())
    }

    /// `handler(context, arguments, result)`.
    fn call(&mut self, to: Branch, state: &mut State) -> Result<&'static Convention, String> {
        if to != Branch::Through((Base::Context, 0)) {
            return Err("it does not go to the handler".into());
        }
        let rsp = state.rsp()?;
        state.stack.check_call(rsp, self.host.stack_align.into())?;
        state.stack.lend(rsp, self.host.shadow_space.into())?;
        let [context, arguments, result] = [0, 1, 2].map(|n| state.known(gp(self.host.gp_params[n])));
        if context != Known::Address(Base::Context, 0) {
            return Err(format!("the handler's context is {context:?}"));
        }
        // What the handler writes must not be what it reads.
        self.give_result(result, state)?;
        let Known::Address(Base::Entry, arguments) = arguments else {
            return Err(format!("the handler's arguments are {arguments:?}"));
        };
        for (index, (arg, at)) in self.plan.args.iter().zip((arguments..).step_by(8)).enumerate() {
            let pointer = state.stack.stored_at((Base::Entry, at), 8);
            self.check_argument(&arg.passing, arg.size.into(), pointer, state)
                .map_err(|wrong| format!("argument {index}: {wrong}"))?;
        }
        Ok(self.host)
    }

    fn jump(&mut self, _: Branch, _: &State) -> Result<(), String> {
        Err("a jump out".into())
    }

    /// C's registers are as they were, and the result is where C looks for it.
    fn end(&mut self, _: End, state: &State) -> Result<(), String> {
        state.check_kept(&kept(self.plan.abi.convention()))?;
        let deep = match &self.plan.result {
            ResultPlan::None => 0,
            ResultPlan::Direct(run) => {
                let pieces = self.plan.moves_of(*run);
                pieces.iter().try_for_each(|piece| check_result(piece, state))?;
                pieces.iter().filter(|piece| matches!(piece.location, Location::X87(_))).count()
            }
            ResultPlan::Hidden { pointer, returned, .. } => {
                let returned = returned.ok_or("x86-64 gives a result's address back")?;
                let (wanted, found) = (Known::Entered(register(*pointer)?), state.known(register(returned)?));
                if found != wanted {
                    return Err(format!("C gets {found:?} for the address of its result"));
                }
                0
            }
        };
        match state.x87.len() == deep {
            true => Ok(()),
            false => Err(format!("{} values stay on the x87 stack", state.x87.len())),
        }
    }
}

impl Adapter<'_> {
    /// The room for the result: C's own, or in the frame, where the handler may write all of it.
    fn give_result(&mut self, result: Known, state: &mut State) -> Result<(), String> {
        match (&self.plan.result, result) {
            (ResultPlan::None, _) => Ok(()),
            (ResultPlan::Direct(_), Known::Address(Base::Entry, offset)) => {
                let (at, size) = ((Base::Entry, offset), self.plan.result_size.into());
                if !state.stack.in_frame(state.rsp()?, at, size) {
                    return Err("the room for the result lies outside the frame".into());
                }
                state.stack.forget(at, size);
                self.result = Some(at);
                Ok(())
            }
            (ResultPlan::Hidden { pointer, .. }, known) if known == Known::Entered(register(*pointer)?) => {
                Ok(())
            }
            (ResultPlan::Direct(_) | ResultPlan::Hidden { .. }, other) => {
                Err(format!("the room for the result is {other:?}"))
            }
        }
    }

    /// The pointer goes to where C left the argument, or to where its registers were stored.
    fn check_argument(
        &self,
        passing: &Passing,
        size: i64,
        pointer: Option<Known>,
        state: &State,
    ) -> Result<(), String> {
        let pointer = pointer.ok_or("no pointer")?;
        let wrong = || Err(format!("its pointer is {pointer:?}"));
        match passing {
            Passing::Indirect { pointer: Location::Stack(offset), .. } => match pointer {
                Known::Passed(place) if place == i64::from(*offset) => Ok(()),
                _ => wrong(),
            },
            Passing::Indirect { pointer: location, .. } => {
                if pointer == Known::Entered(register(*location)?) { Ok(()) } else { wrong() }
            }
            Passing::Ignored(_) => match pointer {
                Known::Address(Base::Entry, _) => Ok(()),
                _ => wrong(),
            },
            Passing::Direct(run) => {
                let Known::Address(Base::Entry, start) = pointer else { return wrong() };
                match self.plan.moves_of(*run) {
                    [Move { location: Location::Stack(offset), .. }] => {
                        if start == RETURN + i64::from(*offset) { Ok(()) } else { wrong() }
                    }
                    pieces => check_stored(pieces, start, size, state),
                }
            }
        }
    }
}

/// The pieces of an argument were stored where they belong in its value, which lies in the frame.
fn check_stored(pieces: &[Move], start: i64, size: i64, state: &State) -> Result<(), String> {
    if !state.stack.in_frame(state.rsp()?, (Base::Entry, start), size) {
        return Err("its value lies outside the frame".into());
    }
    for piece in pieces {
        let at = (Base::Entry, start + i64::from(piece.offset));
        let found = state.stack.stored_at(at, piece.width.into());
        if found != Some(Known::Entered(register(piece.location)?)) {
            return Err(format!("at byte {} is {found:?}, not {:?}", piece.offset, piece.location));
        }
    }
    Ok(())
}

/// A piece of the result is in its register, widened as the plan says.
fn check_result(piece: &Move, state: &State) -> Result<(), String> {
    let found = match piece.location {
        // The one pushed last is the top.
        Location::X87(depth) => {
            let index = state.x87.len().checked_sub(1 + usize::from(depth));
            index.map_or(Known::Nothing, |index| state.x87[index])
        }
        Location::Gp(_) | Location::Vector(_) | Location::Mmx(_) | Location::Stack(_) => {
            state.known(register(piece.location)?)
        }
    };
    let Known::Given { offset, width, fill } = found else {
        return Err(format!("{:?} is {found:?}", piece.location));
    };
    let needed = i64::from(piece.width);
    // The rest of a long double is padding.
    let needed = if matches!(piece.location, Location::X87(_)) { needed.min(10) } else { needed };
    let filled = match piece.extension {
        Extension::None => width >= needed,
        Extension::Sign => width == needed && (fill == Fill::Sign || width >= 4),
        Extension::Zero => width == needed && (fill == Fill::Zero || width >= 4),
    };
    match offset == i64::from(piece.offset) && filled {
        true => Ok(()),
        false => Err(format!("{:?} holds {found:?}, wanted {piece:?}", piece.location)),
    }
}

/// A register by its full name.
fn register(location: Location) -> Result<Register, String> {
    match location {
        Location::Gp(number) => Ok(gp(number)),
        Location::Vector(number) => Ok(zmm(number)),
        Location::Mmx(_) | Location::X87(_) | Location::Stack(_) => {
            Err(format!("{location:?} is no register that is stored"))
        }
    }
}
