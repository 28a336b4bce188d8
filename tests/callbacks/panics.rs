//! Panics that do not end the process: kept, or let through C.

use super::c::{at, called_back, library};
use callsmith::callback::{Callback, DynCallback};
use callsmith::{Error, Function, LongDouble, Ptr, Value, c_struct, decl, host};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

fn words(payload: &(dyn std::any::Any + Send)) -> &str {
    payload.downcast_ref::<&str>().copied().unwrap_or("no words")
}

#[test]
fn a_kept_panic_gives_c_the_chosen_result() -> Result<(), Error> {
    let (builder, kept) = Callback::<fn(i32) -> i32>::builder().on_panic(-1);
    let callback = builder.shared(|n: i32| if n > 1 { panic!("first") } else { n })?;
    let function = called_back(&callback, "int f(int)");
    assert_eq!(function.call::<_, i32>((1,))?, 1);
    assert!(kept.take().is_none());
    assert_eq!(function.call::<_, i32>((2,))?, -1);
    assert_eq!(function.call::<_, i32>((3,))?, -1);
    let resumed = catch_unwind(AssertUnwindSafe(|| kept.resume())).expect_err("a panic");
    assert_eq!(words(&*resumed), "first");
    kept.resume();
    assert_eq!(function.call::<_, i32>((1,))?, 1);
    Ok(())
}

c_struct! {
    #[derive(Debug, PartialEq)]
    struct Wide { a: i64, b: f64, c: i64 }
}

#[test]
fn a_chosen_result_may_be_of_any_type() -> Result<(), Error> {
    let (builder, kept) = Callback::<fn() -> Wide>::builder().on_panic(Wide { a: 1, b: 2.0, c: 3 });
    let callback = builder.local_mut(|| -> Wide { panic!("wide") })?;
    let function = called_back(&callback, "struct wide { long long a; double b; long long c; } f(void)");
    assert_eq!(function.call::<_, Wide>(())?, Wide { a: 1, b: 2.0, c: 3 });
    assert_eq!(kept.take().as_deref().map(words), Some("wide"));

    let (builder, kept) = Callback::<fn(i32) -> Ptr>::builder().on_panic(Ptr::NULL);
    let callback = builder.shared_once(|_: i32| -> Ptr { panic!("pointer") })?;
    let function = called_back(&callback, "void *f(int)");
    assert!(function.call::<_, Ptr>((1,))?.is_null());
    assert_eq!(kept.take().as_deref().map(words), Some("pointer"));
    Ok(())
}

#[test]
fn a_dynamic_callback_keeps_panics_too() -> Result<(), Error> {
    let text = "struct p { double x; int n; } f(int)";
    let prototype = decl::parse_prototype(text, host::MODEL)?;
    let mut instead = callsmith::Data::new(&prototype.result)?;
    instead.set("x", -1.5)?;
    let builder = DynCallback::builder(&prototype)?;
    let (builder, kept) = builder.on_panic(&instead.clone().into())?;
    let callback = builder.shared(|_| panic!("dynamic"))?;
    let result = at(callback.address(), text).call_values(&[Value::I32(1)])?;
    assert_eq!(result.to_string(), "{.x = -1.5, .n = 0}");
    assert_eq!(kept.take().as_deref().map(words), Some("dynamic"));

    let refused = DynCallback::builder(&prototype)?.on_panic(&Value::I32(1));
    assert!(refused.err().expect("an error").to_string().starts_with("wanted struct p, given "));

    let nothing = decl::parse_prototype("void f(int)", host::MODEL)?;
    let (builder, kept) = DynCallback::builder(&nothing)?.on_panic(&Value::Void)?;
    // SAFETY: nothing is read or written.
    let callback = unsafe { builder.raw(|_, _| panic!("raw"))? };
    at(callback.address(), "void f(int)").call::<_, ()>((1,))?;
    assert_eq!(kept.take().as_deref().map(words), Some("raw"));
    Ok(())
}

/// A panic goes through qsort's comparator: C returns first, then it goes on.
#[test]
fn a_kept_panic_goes_on_behind_qsort() -> Result<(), Error> {
    let text = "void qsort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))";
    // SAFETY: libc's prototype; the lengths match.
    let qsort = unsafe { callsmith::Library::this_process().function(text)? };
    let (builder, kept) = Callback::<fn(Ptr, Ptr) -> i32>::builder().on_panic(0);
    let compare = builder.shared(|_: Ptr, _: Ptr| -> i32 { panic!("in the middle") })?;
    let mut numbers = [3, 1, 2];
    let caught = catch_unwind(AssertUnwindSafe(|| {
        qsort.call::<_, ()>((&mut numbers[..], 3usize, 4usize, &compare)).expect("a call");
        kept.resume();
    }));
    assert_eq!(words(&*caught.expect_err("a panic")), "in the middle");
    Ok(())
}

struct Counts(Arc<AtomicI32>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A callback by its address, so that nothing is borrowed.
type Through = Ptr<fn(i32) -> i32>;

/// Frames of Rust and of C lie between: what they hold is dropped, and the callback can be called and dropped after it.
fn passes_through(function: &Function, through: &Function, call: impl Fn(&Function, Through) -> i32) {
    let dropped = Arc::new(AtomicI32::new(0));
    let counts = Arc::clone(&dropped);
    let callback = Callback::<fn(i32) -> i32>::builder().unwinding().shared(move |n: i32| {
        let _counts = Counts(Arc::clone(&counts));
        if n > 5 { panic!("through C") } else { n }
    });
    let callback = callback.expect("a callback");
    // SAFETY: the callback lives until the end.
    let pointer = unsafe { Through::new(callback.address().cast()) };
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _counts = Counts(Arc::clone(&dropped));
        call(through, pointer)
    }));
    assert_eq!(words(&*caught.expect_err("a panic")), "through C");
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
    let six: i32 = function.call((&callback, 5)).expect("a call");
    assert_eq!(six, 6);
}

/// An adapter is code that nobody can unwind. On 32-bit x86 one always lies between.
#[test]
fn unwinding_is_refused_where_more_than_a_thunk_lies_between() {
    let adapted = Callback::<fn(LongDouble) -> i32>::builder().unwinding().shared(|_: LongDouble| 0);
    let error = adapted.expect_err("an error").to_string();
    assert!(error.contains("panics cannot go through the code that this signature needs"), "{error}");
    let plain = Callback::<fn(i32) -> i32>::builder().unwinding().shared(|n: i32| n);
    assert_eq!(plain.is_err(), cfg!(target_arch = "x86"));
}

#[cfg_attr(target_arch = "x86", ignore = "unwinding is refused there")]
#[test]
fn an_unwinding_callback_lets_a_panic_through_c() -> Result<(), Error> {
    let source = "int through(int (*f)(int), int n) { return f(n) + 1; }";
    let Some(library) = library(source, &["-fexceptions"]) else { return Ok(()) };
    // SAFETY: as defined above.
    let through = unsafe { library.function("int through(int (*f)(int), int n)")? };
    passes_through(&through, &through, |through, f| through.call((f, 7)).expect("a call"));
    let typed = through.typed::<(Through, i32), i32>()?;
    passes_through(&through, &through, |_, f| typed.call((f, 7)));
    // A stub that ends in a jump is nowhere on the stack.
    passes_through(&through, &through, |through, f| {
        let result = through.call_values(&[Value::Pointer(f.erase()), Value::I32(7)]).expect("a call");
        i32::try_from(result).expect("an int")
    });
    Ok(())
}
