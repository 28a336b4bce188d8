//! The argument cursor: which registers are left, and how far the stack is taken, in bytes.

use super::{Convention, Counting};
use crate::plan::MAX_FRAME;
use crate::{Align, Error};

/// Registers not yet taken, in the order of the convention.
pub(super) struct Registers {
    gp: &'static [u8],
    vector: &'static [u8],
    mmx: &'static [u8],
    counting: Counting,
}

impl Registers {
    /// All argument registers of a convention.
    pub(super) fn params(convention: &Convention) -> Registers {
        Registers {
            gp: convention.gp_params,
            vector: convention.vector_params,
            mmx: convention.mmx_params,
            counting: convention.counting,
        }
    }

    /// All result registers of a convention.
    pub(super) fn results(convention: &Convention) -> Registers {
        Registers {
            gp: convention.gp_results,
            vector: convention.vector_results,
            mmx: &[],
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

    /// Uses up so many integer registers, or as many as are left.
    pub(super) fn skip_gp(&mut self, count: u32) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.gp = self.gp.get(count..).unwrap_or_default();
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

    /// The next register of MMX.
    pub(super) fn next_mmx(&mut self) -> Option<u8> {
        let (&register, rest) = self.mmx.split_first()?;
        self.mmx = rest;
        Some(register)
    }

    /// The integer and the vector register of the next position, both.
    pub(super) fn next_pair(&mut self) -> Option<(u8, u8)> {
        let (&gp, gp_rest) = self.gp.split_first()?;
        let (&vector, vector_rest) = self.vector.split_first()?;
        (self.gp, self.vector) = (gp_rest, vector_rest);
        Some((gp, vector))
    }

    /// Skips an integer register where an odd number of them is taken, of an even number in all.
    pub(super) fn round_gp_to_even(&mut self) {
        if self.gp.len() % 2 == 1 {
            self.gp = &self.gp[1..];
        }
    }

    /// Leaves no integer register.
    pub(super) fn use_up_gp(&mut self) {
        self.gp = &[];
    }

    /// Leaves no vector register.
    pub(super) fn use_up_vectors(&mut self) {
        self.vector = &[];
    }

    /// How many vector registers are left.
    pub(super) fn vectors_left(&self) -> usize {
        self.vector.len()
    }
}

/// A stretch of the frame that fills from its lower end. Never beyond [`MAX_FRAME`].
pub(super) struct Area {
    end: u32,
    align: Align,
}

impl Area {
    /// An area whose first `used` bytes are taken.
    pub(super) fn new(used: u32) -> Area {
        Area { end: used, align: Align::ONE }
    }

    /// Takes `size` bytes at the next multiple of `align`, and returns their offset.
    pub(super) fn take(&mut self, size: u32, align: Align) -> Result<u32, Error> {
        self.pad(align)?;
        self.align = self.align.max(align);
        let start = self.end;
        self.end = within_frame(u64::from(start) + u64::from(size))?;
        Ok(start)
    }

    /// Fills up to a multiple of `align`.
    pub(super) fn pad(&mut self, align: Align) -> Result<(), Error> {
        self.end = within_frame(u64::from(self.end).next_multiple_of(align.bytes()))?;
        Ok(())
    }

    /// How many bytes are taken.
    pub(super) fn end(&self) -> u32 {
        self.end
    }

    /// The strictest alignment that was asked for.
    pub(super) fn align(&self) -> Align {
        self.align
    }
}

/// A number of bytes that a frame may have.
fn within_frame(bytes: u64) -> Result<u32, Error> {
    match u32::try_from(bytes) {
        Ok(narrow) if bytes <= MAX_FRAME => Ok(narrow),
        Ok(_) | Err(_) => Err(Error::FrameTooLarge { given: bytes, limit: MAX_FRAME }),
    }
}
