//! The stub's own stack frame: its size, how it is entered and left.

use super::copy::BULK;
use super::{Gp, Mem, Stub, all_simple, needs_emms, push};
use crate::abi::Convention;
use crate::isa::Shape;
use crate::plan::{CallPlan, Passing, ResultPlan};

/// Linux and Windows put a guard page below the stack: no frame may skip over it unseen.
pub(super) const PAGE: u32 = 4096;

/// What every caller of a slots stub passes it: a target and its arguments. A stub may write to its own arguments.
const OWN_ARGUMENTS: u32 = 8;

/// What a target may pop beyond its plan without taking away what its caller has kept: far more than anybody forgets to
/// declare. Where one pops more yet, a signal in the few instructions after it could write there.
const SLACK: u32 = 1024;

/// What a stub puts on the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Whether there is no frame: the target's stack arguments, if any, take the place of the stub's own.
    pub(super) in_place: bool,
    /// Bytes to subtract from the stack pointer after the registers that are kept.
    bytes: u32,
    /// How many of them are subtracted by pushing all stack arguments: none of them or all.
    pub(super) pushed: u32,
    /// The alignment, where it is more than the entry's: then ebp holds the way back.
    over_aligned: Option<u32>,
    /// Whether esi and edi are pushed.
    in_bulk: bool,
    /// What the target pops.
    pops: u32,
}

impl Frame {
    pub(super) fn of(plan: &CallPlan, shape: Shape, entry: &Convention) -> Frame {
        let align = u32::try_from(plan.stack_align.bytes()).unwrap_or(PAGE);
        let over_aligned = (align > entry.stack_align).then_some(align);
        let in_bulk = in_bulk(plan);
        // The return address is on the stack already.
        let pushed = if in_bulk { 12 } else { 4 };
        let bytes = match over_aligned {
            Some(_) => plan.frame_bytes.next_multiple_of(4),
            None => (plan.frame_bytes + pushed).next_multiple_of(align) - pushed,
        };
        let in_place = over_aligned.is_none() && ends_in_jump(plan, shape);
        let pushed = if in_place || over_aligned.is_some() { 0 } else { push::bytes(plan) };
        Frame { in_place, bytes, pushed, over_aligned, in_bulk, pops: plan.callee_pops }
    }

    /// That of a stub that looks at the stack pointer: found again without it, and with esi for what it was.
    pub(super) fn of_checked(plan: &CallPlan, entry: &Convention) -> Frame {
        let align = u32::try_from(plan.stack_align.bytes()).unwrap_or(PAGE).max(entry.stack_align);
        let frame = Frame::of(plan, Shape::Gather, entry);
        let bytes = plan.frame_bytes.next_multiple_of(4) + SLACK;
        Frame { in_place: false, bytes, pushed: 0, over_aligned: Some(align), in_bulk: true, ..frame }
    }

    /// Where the return address is, once the frame is there.
    pub(super) fn return_address(&self) -> Mem {
        let pushed = if self.in_bulk { 8 } else { 0 };
        match self.over_aligned {
            Some(_) => Mem::at(Gp::Ebp, 4),
            None if self.in_place => Mem::at(Gp::Esp, 0),
            None => Mem::at(Gp::Esp, (self.bytes + pushed).cast_signed()),
        }
    }

    /// The same, once the frame is gone.
    pub(super) fn gone(self) -> Frame {
        Frame { in_place: true, over_aligned: None, ..self }
    }
}

/// Whether the target can return to the stub's caller: nothing is left to do after it, and it pops nothing, for the stub's
/// caller would miss it. Stack arguments fit in place of the stub's own where no address is among them to follow.
fn ends_in_jump(plan: &CallPlan, shape: Shape) -> bool {
    let left = match &plan.result {
        ResultPlan::None | ResultPlan::Hidden { .. } => true,
        ResultPlan::Direct(_) => shape == Shape::Slots && plan.result_register().is_some(),
    };
    let copied = plan.args.iter().any(|arg| matches!(arg.passing, Passing::Indirect { .. }));
    let fits = match plan.frame_bytes {
        0 => !copied,
        1..=OWN_ARGUMENTS => shape == Shape::Slots && all_simple(plan),
        _ => false,
    };
    left && fits && plan.callee_pops == 0 && !needs_emms(plan)
}

/// Whether any argument is copied by a string instruction, which takes esi, edi and ecx.
fn in_bulk(plan: &CallPlan) -> bool {
    plan.args.iter().any(|arg| match &arg.passing {
        Passing::Ignored(_) => false,
        Passing::Direct(run) => plan.moves_of(*run).iter().any(|piece| piece.width >= BULK),
        Passing::Indirect { .. } => arg.size >= BULK,
    })
}

impl Stub<'_> {
    /// The prologue.
    pub(super) fn enter(&mut self, frame: &Frame) {
        if frame.over_aligned.is_some() {
            self.asm.push_r32(Gp::Ebp);
            self.asm.mov_r32_r32(Gp::Ebp, Gp::Esp);
        }
        if frame.in_bulk {
            self.asm.push_r32(Gp::Esi);
            self.asm.push_r32(Gp::Edi);
        }
        match frame.over_aligned {
            None => self.lower_stack(frame.bytes - frame.pushed),
            Some(align) => self.lower_and_align_stack(frame.bytes, align),
        }
    }

    /// Lowers the stack pointer to a multiple of `align`, touching every page on the way.
    fn lower_and_align_stack(&mut self, bytes: u32, align: u32) {
        if bytes + align < PAGE {
            self.lower_stack(bytes);
        } else {
            // Aligning may step over a page: go down as far as it may lead, then back.
            self.lower_stack(bytes + align);
            self.asm.add_r32_imm32(Gp::Esp, align.cast_signed());
        }
        self.asm.and_r32_imm32(Gp::Esp, -align.cast_signed());
    }

    /// Lowers the stack pointer, touching every page on the way.
    fn lower_stack(&mut self, bytes: u32) {
        let pages = bytes / PAGE;
        if pages > 0 {
            let whole = (pages * PAGE).cast_signed();
            self.asm.lea_r32_m(super::SCRATCH, Mem::at(Gp::Esp, -whole));
            let next = self.asm.label_here();
            self.asm.sub_r32_imm32(Gp::Esp, PAGE.cast_signed());
            self.asm.or_m32_imm8(Mem::at(Gp::Esp, 0), 0);
            self.asm.cmp_r32_r32(Gp::Esp, super::SCRATCH);
            self.asm.jne(next);
        }
        if !bytes.is_multiple_of(PAGE) {
            self.asm.sub_r32_imm32(Gp::Esp, (bytes % PAGE).cast_signed());
        }
    }

    /// The epilogue, up to the return instruction. EAX, EDX and the other registers of results are not touched.
    pub(super) fn leave(&mut self, frame: &Frame) {
        match frame.over_aligned {
            Some(_) => {
                if frame.in_bulk {
                    self.asm.mov_r32_m(Gp::Esi, Mem::at(Gp::Ebp, -4));
                    self.asm.mov_r32_m(Gp::Edi, Mem::at(Gp::Ebp, -8));
                }
                self.asm.leave();
            }
            None => {
                // What the target popped is gone already.
                if frame.bytes > frame.pops {
                    self.asm.add_r32_imm32(Gp::Esp, (frame.bytes - frame.pops).cast_signed());
                }
                if frame.in_bulk {
                    self.asm.pop_r32(Gp::Edi);
                    self.asm.pop_r32(Gp::Esi);
                }
            }
        }
        self.frame = frame.gone();
    }
}
