//! What many signatures cost, printed.

use super::*;
use crate::engine::prepare::prepare;
use std::fs;
use std::sync::Barrier;
use std::time::Instant;

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// `cargo test --release --lib -- --ignored --nocapture hundred_thousand_signatures`
#[test]
#[ignore = "prints times"]
fn what_a_hundred_thousand_signatures_cost() {
    const SIGNATURES: usize = 100_000;
    let table = table();
    let get = |signature| {
        let stub = table.get_or_prepare(signature, |signature, spare| prepare(signature, Abi::SysV64, spare));
        assert!(stub.is_ok());
    };
    get(numbered(0));
    // Of seven to nine parameters each.
    let signatures = |_| (0..SIGNATURES).map(|number| numbered(4_usize.pow(7) + number)).collect::<Vec<_>>();
    let again = [(); 3].map(signatures);
    let (start, before) = (Instant::now(), resident());
    (0..SIGNATURES).for_each(|number| get(numbered(4_usize.pow(7) + number)));
    let (took, bytes) = (start.elapsed(), resident() - before);
    println!("new: {:.2} µs and {} bytes each", micros(took) / SIGNATURES as f64, bytes / SIGNATURES);
    let [alone, one, other] = again;
    let look_up = |signatures: Vec<Signature>| {
        let start = Instant::now();
        signatures.into_iter().for_each(get);
        1e3 * micros(start.elapsed()) / SIGNATURES as f64
    };
    println!("known, one thread: {:.0} ns each", look_up(alone));
    let barrier = Barrier::new(2);
    let together = thread::scope(|scope| {
        let [one, other] = [one, other].map(|signatures| {
            scope.spawn(|| {
                barrier.wait();
                look_up(signatures)
            })
        });
        [one, other].map(|thread| thread.join().unwrap())
    });
    println!("known, two threads: {:.0} ns and {:.0} ns each", together[0], together[1]);
}

fn micros(took: std::time::Duration) -> f64 {
    took.as_secs_f64() * 1e6
}
