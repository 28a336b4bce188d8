//! Callbacks, called by C and by generated code.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)] // small numbers

#[path = "callbacks/c.rs"]
mod c;
#[path = "callbacks/dying.rs"]
mod dying;
#[path = "callbacks/lives.rs"]
mod lives;
#[path = "callbacks/panics.rs"]
mod panics;
#[path = "callbacks/stops.rs"]
mod stops;
mod support;
#[path = "callbacks/types.rs"]
mod types;

use c::called_back;
use callsmith::callback::{self, Callback, DynCallback};
use callsmith::{Error, Function, Library, Ptr, Value, c_struct, decl, host};

#[test]
fn typed_callbacks_are_functions() -> Result<(), Error> {
    let double: Callback<fn(i32) -> i32> = Callback::new(|n: i32| 2 * n)?;
    let by = 3;
    let captured: Callback<fn(f64, f64, f64) -> f64> =
        Callback::new(move |a: f64, b: f64, c: f64| (a + b + c) * f64::from(by))?;
    let result: i32 = called_back(&double, "int f(int n)").call((21,))?;
    assert_eq!(result, 42);
    let result: f64 = called_back(&captured, "double f(double, double, double)").call((1.0, 2.0, 3.0))?;
    assert_eq!(result, 18.0);
    Ok(())
}

c_struct! {
    #[derive(Debug, PartialEq)]
    struct Triple { a: i64, b: i64, c: i64 }
}

#[test]
fn structs_go_both_ways() -> Result<(), Error> {
    let turn: Callback<fn(Triple) -> Triple> = Callback::new(|t: Triple| Triple { a: t.b, b: t.c, c: t.a })?;
    let turn = called_back(&turn, "struct t { long long a, b, c; } f(struct t)");
    let result: Triple = turn.call((Triple { a: 1, b: 2, c: 3 },))?;
    assert_eq!(result, Triple { a: 2, b: 3, c: 1 });
    Ok(())
}

#[test]
fn state_lives_in_the_closure() -> Result<(), Error> {
    let mut sum = 0;
    let add: Callback<fn(i32) -> i32, callback::ThisThread> = Callback::local_mut(move |n: i32| {
        sum += n;
        sum
    })?;
    let add = called_back(&add, "int f(int)");
    let last: i32 = (1..=10).map(|n| add.call::<_, i32>((n,))).last().expect("ten")?;
    assert_eq!(last, 55);
    Ok(())
}

#[test]
fn dynamic_callbacks_take_what_the_prototype_says() -> Result<(), Error> {
    let text = "struct p { double x; long long n; } f(char c, struct p p, long double l, long long a, long long b, \
                long long d, long long e, long long g)";
    let prototype = decl::parse_prototype(text, host::MODEL)?;
    let callback = DynCallback::new(&prototype, |args| {
        let Value::Data(mut p) = args.get(1) else { return Value::Void };
        let total: i64 = (3..8).filter_map(|i| args.get(i).as_integer()).filter_map(|n| n.fit::<i64>()).sum();
        p.set("n", total).expect("n");
        p.set("x", args.get(2).as_float().expect("a float")).expect("x");
        Value::Data(p)
    })?;
    // SAFETY: its own prototype.
    let function = unsafe { Function::from_address(callback.address(), prototype)? };
    let p = callsmith::Data::new(&function.prototype().params[1].ty)?;
    let numbers = [1i64, 2, 3, 4, 5].map(Value::from);
    let mut args = vec![Value::I8(1), p.into(), Value::F64(2.5)];
    args.extend(numbers);
    let result = function.call_values(&args)?;
    assert_eq!(result.to_string(), "{.x = 2.5, .n = 15}");
    Ok(())
}

#[test]
fn qsort_takes_a_closure() -> Result<(), Error> {
    let libc = Library::this_process();
    let text = "void qsort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))";
    // SAFETY: libc's prototype; the lengths match.
    let qsort = unsafe { libc.function(text)? };
    let mut calls = 0;
    let count = |a: Ptr, b: Ptr| {
        calls += 1;
        // SAFETY: elements are i32.
        let (a, b) = unsafe { (*a.as_ptr().cast::<i32>(), *b.as_ptr().cast::<i32>()) };
        a.cmp(&b) as i32
    };
    let mut numbers = [5, 1, 99, 7, 33];
    callback::scoped::<fn(Ptr, Ptr) -> i32, _, _>(count, |compare| {
        qsort.call::<_, ()>((&mut numbers[..], 5usize, 4usize, compare))
    })??;
    assert_eq!(numbers, [1, 5, 7, 33, 99]);
    assert!(calls >= 4);

    let wrong: Callback<fn(i32) -> i32> = Callback::new(|n: i32| n)?;
    let refused: Result<(), Error> = qsort.call((&mut numbers[..], 5usize, 4usize, &wrong));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .starts_with("qsort: argument 4 'cmp': wanted int (*)(const void *, const void *)")
    );

    let dynamic = decl::parse_prototype("int cmp(const void *a, const void *b)", host::MODEL)?;
    let backwards = DynCallback::new(&dynamic, |args| match (args.get(0), args.get(1)) {
        // SAFETY: elements are i32.
        (Value::Pointer(a), Value::Pointer(b)) => unsafe {
            Value::I32((*b.as_ptr().cast::<i32>()).cmp(&*a.as_ptr().cast::<i32>()) as i32)
        },
        _ => Value::I32(0),
    })?;
    qsort.call::<_, ()>((&mut numbers[..], 5usize, 4usize, &backwards))?;
    assert_eq!(numbers, [99, 33, 7, 5, 1]);
    Ok(())
}

#[test]
fn a_hundred_thousand_live_at_once() -> Result<(), Error> {
    let callbacks: Vec<Callback<fn(i32) -> i32>> =
        (0..100_000).map(|k: i32| Callback::new(move |n: i32| n + k)).collect::<Result<_, _>>()?;
    for (k, callback) in (0..).zip(&callbacks).step_by(511) {
        let sum: i32 = called_back(callback, "int f(int)").call((1,))?;
        assert_eq!(sum, 1 + k);
    }
    drop(callbacks);
    Ok(())
}
