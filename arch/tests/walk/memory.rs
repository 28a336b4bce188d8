//! The memory that a stub may touch: its frame, the arguments, the result.

use super::{Base, Known};
use callsmith_arch::CallPlan;
use callsmith_arch::isa::x86_64::emit::Shape;
use callsmith_arch::plan::ArgPlan;

/// The least size of a page, and so of a guard page below the stack.
const PAGE: i64 = 4096;

/// An address.
type At = (Base, i64);

/// The memory of one walk.
pub(super) struct Memory<'a> {
    plan: &'a CallPlan,
    shape: Shape,
    /// What the stub stored on the stack: where, how many bytes, what.
    stored: Vec<(At, i64, Known)>,
    /// The lowest word that was pushed.
    pub(super) pushed: i64,
    /// The lowest bytes of the stack that were touched.
    touched: At,
    /// The stack pointer before it was aligned, and to what.
    aligned: Option<(i64, i64)>,
    /// Which bytes of the result were stored.
    pub(super) result: Vec<bool>,
}

impl<'a> Memory<'a> {
    pub(super) fn new(plan: &'a CallPlan, shape: Shape) -> Memory<'a> {
        Memory {
            plan,
            shape,
            stored: Vec::new(),
            pushed: 0,
            // The return address.
            touched: (Base::Entry, 0),
            aligned: None,
            result: vec![false; plan.result_size as usize],
        }
    }

    /// AND of the stack pointer and a mask.
    pub(super) fn align(&mut self, (base, offset): At, mask: i64) -> Result<At, String> {
        let align = -mask;
        if base == Base::Aligned || self.aligned.is_some() || align.count_ones() != 1 {
            return Err("no alignment, or a second one".into());
        }
        self.aligned = Some((offset, align));
        Ok((Base::Aligned, 0))
    }

    /// Where this is at the lowest, counted from the stack pointer on entry. That is a multiple of 16 and 8 more.
    fn lowest(&self, (base, offset): At) -> i64 {
        match self.aligned {
            Some((before, align)) if base == Base::Aligned => {
                // `before` may be 8 beyond a multiple of 16: then the least step down is 8.
                before - (align - 8) + offset
            }
            Some(_) | None => offset,
        }
    }

    /// Notes an access to the stack, which must not skip a page.
    fn touch(&mut self, at: At) -> Result<(), String> {
        let distance = match (self.touched, at) {
            ((Base::Aligned, low), (Base::Aligned, offset)) => low - offset,
            ((_, low), at) => low - self.lowest(at),
        };
        if distance > PAGE {
            return Err(format!("{at:?} may be {distance} bytes below what was touched before"));
        }
        let lower = match (self.touched, at) {
            ((Base::Aligned, _), (Base::Entry, _)) => false,
            ((Base::Entry, low), (Base::Aligned, offset)) => {
                // Touched at the highest that this may be.
                self.aligned.is_some_and(|(before, _)| before + offset <= low)
            }
            ((_, low), (_, offset)) => offset < low,
        };
        if lower {
            self.touched = at;
        }
        Ok(())
    }

    /// Stores `known` in `width` bytes.
    pub(super) fn write(&mut self, rsp: At, at: At, width: i64, known: Known) -> Result<(), String> {
        match at.0 {
            Base::Entry | Base::Aligned => {
                if !self.in_frame(rsp, at, width) {
                    return Err("a store outside the frame".into());
                }
                self.touch(at)?;
                self.forget(at, width);
                self.stored.push((at, width, known));
                Ok(())
            }
            Base::Result => {
                let end = at.1 + width;
                let range = usize::try_from(at.1).ok().zip(usize::try_from(end).ok());
                let bytes = range.and_then(|(start, end)| self.result.get_mut(start..end));
                match bytes {
                    Some(bytes) => bytes.fill(true),
                    None => return Err("a store outside the result".into()),
                }
                Ok(())
            }
            Base::Array | Base::Value(_) => Err("a store into the arguments".into()),
        }
    }

    /// From the stack pointer up to the return address, or to what was pushed before the stack pointer was aligned.
    fn in_frame(&self, rsp: At, at: At, width: i64) -> bool {
        let end = at.1 + width;
        match (rsp, at.0, self.aligned) {
            ((Base::Entry, bottom), Base::Entry, None) => bottom <= at.1 && end <= 0,
            ((Base::Aligned, bottom), Base::Aligned, Some((before, _))) => {
                bottom <= at.1 && end <= self.pushed - before
            }
            _ => false,
        }
    }

    fn forget(&mut self, at: At, width: i64) {
        self.stored
            .retain(|((base, start), len, _)| *base != at.0 || start + len <= at.1 || at.1 + width <= *start);
    }

    /// Reads `width` bytes.
    pub(super) fn read(&mut self, rsp: At, at: At, width: i64) -> Result<Known, String> {
        match at.0 {
            Base::Entry | Base::Aligned => {
                if rsp.0 == at.0 && at.1 < rsp.1 {
                    return Err("a read below the stack pointer".into());
                }
                let stored = self.stored.iter().find(|(place, len, _)| (*place, *len) == (at, width));
                stored.map(|(_, _, known)| *known).ok_or("a read of what the stub did not store".into())
            }
            Base::Array => self.read_array(at.1, width),
            Base::Value(index) => {
                let size = i64::from(self.plan.args[index].size);
                match 0 <= at.1 && at.1 + width <= size {
                    true => Ok(Known::Nothing),
                    false => Err(format!("argument {index} has {size} bytes")),
                }
            }
            Base::Result => Err("a read of the result".into()),
        }
    }

    /// Reads an entry of the array of slots or pointers: only what it holds.
    fn read_array(&self, offset: i64, width: i64) -> Result<Known, String> {
        let index = usize::try_from(offset / 8).ok();
        let Some((index, arg)) = index.and_then(|index| Some((index, self.plan.args.get(index)?))) else {
            return Err("a read outside the array".into());
        };
        let ArgPlan { size, in_slot, .. } = *arg;
        match (in_slot && self.shape == Shape::Slots, offset % 8) {
            (true, start) if start + width <= i64::from(size) => Ok(Known::Nothing),
            (false, 0) if width == 8 => Ok(Known::Address(Base::Value(index), 0)),
            (true | false, _) => Err("a read beside what an entry holds".into()),
        }
    }

    /// The stack at a call: aligned, the plan's frame inside the stub's. The frame is the callee's from now on.
    pub(super) fn check_call(&mut self, rsp: At) -> Result<(), String> {
        let align = i64::try_from(self.plan.stack_align.bytes()).unwrap_or(i64::MAX);
        let (known, given) = match (self.aligned, rsp.0) {
            (Some((_, given)), Base::Aligned) => (rsp.1, given),
            // The return address makes it 8 short of a multiple of 16.
            _ => (rsp.1 - 8, 16),
        };
        if given < align || known % align != 0 {
            return Err(format!("rsp is not aligned to {align}"));
        }
        let frame = i64::from(self.plan.frame_bytes);
        if frame > 0 && !self.in_frame(rsp, rsp, frame) {
            return Err("the arguments lie outside the frame".into());
        }
        self.touch((rsp.0, rsp.1 - 8))?;
        self.forget(rsp, frame);
        Ok(())
    }
}
