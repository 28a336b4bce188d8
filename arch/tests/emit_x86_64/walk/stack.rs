//! The stack as the code that is walked through uses it: its frame, and what it stored there.

use super::{At, Base, Known};

/// The least size of a page, and so of a guard page below the stack.
const PAGE: i64 = 4096;

/// The stack of one walk.
pub(super) struct Stack {
    /// What was stored: where, how many bytes, what.
    stored: Vec<(At, i64, Known)>,
    /// The lowest word that was pushed.
    pushed: i64,
    /// The lowest bytes that were touched.
    touched: At,
    /// The stack pointer before it was aligned, and to what.
    aligned: Option<(i64, i64)>,
}

impl Stack {
    pub(super) fn new() -> Stack {
        // Touched: the return address.
        Stack { stored: Vec::new(), pushed: 0, touched: (Base::Entry, 0), aligned: None }
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

    /// Notes an access, which must not skip a page.
    pub(super) fn touch(&mut self, at: At) -> Result<(), String> {
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

    /// Stores `known` in the 8 bytes below the stack pointer `rsp`, which move there.
    pub(super) fn push(&mut self, (base, offset): At, known: Known) -> Result<At, String> {
        let at = (base, offset - 8);
        self.pushed = at.1;
        self.write(at, at, 8, known)?;
        Ok(at)
    }

    /// Stores `known` in `width` bytes of the frame.
    pub(super) fn write(&mut self, rsp: At, at: At, width: i64, known: Known) -> Result<(), String> {
        if !self.in_frame(rsp, at, width) {
            return Err("a store outside the frame".into());
        }
        self.touch(at)?;
        self.forget(at, width);
        self.stored.push((at, width, known));
        Ok(())
    }

    /// Whether this lies between the stack pointer and the return address, or what was pushed before the stack pointer
    /// was aligned.
    pub(super) fn in_frame(&self, rsp: At, at: At, width: i64) -> bool {
        let end = at.1 + width;
        match (rsp, at.0, self.aligned) {
            ((Base::Entry, bottom), Base::Entry, None) => bottom <= at.1 && end <= 0,
            ((Base::Aligned, bottom), Base::Aligned, Some((before, _))) => {
                bottom <= at.1 && end <= self.pushed - before
            }
            _ => false,
        }
    }

    /// Somebody else may have written there.
    pub(super) fn forget(&mut self, at: At, width: i64) {
        self.stored
            .retain(|((base, start), len, _)| *base != at.0 || start + len <= at.1 || at.1 + width <= *start);
    }

    /// What was stored in exactly these bytes.
    pub(super) fn read(&self, at: At, width: i64) -> Option<Known> {
        let stored = self.stored.iter().find(|(place, len, _)| (*place, *len) == (at, width));
        stored.map(|(_, _, known)| *known)
    }

    /// Where in the frame at least `width` bytes beginning at `at` were stored by one instruction, and what.
    pub(super) fn stored_at(&self, at: At, width: i64) -> Option<Known> {
        let stored = self.stored.iter().find(|(place, len, _)| *place == at && *len >= width);
        stored.map(|(_, _, known)| *known)
    }

    /// A call: the stack pointer is a multiple of `align`.
    pub(super) fn check_call(&mut self, rsp: At, align: i64) -> Result<(), String> {
        let (known, given) = match (self.aligned, rsp.0) {
            (Some((_, given)), Base::Aligned) => (rsp.1, given),
            // The return address makes it 8 short of a multiple of 16.
            _ => (rsp.1 - 8, 16),
        };
        if given < align || known % align != 0 {
            return Err(format!("rsp is not aligned to {align}"));
        }
        self.touch((rsp.0, rsp.1 - 8))
    }

    /// The bytes from the stack pointer up are another's from now on.
    pub(super) fn lend(&mut self, rsp: At, bytes: i64) -> Result<(), String> {
        if bytes > 0 && !self.in_frame(rsp, rsp, bytes) {
            return Err("the arguments lie outside the frame".into());
        }
        self.forget(rsp, bytes);
        Ok(())
    }
}
