//! "Callback functions".

use callsmith::{Callback, DynCallback, Error, Library, Ptr, Value};
use std::sync::{Arc, Mutex};

const QSORT: &str = "void qsort(int *base, size_t n, size_t size, int (*compare)(const int *, const int *))";

/// The numbers that two elements are.
fn pair(a: Ptr<i32>, b: Ptr<i32>) -> (i32, i32) {
    // SAFETY: qsort gives pointers to elements.
    unsafe { (a.as_ptr().read(), b.as_ptr().read()) }
}

/// `ia = IntArray5(5, 1, 7, 33, 99)`, sorted by a comparison that prints what it is given and says that all are equal, and
/// by one that compares.
#[test]
fn qsort_calls_a_closure_with_pointers_to_elements() -> Result<(), Error> {
    // SAFETY: qsort's prototype; the lengths below match.
    let qsort = unsafe { Library::this_process().function(QSORT)? };
    let mut numbers = [5, 1, 7, 33, 99];

    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    let equal = Callback::<fn(Ptr<i32>, Ptr<i32>) -> i32>::new(move |a, b| {
        seeing.lock().expect("a lock").push(pair(a, b));
        0
    })?;
    qsort.call::<_, ()>((&mut numbers[..], 5, 4, &equal))?;
    let seen = seen.lock().expect("a lock");
    assert!(seen.iter().all(|(a, b)| numbers.contains(a) && numbers.contains(b)), "{seen:?}");

    let compare = Callback::<fn(Ptr<i32>, Ptr<i32>) -> i32>::new(|a, b| {
        let (a, b) = pair(a, b);
        a.cmp(&b) as i32
    })?;
    qsort.call::<_, ()>((&mut numbers[..], 5, 4, &compare))?;
    assert_eq!(numbers, [1, 5, 7, 33, 99]);
    Ok(())
}

/// The form with a decorator: a function that becomes a callback where it is written, here of a type that is only known at
/// run time.
#[test]
fn qsort_calls_a_function_of_the_declared_type() -> Result<(), Error> {
    // SAFETY: as above.
    let qsort = unsafe { Library::this_process().function(QSORT)? };
    let declared = qsort.prototype().params[3].ty.prototype().expect("a pointer to a function");
    let compare = DynCallback::new(&declared, |args| match (args.get(0), args.get(1)) {
        (Value::Pointer(a), Value::Pointer(b)) => {
            // SAFETY: qsort gives pointers to elements.
            let (a, b) = unsafe { (a.cast::<i32>(), b.cast::<i32>()) };
            let (a, b) = pair(a, b);
            Value::I32(a.cmp(&b) as i32)
        }
        _ => Value::I32(0),
    })?;
    let mut numbers = [5, 1, 7, 33, 99];
    qsort.call::<_, ()>((&mut numbers[..], 5, 4, &compare))?;
    assert_eq!(numbers, [1, 5, 7, 33, 99]);
    Ok(())
}
