//! What is published runs, stays, and was never writable while it was executable.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

use super::{CodeMemory, CodePtr};
use crate::engine::testing::code::{NOP, long_code, returns};
use crate::engine::testing::{Off, Running};
use std::sync::RwLock;
use std::thread;

fn run(code: CodePtr) -> u32 {
    // SAFETY: everything these tests publish takes nothing and returns an `int`.
    let function: extern "C" fn() -> u32 = unsafe { std::mem::transmute(code.as_ptr()) };
    function()
}

#[test]
fn pieces_may_be_longer_than_a_page_or_a_chunk() {
    let memory = CodeMemory::new();
    let least = returns(0).len();
    for (value, len) in
        [(1, least), (2, 4096), (3, 20_000), (4, 1 << 20), (5, least + NOP.len()), (6, 300_000), (7, 16)]
    {
        let before = memory.publish(&returns(100 + value)).unwrap();
        let code = memory.publish(&long_code(len, value)).unwrap();
        assert_eq!((run(before), run(code)), (100 + value, value));
    }
}

#[test]
fn pieces_published_together_keep_their_order() {
    let memory = CodeMemory::new();
    let long = long_code(5000, 2);
    let codes = memory.publish_all([&returns(1), &long, &[], &returns(3)]).unwrap();
    assert_eq!([run(codes[0]), run(codes[1]), run(codes[3])], [1, 2, 3]);
    let starts = codes.map(|code| code.as_ptr().addr() - codes[0].as_ptr().addr());
    assert_eq!(starts, [0, 16, 16 + 5008, 16 + 5008 + 16]);
}

#[test]
fn a_page_stays_executable_while_others_add_to_it() {
    const PUBLISHERS: u32 = 2;
    const EACH: u32 = 3_000;
    let memory = CodeMemory::new();
    let published = RwLock::new(vec![(memory.publish(&returns(0)).unwrap(), 0)]);
    let running = Running::new();
    thread::scope(|scope| {
        let off = Off(&running);
        let runners: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut calls = 0_u64;
                    while running.is_on() {
                        // The newest pages are those that are being exchanged.
                        let newest: Vec<_> =
                            published.read().unwrap().iter().rev().take(300).copied().collect();
                        for (code, expected) in newest {
                            assert_eq!(run(code), expected);
                            calls += 1;
                        }
                    }
                    calls
                })
            })
            .collect();
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let (memory, published) = (&memory, &published);
                scope.spawn(move || {
                    for i in 0..EACH {
                        let value = publisher << 16 | i;
                        let code = memory.publish(&returns(value)).unwrap();
                        assert_eq!(run(code), value);
                        published.write().unwrap().push((code, value));
                    }
                })
            })
            .collect();
        for publisher in publishers {
            publisher.join().unwrap();
        }
        drop(off);
        for runner in runners {
            assert!(runner.join().unwrap() > 0);
        }
    });
    let published = published.into_inner().unwrap();
    assert_eq!(published.len() as u64, 1 + u64::from(PUBLISHERS * EACH));
    assert!(published.into_iter().all(|(code, expected)| run(code) == expected));
}
