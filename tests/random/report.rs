//! Patterned bytes of values, and what differs from them: as C reports it, and as found here.
//!
//! # Safety
//! The variables of a batch's library are those of `runtime.c`.

use super::spots::Spot;
use super::subject::{Passed, Subject};
use crate::support::rng::Rng;
use callsmith::Library;

/// As in `runtime.c`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Mismatch {
    field: u32,
    size: u32,
    got: [u8; 16],
}

/// What C says of a call.
pub(crate) struct Report<'a> {
    pub(crate) library: &'a Library,
    pub(crate) subject: &'a Subject,
    pub(crate) salt: u8,
}

impl Report<'_> {
    /// A variable of the batch's C.
    pub(crate) fn variable<T>(&self, name: &str) -> *mut T {
        let address = self.library.symbol(name).unwrap_or_else(|error| panic!("{error}"));
        address.cast_mut().cast()
    }

    /// Before a call.
    pub(crate) fn reset(&self) {
        // SAFETY: the library's own variables, of these types.
        unsafe {
            self.variable::<u32>("salt").write_volatile(self.salt.into());
            self.variable::<u32>("calls").write_volatile(0);
            self.variable::<u32>("mismatch_count").write_volatile(0);
        }
    }

    /// After the call: C did its part once, and found nothing wrong.
    ///
    /// # Errors
    /// What it found.
    pub(crate) fn check(&self) -> Result<(), String> {
        // SAFETY: as in `reset`.
        let (calls, count) = unsafe {
            let count = self.variable::<u32>("mismatch_count").read_volatile();
            (self.variable::<u32>("calls").read_volatile(), count)
        };
        if calls != 1 {
            return Err(format!("the C function ran {calls} times"));
        }
        let kept = usize::try_from(count).expect("a count").min(64);
        let wrong = (0..kept).map(|index| {
            // SAFETY: as in `reset`; there are 64.
            let mismatch = unsafe { self.variable::<Mismatch>("mismatches").add(index).read_volatile() };
            let size = usize::try_from(mismatch.size).expect("a size");
            self.describe(mismatch.field, &mismatch.got[..size.min(16)])
        });
        none_or_all(wrong.collect())
    }

    /// A sentence about a field that arrived wrong.
    fn describe(&self, field: u32, got: &[u8]) -> String {
        let subject = self.subject;
        let args = subject.args.iter().enumerate();
        let args = args.map(|(index, passed)| (format!("argument {}", index + 1), passed));
        let values = args.chain(subject.result.iter().map(|passed| ("the result".into(), passed)));
        let mut found =
            values.flat_map(|(what, passed)| passed.fields().map(move |at| (what.clone(), passed, at)));
        match found.find(|(_, _, (number, _))| *number == field) {
            Some((what, passed, (_, spot))) => {
                format!("{what}: {}", difference(passed, field, spot, self.salt, got))
            }
            None => format!("field {field}, which there is not: got {got:02x?}"),
        }
    }
}

/// A value's bytes: random, and the pattern in its spots.
pub(crate) fn patterned(passed: &Passed, salt: u8, rng: &mut Rng) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..passed.size()).map(|_| rng.next().to_le_bytes()[0]).collect();
    passed.fields().for_each(|(field, spot)| spot.write(field, salt, &mut bytes));
    bytes
}

/// Compares a value with its pattern. `bytes` may lack padding at the end.
///
/// # Errors
/// The fields that differ.
pub(crate) fn compare(what: &str, passed: &Passed, salt: u8, bytes: &[u8]) -> Result<(), String> {
    let needed = passed.fields().map(|(_, spot)| spot.end().div_ceil(8)).max().unwrap_or(0);
    if bytes.len() < needed {
        return Err(format!("{what} has {} bytes, wanted {needed}", bytes.len()));
    }
    let wrong = passed
        .fields()
        .filter(|(field, spot)| spot.got(bytes) != spot.wanted(*field, salt))
        .map(|(field, spot)| format!("{what}: {}", difference(passed, field, spot, salt, &spot.got(bytes))));
    none_or_all(wrong.collect())
}

fn difference(passed: &Passed, field: u32, spot: &Spot, salt: u8, got: &[u8]) -> String {
    let wanted = spot.wanted(field, salt);
    format!("{}: wanted {wanted:02x?}, got {got:02x?}", passed.place(spot))
}

fn none_or_all(wrong: Vec<String>) -> Result<(), String> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
