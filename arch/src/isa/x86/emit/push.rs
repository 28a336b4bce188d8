//! Stack arguments that are pushed, the last one first: where all are words, one instruction for each in place of two. They
//! touch every page on their way down.

use super::{Entered, SCRATCH, Stub, VALUE, offset, offset_back};
use crate::plan::{CallPlan, Extension, Location, Move, Passing, ResultPlan};

/// How many words the widest value has that is pushed. Wider ones take fewer moves than pushes.
const WORDS: u32 = 2;

/// The bytes of all stack arguments, where they can be pushed: they are words without a gap, in the order of the parameters,
/// and nothing else is in the plan's frame. Else 0.
pub(super) fn bytes(plan: &CallPlan) -> u32 {
    let hidden = match plan.result {
        ResultPlan::Hidden { pointer: Location::Stack(0), .. } => Some(4),
        ResultPlan::Hidden { pointer: Location::Stack(_), .. } => None,
        ResultPlan::Hidden { .. } | ResultPlan::Direct(_) | ResultPlan::None => Some(0),
    };
    let end = hidden.and_then(|hidden| {
        plan.args.iter().try_fold(hidden, |end, arg| match &arg.passing {
            Passing::Ignored(_) => Some(end),
            Passing::Direct(run) => plan.moves_of(*run).iter().try_fold(end, pushed),
            Passing::Indirect { .. } => None,
        })
    });
    end.filter(|end| *end == plan.frame_bytes).unwrap_or(0)
}

/// Where the stack arguments end with `piece`, if it is behind those that end at `end`, and words.
fn pushed(end: u32, piece: &Move) -> Option<u32> {
    let words = match (piece.extension, piece.width) {
        (Extension::None, width) => width.is_multiple_of(4).then_some(width / 4),
        (Extension::Sign | Extension::Zero, _) => Some(1),
    };
    match (piece.location, words) {
        (Location::Stack(at), Some(1..=WORDS)) if at == end => words.map(|words| end + 4 * words),
        (Location::Stack(_), _) => None,
        (Location::Gp(_) | Location::Vector(_) | Location::Mmx(_) | Location::X87(_), _) => Some(end),
    }
}

impl Stub<'_> {
    /// Pushes every stack argument, and then a hidden result's address where that is on the stack.
    pub(super) fn push_stack_arguments(&mut self) {
        let plan = self.plan;
        for (index, arg) in plan.args.iter().enumerate().rev() {
            let Passing::Direct(run) = arg.passing else { continue };
            for piece in plan.moves_of(run).iter().rev() {
                if !matches!(piece.location, Location::Stack(_)) {
                    continue;
                }
                let value = self.value_of(index, arg, VALUE);
                let from = offset(value, piece.offset);
                match piece.extension {
                    Extension::None => {
                        for word in (0..piece.width / 4).rev() {
                            self.asm.push_m32(offset(from, 4 * word));
                        }
                    }
                    Extension::Sign | Extension::Zero => {
                        self.load_general(SCRATCH, from, piece);
                        self.asm.push_r32(SCRATCH);
                    }
                }
            }
        }
        if let ResultPlan::Hidden { pointer: Location::Stack(_), .. } = plan.result {
            // The push itself is still to come.
            self.asm.push_m32(offset_back(self.entered(Entered::Result), 4));
        }
    }
}
