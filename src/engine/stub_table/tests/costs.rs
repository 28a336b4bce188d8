//! What many signatures cost, printed.

use super::*;
use crate::engine::prepare::prepare;
use std::fs;
use std::sync::Barrier;
use std::time::Instant;

const SIGNATURES: usize = 100_000;

/// Some of that many, of eight or nine parameters each.
fn signatures(numbers: std::ops::Range<usize>) -> impl Iterator<Item = Signature> {
    numbers.map(|number| numbered(4_usize.pow(7) + number))
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Asks `table` for the stubs of `signatures`, and gives back how many nanoseconds each took.
fn ask(table: &StubTable, signatures: impl Iterator<Item = Signature>) -> f64 {
    let (mut count, start) = (0, Instant::now());
    for signature in signatures {
        let stub = table.get_or_prepare(signature, |signature, spare| prepare(signature, Abi::SysV64, spare));
        assert!(stub.is_ok());
        count += 1;
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}

/// The same, by two threads at once.
fn ask_together(table: &StubTable, signatures: [Vec<Signature>; 2]) -> [f64; 2] {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let threads = signatures.map(|signatures| {
            scope.spawn(|| {
                barrier.wait();
                ask(table, signatures.into_iter())
            })
        });
        threads.map(|thread| thread.join().unwrap())
    })
}

/// `cargo test --release --lib -- --ignored --nocapture hundred_thousand_signatures`
#[test]
#[ignore = "prints times"]
fn what_a_hundred_thousand_signatures_cost() {
    let (first, other) = (table(), table());
    ask(&first, signatures(0..1));
    let before = resident();
    let new = ask(&first, signatures(0..SIGNATURES));
    let bytes = (resident() - before) / SIGNATURES;
    println!("new, one thread: {new:.0} ns each, {bytes} bytes each");
    let [again, one, two] = [(); 3].map(|()| signatures(0..SIGNATURES).collect::<Vec<_>>());
    println!("known, one thread: {:.0} ns each", ask(&first, again.into_iter()));
    println!("known, two threads: {:.0?} ns each", ask_together(&first, [one, two]));
    let halves = [0..SIGNATURES / 2, SIGNATURES / 2..SIGNATURES].map(|numbers| signatures(numbers).collect());
    println!("new, two threads: {:.0?} ns each", ask_together(&other, halves));
}
