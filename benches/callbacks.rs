//! How many instructions it costs C to call a callback, for each signature and each kind of callback; and how many to make
//! and drop one: counted, not timed.
//!
//! ```text
//! cargo bench --bench callbacks              prints the tables
//! cargo bench --bench callbacks -- --check   and fails where a count is above its limit
//! ```
//!
//! The program runs itself under valgrind's callgrind, or under qemu (`counter.rs`). A count is what one more turn of a loop takes that calls a function
//! pointer, as C code does: the loop's own instructions, loading the arguments, the thunk, the closure, storing the result.

#[path = "callbacks/allocator.rs"]
mod allocator;
#[path = "instructions/cells.rs"]
mod cells;
#[path = "callbacks/costs.rs"]
mod costs;
#[path = "instructions/counter.rs"]
mod counter;
#[path = "callbacks/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;
#[path = "callbacks/table.rs"]
mod table;
#[path = "callbacks/ways.rs"]
mod ways;

use counter::count;
use rows::Row;
use std::process::ExitCode;
use support::libffi::Libffi;
use table::key;
use ways::Way;

/// What a call may cost.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// By a typed callback, more than through a C function pointer.
    typed: u64,
    /// By one whose handler gets pointers to arguments and result, in all.
    dynamic: u64,
}

fn main() -> ExitCode {
    let ffi = Libffi::open();
    if counter::is_counted() {
        costs::count_all(ffi.as_ref());
        rows::visit(&mut Count { ffi });
        return ExitCode::SUCCESS;
    }
    let counts = match counter::run() {
        Ok(counts) => counts,
        Err(why) => {
            println!("instructions are not counted: {why}");
            return ExitCode::SUCCESS;
        }
    };
    let costs = [costs::line(&counts, ffi.as_ref())];
    let calls = match counter::each(counts.into_iter().filter(|(key, _)| table::is_call(key)).collect()) {
        Ok(counts) => table::lines(&counts),
        Err(why) => {
            println!("{why}");
            return ExitCode::FAILURE;
        }
    };
    cells::print("instructions a call", &calls);
    println!();
    cells::print("instructions to make and drop one", &costs);
    let check = std::env::args().any(|argument| argument == "--check");
    let keeps = cells::check(&calls) & cells::check(&costs);
    if check && !keeps { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Counts every way of a row.
struct Count {
    ffi: Option<Libffi>,
}

impl rows::Visit for Count {
    fn row<R: Row>(&mut self) {
        for way in Way::ALL {
            if let Some(mut runs) = ways::runs::<R>(way, self.ffi.as_ref()) {
                count(&key::<R>(way), &mut runs);
            }
        }
    }
}
