//! Parameters by name or number.

use std::fmt;

/// A parameter, by its declared name or by its number from 1.
#[derive(Clone, Copy, Debug)]
pub enum Which<'n> {
    /// Its name.
    Name(&'n str),
    /// Its number, from 1.
    Number(usize),
}

impl<'n> From<&'n str> for Which<'n> {
    fn from(name: &'n str) -> Which<'n> {
        Which::Name(name)
    }
}

impl From<usize> for Which<'_> {
    fn from(number: usize) -> Self {
        Which::Number(number)
    }
}

impl fmt::Display for Which<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Name(name) => f.write_str(name),
            Which::Number(number) => write!(f, "{number}"),
        }
    }
}
