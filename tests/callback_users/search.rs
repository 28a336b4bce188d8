//! `qsort` and `bsearch`.

use callsmith::callback::{self, Callback, DynCallback};
use callsmith::{Error, Function, Library, Ptr, Value, c_struct};

const COMPARE: &str = "int (*compare)(const void *, const void *)";

c_struct! {
    #[derive(Debug, PartialEq)]
    struct Entry { key: i32, payload: f64 }
}

fn functions() -> Result<(Function, Function), Error> {
    let libc = Library::this_process();
    // SAFETY: as <stdlib.h> has them; the lengths below match.
    unsafe {
        Ok((
            libc.function(&format!("void qsort(void *base, size_t n, size_t size, {COMPARE})"))?,
            libc.function(&format!(
                "void *bsearch(const void *key, const void *base, size_t n, size_t size, {COMPARE})"
            ))?,
        ))
    }
}

fn entry(at: Ptr) -> Entry {
    // SAFETY: both functions give pointers to the key and to elements.
    unsafe { *at.as_ptr().cast() }
}

fn by_key(a: Ptr, b: Ptr) -> i32 {
    entry(a).key.cmp(&entry(b).key) as i32
}

#[test]
fn structs_are_sorted_and_found() -> Result<(), Error> {
    let (qsort, bsearch) = functions()?;
    let mut entries: Vec<_> =
        (0..1000).map(|n: i32| Entry { key: n * 7919 % 1009, payload: f64::from(n) }).collect();
    let mut expected = entries.clone();
    expected.sort_by_key(|entry| entry.key);
    let size = size_of::<Entry>();
    let compare = Callback::<fn(Ptr, Ptr) -> i32>::new(by_key)?;
    qsort.call::<_, ()>((&mut entries[..], 1000usize, size, &compare))?;
    assert_eq!(entries, expected);

    for wanted in [entries[0], entries[500], entries[999]] {
        let found: Ptr = bsearch.call((&wanted, &entries[..], 1000usize, size, &compare))?;
        assert_eq!(entry(found), wanted);
    }
    let missing: Ptr =
        bsearch.call((&Entry { key: -1, payload: 0.0 }, &entries[..], 1000usize, size, &compare))?;
    assert!(missing.is_null());
    Ok(())
}

#[test]
fn a_comparator_may_count_or_be_dynamic() -> Result<(), Error> {
    let (qsort, bsearch) = functions()?;
    let mut numbers: Vec<i64> = (0..100).rev().collect();
    let mut calls = 0;
    // SAFETY: elements are i64.
    let number = |at: Ptr| unsafe { *at.as_ptr().cast::<i64>() };
    let counting = |a: Ptr, b: Ptr| {
        calls += 1;
        number(a).cmp(&number(b)) as i32
    };
    callback::scoped::<fn(Ptr, Ptr) -> i32, _, _>(counting, |compare| {
        qsort.call::<_, ()>((&mut numbers[..], 100usize, 8usize, compare))
    })??;
    assert!(numbers.is_sorted() && calls >= 99, "{calls}");

    let prototype = bsearch.prototype().params[4].ty.prototype().expect("a comparator");
    let compare = DynCallback::new(&prototype, move |args| match (args.get(0), args.get(1)) {
        (Value::Pointer(a), Value::Pointer(b)) => Value::I32(number(a).cmp(&number(b)) as i32),
        _ => Value::Void,
    })?;
    let found: Ptr = bsearch.call((&42i64, &numbers[..], 100usize, 8usize, &compare))?;
    assert_eq!(found.as_ptr().cast_const().cast(), &raw const numbers[42]);
    Ok(())
}
