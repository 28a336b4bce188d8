//! The unsafe core: from a signature to code that can be called.
//!
//! ```text
//! Signature ──▶ stub table ── hit ──▶ &'static Stub
//!                   │                     ▲
//!                   └ miss: prepare ──▶ publish in code memory
//! ```
//!
//! Code is never taken away: what was published stays, executable and at its address, until the process ends. So a
//! pointer to it can be copied freely and needs no owner.

mod code_memory;
mod fork;
mod prepare;
mod stub_table;
#[cfg(test)]
mod testing;
