//! Callers and droppers of one callback, in every order that threads can run in.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib --target-dir target/loom models`

use super::{Gate, LEFT, Word};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicIsize;
use loom::thread;
use std::sync::atomic::Ordering;

word!(AtomicIsize, thread::yield_now);

/// A callback whose calls may be refused: in a process, that is its end.
struct Callback {
    inside: AtomicIsize,
    /// Whether the closure is there. Loom sees to it that nobody looks while it goes.
    closure: UnsafeCell<bool>,
    refused: AtomicIsize,
}

impl Callback {
    fn new() -> Arc<Callback> {
        Arc::new(Callback {
            inside: AtomicIsize::new(0),
            closure: UnsafeCell::new(true),
            refused: AtomicIsize::new(0),
        })
    }

    fn gate(&self) -> Gate<'_, AtomicIsize> {
        Gate(&self.inside)
    }

    fn run(&self) {
        // SAFETY: loom looks whether it is.
        assert!(self.closure.with(|closure| unsafe { *closure }), "called after the closure went");
    }

    fn run_alone(&self) {
        // SAFETY: as above.
        self.closure.with_mut(|closure| assert!(unsafe { *closure }));
    }

    fn leave(&self) {
        if self.gate().leave() && self.gate().is_last() {
            self.drop_closure();
        }
    }

    fn call(&self) {
        if self.gate().enter() {
            self.run();
            self.leave();
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn call_alone(&self) {
        if self.gate().enter_alone() {
            self.run_alone();
            self.leave();
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn drop_closure(&self) {
        self.closure.with_mut(|closure| {
            // SAFETY: as above.
            unsafe {
                assert!(*closure, "dropped twice");
                *closure = false;
            }
        });
        self.gate().gone();
    }

    fn retire(&self) {
        if self.gate().retire() {
            self.drop_closure();
        }
    }

    /// When all is over: the closure is gone, unless a refused call ended the process first.
    fn assert_over(&self) {
        if self.refused.load(Ordering::Relaxed) == 0 {
            // SAFETY: all others have ended.
            assert!(!self.closure.with(|closure| unsafe { *closure }), "never dropped");
            assert!(Word::load(&self.inside, Ordering::Acquire) <= LEFT);
        }
    }
}

fn threads(callback: &Arc<Callback>, bodies: &[fn(&Callback)]) {
    let threads: Vec<_> = bodies
        .iter()
        .map(|body| {
            let (callback, body) = (Arc::clone(callback), *body);
            thread::spawn(move || body(&callback))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

#[test]
fn two_callers_and_a_dropper() {
    loom::model(|| {
        let callback = Callback::new();
        threads(&callback, &[Callback::call, Callback::call, Callback::retire]);
        callback.assert_over();
    });
}

/// A call inside a call: the inner one does not take the closure away from the outer one.
#[test]
fn a_call_inside_a_call_and_a_dropper() {
    loom::model(|| {
        let callback = Callback::new();
        let nested = |callback: &Callback| {
            if callback.gate().enter() {
                callback.call();
                callback.run();
                callback.leave();
            } else {
                callback.refused.fetch_add(1, Ordering::Relaxed);
            }
        };
        threads(&callback, &[nested, Callback::retire]);
        callback.assert_over();
    });
}

#[test]
fn callers_one_by_one_and_a_dropper() {
    loom::model(|| {
        let callback = Callback::new();
        threads(&callback, &[Callback::call_alone, Callback::call_alone, Callback::retire]);
        callback.assert_over();
    });
}

/// The end of a scope waits, and what the closure borrows may go after it.
#[test]
fn two_callers_and_the_end_of_a_scope() {
    loom::model(|| {
        let callback = Callback::new();
        let end = |callback: &Callback| {
            callback.gate().close();
            callback.run_alone();
            callback.retire();
        };
        threads(&callback, &[Callback::call, Callback::call, end]);
        callback.assert_over();
    });
}

/// A closure that has nothing to drop: its memory is freed when nobody is inside, which its slot's next owner looks at.
#[test]
fn a_caller_a_dropper_and_the_next_owner() {
    loom::model(|| {
        let callback = Callback::new();
        let next = |callback: &Callback| {
            if Word::load(&callback.inside, Ordering::Acquire) <= LEFT {
                callback.run_alone();
            }
        };
        let retire = |callback: &Callback| {
            Word::fetch_add(&callback.inside, LEFT, Ordering::AcqRel);
        };
        threads(&callback, &[Callback::call, retire, next]);
    });
}
