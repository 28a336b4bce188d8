//! The argument cursor: which registers are left, and how far the stack is taken, in bytes.

use super::{Convention, Counting};
use crate::plan::MAX_FRAME;
use crate::{Align, Error, Size};

/// Registers not yet taken, in the order of the convention.
pub(super) struct Registers {
    gp: &'static [u8],
    vector: &'static [u8],
    counting: Counting,
}

impl Registers {
    /// All argument registers of a convention.
    pub(super) fn params(convention: &Convention) -> Registers {
        Registers {
            gp: convention.gp_params,
            vector: convention.vector_params,
            counting: convention.counting,
        }
    }

    /// All result registers of a convention.
    pub(super) fn results(convention: &Convention) -> Registers {
        Registers {
            gp: convention.gp_results,
            vector: convention.vector_results,
            counting: Counting::PerClass,
        }
    }

    /// Whether so many of each are left.
    pub(super) fn have(&self, gp: usize, vector: usize) -> bool {
        self.gp.len() >= gp && self.vector.len() >= vector
    }

    /// The next integer register.
    pub(super) fn next_gp(&mut self) -> Option<u8> {
        let (&register, rest) = self.gp.split_first()?;
        self.gp = rest;
        if self.counting == Counting::ByPosition {
            self.vector = self.vector.get(1..).unwrap_or_default();
        }
        Some(register)
    }

    /// The next vector register.
    pub(super) fn next_vector(&mut self) -> Option<u8> {
        let (&register, rest) = self.vector.split_first()?;
        self.vector = rest;
        if self.counting == Counting::ByPosition {
            self.gp = self.gp.get(1..).unwrap_or_default();
        }
        Some(register)
    }

    /// The integer and the vector register of the next position, both.
    pub(super) fn next_pair(&mut self) -> Option<(u8, u8)> {
        let (&gp, gp_rest) = self.gp.split_first()?;
        let (&vector, vector_rest) = self.vector.split_first()?;
        (self.gp, self.vector) = (gp_rest, vector_rest);
        Some((gp, vector))
    }

    /// How many vector registers are left.
    pub(super) fn vectors_left(&self) -> usize {
        self.vector.len()
    }
}

/// A stretch of the frame that fills from its lower end.
pub(super) struct Area {
    end: Size,
    align: Align,
}

impl Area {
    /// An area whose first `used` bytes are taken.
    pub(super) fn new(used: Size) -> Area {
        Area { end: used, align: Align::ONE }
    }

    /// Takes `size` bytes at the next multiple of `align`, and returns their offset.
    pub(super) fn take(&mut self, size: Size, align: Align) -> Result<u32, Error> {
        const OVERFLOW: Error = Error::SizeOverflow { what: "the arguments" };
        let start = self.end.align_to(align).ok_or(OVERFLOW)?;
        self.end = start.checked_add(size).ok_or(OVERFLOW)?;
        self.align = self.align.max(align);
        frame_offset(self.end)?;
        frame_offset(start)
    }

    /// How many bytes are taken.
    pub(super) fn end(&self) -> Size {
        self.end
    }

    /// The strictest alignment that was asked for.
    pub(super) fn align(&self) -> Align {
        self.align
    }
}

/// An offset in the frame as plans keep it.
fn frame_offset(offset: Size) -> Result<u32, Error> {
    let too_large = Error::FrameTooLarge { given: offset.bytes(), limit: MAX_FRAME };
    match u32::try_from(offset.bytes()) {
        Ok(bytes) if offset.bytes() <= MAX_FRAME => Ok(bytes),
        Ok(_) | Err(_) => Err(too_large),
    }
}
