//! On Linux: pages that are added to, what `/proc` says of them, fork.

use super::super::PublishError;
use super::*;
use crate::engine::testing::in_child;
use crate::sys::FillError;
use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

/// Start, end and permissions of every mapping of this process.
fn mappings() -> Vec<(usize, usize, String)> {
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        Some((number(start)?, number(end)?, words.next()?.to_owned()))
    };
    fs::read_to_string("/proc/self/maps").unwrap().lines().map(|line| parse(line).unwrap()).collect()
}

/// The permissions at `code`; `None` where the snapshot was taken in the middle of an exchange, which whoever touches the
/// page waits for, but not whoever lists it.
fn permissions_at(mappings: &[(usize, usize, String)], code: CodePtr) -> Option<&str> {
    let at = code.as_ptr().addr();
    mappings
        .iter()
        .find(|(start, end, _)| (*start..*end).contains(&at))
        .map(|(_, _, permissions)| permissions.as_str())
}

#[test]
fn small_pieces_lie_densely_and_run() {
    let memory = CodeMemory::new();
    let codes: Vec<CodePtr> = (0..10_000).map(|i| memory.publish(&returns(i)).unwrap()).collect();
    for (code, expected) in codes.iter().zip(0..) {
        assert_eq!(run(*code), expected);
        assert!(code.as_ptr().addr().is_multiple_of(16));
    }
    let pages: BTreeSet<usize> = codes.iter().map(|code| code.as_ptr().addr() / 4096).collect();
    assert!(pages.len() <= 10_000 * 16 / 4096 + 1, "{} pages", pages.len());
}

#[test]
fn full_chunks_are_one_mapping_each() {
    let memory = CodeMemory::new();
    let code = long_code(2048, 7);
    let codes: Vec<CodePtr> = (0..2_000).map(|_| memory.publish(&code).unwrap()).collect();
    let (mappings, mut ours) = (mappings(), BTreeSet::new());
    for code in codes {
        let at = code.as_ptr().addr();
        ours.insert(mappings.iter().position(|(start, end, _)| (*start..*end).contains(&at)).unwrap());
        assert_eq!(run(code), 7);
    }
    // 1,000 pages: 15 full chunks of 64, and one that is filling.
    assert!(ours.len() <= 15 + 64, "{} mappings", ours.len());
}

#[test]
fn memory_is_never_writable_and_executable_nor_shared() {
    let memory = CodeMemory::new();
    let first = memory.publish(&returns(1)).unwrap();
    let running = Running::new();
    let mut seen = 0;
    thread::scope(|scope| {
        let _off = Off(&running);
        for _ in 0..2 {
            scope.spawn(|| {
                while running.is_on() {
                    memory.publish(&long_code(500, 2)).unwrap();
                }
            });
        }
        for _ in 0..300 {
            let mappings = mappings();
            let permissions = permissions_at(&mappings, first);
            assert!(permissions.is_none_or(|permissions| permissions == "r-xp"), "{permissions:?}");
            seen += usize::from(permissions.is_some());
            for (start, end, permissions) in &mappings {
                let bad = permissions.contains('x') && permissions.contains(['w', 's']);
                assert!(!bad, "{start:x}-{end:x} {permissions}");
            }
        }
    });
    assert!(seen > 0);
}

#[test]
fn parent_and_child_publish_without_touching_each_other() {
    let memory = CodeMemory::new();
    let before: Vec<CodePtr> = (0..100).map(|i| memory.publish(&returns(i)).unwrap()).collect();
    let publish_and_run = |tag: u32| {
        let codes: Vec<_> =
            (0..1_000).map(|i| (memory.publish(&returns(tag | i)).unwrap(), tag | i)).collect();
        codes.iter().all(|(code, expected)| run(*code) == *expected)
            && before.iter().zip(0..).all(|(code, expected)| run(*code) == expected)
    };
    let child = in_child(|| publish_and_run(1 << 16));
    assert!(publish_and_run(1 << 17));
    assert!(child.succeeded());
    assert!(publish_and_run(1 << 18));
}

#[test]
fn a_fork_while_others_publish_leaves_the_child_a_free_lock() {
    let running = Running::new();
    thread::scope(|scope| {
        let _off = Off(&running);
        for _ in 0..2 {
            scope.spawn(|| {
                while running.is_on() {
                    CodeMemory::global().publish(&returns(1)).unwrap();
                }
            });
        }
        for i in 0..100 {
            let child = in_child(|| run(CodeMemory::global().publish(&returns(i)).unwrap()) == i);
            assert!(child.succeeded());
        }
    });
}

#[test]
fn a_refusal_says_who_may_have_refused_and_spoils_nothing() {
    let memory = CodeMemory::new();
    let before = memory.publish(&returns(1)).unwrap();
    let child = in_child(|| {
        const REFUSE_EXEC_GAIN: libc::c_ulong = 1;
        // SAFETY: from here on this child gets no new executable memory; it changes nothing else.
        let set = unsafe { libc::prctl(libc::PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) } == 0;
        if !set {
            // A kernel before 6.3.
            return true;
        }
        let error = memory.publish(&returns(2)).unwrap_err();
        let PublishError::Fill(FillError::Forbidden { source }) = &error else { return false };
        source.raw_os_error() == Some(libc::EACCES) && error.to_string().contains("MDWE") && run(before) == 1
    });
    assert!(child.succeeded());
}

/// `cargo test --release --lib -- --ignored --nocapture what_publishing_costs`
#[test]
#[ignore = "prints times"]
fn what_publishing_costs() {
    const STUBS: usize = 16_000;
    const TOGETHER: usize = 16;
    let code = long_code(300, 1);
    let per_stub = |publish: &mut dyn FnMut(), stubs: usize| {
        let start = Instant::now();
        (0..STUBS / stubs).for_each(|_| publish());
        start.elapsed().as_secs_f64() * 1e6 / STUBS as f64
    };
    for others in 0..=1 {
        let busy = Running::new();
        thread::scope(|scope| {
            let _off = Off(&busy);
            (0..others).for_each(|_| drop(scope.spawn(|| while busy.is_on() {})));
            let memory = CodeMemory::new();
            let single = per_stub(&mut || drop(memory.publish(&code)), 1);
            let together = per_stub(&mut || drop(memory.publish_all([code.as_slice(); TOGETHER])), TOGETHER);
            let page = long_code(4096, 1);
            let page_each = per_stub(&mut || drop(memory.publish(&page)), 1);
            println!(
                "{others} other threads: one at a time {single:.2} µs, {TOGETHER} together {together:.2} µs each, \
                 a page each {page_each:.2} µs"
            );
        });
    }
}

/// `cargo test --release --lib -- --ignored --nocapture hundred_thousand`
#[test]
#[ignore = "prints times"]
fn what_a_hundred_thousand_stubs_cost() {
    const STUBS: usize = 100_000;
    let resident = || {
        let pages = fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
    };
    let (memory, code) = (CodeMemory::new(), long_code(300, 1));
    let (mappings_before, resident_before) = (mappings().len(), resident());
    for tenth in 1..=10 {
        let start = Instant::now();
        (0..STUBS / 10).for_each(|_| assert!(memory.publish(&code).is_ok()));
        let each = start.elapsed().as_secs_f64() * 1e6 / (STUBS / 10) as f64;
        println!(
            "{}: {each:.2} µs each, {} mappings, {} KiB",
            tenth * STUBS / 10,
            mappings().len() - mappings_before,
            resident() - resident_before
        );
    }
}
