//! Calls of real libraries at each of the five levels.

use callsmith::ctype::CType;
use callsmith::{Error, Library, Ptr, Value, c_struct};
use std::ffi::{CStr, c_void};

fn libm() -> Library {
    Library::open("libm.so.6").expect("libm")
}

#[test]
fn pow_by_every_level() -> Result<(), Error> {
    let libm = libm();
    // SAFETY: this is libm's prototype.
    let pow = unsafe { libm.function("double pow(double x, double y)")? };
    let y: f64 = pow.call((2.0, 10.0))?;
    assert_eq!(y, 1024.0);
    let y: f64 = pow.call((2.0, 10.0))?;
    assert_eq!(y, 1024.0);
    assert_eq!(pow.call_values(&[2.0.into(), 10.into()])?, Value::F64(1024.0));
    assert_eq!(pow.typed::<(f64, f64), f64>()?.call((2.0, 10.0)), 1024.0);
    let (a, b, mut result) = (2.0f64, 10.0f64, 0.0f64);
    let pointers: [*const c_void; 2] = [(&raw const a).cast(), (&raw const b).cast()];
    // SAFETY: two doubles, and room for one.
    unsafe { pow.invoke(pointers.as_ptr(), (&raw mut result).cast()) };
    assert_eq!(result, 1024.0);
    let slots = [callsmith::Slot::new(a.to_bits()), callsmith::Slot::new(b.to_bits())];
    // SAFETY: two doubles, and a result in a vector register.
    assert_eq!(unsafe { pow.invoke_slots::<f64>(slots.as_ptr()) }, 1024.0);
    let y: f64 = pow.call((2, 10))?;
    assert_eq!(y, 1024.0);
    Ok(())
}

c_struct! {
    #[derive(Debug, PartialEq)]
    struct Div { quot: i32, rem: i32 }
}

#[test]
fn structs_come_back_by_value() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: this is libc's prototype.
    let div = unsafe { libc.function("struct d { int quot, rem; } div(int n, int d)")? };
    let d: Div = div.call((17, 5))?;
    assert_eq!(d, Div { quot: 3, rem: 2 });
    let Value::Data(data) = div.call_values(&[17.into(), 5.into()])? else { panic!("no struct") };
    assert_eq!(data.get("rem")?, Value::I32(2));
    assert_eq!(data.to_string(), "{.quot = 3, .rem = 2}");
    Ok(())
}

#[test]
fn variadic_functions_take_any_tail() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: this is libc's prototype, and the formats below match their arguments and the buffer.
    let snprintf = unsafe { libc.function("int snprintf(char *buf, size_t n, const char *format, ...)")? };
    let mut buffer = [0u8; 64];
    for _ in 0..3 {
        let n: i32 = snprintf.call((&mut buffer[..], 64usize, c"%d %g %s", 42, 2.5, c"text"))?;
        let text = CStr::from_bytes_until_nul(&buffer).expect("a string");
        assert_eq!((n, text), (11, c"42 2.5 text"));
    }
    let n: i32 = snprintf.call((&mut buffer[..], 64, c"%d %g", 7i8, 0.5f32))?;
    assert_eq!((n, CStr::from_bytes_until_nul(&buffer).expect("a string")), (5, c"7 0.5"));
    Ok(())
}

#[test]
fn mistakes_are_named() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: these are libc's prototypes.
    let (abs, strlen) =
        unsafe { (libc.function("int abs(int number)")?, libc.function("size_t strlen(const char *s)")?) };
    let message = |result: Result<i32, Error>| result.unwrap_err().to_string();
    assert_eq!(message(abs.call(())), "int abs(int number): 1 argument(s) wanted, 0 given");
    assert_eq!(
        message(abs.call((1i64 << 40,))),
        "abs: argument 1 'number': wanted int, given 1099511627776 (i64): it holds -2147483648 to 2147483647"
    );
    assert_eq!(message(abs.call((1.5,))), "abs: argument 1 'number': wanted int, given 1.5 (f64)");
    let wrong: Result<u64, Error> = strlen.call((&5i32,));
    assert_eq!(wrong.unwrap_err().to_string(), "strlen: argument 1 's': wanted const char *, given &i32");
    let right: u64 = strlen.call((c"four",))?;
    assert_eq!(right, 4);
    let null = Ptr::<i8>::NULL;
    assert!(null.is_null());
    let missing = libc.symbol("no_such_symbol").unwrap_err().to_string();
    assert!(missing.starts_with("library 'this process' has no symbol 'no_such_symbol'"), "{missing}");
    Ok(())
}

#[test]
fn a_runtime_names_the_tail_itself() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: this is libc's prototype; the format below matches its arguments and the buffer.
    let snprintf = unsafe { libc.function("int snprintf(char *buf, size_t n, const char *format, ...)")? };
    let call = snprintf.with_tail(&[CType::int(), CType::double()])?;
    let mut buffer = [0u8; 32];
    let (to, size, format, n, x) = (buffer.as_mut_ptr(), 32usize, c"%d %g".as_ptr(), 7i32, 1.5f64);
    let pointers: [*const c_void; 5] = [
        (&raw const to).cast(),
        (&raw const size).cast(),
        (&raw const format).cast(),
        (&raw const n).cast(),
        (&raw const x).cast(),
    ];
    let mut written = 0i32;
    // SAFETY: five pointers to values of the types named, and room for an int.
    unsafe { call.invoke(pointers.as_ptr(), (&raw mut written).cast()) };
    assert_eq!((written, &buffer[..6]), (5, &b"7 1.5\0"[..]));
    let refused = snprintf.with_tail(&[CType::float()]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "snprintf: argument 4: wanted a value that can follow '...', given float: C promotes it"
    );
    Ok(())
}
