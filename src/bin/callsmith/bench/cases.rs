//! What is measured: built-in functions of typical signatures, or functions of a mathematics library.
//!
//! # Safety
//! The functions looked up are declared here as the C standard declares them.
#![allow(unsafe_code)]

use super::callees::{self, Floats, Mixed, Pair, Triple};
use super::direct::Variadic;
use super::libffi::Libffi;
use super::ways::{Case, case};
use callsmith::{Error, Library, Ptr};
use std::ffi::{c_long, c_void};
use std::mem::transmute;

/// The structs that the built-in cases pass by value.
pub(super) const STRUCTS: [&str; 4] = [
    "struct pair { double x, y; };",
    "struct triple { long a, b, c; };",
    "struct mixed { long n; double x; };",
    "struct floats { float a, b, c; };",
];

/// The parameters of the case of mixed scalars.
pub(super) const EIGHT: &str = "int, double, long, float, void *, double, short, signed char";

/// Each case: its name, the function as C declares it, and as a Rust function pointer; arguments for it.
macro_rules! cases {
    ($libffi:expr; $($name:literal = $declaration:expr, $callee:expr => fn($($ty:ty),*) $(-> $result:ty)?, ($($argument:expr),*);)*) => {
        vec![$({
            let callee: extern "C" fn($($ty),*) $(-> $result)? = $callee;
            case($name, &(STRUCTS.concat() + $declaration), None, callee, ($($argument,)*), $libffi)?
        }),*]
    };
}

/// Functions of this program.
pub(super) fn built_in(libffi: Option<&Libffi>) -> Result<Vec<Case>, Error> {
    let null = Ptr::<c_void>::NULL;
    let mut cases = cases! { libffi;
        "void(void)" = "void f(void)", callees::nothing => fn(), ();
        "int(int)" = "int f(int)", callees::one => fn(i32) -> i32, (1);
        "double(double × 2)" = "double f(double, double)",
            callees::two => fn(f64, f64) -> f64, (1.5, 2.5);
        "long(long × 6)" = "long f(long, long, long, long, long, long)",
            callees::six => fn(c_long, c_long, c_long, c_long, c_long, c_long) -> c_long, (1, 2, 3, 4, 5, 6);
        "double(eight mixed)" = &format!("double f({EIGHT})"),
            callees::eight => fn(i32, f64, c_long, f32, Ptr, f64, i16, i8) -> f64, (1, 2.0, 3, 4.0, null, 6.0, 7, 8);
        "long(long × 14)" = "long f(long, long, long, long, long, long, long, long, long, long, long, long, long, long)",
            callees::fourteen => fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long, c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long,
            (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
        "pair(pair, pair)" = "struct pair f(struct pair, struct pair)",
            callees::pairs => fn(Pair, Pair) -> Pair, (callees::PAIR, callees::PAIR);
        "triple(triple)" = "struct triple f(struct triple)",
            callees::triple => fn(Triple) -> Triple, (callees::TRIPLE);
        "floats(mixed)" = "struct floats f(struct mixed)",
            callees::mixed => fn(Mixed) -> Floats, (callees::MIXED);
    };
    let declaration = "int f(const void *, int, double, const void *)";
    let callee = Variadic::new(callees::variadic);
    cases.push(case("int(void *, ...)", declaration, Some(1), callee, (null, 2, 3.0, null), libffi)?);
    Ok(cases)
}

/// Functions of the mathematics library `library`, which must stay open as long as the cases live.
pub(super) fn of_library(library: &Library, libffi: Option<&Libffi>) -> Result<Vec<Case>, Error> {
    // SAFETY: C11 7.12 declares the functions of these names so.
    unsafe {
        Ok(cases! { libffi;
            "double fabs(double)" = "double f(double)",
                transmute::<*const c_void, extern "C" fn(f64) -> f64>(library.symbol("fabs")?) => fn(f64) -> f64, (-1.5);
            "double fmax(double, double)" = "double f(double, double)",
                transmute::<*const c_void, extern "C" fn(f64, f64) -> f64>(library.symbol("fmax")?)
                => fn(f64, f64) -> f64, (1.5, 2.5);
            "double fma(double × 3)" = "double f(double, double, double)",
                transmute::<*const c_void, extern "C" fn(f64, f64, f64) -> f64>(library.symbol("fma")?)
                => fn(f64, f64, f64) -> f64, (1.5, 2.5, 3.5);
            "double ldexp(double, int)" = "double f(double, int)",
                transmute::<*const c_void, extern "C" fn(f64, i32) -> f64>(library.symbol("ldexp")?)
                => fn(f64, i32) -> f64, (1.5, 4);
            "double pow(double, double)" = "double f(double, double)",
                transmute::<*const c_void, extern "C" fn(f64, f64) -> f64>(library.symbol("pow")?)
                => fn(f64, f64) -> f64, (2.0, 10.0);
        })
    }
}
