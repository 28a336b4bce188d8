//! AArch64: its registers and an assembler.

pub mod emit;
pub mod encode;
pub mod reg;

#[cfg(test)]
mod tests;

pub use encode::Assembler;
pub use reg::{Base, Gp, Mem, Vector};

use crate::plan::Location;
use core::fmt;

/// The name of a place that holds `width` bytes, as assembly has it: `x0`, `w0`, `d0`, `[sp, #8]`.
pub fn name(location: Location, width: u32) -> Name {
    Name { location, width }
}

/// A place that prints as its name; see [`name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    location: Location,
    width: u32,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.location, self.width) {
            (Location::Gp(31), _) => f.pad("sp"),
            (Location::Gp(number), 0..=4) => write!(f, "w{number}"),
            (Location::Gp(number), _) => write!(f, "x{number}"),
            (Location::Vector(number), 0..=1) => write!(f, "b{number}"),
            (Location::Vector(number), 2) => write!(f, "h{number}"),
            (Location::Vector(number), 3..=4) => write!(f, "s{number}"),
            (Location::Vector(number), 5..=8) => write!(f, "d{number}"),
            (Location::Vector(number), _) => write!(f, "q{number}"),
            (Location::Mmx(number), _) => write!(f, "mmx {number}"),
            (Location::X87(number), _) => write!(f, "x87 {number}"),
            (Location::Stack(0), _) => f.pad("[sp]"),
            (Location::Stack(offset), _) => write!(f, "[sp, #{offset}]"),
        }
    }
}
