//! Where a C calling convention wants every byte, and the machine code that puts it there.
//!
//! ```text
//! data model ──▶ layout ──▶ Type ┐
//!                                ├─▶ Signature ──classify──▶ CallPlan ──emit──▶ bytes
//! ABI (a table, a classifier) ───┘                              │
//!                                                               └──interp──▶ the same, slowly (the oracle)
//! ```
//!
//! Nothing here touches the machine it runs on: no unsafe code, no operating system, no `cfg` on the host. So every ABI
//! is classified, encoded and disassembled in the tests of every host.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod abi;
pub mod code;
pub mod error;
pub mod interp;
pub mod isa;
pub mod layout;
pub mod plan;
pub mod signature;
pub mod units;

pub use abi::Abi;
pub use error::Error;
pub use plan::CallPlan;
pub use signature::Signature;
pub use units::{Align, Size};
