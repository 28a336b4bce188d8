//! x86-64: its registers and an assembler.

pub mod emit;
pub mod encode;
mod format;
pub mod reg;

#[cfg(test)]
mod tests;

pub use encode::Assembler;
pub use reg::{Gp, Mem, Xmm};

use crate::plan::Location;
use core::fmt;

/// The name of a place that holds `width` bytes, as assembly has it: `rdi`, `edi`, `xmm0`, `st(0)`, `[rsp+8]`.
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
        match self.location {
            Location::Gp(number) => match Gp::from_number(number) {
                Some(register) => f.pad(register.name(self.width)),
                None => write!(f, "gp{number}"),
            },
            Location::Vector(number) => match Xmm::from_number(number) {
                Some(register) => f.pad(register.name(self.width)),
                None => write!(f, "vector{number}"),
            },
            Location::Mmx(number) => write!(f, "mm{number}"),
            Location::X87(number) => write!(f, "st({number})"),
            Location::Stack(0) => f.pad("[rsp]"),
            Location::Stack(offset) => write!(f, "[rsp+{offset}]"),
        }
    }
}
