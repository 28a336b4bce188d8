//! On both sides of a fork.

use super::*;
use crate::engine::prepare::prepare;
use crate::engine::testing::{Off, Running, in_child};
use crate::host;
use std::ffi::c_void;

#[test]
fn parent_and_child_prepare_without_touching_each_other() {
    const BEFORE: usize = 100;
    let table = table();
    let bind = |numbers: std::ops::Range<usize>, tag: usize| {
        numbers.into_iter().all(|number| {
            let expected = if number < BEFORE { number } else { number | tag };
            let stub = table.get_or_prepare(numbered(number), |_, spare| Ok(prepared(expected, spare)));
            stub.is_ok_and(|stub| is_numbered(stub, expected))
        })
    };
    assert!(bind(0..BEFORE, 0));
    let child = in_child(|| bind(0..1_100, 1 << 16));
    assert!(bind(0..1_100, 1 << 17));
    assert!(child.succeeded());
    assert!(bind(0..1_100, 1 << 17));
}

/// A signature of `int`s and `unsigned`s, told apart by `number`'s bits, and the sum that [`sum`] makes of 1, 2, 3, ….
fn summing(number: u64) -> (Signature, i64) {
    let width = |bit: u32| if number >> bit & 1 == 0 { Scalar::I32 } else { Scalar::U32 };
    let params: Vec<Type> = (0..14).map(|bit| Type::Scalar(width(bit))).collect();
    let count = i64::try_from(params.len()).unwrap();
    let result = Some(Type::Scalar(Scalar::I64));
    (Signature::new(host::ABI, result, params).unwrap(), count * (count + 1) / 2)
}

/// The callee: an `int` that fits is as good in an `unsigned`.
#[allow(clippy::too_many_arguments)]
extern "C" fn sum(
    a: i32,
    b: i32,
    c: i32,
    d: i32,
    e: i32,
    f: i32,
    g: i32,
    h: i32,
    i: i32,
    j: i32,
    k: i32,
    l: i32,
    m: i32,
    n: i32,
) -> i64 {
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n].into_iter().map(i64::from).sum()
}

/// Binds what [`summing`] makes of `numbers` by the process-wide table, and calls it.
#[allow(unsafe_code)]
fn bind_and_sum(numbers: std::ops::Range<u64>) -> bool {
    let slots: [u64; 14] = std::array::from_fn(|index| index as u64 + 1);
    numbers.into_iter().all(|number| {
        let (signature, expected) = summing(number);
        let stub = StubTable::global()
            .get_or_prepare(signature, |signature, spare| prepare(signature, host::ABI, spare))
            .unwrap();
        // SAFETY: a `slots` stub takes the target and the slots, and leaves a `long` in its register. `sum` reads the low
        // half of what each parameter passes in, which is all there is to these values.
        let sum_of_slots = unsafe {
            let call: extern "C" fn(*const c_void, *const u64) -> i64 =
                std::mem::transmute(stub.slots.as_ptr());
            call(sum as *const c_void, slots.as_ptr())
        };
        sum_of_slots == expected
    })
}

#[test]
fn a_fork_while_others_prepare_leaves_the_child_a_free_table() {
    let running = Running::new();
    thread::scope(|scope| {
        let (running, _off) = (&running, Off(&running));
        for thread in 1..=2 {
            scope.spawn(move || {
                let mut number = thread << 12;
                while running.is_on() && number < (thread + 1) << 12 {
                    assert!(bind_and_sum(number..number + 1));
                    number += 1;
                }
            });
        }
        for round in 0..40 {
            let child = in_child(|| bind_and_sum(round..round + 100));
            assert!(bind_and_sum(round..round + 10));
            assert!(child.succeeded());
        }
    });
}
