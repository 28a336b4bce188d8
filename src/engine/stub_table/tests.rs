//! One stub for each signature, whoever asks, from whatever thread, on both sides of a fork.

use super::{PrepareError, Prepared, Stub, StubTable};
use crate::arch::layout::{DataModel, Float, Scalar, Type};
use crate::arch::{self, Abi, Signature};
use crate::engine::bound::Returns;
use crate::engine::code_memory::CodeMemory;
use crate::engine::prepare::prepare;
use crate::engine::testing::{Off, Running, in_child};
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const SCALARS: [Scalar; 4] = [Scalar::I32, Scalar::U64, Scalar::Pointer, Scalar::Float(Float::F64)];

/// Signature number `number`: its digits to base 4 are its parameters. Made anew at each call.
fn numbered(number: usize) -> Signature {
    let mut params = Vec::new();
    let mut rest = number;
    while rest > 0 {
        params.push(Type::Scalar(SCALARS[rest % 4]));
        rest /= 4;
    }
    Signature::new(Abi::SysV64, Some(Type::Scalar(Scalar::I32)), params).unwrap()
}

/// A stub that returns `number` as an `int`; the code is x86-64's.
fn prepared(number: usize) -> Prepared {
    let number = u32::try_from(number).unwrap();
    let slots = [&[0xb8][..], &number.to_le_bytes(), &[0xc3]].concat();
    Prepared { slots, returns: Returns::Word, result_size: 4 }
}

/// Whether `stub` is the one that `prepared` makes of `number`.
#[allow(unsafe_code)]
fn is_numbered(stub: &Stub, number: usize) -> bool {
    // SAFETY: the stubs of these tests take nothing and return an `int`.
    let function: extern "C" fn() -> u32 = unsafe { std::mem::transmute(stub.slots.as_ptr()) };
    function() == u32::try_from(number).unwrap()
}

fn table() -> StubTable {
    StubTable::new(CodeMemory::global())
}

#[test]
fn the_key_is_what_the_types_are() {
    let table = table();
    let int = || Type::Scalar(Scalar::I32);
    let ints = |len| Type::array(int(), len, &DataModel::LP64).unwrap();
    let described = || {
        let new = |abi, result, params| Signature::new(abi, result, params).unwrap();
        let variadic = |fixed| Signature::variadic(Abi::SysV64, None, vec![int(), int()], fixed).unwrap();
        [
            new(Abi::SysV64, None, vec![]),
            new(Abi::Win64, None, vec![]),
            new(Abi::SysV64, Some(int()), vec![]),
            new(Abi::SysV64, None, vec![int()]),
            new(Abi::SysV64, None, vec![int(), int()]),
            variadic(1),
            variadic(2),
            new(Abi::SysV64, None, vec![Type::Scalar(Scalar::U32)]),
            new(Abi::SysV64, None, vec![Type::Scalar(Scalar::Float(Float::F32))]),
            new(Abi::SysV64, None, vec![Type::Complex(Float::F32)]),
            new(Abi::SysV64, None, vec![ints(2)]),
            new(Abi::SysV64, None, vec![ints(3)]),
        ]
    };
    for (number, signature) in described().iter().enumerate() {
        table.get_or_prepare(signature.clone(), |_| Ok(prepared(number))).unwrap();
    }
    for (number, again) in described().iter().enumerate() {
        let stub = table.get_or_prepare(again.clone(), |_| panic!("{again:?} is there")).unwrap();
        assert!(is_numbered(stub, number), "{again:?}");
    }
}

#[test]
fn stubs_whose_hashes_collide_are_all_found() {
    let table = table();
    let mut turn = table.take_turn();
    // Two levels, each place found from the last one on and around.
    for number in 0..400 {
        let Prepared { slots, returns, result_size } = prepared(number);
        let slots = table.memory.publish(&slots).unwrap();
        let [gather, adapter] = [const { OnceLock::new() }; 2];
        let (signature, hash) = (numbered(number), u64::MAX);
        assert!(table.levels.find(hash, &signature).is_none());
        let stub = turn.keep(Stub { signature, hash, slots, returns, result_size, gather, adapter });
        table.levels.insert(&mut turn.last, stub);
    }
    for number in 0..400 {
        let found = table.levels.find(u64::MAX, &numbered(number));
        assert!(found.is_some_and(|stub| is_numbered(stub, number)));
    }
    assert!(table.levels.find(u64::MAX, &numbered(400)).is_none());
    assert!(table.levels.find(0, &numbered(0)).is_none());
}

#[test]
fn an_error_is_passed_on_and_not_remembered() {
    let (table, signature) = (table(), numbered(5));
    let limit = arch::Error::TooDeep { limit: 1 };
    let error = table.get_or_prepare(signature.clone(), |_| Err(limit.clone())).unwrap_err();
    assert!(matches!(error, PrepareError::Plan(given) if given == limit));
    assert!(is_numbered(table.get_or_prepare(signature, |_| Ok(prepared(5))).unwrap(), 5));
}

#[test]
fn parent_and_child_prepare_without_touching_each_other() {
    const BEFORE: usize = 100;
    let table = table();
    let bind = |numbers: std::ops::Range<usize>, tag: usize| {
        numbers.into_iter().all(|number| {
            let expected = if number < BEFORE { number } else { number | tag };
            let stub = table.get_or_prepare(numbered(number), |_| Ok(prepared(expected)));
            stub.is_ok_and(|stub| is_numbered(stub, expected))
        })
    };
    assert!(bind(0..BEFORE, 0));
    let child = in_child(|| bind(0..1_100, 1 << 16));
    assert!(bind(0..1_100, 1 << 17));
    assert!(child.succeeded());
    assert!(bind(0..1_100, 1 << 17));
}

#[test]
fn each_signature_is_prepared_once_by_eight_threads() {
    const THREADS: usize = 8;
    /// A prime, so that every stride visits all.
    const SIGNATURES: usize = 2_003;
    let table = table();
    let prepared_count: Vec<AtomicUsize> = (0..SIGNATURES).map(|_| AtomicUsize::new(0)).collect();
    let bind_all = |thread: usize| {
        // Each thread goes another way round, and meets the others everywhere.
        let order = (0..SIGNATURES).map(|i| (i * (2 * thread + 1) + thread) % SIGNATURES);
        let mut found = vec![None; SIGNATURES];
        for number in order.clone().chain(order) {
            let stub = table.get_or_prepare(numbered(number), |_| {
                prepared_count[number].fetch_add(1, Ordering::Relaxed);
                Ok(prepared(number))
            });
            let stub = stub.unwrap();
            assert!(is_numbered(stub, number));
            assert_eq!(stub.signature, numbered(number));
            let before = found[number].replace(std::ptr::from_ref(stub).addr());
            assert!(before.is_none_or(|before| before == std::ptr::from_ref(stub).addr()));
        }
        found
    };
    let found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || bind_all(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(prepared_count.iter().all(|count| count.load(Ordering::Relaxed) == 1));
}

/// A signature of `int`s and `long`s, told apart by `number`'s bits, and the sum that [`sum`] makes of 1, 2, 3, ….
fn summing(number: u64) -> (Signature, i64) {
    let width = |bit: u32| if number >> bit & 1 == 0 { Scalar::I32 } else { Scalar::I64 };
    let params: Vec<Type> = (0..14).map(|bit| Type::Scalar(width(bit))).collect();
    let count = i64::try_from(params.len()).unwrap();
    let result = Some(Type::Scalar(Scalar::I64));
    (Signature::new(Abi::SysV64, result, params).unwrap(), count * (count + 1) / 2)
}

/// The callee: an `int` that fits is as good in a `long` here, since slots are read by their parameter's type.
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
            .get_or_prepare(signature, |signature| prepare(signature, Abi::SysV64))
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
