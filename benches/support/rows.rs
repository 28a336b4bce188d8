//! The signatures that are measured, each with its callee, and with what may be added to a direct call of it by slots
//! and by pointers.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // any arithmetic will do

use super::{Limits, Row, Sample};
use callsmith::{Ptr, Typed, TypedVariadic, c_struct};
use std::ffi::{c_char, c_long, c_void};

c_struct! {
    /// Two vector registers, both ways.
    #[derive(Debug, PartialEq)]
    pub(crate) struct Pair { pub x: f64, pub y: f64 }

    /// Memory, both ways.
    #[derive(Debug, PartialEq)]
    pub(crate) struct Triple { pub x: c_long, pub y: c_long, pub z: c_long }

    /// One register of each class.
    #[derive(Debug, PartialEq)]
    pub(crate) struct Mixed { pub n: c_long, pub x: f64 }

    /// Two vector registers, one of them half full.
    #[derive(Debug, PartialEq)]
    pub(crate) struct Singles { pub x: f32, pub y: f32, pub z: f32 }
}

/// `$pointer` is the callee's type as C sees it, where that is not simply the Rust function's.
macro_rules! rows {
    ($($name:ident $title:literal [$slots:literal, $gather:literal] $prototype:literal $(($fixed:literal, ...))?
        fn($($arg:ident: $ty:ty = $value:expr),*) -> $result:ty $body:block $(as $pointer:ty)?;)*) => {$(
        pub(crate) enum $name {}

        impl $name {
            #[inline(never)]
            extern "C" fn called($($arg: $ty),*) -> $result $body
        }

        impl Row for $name {
            const TITLE: &'static str = $title;
            const PROTOTYPE: &'static str = $prototype;
            const FIXED: Option<usize> = [$(Some($fixed),)? None][0];
            const LIMITS: Limits = Limits { slots: $slots, gather: $gather };
            type Callee = pointer!($($pointer)?; fn($($ty),*) -> $result);
            type Args = ($($ty,)*);
            type Result = $result;
            type Typed = typed!(type ($($ty,)*), $result $(, $fixed)?);

            fn callee() -> Self::Callee {
                // SAFETY: the same function, seen as its C declaration has it.
                unsafe { std::mem::transmute($name::address()) }
            }

            fn typed() -> Self::Typed {
                typed!(new $name::function() $(, $fixed)?).expect("the row's types")
            }

            #[inline(always)]
            fn call_typed(typed: &Self::Typed, args: Self::Args) -> $result {
                typed.call(args)
            }

            fn address() -> *const c_void {
                let called: extern "C" fn($($ty),*) -> $result = $name::called;
                called as *const c_void
            }

            #[allow(clippy::unused_unit)] // the tuple of no arguments
            fn args() -> Self::Args {
                ($($value,)*)
            }

            fn each(args: &Self::Args) -> Vec<&dyn Sample> {
                let ($($arg,)*) = args;
                vec![$($arg),*]
            }

            #[inline(always)]
            unsafe fn direct(callee: Self::Callee, args: &Self::Args) -> $result {
                let ($($arg,)*) = *args;
                // SAFETY: the caller's promise.
                unsafe { callee($($arg),*) }
            }
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

macro_rules! pointer {
    ($pointer:ty; fn($($ty:ty),*) -> $result:ty) => { $pointer };
    (; fn($($ty:ty),*) -> $result:ty) => { unsafe extern "C" fn($($ty),*) -> $result };
}

macro_rules! typed {
    (type $args:ty, $result:ty) => { Typed<$args, $result> };
    (type $args:ty, $result:ty, $fixed:literal) => { TypedVariadic<$args, $result> };
    (new $function:expr) => { $function.typed() };
    (new $function:expr, $fixed:literal) => { $function.typed_variadic() };
}

rows! {
    Nothing "void(void)" [4, 4] "void f(void)" fn() -> () {};

    Int "int(int)" [10, 14] "int f(int x)" fn(x: i32 = 20) -> i32 { x.wrapping_add(1) };

    Doubles "double(double, double)" [9, 13] "double f(double x, double y)"
        fn(x: f64 = 3.0, y: f64 = 4.0) -> f64 { (x * x + y * y).sqrt() };

    SixLongs "long(long x6)" [10, 18] "long f(long a, long b, long c, long d, long e, long f)"
        fn(a: c_long = 1, b: c_long = 2, c: c_long = 3, d: c_long = 4, e: c_long = 5, f: c_long = 6) -> c_long {
            a.wrapping_add(b).wrapping_add(c).wrapping_add(d).wrapping_add(e).wrapping_add(f)
        };

    EightMixed "double(int, double, long, float, void *, double, short, char)" [8, 18]
        "double f(int a, double b, long c, float d, void *e, double f, short g, char h)"
        fn(
            a: i32 = 1, b: f64 = 2.0, c: c_long = 3, d: f32 = 4.0, e: Ptr = Ptr::NULL, f: f64 = 6.0, g: i16 = -7,
            h: c_char = 8
        ) -> f64 {
            let integers = c_long::from(a).wrapping_add(c).wrapping_add(c_long::from(g)).wrapping_add(c_long::from(h));
            integers as f64 + b + f64::from(d) + f + e.as_ptr().addr() as c_long as f64
        };

    FourteenLongs "long(long x14)" [21, 35]
        "long f(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k, long l, long m, long n)"
        fn(
            a: c_long = 1, b: c_long = 2, c: c_long = 3, d: c_long = 4, e: c_long = 5, f: c_long = 6, g: c_long = 7, h: c_long = 8,
            i: c_long = 9, j: c_long = 10, k: c_long = 11, l: c_long = 12, m: c_long = 13, n: c_long = 14
        ) -> c_long {
            [b, c, d, e, f, g, h, i, j, k, l, m, n].into_iter().fold(a, c_long::wrapping_add)
        };

    Pairs "{double, double} x2 -> the same" [11, 13]
        "struct pair { double x, y; } f(struct pair a, struct pair b)"
        fn(a: Pair = Pair { x: 1.0, y: 2.0 }, b: Pair = Pair { x: 3.0, y: 4.0 }) -> Pair {
            Pair { x: a.x * b.x - a.y * b.y, y: a.x * b.y + a.y * b.x }
        };

    Triples "{long, long, long} -> the same" [12, 14]
        "struct triple { long x, y, z; } f(struct triple a)"
        fn(a: Triple = Triple { x: 1, y: 2, z: 3 }) -> Triple {
            let sum = a.x.wrapping_add(a.y).wrapping_add(a.z);
            Triple { x: sum ^ a.x, y: (sum ^ a.y).wrapping_add(1), z: sum.wrapping_mul(3) & !a.z }
        };

    MixedToSingles "{long, double} -> {float, float, float}" [10, 11]
        "struct singles { float x, y, z; } f(struct mixed { long n; double x; } a)"
        fn(a: Mixed = Mixed { n: 5, x: 1.5 }) -> Singles {
            let (n, x) = (a.n as f32, a.x as f32);
            Singles { x: (n + x) * 2.0, y: n * x + 1.0, z: n - x }
        };

    // A callee of fixed parameters finds variadic arguments where it looks: both pass alike in SysV64 (psABI 3.2.3).
    Variadic "variadic (char *, int, double, char *)" [12, 16] "int f(char *format, int n, double x, char *text)" (1, ...)
        fn(format: Ptr<c_char> = Ptr::NULL, n: i32 = 2, x: f64 = 3.0, text: Ptr<c_char> = Ptr::NULL) -> i32 {
            let addresses = (format.as_ptr().addr() ^ text.as_ptr().addr()) as i32;
            let (whole, tenths) = (x as i32, (x * 10.0) as i32);
            (addresses.wrapping_add(n).wrapping_add(whole) ^ tenths).wrapping_mul(3) ^ n
        } as unsafe extern "C" fn(Ptr<c_char>, ...) -> i32;
}
