//! On Windows: pages of their own, and what the system says of them.

use super::*;
use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::ptr::without_provenance;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEMORY_BASIC_INFORMATION, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY,
    PAGE_READWRITE, VirtualQuery,
};

/// What the system says of the pages at `address` and behind; `None` behind the last.
fn region(address: usize) -> Option<MEMORY_BASIC_INFORMATION> {
    let mut info = MaybeUninit::<MEMORY_BASIC_INFORMATION>::zeroed();
    // SAFETY: any address may be asked for; the system fills the structure, of which zeros are a value.
    unsafe {
        let size = size_of::<MEMORY_BASIC_INFORMATION>();
        (VirtualQuery(without_provenance(address), info.as_mut_ptr(), size) != 0).then(|| info.assume_init())
    }
}

fn protection_at(code: CodePtr) -> u32 {
    region(code.as_ptr().addr()).expect("a region").Protect
}

/// The protections of all memory that this process has.
fn protections() -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    let mut next = 0;
    while let Some(info) = region(next) {
        if info.State == MEM_COMMIT {
            all.insert(info.Protect);
        }
        next = info.BaseAddress.addr() + info.RegionSize;
    }
    all
}

#[test]
fn memory_is_never_writable_and_executable() {
    let memory = CodeMemory::new();
    let first = memory.publish(&returns(1)).unwrap();
    let running = Running::new();
    let mut seen = BTreeSet::new();
    thread::scope(|scope| {
        let _off = Off(&running);
        for publisher in 0..2 {
            let (memory, running) = (&memory, &running);
            scope.spawn(move || {
                let mut value = publisher << 24;
                while running.is_on() {
                    memory.publish(&returns(value)).unwrap();
                    value += 1;
                }
            });
        }
        for _ in 0..100 {
            assert_eq!(protection_at(first), PAGE_EXECUTE_READ);
            seen.append(&mut protections());
        }
    });
    assert!(seen.contains(&PAGE_EXECUTE_READ) && seen.contains(&PAGE_READWRITE));
    assert!(!seen.contains(&PAGE_EXECUTE_READWRITE) && !seen.contains(&PAGE_EXECUTE_WRITECOPY), "{seen:x?}");
}

#[test]
fn the_same_code_is_published_once() {
    let memory = CodeMemory::new();
    let pair = |a, b| memory.publish_all([&returns(a), &returns(b)]).unwrap();
    let [first, second] = pair(1, 2);
    assert_eq!(pair(1, 2), [first, second]);
    assert_eq!(pair(2, 1), [second, first]);
    let [again, third] = pair(1, 3);
    assert!(again == first && run(third) == 3);
    assert_eq!(pair(4, 4)[0], pair(4, 4)[1]);
}

#[test]
fn a_batch_shares_pages() {
    let memory = CodeMemory::new();
    let pieces: Vec<_> = (0..1_000).map(|i| returns(i / 2)).collect();
    let codes = memory.publish_batch(&pieces.iter().map(|piece| &piece[..]).collect::<Vec<_>>()).unwrap();
    assert!(codes.iter().zip(0..).all(|(code, i)| run(*code) == i / 2));
    let pages: BTreeSet<usize> = codes.iter().map(|code| code.as_ptr().addr() / 4096).collect();
    assert_eq!(pages.len(), 500 * 16 / 4096 + 1);
}

#[test]
fn nothing_is_added_to_a_published_page() {
    let memory = CodeMemory::new();
    let codes: Vec<CodePtr> = (0..1_000).map(|i| memory.publish(&returns(i)).unwrap()).collect();
    let pages: BTreeSet<usize> = codes.iter().map(|code| code.as_ptr().addr() / 4096).collect();
    assert_eq!(pages.len(), codes.len());
    assert!(codes.iter().zip(0..).all(|(code, expected)| run(*code) == expected));
}
