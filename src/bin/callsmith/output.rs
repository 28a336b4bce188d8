//! Standard output, whose reader may leave early.

use std::io::{self, Write};

/// Writes all of `bytes`. A reader that has closed its end (`| head`) is no error.
pub(crate) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
