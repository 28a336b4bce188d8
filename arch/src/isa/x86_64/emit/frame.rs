//! The stub's own stack frame: its size, how it is entered and left.

use super::{Gp, Mem, Stub, Survey};
use crate::abi::{Convention, RegSet};
use crate::isa::Shape;
use crate::isa::x86_64::Xmm;
use crate::plan::{CallPlan, ResultPlan};

/// Linux and Windows put a guard page below the stack: no frame may skip over it unseen.
pub(super) const PAGE: u32 = 4096;

/// What a stub puts on the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Bytes to subtract from the stack pointer after the pushes.
    bytes: u32,
    /// Whether the result's address is pushed.
    pub(super) keeps_result: bool,
    /// The alignment, where it is more than the convention's: then rbp holds the way back.
    over_aligned: Option<u32>,
    /// Where the kept registers are, from the stack pointer.
    kept_at: u32,
    /// General registers to keep for the caller.
    kept_gp: RegSet,
    /// Vector registers to keep for the caller.
    kept_vector: RegSet,
}

impl Frame {
    /// The frame of a stub; `None` where it can end in a jump.
    pub(super) fn of(plan: &CallPlan, survey: &Survey, shape: Shape, entry: &Convention) -> Option<Frame> {
        let target = plan.abi.convention();
        let mut kept_gp = entry.preserved_gp.minus(target.preserved_gp);
        if survey.in_bulk {
            let string_registers = RegSet::of(&[Gp::Rsi.number(), Gp::Rdi.number()]);
            kept_gp = kept_gp.union(entry.preserved_gp.intersection(string_registers));
        }
        let kept_vector = entry.preserved_vector.minus(target.preserved_vector);
        let keeps_result = match &plan.result {
            ResultPlan::None | ResultPlan::Hidden { .. } => false,
            ResultPlan::Direct(_) => shape == Shape::Gather || plan.result_register().is_none(),
        };
        // A jump leaves the target the caller's own shadow space. A copy has an address even where it has no bytes.
        let shadow_is_lent = plan.frame_bytes == target.shadow_space
            && target.shadow_space <= entry.shadow_space
            && !survey.by_address;
        if shadow_is_lent && !keeps_result && kept_gp.is_empty() && kept_vector.is_empty() {
            return None;
        }
        let kept_at = plan.frame_bytes.next_multiple_of(16);
        let needed = kept_at + kept_vector.len() * 16 + kept_gp.len() * 8;
        let align = u32::try_from(plan.stack_align.bytes()).unwrap_or(PAGE);
        let over_aligned = (align > target.stack_align).then_some(align);
        // The return address is on the stack already, so an odd number of words beside it keeps the alignment.
        let pushed = if keeps_result { 16 } else { 8 };
        let bytes = match over_aligned {
            Some(_) => needed.next_multiple_of(16),
            None => (needed + pushed).next_multiple_of(target.stack_align) - pushed,
        };
        Some(Frame { bytes, keeps_result, over_aligned, kept_at, kept_gp, kept_vector })
    }
}

impl Stub<'_> {
    /// The prologue.
    pub(super) fn enter(&mut self, frame: &Frame) {
        if frame.over_aligned.is_some() {
            self.asm.push_r64(Gp::Rbp);
            self.asm.mov_r64_r64(Gp::Rbp, Gp::Rsp);
        }
        if frame.keeps_result {
            self.asm.push_r64(self.result);
        }
        match frame.over_aligned {
            None => self.lower_stack(frame.bytes),
            Some(align) => self.lower_and_align_stack(frame.bytes, align),
        }
        for (register, place) in kept_vectors(frame) {
            self.asm.movups_m_x(place, register);
        }
        for (register, place) in kept_generals(frame) {
            self.asm.mov_m_r64(place, register);
        }
    }

    /// Lowers the stack pointer to a multiple of `align`, touching every page on the way.
    fn lower_and_align_stack(&mut self, bytes: u32, align: u32) {
        if bytes + align < PAGE {
            self.lower_stack(bytes);
        } else {
            // Aligning may step over a page: go down as far as it may lead, then back.
            self.lower_stack(bytes + align);
            self.asm.add_r64_imm32(Gp::Rsp, align.cast_signed());
        }
        self.asm.and_r64_imm32(Gp::Rsp, -align.cast_signed());
    }

    /// Lowers the stack pointer, touching every page on the way.
    fn lower_stack(&mut self, bytes: u32) {
        let pages = bytes / PAGE;
        if pages > 0 {
            // The target and the arguments' address may be in r11 and r10 by now; rax is free.
            let whole = (pages * PAGE).cast_signed();
            self.asm.lea_r64_m(super::SCRATCH, Mem::at(Gp::Rsp, -whole));
            let next = self.asm.label();
            self.asm.bind(next);
            self.asm.sub_r64_imm32(Gp::Rsp, PAGE.cast_signed());
            self.asm.or_m64_imm8(Mem::at(Gp::Rsp, 0), 0);
            self.asm.cmp_r64_r64(Gp::Rsp, super::SCRATCH);
            self.asm.jne(next);
        }
        if !bytes.is_multiple_of(PAGE) {
            self.asm.sub_r64_imm32(Gp::Rsp, (bytes % PAGE).cast_signed());
        }
    }

    /// The epilogue, up to the return instruction; stores the result where the caller wants it.
    pub(super) fn leave(&mut self, frame: &Frame) {
        for (register, place) in kept_vectors(frame) {
            self.asm.movups_x_m(register, place);
        }
        for (register, place) in kept_generals(frame) {
            self.asm.mov_r64_m(register, place);
        }
        if frame.over_aligned.is_some() {
            if frame.keeps_result {
                self.asm.mov_r64_m(super::result::POINTER, Mem::at(Gp::Rbp, -8));
            }
            self.asm.leave();
        } else {
            if frame.bytes > 0 {
                self.asm.add_r64_imm32(Gp::Rsp, frame.bytes.cast_signed());
            }
            if frame.keeps_result {
                self.asm.pop_r64(super::result::POINTER);
            }
        }
        if frame.keeps_result {
            self.store_result();
        }
    }
}

fn kept_vectors(frame: &Frame) -> impl Iterator<Item = (Xmm, Mem)> + use<> {
    let start = frame.kept_at;
    let place = move |n: u32| Mem::at(Gp::Rsp, (start + n * 16).cast_signed());
    (0..).zip(frame.kept_vector.iter()).map(move |(n, number)| (Xmm::from_low_bits(number), place(n)))
}

fn kept_generals(frame: &Frame) -> impl Iterator<Item = (Gp, Mem)> + use<> {
    let start = frame.kept_at + frame.kept_vector.len() * 16;
    let place = move |n: u32| Mem::at(Gp::Rsp, (start + n * 8).cast_signed());
    (0..).zip(frame.kept_gp.iter()).map(move |(n, number)| (Gp::from_low_bits(number), place(n)))
}
