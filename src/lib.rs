//! Calls C functions whose signature is known only at run time.
#![deny(unsafe_code)]

pub mod ctype;
pub mod decl;

pub use callsmith_arch as arch;

#[expect(dead_code, reason = "what calls the engine comes next")]
mod engine;
mod sys;
