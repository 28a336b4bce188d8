//! Code memory: where machine code is written and then published, never writable and executable at once.
//!
//! ```text
//! chunk (reserved addresses)   ┌─────────────┬─────────────┬─ ─ ─ ─ ─ ─ ─┐
//!                              │ code (r-x)  │ code (r-x)  │ nothing yet │
//!                              └─────────────┴──────▲──────┴─ ─ ─ ─ ─ ─ ─┘
//!                                                   │ 3. mremap over the old page
//! fresh page, elsewhere                      ┌──────┴──────┐
//!                          1. written (rw-)  │ old │ new │ │  2. made executable (r-x)
//!                                            └─────────────┘
//! ```
//!
//! All mappings are private and anonymous. A page that other threads execute gains a stub without a moment in which it
//! is not executable, and without one in which it is writable: its successor is built beside it, and the kernel puts
//! that in its place in one step. A thread that runs in the page meanwhile finds the same bytes at the same addresses,
//! or waits a moment in a page fault. The exchange also makes every processor that runs this process drop what it knew
//! of the page, so that none has stale instructions for the addresses that are new.
//!
//! Each piece starts at a multiple of 16 bytes behind the one before it. Pieces that are given together cost one
//! exchange together: three system calls, some 500 instructions of our own, most of them the copy of the page.
//!
//! The other ways, measured (the ignored test `what_publishing_costs` prints it): a page for each stub costs as much time as
//! adding to a page, within a quarter, since it takes the same calls but the last, and ten times the memory. Sixteen stubs
//! in one exchange cost a tenth each. Where other threads run meanwhile, every way costs several times as much, because
//! each change of protection interrupts their processors. So: add to pages, and publish together what is made together.
//!
//! # Windows
//!
//! There a page cannot be put in place of another: a view is unmapped before the next is mapped (`MEM_REPLACE_PLACEHOLDER`
//! replaces addresses that nothing is mapped at), and a second view to write through would be writable while the first is
//! executable. To make the page itself writable for a moment would take it away from those who execute it; a handler that
//! lets them wait for their fault to pass is a guest of the program's other handlers, and of its debugger. To copy what is
//! on many pages to fewer would free none: a stub's address is in every function of its signature, and nobody knows who is
//! inside. So a page is filled in one publication and left alone. Each takes pages of its own; what keeps them few is that code
//! that is the same is published once, whatever the signature, and that what is asked for together is published together, as
//! `Library::bind` does with all functions of a header.
//!
//! # Safety
//!
//! One claim is made without a call: that [`CodePtr`] may cross threads. It holds because what it points at is never
//! written again and never unmapped, which is the affair of [`chunk`].
#![allow(unsafe_code)]

mod chunk;
#[cfg(test)]
mod tests;

pub(super) use chunk::Chunk;

use crate::sys::FillError;
use std::io;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The process-wide memory.
pub(super) static GLOBAL: CodeMemory = CodeMemory::new();

/// The address of published code. It stays valid and executable until the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct CodePtr(NonNull<u8>);

// SAFETY: what it points at is never written again and never unmapped.
unsafe impl Send for CodePtr {}
// SAFETY: as above.
unsafe impl Sync for CodePtr {}

impl CodePtr {
    /// The address of the first instruction.
    pub(crate) fn as_ptr(self) -> *const u8 {
        self.0.as_ptr()
    }
}

/// Why the system let no code be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PublishError {
    /// No address space.
    #[error("no address space for {bytes} bytes of code")]
    Reserve {
        /// How much was wanted.
        bytes: usize,
        /// The system's reason.
        source: io::Error,
    },
    /// No memory for data beside the code.
    #[error("no memory for {bytes} bytes beside the code")]
    Data {
        /// How much was wanted.
        bytes: usize,
        /// The system's reason.
        source: io::Error,
    },
    /// Pages could not be filled with code.
    #[error(transparent)]
    Fill(#[from] FillError),
}

/// Pages of code, from any number of threads.
///
/// One lock serialises publishing: the system calls underneath serialise on the address space's own lock anyway.
/// Calling published code takes no lock.
///
/// After `fork` parent and child have a copy each and go on publishing without touching one another. The process-wide
/// memory's lock is held across the fork, so that the child does not inherit it from a thread that it does not have.
pub(crate) struct CodeMemory {
    chunk: Mutex<Chunk>,
}

impl CodeMemory {
    /// A memory of its own. Its pages are never given back.
    pub(crate) const fn new() -> CodeMemory {
        CodeMemory { chunk: Mutex::new(Chunk::EMPTY) }
    }

    /// The process-wide memory.
    pub(crate) fn global() -> &'static CodeMemory {
        super::fork::hold_locks_across();
        &GLOBAL
    }

    /// Makes `code` executable, at an address of this memory's choice.
    ///
    /// # Errors
    ///
    /// What the system refused. Everything published before is untouched.
    pub(crate) fn publish(&self, code: &[u8]) -> Result<CodePtr, PublishError> {
        self.publish_all([code]).map(|[pointer]| pointer)
    }

    /// Makes each of `pieces` executable, in one exchange of pages: all of them, or, on an error, none.
    ///
    /// # Errors
    ///
    /// What the system refused. Everything published before is untouched.
    pub(crate) fn publish_all<const N: usize>(
        &self,
        pieces: [&[u8]; N],
    ) -> Result<[CodePtr; N], PublishError> {
        self.lock().publish(pieces)
    }

    /// [`CodeMemory::publish_all`], of any number.
    ///
    /// # Errors
    ///
    /// As for that.
    pub(crate) fn publish_batch(&self, pieces: &[&[u8]]) -> Result<Vec<CodePtr>, PublishError> {
        self.lock().publish_batch(pieces)
    }

    /// The lock, from whoever holds it. Nothing panics while it is held, and a chunk changes in one assignment.
    pub(super) fn lock(&self) -> MutexGuard<'_, Chunk> {
        self.chunk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
