//! The sentences that end a process which called what must not be called.

use super::context::Header;
use crate::engine::Note;
use std::io::Write as _;
use std::process::abort;

pub(super) extern "C" fn called_after_drop(note: &Note) -> ! {
    fail(note, "was called after it was dropped")
}

#[cold]
pub(super) fn dropped(header: &Header) -> ! {
    fail(header.note(), "was called after it was dropped")
}

#[cold]
pub(super) fn wrong_thread(header: &Header) -> ! {
    fail(
        header.note(),
        "was called on a thread that is not the one it was made on, and its closure is not `Sync`",
    )
}

#[cold]
pub(super) fn again(header: &Header) -> ! {
    fail(header.note(), "was called while it was running, and its closure is `FnMut` or `FnOnce`")
}

#[cold]
pub(super) extern "C" fn twice(header: &Header) -> ! {
    fail(header.note(), "was called twice, and its closure is `FnOnce`")
}

#[cold]
pub(super) fn bad_result(header: &Header, why: &str) -> ! {
    fail(header.note(), &format!("gave a result that its signature does not have: {why}"))
}

#[cold]
fn fail(note: &Note, what: &str) -> ! {
    // In one piece, and whether or not anybody listens.
    let sentence = format!("callsmith: the callback {} {what}\n", (note.text)(note));
    let _ = std::io::stderr().write_all(sentence.as_bytes());
    abort()
}
