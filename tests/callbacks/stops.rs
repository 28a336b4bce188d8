//! Calls that must not be: each ends the process with a sentence.

use super::c::{at, called_back};
use super::dying::{dies, may_die};
use callsmith::callback::{Callback, DynCallback, ThisThread, Win64};
use callsmith::{Data, Function, Value, decl, host};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const INT: &str = "int f(int)";

fn call(function: &Function) -> i32 {
    function.call((1,)).expect("a call")
}

#[test]
fn a_dropped_callback() {
    let said = [
        "callsmith: the callback fn(i32) -> i32 made at tests/callbacks/stops.rs:",
        "was called after it was dropped",
    ];
    dies("stops::a_dropped_callback", &said, || {
        let by = std::env::args().count() as i32;
        let callback =
            Callback::<fn(i32) -> i32>::builder().located().shared(move |n: i32| n + by).expect("one");
        let function = called_back(&callback, INT);
        call(&function);
        drop(callback);
        call(&function);
    });
}

#[test]
fn a_dropped_callback_without_content() {
    let place = if cfg!(debug_assertions) { " made at tests/callbacks/stops.rs:" } else { " " };
    let said = [&format!("callsmith: the callback fn(i32) -> i32{place}"), "was called after it was dropped"];
    dies("stops::a_dropped_callback_without_content", &said, || {
        let callback = Callback::<fn(i32) -> i32>::new(|n: i32| n).expect("one");
        let function = called_back(&callback, INT);
        drop(callback);
        call(&function);
    });
}

#[test]
fn a_dropped_dynamic_callback() {
    let said = [
        "callsmith: the callback int twice(int n) made at tests/callbacks/stops.rs:",
        "after it was dropped",
    ];
    dies("stops::a_dropped_dynamic_callback", &said, || {
        let prototype = decl::parse_prototype("int twice(int n)", host::MODEL).expect("a prototype");
        let callback = DynCallback::builder(&prototype).expect("a builder").located();
        let callback = callback.shared(|args| args.get(0)).expect("one");
        let function = at(callback.address(), INT);
        call(&function);
        drop(callback);
        call(&function);
    });
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "a convention of x86-64")]
fn a_dropped_win64_callback() {
    let said = [
        "callsmith: the callback callsmith::callback::signature::Win64<fn(i32) -> i32>",
        "after it was dropped",
    ];
    dies("stops::a_dropped_win64_callback", &said, || {
        let callback = Callback::<Win64<fn(i32) -> i32>>::new(|n: i32| n).expect("one");
        let function = called_back(&callback, "int __attribute__((ms_abi)) f(int)");
        call(&function);
        drop(callback);
        call(&function);
    });
}

macro_rules! traps {
    ($($name:ident ($($value:literal),*) $declaration:literal;)*) => {$(
        /// The context register is the one behind these arguments.
        #[test]
        fn $name() {
            let case = concat!("stops::", stringify!($name));
            dies(case, &["was called after it was dropped"], || {
                let kept = Arc::new(());
                let callback = traps!(@callback kept $($value)*);
                let function = called_back(&callback, $declaration);
                let one: i64 = function.call(($($value,)*)).expect("a call");
                assert_eq!(one, 1);
                drop(callback);
                let _: i64 = function.call(($($value,)*)).expect("a call");
            });
        }
    )*};
    (@callback $kept:ident) => { Callback::<fn() -> i64>::new(move || Arc::strong_count(&$kept) as i64).expect("one") };
    (@callback $kept:ident $a:literal) => {
        Callback::<fn(i64) -> i64>::new(move |_: i64| Arc::strong_count(&$kept) as i64).expect("one")
    };
    (@callback $kept:ident $a:literal $b:literal) => {
        Callback::<fn(i64, i64) -> i64>::new(move |_: i64, _: i64| Arc::strong_count(&$kept) as i64).expect("one")
    };
    (@callback $kept:ident $a:literal $b:literal $c:literal) => {
        Callback::<fn(i64, i64, i64) -> i64>::new(move |_: i64, _: i64, _: i64| Arc::strong_count(&$kept) as i64)
            .expect("one")
    };
    (@callback $kept:ident $a:literal $b:literal $c:literal $d:literal) => {
        Callback::<fn(i64, i64, i64, i64) -> i64>::new(
            move |_: i64, _: i64, _: i64, _: i64| Arc::strong_count(&$kept) as i64
        ).expect("one")
    };
    (@callback $kept:ident $a:literal $b:literal $c:literal $d:literal $e:literal) => {
        Callback::<fn(i64, i64, i64, i64, i64) -> i64>::new(
            move |_: i64, _: i64, _: i64, _: i64, _: i64| Arc::strong_count(&$kept) as i64
        ).expect("one")
    };
    (@callback $kept:ident $a:literal $b:literal $c:literal $d:literal $e:literal $f:literal) => {
        Callback::<fn(i64, i64, i64, i64, i64, i64) -> i64>::new(
            move |_: i64, _: i64, _: i64, _: i64, _: i64, _: i64| Arc::strong_count(&$kept) as i64
        ).expect("one")
    };
}

traps! {
    trap_in_rdi () "long f(void)";
    trap_in_rsi (1i64) "long f(long)";
    trap_in_rdx (1i64, 2i64) "long f(long, long)";
    trap_in_rcx (1i64, 2i64, 3i64) "long f(long, long, long)";
    trap_in_r8 (1i64, 2i64, 3i64, 4i64) "long f(long, long, long, long)";
    trap_in_r9 (1i64, 2i64, 3i64, 4i64, 5i64) "long f(long, long, long, long, long)";
    trap_in_r10 (1i64, 2i64, 3i64, 4i64, 5i64, 6i64) "long f(long, long, long, long, long, long)";
}

#[test]
fn a_slot_that_has_rested() {
    dies(
        "stops::a_slot_that_has_rested",
        &["callsmith: a callback was called that was dropped long ago"],
        || {
            let make = |k: i32| Callback::<fn(i32) -> i32>::local(move |n: i32| n + k).expect("one");
            let old: Vec<_> = (0..5000).map(make).collect();
            let first: Vec<_> = old.iter().take(64).map(Callback::address).collect();
            drop(old);
            // Until the oldest are taken out of the pool, all at once.
            let mut live = Vec::new();
            while !live.iter().any(|callback: &Callback<_, ThisThread>| first.contains(&callback.address())) {
                live.push(make(0));
            }
            let taken: Vec<_> = live.iter().map(Callback::address).collect();
            let not_taken =
                first.iter().find(|address| !taken.contains(address)).expect("a batch is more than one");
            call(&at(*not_taken, INT));
        },
    );
}

#[test]
fn another_thread() {
    let said = ["was called on a thread that is not the one it was made on"];
    dies("stops::another_thread", &said, || {
        let callback = Callback::<fn(i32) -> i32>::local(|n: i32| n).expect("one");
        let function = called_back(&callback, INT);
        std::thread::spawn(move || call(&function)).join().expect("a thread");
    });
}

/// A thread may get its stack and locals where one that has ended had them: it is another all the same.
#[test]
fn a_thread_in_the_place_of_the_maker() {
    let said = ["was called on a thread that is not the one it was made on"];
    dies("stops::a_thread_in_the_place_of_the_maker", &said, || {
        let make = || Callback::<fn(i32) -> i32>::local(|n: i32| n).expect("one").leak().address() as usize;
        let address = std::thread::spawn(make).join().expect("a thread");
        let function = at(address as *const _, INT);
        for _ in 0..16 {
            let function = function.clone();
            std::thread::spawn(move || call(&function)).join().expect("a thread");
        }
    });
}

#[test]
fn a_dynamic_callback_on_another_thread() {
    let said = ["the callback int f(int)", "was called on a thread that is not the one it was made on"];
    dies("stops::a_dynamic_callback_on_another_thread", &said, || {
        let prototype = decl::parse_prototype(INT, host::MODEL).expect("a prototype");
        let callback = DynCallback::local(&prototype, |args| args.get(0)).expect("one");
        let function = at(callback.address(), INT);
        call(&function);
        std::thread::spawn(move || call(&function)).join().expect("a thread");
    });
}

#[test]
fn fn_mut_while_it_runs() {
    let said = ["was called while it was running, and its closure is `FnMut`"];
    dies("stops::fn_mut_while_it_runs", &said, || {
        static AGAIN: std::sync::OnceLock<Function> = std::sync::OnceLock::new();
        let mut depth = 0;
        let callback = Callback::<fn(i32) -> i32>::local_mut(move |n: i32| {
            depth += n;
            call(AGAIN.get().expect("set")) + depth
        });
        let callback = callback.expect("one");
        call(AGAIN.get_or_init(|| called_back(&callback, INT)));
    });
}

#[test]
fn fn_mut_on_two_threads_at_once() {
    let said = ["was called while it was running, and its closure is `FnMut`"];
    dies("stops::fn_mut_on_two_threads_at_once", &said, || {
        let inside = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&inside);
        let callback = Callback::<fn(i32) -> i32>::new_mut(move |_: i32| {
            seen.store(true, Ordering::Release);
            loop {
                std::thread::park();
            }
        });
        let callback = callback.expect("one");
        let function = called_back(&callback, INT);
        let other = function.clone();
        std::thread::spawn(move || call(&other));
        while !inside.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        call(&function);
    });
}

#[test]
fn fn_once_twice() {
    let said = ["was called twice, and its closure is `FnOnce`"];
    dies("stops::fn_once_twice", &said, || {
        let text = String::from("once");
        let callback = Callback::<fn(i32) -> i32>::new_once(move |n: i32| n + text.into_bytes().len() as i32);
        let callback = callback.expect("one");
        let function = called_back(&callback, INT);
        assert_eq!(call(&function), 5);
        call(&function);
    });
}

#[test]
fn local_fn_once_twice() {
    let said = ["was called twice, and its closure is `FnOnce`"];
    dies("stops::local_fn_once_twice", &said, || {
        let text = std::rc::Rc::new(4);
        let callback = Callback::<fn(i32) -> i32>::local_once(move |n: i32| n + *text).expect("one");
        let function = called_back(&callback, INT);
        assert_eq!(call(&function), 5);
        call(&function);
    });
}

#[test]
fn a_dynamic_fn_once_twice() {
    let said = ["the callback int f(int)", "was called twice, and its closure is `FnOnce`"];
    dies("stops::a_dynamic_fn_once_twice", &said, || {
        let prototype = decl::parse_prototype(INT, host::MODEL).expect("a prototype");
        let callback = DynCallback::new_once(&prototype, |args| args.get(0)).expect("one");
        let function = at(callback.address(), INT);
        assert_eq!(call(&function), 1);
        call(&function);
    });
}

#[test]
fn a_dynamic_fn_mut_while_it_runs() {
    let said = ["the callback int f(int)", "was called while it was running, and its closure is `FnMut`"];
    dies("stops::a_dynamic_fn_mut_while_it_runs", &said, || {
        static AGAIN: std::sync::OnceLock<Function> = std::sync::OnceLock::new();
        let prototype = decl::parse_prototype(INT, host::MODEL).expect("a prototype");
        let callback = DynCallback::local_mut(&prototype, |_| Value::I32(call(AGAIN.get().expect("set"))));
        let callback = callback.expect("one");
        call(AGAIN.get_or_init(|| at(callback.address(), INT)));
    });
}

#[test]
fn a_panic() {
    // Where code of ours stands between C and the closure, that ends it.
    let said = ["the closure's words", "panic in a function that cannot unwind"];
    let said = if cfg!(target_arch = "x86") { &said[..1] } else { &said };
    dies("stops::a_panic", said, || {
        let callback = Callback::<fn(i32) -> i32>::new(|_: i32| panic!("the closure's words")).expect("one");
        call(&called_back(&callback, INT));
    });
}

#[test]
fn a_panic_of_a_dynamic_callback() {
    dies("stops::a_panic_of_a_dynamic_callback", &["the closure's words"], || {
        let prototype = decl::parse_prototype(INT, host::MODEL).expect("a prototype");
        let callback = DynCallback::new(&prototype, |_| panic!("the closure's words")).expect("one");
        call(&at(callback.address(), INT));
    });
}

#[test]
fn a_result_that_does_not_fit() {
    let said = [
        "the callback int f(int)",
        "gave a result that its signature does not have: it holds -2147483648 to",
    ];
    dies("stops::a_result_that_does_not_fit", &said, || {
        let prototype = decl::parse_prototype(INT, host::MODEL).expect("a prototype");
        let callback = DynCallback::new(&prototype, |_| Value::I64(1 << 40)).expect("one");
        call(&at(callback.address(), INT));
    });
}

#[test]
fn a_result_of_another_struct() {
    let said = ["the callback struct p f(int)", "gave a result that its signature does not have"];
    dies("stops::a_result_of_another_struct", &said, || {
        let text = "struct p { int x; } f(int)";
        let prototype = decl::parse_prototype(text, host::MODEL).expect("a prototype");
        let other =
            decl::parse_prototype("struct q { char x[4]; } f(int)", host::MODEL).expect("a prototype");
        let wrong = move || Value::from(Data::new(&other.result).expect("data"));
        let callback = DynCallback::local(&prototype, move |_| wrong()).expect("one");
        let _ = at(callback.address(), text).call_values(&[Value::I32(1)]);
    });
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

/// The panic goes to whoever dropped the callback; the address is dead all the same.
#[test]
fn a_closure_whose_drop_panics() {
    let said = ["in drop", "caught", "was called after it was dropped"];
    dies("stops::a_closure_whose_drop_panics", &said, || {
        let content = PanicsWhenDropped;
        let callback = Callback::<fn(i32) -> i32>::new(move |n: i32| {
            let _ = &content;
            n
        });
        let callback = callback.expect("one");
        let function = called_back(&callback, INT);
        assert_eq!(call(&function), 1);
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(callback)));
        assert!(dropped.is_err());
        eprintln!("caught");
        call(&function);
    });
}

/// Calls that race with the drop give the value or the sentence, nothing else.
#[test]
fn calls_that_race_with_the_drop() {
    let sentence = "was called after it was dropped";
    let died = may_die("stops::calls_that_race_with_the_drop", sentence, || {
        let callback = Callback::<fn(i32) -> i32>::new({
            let content = Box::new(41);
            move |n: i32| n + *content
        });
        let callback = callback.expect("one");
        let function = called_back(&callback, INT);
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let function = function.clone();
                std::thread::spawn(move || {
                    loop {
                        assert_eq!(call(&function), 42);
                    }
                })
            })
            .collect();
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(callback);
        for caller in callers {
            let _ = caller.join();
        }
    });
    assert!(died || std::env::var_os("CALLSMITH_DYING").is_some(), "callers without end, and no sentence");
}
