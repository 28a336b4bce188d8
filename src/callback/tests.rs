//! Callbacks that take the place of others of the same make: what is remembered of where they are made would keep them from
//! it, and is on request only.
#![allow(unsafe_code)]

use super::{Builder, Callback};
use std::collections::HashSet;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::thread;

type Int = fn(i32) -> i32;

/// That of callbacks which do not know where they are made.
fn builder() -> Builder<Int> {
    let mut builder = Callback::<Int>::builder();
    builder.wish.at = None;
    builder
}

fn call(address: *const c_void, n: i32) -> i32 {
    // SAFETY: the callbacks here are all of this signature.
    unsafe { std::mem::transmute::<*const c_void, extern "C" fn(i32) -> i32>(address)(n) }
}

/// How often it was dropped, where what is to be dropped knows it.
struct Counted<'a>(&'a AtomicUsize, i32);

impl Counted<'_> {
    fn number(&self) -> i32 {
        self.1
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn each_has_its_own_content() {
    let mut addresses = HashSet::new();
    for n in 0..5000 {
        let callback = builder().shared(move |m| n + m).expect("a callback");
        addresses.insert(callback.address().addr());
        assert_eq!(call(callback.address(), 7), n + 7);
    }
    // They rest before they come again, and they do come again.
    assert!((256..2000).contains(&addresses.len()), "{}", addresses.len());
}

#[test]
fn what_it_holds_is_dropped_once() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    for n in 0..5000_i32 {
        let held = Counted(&DROPPED, n);
        let callback = builder().shared(move |m| held.number() + m).expect("a callback");
        assert_eq!(call(callback.address(), 1), n + 1);
        drop(callback);
        assert_eq!(DROPPED.load(Ordering::Relaxed), n.unsigned_abs() as usize + 1);
    }
}

/// Others of its make come and go while it runs, more than rest, and it is gone itself.
#[test]
fn nobody_takes_the_place_of_one_that_runs() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    fn make(n: i32) -> Callback<Int> {
        let held = Counted(&DROPPED, n);
        builder().shared(move |m| churn(m, held.number())).expect("a callback")
    }
    fn make_plain(n: i32) -> Callback<Int> {
        builder().shared(move |m| churn(m, n)).expect("a callback")
    }
    fn churn(address: i32, n: i32) -> i32 {
        if address >= 0 {
            let own = LIVE.with(|live| live.borrow_mut().take());
            drop(own);
            for other in 0..2000 {
                assert_eq!(call(make(other).address(), -1), other);
                assert_eq!(call(make_plain(other).address(), -1), other);
            }
        }
        n
    }
    thread_local!(static LIVE: std::cell::RefCell<Option<Callback<Int>>> = const { std::cell::RefCell::new(None) });
    for make in [make, make_plain] {
        for n in 0..20 {
            let callback = make(1_000_000 + n);
            let address = callback.address();
            LIVE.with(|live| *live.borrow_mut() = Some(callback));
            assert_eq!(call(address, 0), 1_000_000 + n);
        }
    }
    // Those that ran, twenty, and two thousand for each run of either kind.
    assert_eq!(DROPPED.load(Ordering::Relaxed), 20 + 40 * 2000);
}

#[test]
fn those_of_one_thread_too() {
    for n in 0..3000 {
        let mut sum = n;
        let add = move |m| {
            sum += m;
            sum
        };
        let callback = builder().local_mut(add).expect("a callback");
        assert_eq!((call(callback.address(), 1), call(callback.address(), 2)), (n + 1, n + 3));
        let plain = builder().local(move |m| n - m).expect("a callback");
        assert_eq!(call(plain.address(), 5), n - 5);
    }
}

/// Made on one thread, called on all, dropped on another, also while they run.
#[test]
fn threads_take_and_drop_each_others() {
    const THREADS: i32 = 4;
    const EACH: i32 = 3000;
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    let sum = Arc::new(AtomicI32::new(0));
    let (send, receive) = std::sync::mpsc::sync_channel::<Callback<Int>>(16);
    let makers: Vec<_> = (0..THREADS)
        .map(|_| {
            let (send, sum) = (send.clone(), Arc::clone(&sum));
            thread::spawn(move || {
                for n in 0..EACH {
                    let (held, total) = (Counted(&DROPPED, n), Arc::clone(&sum));
                    let add = move |m| {
                        total.fetch_add(1, Ordering::Relaxed);
                        held.number() + m
                    };
                    let callback = builder().shared(add).expect("a callback");
                    assert_eq!(call(callback.address(), 1), n + 1);
                    if n % 3 == 0 {
                        send.send(callback).expect("a receiver");
                    }
                }
            })
        })
        .collect();
    drop(send);
    for callback in receive {
        call(callback.address(), 0);
    }
    makers.into_iter().for_each(|maker| maker.join().expect("no panic"));
    assert_eq!(sum.load(Ordering::Relaxed), THREADS * (EACH + EACH / 3));
    assert_eq!(DROPPED.load(Ordering::Relaxed), (THREADS * EACH).unsigned_abs() as usize);
}

/// A closure is no other's because it has the same size and signature.
#[test]
fn another_make_is_another_target() {
    for n in 0..2000 {
        let plus = builder().shared(move |m| n + m).expect("a callback");
        let minus = builder().shared(move |m| n - m).expect("a callback");
        let bare = builder().shared(|m| m * 2).expect("a callback");
        let addresses = [plus.address(), minus.address(), bare.address()];
        assert_eq!(addresses.map(|address| call(address, 3)), [n + 3, n - 3, 6]);
    }
}
