//! Typed callbacks, called by gcc's code: the context goes to the next free integer register, whatever the parameters
//! and the result take; where there is none, and where rustc passes a type otherwise than C does, an adapter serves.
//!
//! Every argument and result has its own pattern, and each side compares whole values.
#![cfg(not(target_arch = "x86"))] // where typed callbacks are dynamic ones, and there is no __int128

#[path = "callbacks/c.rs"]
#[allow(dead_code)]
mod c;
#[path = "callbacks_typed/samples.rs"]
mod samples;
mod support;

use callsmith::arch::Abi;
use callsmith::callback::{Callback, Win64};
use callsmith::{Error, Library, host};
use samples::*;
use std::ffi::c_void;

/// A signature: what C does, and what Rust does.
struct Case {
    /// The register that the thunk loads the context into, for SysV64.
    context: &'static str,
    /// Types and a function `int call<N>(void *callback)`, for the case of this number.
    c: fn(usize) -> String,
    /// Makes the callbacks, and has C call them.
    run: fn(&Case, &Library, usize) -> Result<(), Error>,
}

/// What C has to say to call a function with samples, and to compare what comes back.
fn caller(number: usize, attribute: &str, result: &Spelling, params: &[Spelling]) -> String {
    let list = |each: fn(&Spelling) -> &str| params.iter().map(each).collect::<Vec<_>>().join(", ");
    let types = if params.is_empty() { "void".into() } else { list(|param| &param.name) };
    let values = list(|param| &param.value);
    let (name, value) = (&result.name, &result.value);
    let body = match name.as_str() {
        "void" => format!("f({values}); return 1;"),
        _ => format!("{name} r = f({values}), wanted = {value}; return {};", result.equal("r", "wanted")),
    };
    let suffix = if attribute.is_empty() { "" } else { "_ms" };
    format!("int call{number}{suffix}({name} ({attribute} *f)({types})) {{ {body} }}\n")
}

/// The register of the thunk at `address`: `endbr64; mov register, [rip+…]`.
fn context_register(address: *const c_void) -> &'static str {
    // SAFETY: a thunk has 24 bytes of readable code.
    let code = unsafe { address.cast::<[u8; 8]>().read() };
    let [0xf3, 0x0f, 0x1e, 0xfa, rex @ (0x48 | 0x4c), 0x8b, modrm, _] = code else {
        panic!("no thunk: {code:02x?}")
    };
    let names = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15",
    ];
    names[usize::from((rex & 4) << 1 | modrm >> 3 & 7)]
}

/// Has C call it.
fn call(library: &Library, symbol: &str, address: *const c_void) {
    let caller = library.symbol(symbol).expect("the caller");
    // SAFETY: what `caller` printed: it takes a function pointer and gives back an int.
    let same = unsafe {
        let caller: extern "C" fn(*const c_void) -> i32 = std::mem::transmute(caller);
        caller(address)
    };
    assert_eq!(same, 1, "{symbol}: C got another result");
}

/// The pattern of the argument of this name: `a` is 1, `b` 2.
fn pattern(name: &str) -> u32 {
    name.bytes().map(|letter| u32::from(letter - b'a') + 1).sum()
}

macro_rules! cases {
    ($($context:ident: ($($value:ident $param:ty),*) -> $result:ty;)*) => {
        // Without parameters, nothing is compared with nothing.
        #[allow(clippy::eq_op)]
        const CASES: &[Case] = &[$(Case {
            context: stringify!($context),
            c: |number| {
                let params: Vec<Spelling> =
                    vec![$(Spelling::of(<$param>::sample(pattern(stringify!($value))))),*];
                let result = Spelling::of(<$result>::sample(RESULT));
                caller(number, "", &result, &params) + &caller(number, "__attribute__((ms_abi))", &result, &params)
            },
            run: |case, library, number| {
                type S = fn($($param),*) -> $result;
                let wanted = ($(<$param>::sample(pattern(stringify!($value))),)*);
                let captures = move |$($value: $param),*| {
                    assert_eq!(($($value,)*), wanted);
                    <$result>::sample(RESULT)
                };
                let captured: Callback<S> = Callback::new(captures)?;
                // By the registers of SysV64.
                if host::ABI == Abi::SysV64 {
                    assert_eq!(context_register(captured.address()), case.context, "{captured:?}");
                }
                let bare: Callback<S> = Callback::new(|$($value: $param),*| {
                    assert_eq!(($($value,)*), ($(<$param>::sample(pattern(stringify!($value))),)*));
                    <$result>::sample(RESULT)
                })?;
                let symbol = format!("call{number}");
                call(library, &symbol, captured.address());
                call(library, &symbol, bare.address());
                if cfg!(target_arch = "x86_64") {
                    let win64: Callback<Win64<S>> = Callback::new(captures)?;
                    call(library, &format!("{symbol}_ms"), win64.address());
                }
                Ok(())
            },
        }),*];
    };
}

/// The result's pattern is no argument's.
const RESULT: u32 = 50;

cases! {
    // Nothing takes an integer register.
    rdi: () -> ();
    rdi: () -> i32;
    rdi: (a f64) -> f32;
    rdi: (a Pair, b f32, c Floats) -> Pair;
    rdi: (a f64, b f64, c f64, d f64, e f64, f f64, g f64, h f64, i f64, j f32, k Pair) -> f64;
    rdi: (a Triple) -> i64;
    rdi: (a Empty) -> Empty;
    rdi: (a Triple, b Mixed2, c Pair) -> Mixed;
    // One is taken, by an argument, by a half of one, by the address of the result.
    rsi: (a i32) -> i32;
    rsi: (a bool) -> bool;
    rsi: (a i8, b f64) -> u8;
    rsi: (a Mixed) -> Mixed;
    rsi: (a Odd) -> Odd;
    rsi: () -> Triple;
    rsi: (a Triple) -> Triple;
    rsi: (a Pair, b f64) -> Triple;
    rdx: (a i32, b u16) -> i16;
    rdx: (a Two) -> Two;
    rdx: (a Array) -> Array;
    rdx: (a i64) -> Triple;
    rsi: (a Nested) -> Nested;
    rcx: (a i64, b f32, c i64, d Pair, e i64) -> f64;
    rcx: (a Mixed, b Two) -> Two;
    rcx: (a Two) -> Triple;
    r8: (a Two, b Two) -> Mixed;
    r8: (a i8, b i16, c u8, d u16) -> bool;
    r8: (a Mixed, b Mixed, c Mixed) -> Triple;
    r9: (a i64, b i64, c i64, d i64, e i64) -> i64;
    r9: (a Two, b Two) -> Triple;
    // One is left: not enough for a struct, which goes to memory, but for the context.
    r9: (a Two, b Two, c i64, d Two) -> i64;
    r9: (a i64, b i64, c i64, d i64, e i64, f Two, g f64, h Two) -> Two;
    r9: (a Two, b i64, c i64, d Array, e f32) -> Triple;
    // A struct without a register left among the vectors, though integers are free.
    rdi: (a Pair, b Pair, c Pair, d Pair, e Pair, f Mixed2, g f32) -> f32;
    rdi: (a f64, b f64, c f64, d f64, e f64, f f64, g f64, h Pair, i f64, j Mixed) -> i8;
    // None is left.
    r10: (a i64, b i64, c i64, d i64, e i64, f i64) -> i64;
    r10: (a Two, b Two, c Two) -> Two;
    r10: (a i64, b i64, c i64, d i64, e i64) -> Triple;
    r10: (a i8, b i16, c u8, d u16, e i32, f bool, g i8, h u16, i f32, j Triple, k Mixed, l bool) -> Odd;
    // rustc has its own way with these, or no way at all.
    r10: (a i128) -> i32;
    r10: (a i32) -> u128;
    r10: (a LongDouble, b i32) -> LongDouble;
    r10: (a Extended, b i32) -> i64;
    r10: (a f64) -> Extended;
    // rustc passes these as gcc does.
    rdx: (a Int128) -> Int128;
    r9: (a i64, b Two, c Two, d Triple, e Int128, f f32) -> Int128;
    rdx: (a i8, b Int128Float) -> Int128Float;
}

#[test]
fn c_calls_typed_callbacks() -> Result<(), Error> {
    let mut source = String::from(TYPES);
    for (number, case) in CASES.iter().enumerate() {
        source.push_str(&(case.c)(number));
    }
    for level in ["-O0", "-O2"] {
        let Some(library) = c::library(&source, &[level]) else { return Ok(()) };
        for (number, case) in CASES.iter().enumerate() {
            (case.run)(case, &library, number)?;
        }
    }
    Ok(())
}

/// The same types where Rust calls: rustc's own way with them must not be taken there either.
#[test]
fn rust_calls_with_structs_that_rustc_passes_otherwise() -> Result<(), Error> {
    let (given, wanted) = (Extended::sample(1), Extended::sample(2));
    let callback: Callback<fn(Extended, i32) -> Extended> = Callback::new(move |x: Extended, n: i32| {
        assert_eq!((x, n), (given, 7));
        wanted
    })?;
    let function = c::called_back(&callback, "struct e { long double x; } f(struct e, int)");
    let typed = function.typed::<(Extended, i32), Extended>()?;
    assert_eq!(typed.call((given, 7)), wanted);
    assert_eq!(function.call::<_, Extended>((given, 7))?, wanted);
    Ok(())
}
