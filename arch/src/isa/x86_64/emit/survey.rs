//! What decides about a stub as a whole, found in one pass over the plan.

use super::copy::BULK;
use crate::abi::RegSet;
use crate::plan::{CallPlan, Location, Passing, ResultPlan};

/// What a plan asks of a stub.
#[derive(Clone, Copy)]
pub(super) struct Survey {
    /// The general registers that arguments, or the result's address, pass in.
    pub(super) written: RegSet,
    /// The move into the register that the address of the arguments comes in; there is none of this number otherwise.
    pub(super) late: u32,
    /// Whether any argument, or an argument's address, passes on the stack.
    pub(super) on_stack: bool,
    /// Whether any argument passes by address, of a copy in the stub's frame.
    pub(super) by_address: bool,
    /// Whether any argument is copied by a string instruction, which takes rsi, rdi and rcx.
    pub(super) in_bulk: bool,
}

impl Survey {
    /// Of a plan whose arguments' address comes in `arguments`.
    pub(super) fn of(plan: &CallPlan, arguments: u8) -> Survey {
        let written = RegSet::of(&[]);
        let mut survey =
            Survey { written, late: u32::MAX, on_stack: false, by_address: false, in_bulk: false };
        for (index, piece) in (0..).zip(plan.argument_moves()) {
            if piece.location == Location::Gp(arguments) {
                survey.late = index;
            }
            survey.location(piece.location, piece.width);
        }
        if let ResultPlan::Hidden { pointer, .. } = plan.result {
            survey.location(pointer, 8);
        }
        for arg in &plan.args {
            if let Passing::Indirect { pointer, .. } = &arg.passing {
                survey.location(*pointer, 8);
                survey.by_address = true;
                survey.in_bulk |= arg.size >= BULK;
            }
        }
        survey
    }

    #[inline(always)]
    fn location(&mut self, location: Location, width: u32) {
        match location {
            Location::Gp(register) => self.written = self.written.with(register),
            Location::Stack(_) => {
                self.on_stack = true;
                self.in_bulk |= width >= BULK;
            }
            Location::Vector(_) | Location::Mmx(_) | Location::X87(_) => {}
        }
    }
}
