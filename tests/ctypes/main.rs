//! What the ctypes documentation offers and shows, row by row of the table in `README.md`.

mod arrays;
mod attempts;
#[path = "../callbacks/c.rs"]
#[allow(dead_code)] // what is for callbacks alone
mod c;
mod callbacks;
mod calling;
mod errors;
mod fundamental;
#[cfg(target_os = "linux")] // the examples of Linux; those of Windows are in `../windows`
mod libraries;
mod loaders;
mod long_doubles;
mod memory;
mod objects;
mod parity;
mod pointers;
mod statics;
mod strings;
mod structures;
#[path = "../support/mod.rs"]
mod support;
mod surprises;
mod variables;
