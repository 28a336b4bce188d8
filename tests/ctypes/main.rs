//! What the ctypes documentation offers and shows, row by row of the table in `README.md`.

mod libraries;
mod parity;
mod strings;
