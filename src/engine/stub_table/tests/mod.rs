//! One stub for each signature, whoever asks, from whatever thread, on both sides of a fork.

#[cfg(target_os = "linux")]
mod costs;
#[cfg(unix)]
mod forked;

use super::{PrepareError, Prepared, Spare, Stub, StubTable};
use crate::arch::layout::{DataModel, Float, Scalar, Type};
use crate::arch::{self, Abi, Signature};
use crate::engine::bound::Returns;
use crate::engine::code_memory::CodeMemory;
use crate::engine::testing::code::returns;
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

/// A stub that returns `number` as an `int`.
fn prepared(number: usize, spare: &mut Spare) -> Prepared {
    spare.code = returns(u32::try_from(number).unwrap()).to_vec();
    Prepared { returns: Returns::Word, result_size: 4 }
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
        table.get_or_prepare(signature.clone(), |_, spare| Ok(prepared(number, spare))).unwrap();
    }
    for (number, again) in described().iter().enumerate() {
        let stub = table.get_or_prepare(again.clone(), |_, _| panic!("{again:?} is there")).unwrap();
        assert!(is_numbered(stub, number), "{again:?}");
    }
}

#[test]
fn stubs_whose_hashes_collide_are_all_found() {
    let table = table();
    let mut turn = table.take_turn();
    // Two levels, each place found from the last one on and around.
    for number in 0..400 {
        let Prepared { returns, result_size } = prepared(number, &mut turn.spare);
        let slots = table.memory.publish(&turn.spare.code).unwrap();
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
    let error = table.get_or_prepare(signature.clone(), |_, _| Err(limit.clone())).unwrap_err();
    assert!(matches!(error, PrepareError::Plan(given) if given == limit));
    assert!(is_numbered(table.get_or_prepare(signature, |_, spare| Ok(prepared(5, spare))).unwrap(), 5));
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
            let stub = table.get_or_prepare(numbered(number), |_, spare| {
                prepared_count[number].fetch_add(1, Ordering::Relaxed);
                Ok(prepared(number, spare))
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

#[test]
fn many_are_prepared_together() {
    let table = table();
    table.get_or_prepare(numbered(3), |_, spare| Ok(prepared(3, spare))).unwrap();
    let number_of = |signature: &Signature| (0..).find(|number| numbered(*number) == *signature).unwrap();
    let times = AtomicUsize::new(0);
    // Twice each, and the fifth cannot be planned.
    let signatures = (0..100).chain(0..100).map(numbered).collect();
    let prepare = |signature: &Signature, spare: &mut Spare| {
        times.fetch_add(1, Ordering::Relaxed);
        match number_of(signature) {
            5 => Err(arch::Error::Unsupported { what: "this one".into() }),
            number => Ok(prepared(number, spare)),
        }
    };
    table.prepare_all(signatures, prepare).unwrap();
    // One was there; the fifth was tried twice.
    assert_eq!(times.load(Ordering::Relaxed), 100);
    for number in (0..100).filter(|number| *number != 5) {
        let stub = table.get_or_prepare(numbered(number), |_, _| panic!("{number} is there")).unwrap();
        assert!(is_numbered(stub, number), "{number}");
    }
    let fifth = table.get_or_prepare(numbered(5), |_, spare| Ok(prepared(5, spare))).unwrap();
    assert!(is_numbered(fifth, 5));
    table.prepare_all(Vec::new(), prepare).unwrap();
}
