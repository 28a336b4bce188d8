//! What the ctypes documentation offers and shows, row by row of the table in `README.md`.

mod arrays;
#[path = "../callbacks/c.rs"]
#[allow(dead_code)] // what is for callbacks alone
mod c;
mod callbacks;
mod fundamental;
mod libraries;
mod memory;
mod parity;
mod pointers;
mod statics;
mod strings;
mod structures;
mod surprises;
mod variables;
