//! The signatures that are measured, each with a loop that calls a function of it, and with what the function does.

#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // any arithmetic will do

use super::Limits;
use callsmith::callback::{Callback, CallbackArgs, Signature, ThisThread};
use callsmith::{Value, c_struct};
use std::ffi::c_void;
use std::hint::black_box;

c_struct! {
    /// Two vector registers, both ways.
    #[derive(Debug, PartialEq)]
    pub(crate) struct Pair { pub x: f64, pub y: f64 }

    /// Memory, both ways.
    #[derive(Debug, PartialEq)]
    pub(crate) struct Triple { pub x: i64, pub y: i64, pub z: i64 }
}

/// What a function adds that holds something.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub(crate) whole: i64,
    pub(crate) real: f64,
}

/// The same, as something that is to be dropped.
pub(crate) struct Owned(pub(crate) Held);

impl Owned {
    pub(crate) fn held(&self) -> Held {
        self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        black_box(self.0.whole);
    }
}

/// What a function adds that holds nothing.
pub(crate) const NOTHING_HELD: Held = Held { whole: 1, real: 1.0 };

/// A signature.
pub(crate) trait Row {
    /// The signature, for the table.
    const TITLE: &'static str;
    /// The signature in C.
    const PROTOTYPE: &'static str;
    /// What calls may cost.
    const LIMITS: Limits;
    /// The signature in Rust.
    type Signature: Signature<Args = Self::Args, Result = Self::Result>;
    type Args;
    type Result;

    /// What the function does.
    fn body(held: Held, args: Self::Args) -> Self::Result;
    /// The same, over pointers to the arguments and to the result's place.
    ///
    /// # Safety
    /// There is a pointer for each argument, and room for the result.
    unsafe fn over_pointers(held: Held, pointers: *const *const c_void, result: *mut c_void);
    /// The same, over values.
    fn over_values(held: Held, args: &CallbackArgs<'_>) -> Value;
    /// A C function pointer.
    fn direct() -> *const c_void;
    /// Holding nothing.
    fn bare() -> Callback<Self::Signature>;
    /// Holding something.
    fn counted() -> Callback<Self::Signature>;
    /// Holding what is to be dropped.
    fn owning() -> Callback<Self::Signature>;
    /// Never dropped.
    fn forever() -> &'static Callback<Self::Signature>;
    /// An `FnMut`.
    fn local_mut() -> Callback<Self::Signature, ThisThread>;
    /// Calls a function of this signature so many times, as C does.
    ///
    /// # Safety
    /// It is one.
    unsafe fn drive(function: *const c_void, times: u64);
    /// The types of the arguments, and the one of the result, for libffi: basic ones, or structs.
    const FFI: (&'static [FfiKind], FfiKind);
}

/// A type for libffi.
#[derive(Clone, Copy)]
pub(crate) enum FfiKind {
    Basic(&'static str),
    Struct(&'static [&'static str]),
}

macro_rules! rows {
    ($($name:ident $title:literal [typed + $typed:literal, dynamic $dynamic:literal] $prototype:literal
        ($held:ident, $($arg:ident: $ty:ty),*) -> $result:ty $body:block
        values ($values:ident) $over_values:block
        loop $loop:item ffi [$($ffi:expr),*] -> $ffi_result:expr;)*) => {$(
        pub(crate) enum $name {}

        impl Row for $name {
            const TITLE: &'static str = $title;
            const PROTOTYPE: &'static str = $prototype;
            const LIMITS: Limits = Limits { typed: $typed, dynamic: $dynamic };
            type Signature = fn($($ty),*) -> $result;
            type Args = ($($ty,)*);
            type Result = $result;

            #[inline(always)]
            fn body($held: Held, ($($arg,)*): Self::Args) -> $result $body

            #[inline(always)]
            unsafe fn over_pointers(held: Held, pointers: *const *const c_void, result: *mut c_void) {
                let mut next = pointers;
                // SAFETY: the caller's promise.
                unsafe {
                    $(
                        let $arg = (*next).cast::<$ty>().read();
                        next = next.add(1);
                    )*
                    let _ = next;
                    result.cast::<$result>().write($name::body(held, ($($arg,)*)));
                }
            }

            #[inline(always)]
            fn over_values($held: Held, args: &CallbackArgs<'_>) -> Value {
                let $values = args;
                $over_values
            }

            fn direct() -> *const c_void {
                extern "C" fn direct($($arg: $ty),*) -> $result {
                    $name::body(NOTHING_HELD, ($($arg,)*))
                }
                direct as extern "C" fn($($ty),*) -> $result as *const c_void
            }

            fn bare() -> Callback<Self::Signature> {
                Callback::new(|$($arg: $ty),*| $name::body(NOTHING_HELD, ($($arg,)*))).expect("a callback")
            }

            fn counted() -> Callback<Self::Signature> {
                let held = black_box(NOTHING_HELD);
                Callback::new(move |$($arg: $ty),*| $name::body(held, ($($arg,)*))).expect("a callback")
            }

            fn owning() -> Callback<Self::Signature> {
                let owned = Owned(black_box(NOTHING_HELD));
                Callback::new(move |$($arg: $ty),*| $name::body(owned.held(), ($($arg,)*))).expect("a callback")
            }

            fn forever() -> &'static Callback<Self::Signature> {
                let held = black_box(NOTHING_HELD);
                Callback::forever(move |$($arg: $ty),*| $name::body(held, ($($arg,)*))).expect("a callback")
            }

            fn local_mut() -> Callback<Self::Signature, ThisThread> {
                let mut held = black_box(NOTHING_HELD);
                let callback = Callback::local_mut(move |$($arg: $ty),*| {
                    held.whole += 1;
                    $name::body(held, ($($arg,)*))
                });
                callback.expect("a callback")
            }

            #[inline(never)]
            unsafe fn drive(function: *const c_void, times: u64) {
                $loop
                // SAFETY: the caller's promise.
                let function = unsafe { std::mem::transmute::<*const c_void, extern "C" fn($($ty),*) -> $result>(function) };
                drive(function, times);
            }

            const FFI: (&'static [FfiKind], FfiKind) = (&[$($ffi),*], $ffi_result);
        }
    )*

    /// Something to be done with every row.
    pub(crate) trait Visit {
        /// Does it.
        fn row<R: Row>(&mut self);
    }

    /// Does it with every row.
    pub(crate) fn visit(visitor: &mut impl Visit) {
        $(visitor.row::<$name>();)*
    }
    };
}

use FfiKind::{Basic, Struct};

rows! {
    Int "int(int)" [typed + 5, dynamic 27] "int f(int)"
        (held, n: i32) -> i32 { n.wrapping_mul(3).wrapping_add(held.whole as i32) }
        values (args) {
            match args.get(0) {
                Value::I32(n) => Value::I32(Int::body(held, (n,))),
                _ => Value::Void,
            }
        }
        loop #[inline(always)] fn drive(function: extern "C" fn(i32) -> i32, times: u64) {
            let mut sum = 0i32;
            for n in 0..times as i32 {
                sum = sum.wrapping_add(function(n));
            }
            black_box(sum);
        }
        ffi [Basic("sint32")] -> Basic("sint32");

    Doubles "double(double, double, double)" [typed + 5, dynamic 43] "double f(double, double, double)"
        (held, x: f64, y: f64, z: f64) -> f64 { (x + y) * z + held.real }
        values (args) {
            match (args.get(0), args.get(1), args.get(2)) {
                (Value::F64(x), Value::F64(y), Value::F64(z)) => Value::F64(Doubles::body(held, (x, y, z))),
                _ => Value::Void,
            }
        }
        loop #[inline(always)] fn drive(function: extern "C" fn(f64, f64, f64) -> f64, times: u64) {
            let mut sum = 0.0;
            for n in 0..times as i64 {
                sum += function(n as f64, 2.0, 3.0);
            }
            black_box(sum);
        }
        ffi [Basic("double"), Basic("double"), Basic("double")] -> Basic("double");

    Pairs "{double, double}({double, double}, long long)" [typed + 5, dynamic 39]
        "struct pair { double x, y; } f(struct pair p, long long n)"
        (held, pair: Pair, n: i64) -> Pair { Pair { x: pair.x + n as f64, y: pair.y + held.real } }
        values (args) {
            let (Value::Data(mut pair), Value::I64(n)) = (args.get(0), args.get(1)) else { return Value::Void };
            // SAFETY: the argument's struct.
            let place = unsafe { &mut *pair.as_mut_ptr().cast::<Pair>() };
            *place = Pairs::body(held, (*place, n));
            Value::Data(pair)
        }
        loop #[inline(always)] fn drive(function: extern "C" fn(Pair, i64) -> Pair, times: u64) {
            let mut sum = 0.0;
            for n in 0..times as i64 {
                let pair = function(Pair { x: 1.0, y: 2.0 }, n);
                sum += pair.x * pair.y;
            }
            black_box(sum);
        }
        ffi [Struct(&["double", "double"]), Basic("sint64")] -> Struct(&["double", "double"]);

    Triples "24-byte struct to 24-byte struct" [typed + 12, dynamic 44]
        "struct triple { long long x, y, z; } f(struct triple)"
        (held, t: Triple) -> Triple {
            Triple { x: t.y.wrapping_add(held.whole), y: t.z, z: t.x.wrapping_add(t.z) }
        }
        values (args) {
            let Value::Data(mut triple) = args.get(0) else { return Value::Void };
            // SAFETY: the argument's struct.
            let place = unsafe { &mut *triple.as_mut_ptr().cast::<Triple>() };
            *place = Triples::body(held, (*place,));
            Value::Data(triple)
        }
        loop #[inline(always)] fn drive(function: extern "C" fn(Triple) -> Triple, times: u64) {
            let mut sum = 0i64;
            for n in 0..times as i64 {
                let triple = function(Triple { x: n, y: n + 1, z: n + 2 });
                sum = sum.wrapping_add(triple.x ^ triple.y ^ triple.z);
            }
            black_box(sum);
        }
        ffi [Struct(&["sint64", "sint64", "sint64"])] -> Struct(&["sint64", "sint64", "sint64"]);
}
