//! Callers and droppers of one callback, in every order that threads can run in. What thunks do is done here as they do it:
//! they load the context, count, and load the target.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib --target-dir target/loom models`

use super::{Gate, LEFT, Word};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicIsize, AtomicUsize, fence};
use loom::thread;
use std::sync::atomic::Ordering;

word!(AtomicIsize, thread::yield_now);

const TRAP: usize = 0;
const FUNCTION: usize = 1;

/// A callback whose calls may be refused: in a process, that is its end.
struct Callback {
    /// The slot's target: the function, or the trap.
    target: AtomicUsize,
    inside: AtomicIsize,
    /// Whether the closure is there. Loom sees to it that nobody looks while it goes.
    closure: UnsafeCell<bool>,
    refused: AtomicIsize,
}

impl Callback {
    fn new() -> Arc<Callback> {
        Arc::new(Callback {
            target: AtomicUsize::new(FUNCTION),
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

    /// By a thunk that counts. Whether the call came in.
    fn come_in(&self) -> bool {
        // An operation that is a fence, as all like it are where thunks count.
        Word::fetch_add(&self.inside, 1, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        let in_time = self.target.load(Ordering::Acquire) == FUNCTION;
        if !in_time {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        in_time
    }

    fn call_counted(&self) {
        if self.come_in() {
            self.run();
            self.leave();
        }
    }

    /// The same, of a closure that has nothing to be dropped.
    fn call_counted_plain(&self) {
        if self.come_in() {
            self.run();
            self.gate().leave();
        }
    }

    /// From now on calls go to the trap.
    fn shut(&self) {
        self.target.store(TRAP, Ordering::Release);
    }

    fn shut_and_retire(&self) {
        self.shut();
        fence(Ordering::SeqCst);
        self.retire();
    }

    /// When it has rested, whoever finds nobody inside writes another closure in its place, for other calls.
    fn next_owner(&self) {
        // That of the stock.
        fence(Ordering::SeqCst);
        if Word::load(&self.inside, Ordering::Acquire) == 0 {
            self.run_alone();
            self.target.store(FUNCTION, Ordering::Release);
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

#[test]
fn two_counted_callers_and_a_dropper() {
    loom::model(|| {
        let callback = Callback::new();
        let callers: &[fn(&Callback)] =
            &[Callback::call_counted, Callback::call_counted, Callback::shut_and_retire];
        threads(&callback, callers);
        callback.assert_over();
    });
}

#[test]
fn two_counted_callers_and_the_end_of_a_scope() {
    loom::model(|| {
        let callback = Callback::new();
        let end = |callback: &Callback| {
            callback.shut();
            fence(Ordering::SeqCst);
            callback.gate().close();
            callback.run_alone();
            callback.retire();
        };
        // One that comes too late ends the process, so that nobody waits for it: it goes, here.
        let call = |callback: &Callback| {
            callback.call_counted();
            if callback.refused.load(Ordering::Relaxed) > 0 {
                callback.gate().leave();
            }
        };
        threads(&callback, &[call, end]);
        callback.assert_over();
    });
}

/// A closure that has nothing to be dropped: the next owner of its slot looks whether somebody is inside.
#[test]
fn counted_callers_a_dropper_and_the_next_owner() {
    loom::model(|| {
        let callback = Callback::new();
        let next = |callback: &Callback| {
            callback.shut();
            callback.next_owner();
        };
        threads(&callback, &[Callback::call_counted_plain, Callback::call_counted_plain, next]);
        let inside = Word::load(&callback.inside, Ordering::Acquire);
        assert_eq!(inside, callback.refused.load(Ordering::Relaxed), "who came in has left");
    });
}

/// One that has something to be dropped: its slot is nobody else's before it is.
#[test]
fn a_counted_caller_a_dropper_and_the_next_owner() {
    loom::model(|| {
        let callback = Callback::new();
        let next = |callback: &Callback| {
            if Word::load(&callback.inside, Ordering::Acquire) == LEFT {
                // SAFETY: loom looks whether it is.
                assert!(!callback.closure.with(|closure| unsafe { *closure }), "not dropped yet");
            }
        };
        threads(&callback, &[Callback::call_counted, Callback::shut_and_retire, next]);
    });
}

/// Where thunks do not count: calls that come in after a drop find the closure, for it is only memory, until it is another's.
#[test]
fn callers_and_the_end_of_a_scope_of_a_plain_closure() {
    loom::model(|| {
        let callback = Callback::new();
        let end = |callback: &Callback| {
            callback.gate().close();
            callback.run_alone();
        };
        let call = |callback: &Callback| {
            if callback.gate().enter() {
                callback.run();
                callback.gate().leave();
            } else {
                // The process ends: who came too late is not waited for, and is not inside.
                Word::fetch_sub(&callback.inside, 1, Ordering::AcqRel);
            }
        };
        threads(&callback, &[call, call, end]);
    });
}
