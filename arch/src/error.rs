//! What can be wrong with a type or a signature.

use alloc::string::String;
use core::fmt;

/// Why a type has no layout, or a signature no plan. Every limit carries itself and what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A size or an offset leaves the address space.
    SizeOverflow {
        /// What was being measured.
        what: &'static str,
    },
    /// An alignment that is no power of two, or too large.
    BadAlignment {
        /// The alignment asked for, in bytes.
        given: u64,
    },
    /// A record nested deeper than [`crate::layout::MAX_DEPTH`].
    TooDeep {
        /// The limit.
        limit: u16,
    },
    /// A bit-field that C does not allow.
    BadBitField {
        /// Which rule of C it breaks, in words.
        why: String,
    },
    /// A type that this data model or this ABI does not have, or does not pass.
    Unsupported {
        /// The type and the place, in words.
        what: String,
    },
    /// More parameters than [`crate::signature::MAX_PARAMS`].
    TooManyParameters {
        /// How many were given.
        given: usize,
        /// The limit.
        limit: usize,
    },
    /// A variadic signature that fixes more parameters than it has.
    BadVariadic {
        /// The number of fixed parameters named.
        fixed: usize,
        /// The number of parameters there are.
        given: usize,
    },
    /// The arguments need more stack than [`crate::plan::MAX_FRAME`].
    FrameTooLarge {
        /// Bytes needed.
        given: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::SizeOverflow { what } => write!(f, "the size of {what} overflows"),
            Error::BadAlignment { given } => {
                write!(f, "an alignment of {given} is no power of two up to {}", crate::Align::MAX)
            }
            Error::TooDeep { limit } => write!(f, "types nest more than {limit} deep"),
            Error::BadBitField { why } => write!(f, "bit-field: {why}"),
            Error::Unsupported { what } => write!(f, "{what}"),
            Error::TooManyParameters { given, limit } => {
                write!(f, "{given} parameters, the limit is {limit}")
            }
            Error::BadVariadic { fixed, given } => {
                write!(f, "{fixed} fixed parameters, but only {given} parameters in all")
            }
            Error::FrameTooLarge { given, limit } => {
                write!(f, "the arguments need {given} bytes of stack, the limit is {limit}")
            }
        }
    }
}

impl core::error::Error for Error {}
