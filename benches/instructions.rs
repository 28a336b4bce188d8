//! How many instructions a call costs, for each signature and each way of calling: counted, not timed.
//!
//! ```text
//! cargo bench --bench instructions              prints the table
//! cargo bench --bench instructions -- --check   and fails where a count is above its limit
//! ```
//!
//! The program runs itself under valgrind's callgrind, or under qemu (`counter.rs`). A count is exact: the difference between 2 N calls and N calls,
//! divided by N. It is all that happens from the call of a small function to its return: loading the arguments from
//! memory, the stub, the callee, storing the result.

#[path = "support/mod.rs"]
mod support;

#[path = "instructions/cells.rs"]
mod cells;
#[path = "instructions/counter.rs"]
mod counter;
#[path = "instructions/table.rs"]
mod table;

use counter::Counts;
use std::ffi::c_void;
use std::hint::black_box;
use std::process::ExitCode;
use support::libffi::Libffi;
use support::ways::{self, Prepared, Way};
use support::{Row, rows};
use table::key;

fn main() -> ExitCode {
    if counter::is_counted() {
        count(EMPTY, ways::empty());
        rows::visit(&mut Count { ffi: Libffi::open() });
        return ExitCode::SUCCESS;
    }
    let counts = match counter::run().and_then(counter::each).and_then(without_empty) {
        Ok(counts) => counts,
        Err(why) => {
            println!("instructions are not counted: {why}");
            return ExitCode::SUCCESS;
        }
    };
    let lines = table::lines(&counts);
    cells::print("instructions a call", &lines);
    let check = std::env::args().any(|argument| argument == "--check");
    if check && !cells::check(&lines) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What a way that only returns costs: its call and its return, which belong to every count.
const CALL_AND_RETURN: u64 = 2;
/// The way that only returns.
const EMPTY: &str = "empty";

/// The counts without what the loop around each call costs.
fn without_empty(mut counts: Counts) -> Result<Counts, String> {
    let empty = counts.remove(EMPTY).ok_or("nothing was counted")?;
    counts.values_mut().for_each(|count| *count = *count + CALL_AND_RETURN - empty);
    Ok(counts)
}

/// Counts the calls of one way.
fn count<B>(key: &str, way: Prepared<B>) {
    let Prepared { call, mut block } = way;
    // SAFETY: a function of one pointer, whatever it points at.
    let call: unsafe fn(usize, usize, *mut c_void) = unsafe { std::mem::transmute(call) };
    let block: *mut c_void = (&raw mut block).cast();
    counter::count(key, |times| repeat(call, block, times));
}

/// One loop for all: what it costs itself is the same for all.
#[inline(never)]
fn repeat(call: unsafe fn(usize, usize, *mut c_void), block: *mut c_void, times: u64) {
    for _ in 0..times {
        // SAFETY: the way's own block.
        unsafe { black_box(call)(0, 0, block) };
    }
}

/// Counts every way of a row.
struct Count {
    ffi: Option<Libffi>,
}

impl rows::Visit for Count {
    fn row<R: Row>(&mut self) {
        for way in Way::ALL {
            let key = key::<R>(way);
            match way {
                Way::Direct => count(&key, ways::direct::<R>()),
                Way::Typed => count(&key, ways::typed::<R>()),
                Way::Tuple => count(&key, ways::tuple::<R>()),
                Way::Errno => count(&key, ways::errno::<R>()),
                Way::Values => count(&key, ways::values::<R>()),
                Way::Gather => count(&key, ways::gather::<R>()),
                Way::Slots => count(&key, ways::slots::<R>()),
                Way::Libffi => {
                    if let Some(ffi) = &self.ffi {
                        count(&key, ways::libffi::<R>(ffi));
                    }
                }
                Way::LibffiPlan => {
                    if let Some(plan) = self.ffi.as_ref().and_then(ways::libffi_plan::<R>) {
                        count(&key, plan);
                    }
                }
            }
        }
    }
}
