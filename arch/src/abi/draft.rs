//! The plan while it is being made.

use super::cursor::{Area, Registers};
use super::{Convention, Pops};
use crate::layout::{DataModel, Type};
use crate::plan::{ArgPlan, Extension, Location, Move, MoveRange, Passing, ResultPlan, Room, Rule};
use crate::{Align, CallPlan, Error, Signature};
use alloc::vec::Vec;

/// A plan in the making: what is decided, and what is left to hand out.
pub(super) struct Draft {
    convention: &'static Convention,
    model: &'static DataModel,
    args: Vec<ArgPlan>,
    /// The moves so far.
    pub(super) moves: Vec<Move>,
    /// The argument registers left.
    pub(super) registers: Registers,
    stack: Area,
    copies: Area,
}

impl Draft {
    /// An empty plan for `signature`, in `room`.
    #[inline(always)]
    pub(super) fn new(convention: &'static Convention, signature: &Signature, room: Room) -> Draft {
        let params = signature.params().len();
        let Room { mut args, mut moves } = room;
        args.reserve(params);
        // Hardly any value is in more than two pieces.
        moves.reserve(2 * (params + 1));
        Draft {
            convention,
            model: convention.abi.data_model(),
            args,
            moves,
            registers: Registers::params(convention),
            stack: Area::new(convention.shadow_space),
            copies: Area::new(0),
        }
    }

    /// The number of moves so far, where a value's run begins.
    pub(super) fn mark(&self) -> u32 {
        u32::try_from(self.moves.len()).unwrap_or(u32::MAX)
    }

    /// The moves since `start`.
    pub(super) fn since(&self, start: u32) -> MoveRange {
        MoveRange { start, end: self.mark() }
    }

    /// One move of a whole value of `width` bytes to `location`.
    #[inline(always)]
    pub(super) fn whole(
        &mut self,
        width: u32,
        location: Location,
        extension: Extension,
        rule: &'static Rule,
    ) -> MoveRange {
        let start = self.mark();
        self.moves.push(Move { offset: 0, width, location, extension, rule });
        MoveRange { start, end: start.saturating_add(1) }
    }

    /// Stack bytes for a value of `size` bytes, at a multiple of `align` and of the stack's slots.
    pub(super) fn stack_slot(&mut self, size: u32, align: Align) -> Result<Location, Error> {
        let slot = self.convention.stack_slot;
        let offset = self.stack.take(size, align.max(slot))?;
        self.stack.pad(slot)?;
        Ok(Location::Stack(offset))
    }

    /// Fills the stack arguments up to a multiple of `align`.
    pub(super) fn pad_stack(&mut self, align: Align) -> Result<(), Error> {
        self.stack.pad(align)
    }

    /// Room above the stack arguments for the copy of an argument that passes by address. Its offset counts from the
    /// first copy until [`Draft::finish`] knows where that is.
    pub(super) fn copy(&mut self, size: u32, align: Align) -> Result<u32, Error> {
        self.copies.take(size, align)
    }

    /// The next parameter passes so.
    #[inline(always)]
    pub(super) fn arg(&mut self, ty: &Type, size: u32, passing: Passing) {
        self.args.push(ArgPlan { passing, size, in_slot: matches!(ty, Type::Scalar(_)) && size <= 8 });
    }

    /// The plan.
    #[inline(always)]
    pub(super) fn finish(
        mut self,
        result: ResultPlan,
        result_type: Option<&Type>,
        vector_count: Option<u8>,
    ) -> Result<CallPlan, Error> {
        let stack_bytes = self.stack.end();
        let callee_pops = match self.convention.callee_pops {
            Pops::Nothing => 0,
            Pops::HiddenAddress => match &result {
                ResultPlan::Hidden { pointer: Location::Stack(_), .. } => {
                    u32::try_from(self.convention.stack_slot.bytes()).unwrap_or(0)
                }
                ResultPlan::None | ResultPlan::Direct(_) | ResultPlan::Hidden { .. } => 0,
            },
            Pops::Arguments => stack_bytes,
        };
        let mut frame = self.stack;
        if self.copies.align() > Align::ONE {
            let base = frame.take(self.copies.end(), self.copies.align())?;
            for arg in &mut self.args {
                if let Passing::Indirect { copy, .. } = &mut arg.passing {
                    *copy += base;
                }
            }
        }
        let stack_align = Align::of(u64::from(self.convention.stack_align)).max(frame.align());
        Ok(CallPlan {
            abi: self.convention.abi,
            args: self.args,
            result,
            result_size: result_type.map_or(Ok(0), |ty| size_of(ty, self.model))?,
            moves: self.moves,
            stack_bytes,
            frame_bytes: frame.end(),
            stack_align,
            callee_pops,
            vector_count,
        })
    }
}

/// A value's size in bytes.
pub(super) fn size_of(ty: &Type, model: &DataModel) -> Result<u32, Error> {
    let size = ty.size(model).bytes();
    u32::try_from(size).map_err(|_| Error::SizeOverflow { what: "a value that is passed" })
}
