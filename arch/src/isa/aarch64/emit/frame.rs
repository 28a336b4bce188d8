//! The stub's own stack frame: its size, how it is entered and left.

use super::{Assembler, Base, Gp, Mem, RESULT, SCRATCH, Stub, VALUE};
use crate::isa::Shape;
use crate::plan::{CallPlan, Passing, ResultPlan};

/// Below every stack is a guard page: no frame may skip over one unseen, and the smallest there are have 4 KiB.
const PAGE: u32 = 4096;

/// What a stub puts on the stack, beside the frame record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The plan's frame, in multiples of 16 bytes.
    bytes: u32,
    /// Whether the result's address is kept.
    keeps_result: bool,
    /// The alignment, where it is more than the convention's 16.
    over_aligned: Option<u32>,
}

impl Frame {
    /// The frame of a stub; `None` where it can end in a jump.
    pub(super) fn of(plan: &CallPlan, shape: Shape) -> Option<Frame> {
        let keeps_result = match &plan.result {
            ResultPlan::None | ResultPlan::Hidden { .. } => false,
            ResultPlan::Direct(_) => shape == Shape::Gather || plan.result_register().is_none(),
        };
        // A copy has an address even where it has no bytes.
        let by_address = plan.args.iter().any(|arg| matches!(arg.passing, Passing::Indirect { .. }));
        if plan.frame_bytes == 0 && !by_address && !keeps_result {
            return None;
        }
        let align = u32::try_from(plan.stack_align.bytes()).unwrap_or(PAGE);
        let over_aligned = (align > plan.abi.convention().stack_align).then_some(align);
        Some(Frame { bytes: plan.frame_bytes.next_multiple_of(16), keeps_result, over_aligned })
    }

    /// The bytes of the frame record and of what is kept above it.
    const fn record(&self) -> i32 {
        if self.keeps_result { 32 } else { 16 }
    }
}

/// Where the result's address is, from the frame record.
const KEPT_RESULT: u32 = 16;

impl Stub<'_> {
    /// The prologue.
    pub(super) fn enter(&mut self, frame: &Frame) {
        self.asm.open_record(frame.record());
        if frame.keeps_result {
            self.asm.str_m_x(Mem::at(Base::SP, KEPT_RESULT), RESULT);
        }
        match frame.over_aligned {
            None => self.asm.lower_stack(frame.bytes),
            Some(align) => {
                // Aligning may step over a page: down as far as it may lead, then back.
                self.asm.lower_stack(frame.bytes + align);
                self.asm.add(SCRATCH, Base::SP, align);
                // At most 28.
                #[allow(clippy::cast_possible_truncation)]
                self.asm.and_sp_x_mask(Base::SP, SCRATCH, align.trailing_zeros() as u8);
            }
        }
    }

    /// The epilogue, up to the return instruction; stores the result where the caller wants it.
    pub(super) fn leave(&mut self, frame: &Frame) {
        if frame.bytes > 0 || frame.over_aligned.is_some() {
            self.asm.add(Base::SP, Gp::X29, 0);
        }
        if frame.keeps_result {
            self.asm.ldr_x_m(VALUE, Mem::at(Base::SP, KEPT_RESULT));
        }
        self.asm.close_record(frame.record());
        if frame.keeps_result {
            self.store_result();
        }
    }
}

impl Assembler {
    /// Puts a frame record on the stack, at the lower end of `bytes`, and makes x29 point at it.
    pub(super) fn open_record(&mut self, bytes: i32) {
        self.stp_before_x_x(Base::SP, -bytes, Gp::X29, Gp::X30);
        self.add(Gp::X29, Base::SP, 0);
    }

    /// Takes it off again. The stack pointer points at it.
    pub(super) fn close_record(&mut self, bytes: i32) {
        self.ldp_after_x_x(Gp::X29, Gp::X30, Base::SP, bytes);
    }

    /// Lowers the stack pointer, touching every page on the way. [`SCRATCH`] is used up.
    pub(super) fn lower_stack(&mut self, bytes: u32) {
        let (pages, rest) = (bytes / PAGE * PAGE, bytes % PAGE);
        if pages > 0 {
            self.sub_sp_sp_imm12(SCRATCH.into(), Base::SP, pages);
            let next = self.here();
            self.sub_sp_sp_imm12(Base::SP, Base::SP, PAGE);
            // What is stored does not matter.
            self.str_m_x(Mem::at(Base::SP, 0), SCRATCH);
            self.cmp_sp_x(Base::SP, SCRATCH);
            self.b_ne(next);
        }
        if rest > 0 {
            self.sub_sp_sp_imm12(Base::SP, Base::SP, rest);
        }
    }
}
