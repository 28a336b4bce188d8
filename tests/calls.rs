//! Calls of real libraries at each of the five levels.

use callsmith::arch::Abi;
use callsmith::ctype::CType;
use callsmith::{Data, Error, Function, Library, Ptr, Value, c_struct, decl, find_library, host};
use std::ffi::{CStr, c_void};

/// Microsoft's C library has it under another name.
const SNPRINTF: &str = if cfg!(windows) {
    "int snprintf(char *buf, size_t n, const char *format, ...) __asm__(\"_snprintf\")"
} else {
    "int snprintf(char *buf, size_t n, const char *format, ...)"
};

fn libm() -> Library {
    Library::open(find_library("m").expect("libm").name).expect("libm")
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
    unsafe { pow.invoker()?.invoke(pointers.as_ptr(), (&raw mut result).cast()) };
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
    let snprintf = unsafe { libc.function(SNPRINTF)? };
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
    let snprintf = unsafe { libc.function(SNPRINTF)? };
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
    // The plan is that of a call with this tail: five values, one of them in a vector register, as AL says.
    let (plan, fixed) = (call.plan()?, snprintf.plan()?);
    let told = |vectors| (host::ABI == Abi::SysV64).then_some(vectors);
    assert_eq!((plan.args.len(), plan.vector_count), (5, told(1)));
    assert_eq!(plan.check(call.signature()), Ok(()));
    assert_eq!(call.signature().fixed(), Some(3));
    assert_eq!((fixed.args.len(), fixed.vector_count), (3, told(0)));
    // SAFETY: five pointers to values of the types named, and room for an int.
    unsafe { call.invoker()?.invoke(pointers.as_ptr(), (&raw mut written).cast()) };
    assert_eq!((written, &buffer[..6]), (5, &b"7 1.5\0"[..]));
    let refused = snprintf.with_tail(&[CType::float()]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "snprintf: argument 4: wanted a value that can follow '...', given float: C promotes it"
    );
    Ok(())
}

#[test]
fn variadic_calls_are_typed_by_their_tail() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: this is libc's prototype, and the format below matches its arguments.
    let snprintf = unsafe { libc.function(SNPRINTF)? };
    let mut buffer = [0u8; 64];
    let typed = snprintf.typed_variadic::<(&mut [u8], usize, &CStr, i32, f64, &CStr), i32>()?;
    assert_eq!(typed.call((&mut buffer[..], 64, c"%d %g %s", -1, 0.25, c"typed")), 13);
    assert_eq!(CStr::from_bytes_until_nul(&buffer).expect("a string"), c"-1 0.25 typed");
    let message = |error: Error| error.to_string();
    let promoted = snprintf.typed_variadic::<(&mut [u8], usize, &CStr, f32), i32>();
    assert_eq!(
        message(promoted.unwrap_err()),
        "snprintf: argument 4: wanted a value that can follow '...', given f32"
    );
    let fixed = snprintf.typed::<(&mut [u8], usize, &CStr, i32), i32>();
    assert!(message(fixed.unwrap_err()).ends_with("it is variadic: use `typed_variadic`"));
    // SAFETY: this is libc's prototype.
    let abs = unsafe { libc.function("int abs(int)")? };
    let variadic = abs.typed_variadic::<(i32,), i32>();
    assert!(message(variadic.unwrap_err()).ends_with("it is not variadic: use `typed`"));
    Ok(())
}

/// What C code of a variadic function does to its declared parameters; the rest are as if declared, too.
extern "C" fn declared(
    text: Ptr,
    float: f32,
    truth: bool,
    byte: i8,
    short: i16,
    count: i32,
    number: f64,
) -> f64 {
    assert!(text.is_null() && truth);
    f64::from(float) + f64::from(byte) + f64::from(short) + f64::from(count) + number
}

#[test]
fn declared_parameters_of_variadic_functions_are_not_promoted() -> Result<(), Error> {
    let prototype = "double f(void *text, float, _Bool, signed char, short, ...)";
    let prototype = decl::parse_prototype(prototype, host::MODEL)?;
    let address: extern "C" fn(Ptr, f32, bool, i8, i16, i32, f64) -> f64 = declared;
    // SAFETY: on this system what follows the declared parameters passes as if it were declared.
    let f = unsafe { Function::from_address(address as *const c_void, prototype)? };
    let arguments = (Ptr::<c_void>::NULL, 0.5f32, true, -3i8, -300i16, 7i32, 0.25f64);
    let wanted = 0.5 - 3.0 - 300.0 + 7.0 + 0.25;
    for _ in 0..3 {
        assert_eq!(f.call::<_, f64>(arguments)?, wanted);
        let values = [Ptr::NULL.into(), 0.5f32.into(), true.into(), (-3i8).into(), (-300i16).into()];
        let values: Vec<Value> = values.into_iter().chain([7.into(), 0.25.into()]).collect();
        assert_eq!(f.call_values(&values)?, Value::F64(wanted));
    }
    let typed = f.typed_variadic::<(Ptr, f32, bool, i8, i16, i32, f64), f64>()?;
    assert_eq!(typed.call(arguments), wanted);
    Ok(())
}

/// A function of another convention than the process's own: its type, itself, and the attribute that C gives it.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
macro_rules! foreign {
    ($abi:literal, $attribute:literal) => {
        type Foreign = extern $abi fn(i32, f64, i64, f32, i32) -> f64;

        const ATTRIBUTE: &str = $attribute;

        extern $abi fn foreign(a: i32, b: f64, c: i64, d: f32, e: i32) -> f64 {
            f64::from(a) + b * 10.0 + c as f64 * 100.0 + f64::from(d) * 1000.0 + f64::from(e) * 10000.0
        }
    };
}

#[cfg(all(target_arch = "x86_64", not(windows)))]
foreign!("win64", "ms_abi");
#[cfg(all(target_arch = "x86_64", windows))]
foreign!("sysv64", "sysv_abi");
#[cfg(target_arch = "x86")]
foreign!("stdcall", "stdcall");

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
#[test]
fn other_conventions_go_through_stubs() -> Result<(), Error> {
    let prototype = format!("double __attribute__(({ATTRIBUTE})) f(int, double, long long, float, int)");
    let prototype = decl::parse_prototype(&prototype, host::MODEL)?;
    let address: Foreign = foreign;
    // SAFETY: this is its prototype.
    let f = unsafe { Function::from_address(address as *const c_void, prototype)? };
    for _ in 0..3 {
        assert_eq!(f.call::<_, f64>((1, 2.0, 3i64, 4.0f32, 5))?, 54321.0);
        let values = [1.into(), 2.0.into(), 3i64.into(), 4.0f32.into(), 5.into()];
        assert_eq!(f.call_values(&values)?, Value::F64(54321.0));
    }
    let typed = f.typed::<(i32, f64, i64, f32, i32), f64>();
    assert!(typed.unwrap_err().to_string().contains("rustc calls by the convention of"));
    Ok(())
}

#[test]
fn struct_arguments_are_made_by_their_function() -> Result<(), Error> {
    let swap = "struct pair { double x, y; } f(struct pair)";
    extern "C" fn swapped(pair: Pair) -> Pair {
        Pair { x: pair.y, y: pair.x }
    }
    let address: extern "C" fn(Pair) -> Pair = swapped;
    // SAFETY: this is its prototype.
    let f = unsafe {
        Function::from_address(address as *const c_void, decl::parse_prototype(swap, host::MODEL)?)?
    };
    let mut pair = f.argument(0)?;
    pair.set("x", 1.5)?;
    pair.set("y", 2.5)?;
    // A copy by the same type, which the function did not make, is as good.
    let mut other = Data::new(pair.ctype())?;
    other.set("x", 1.5)?;
    other.set("y", 2.5)?;
    for argument in [pair, other] {
        let Value::Data(result) = f.call_values(&[argument.into()])? else { panic!("no struct") };
        assert_eq!(result.to_string(), "{.x = 2.5, .y = 1.5}");
    }
    let floats = decl::parse_type("struct pair { float x, y; }", host::MODEL)?;
    assert_eq!(
        f.call_values(&[Data::new(&floats)?.into()]).unwrap_err().to_string(),
        "f: argument 1: wanted struct pair, given struct pair: it is another type of that name"
    );
    assert_eq!(
        f.argument(1).unwrap_err().to_string(),
        "struct pair f(struct pair): 1 argument(s) wanted, 2 given"
    );
    Ok(())
}

c_struct! {
    struct Pair { x: f64, y: f64 }
}

/// ctypes: "Procedure probably called with not enough arguments (4 bytes missing)".
#[cfg(target_arch = "x86")]
#[test]
fn a_wrong_number_of_popped_bytes_is_an_error() -> Result<(), Error> {
    let checked = |text: &str| {
        let prototype = decl::parse_prototype(text, host::MODEL)?;
        let address: Foreign = foreign;
        // SAFETY: as far as it goes, this is its prototype; with fewer parameters it reads what is on the stack.
        unsafe { Function::from_address(address as *const c_void, prototype)? }.stack_checked()
    };
    let arguments: [Value; 5] = [1.into(), 2.0.into(), 3i64.into(), 4.0f32.into(), 5.into()];
    let right = checked("double __stdcall f(int, double, long long, float, int)")?;
    assert_eq!(right.call_values(&arguments)?, Value::F64(54321.0));
    assert_eq!(right.call::<_, f64>((1, 2.0, 3i64, 4.0f32, 5))?, 54321.0);
    for _ in 0..3 {
        let wrong = checked("double __stdcall f(int a, double b, long long c, float d)")?;
        let error = wrong.call_values(&arguments[..4]).unwrap_err().to_string();
        assert!(error.contains("double __stdcall f(int"), "{error}");
        assert!(error.contains("not enough arguments (4 bytes missing)"), "{error}");
        assert!(error.contains("it took 28 bytes off the stack, as declared it takes 24"), "{error}");
        let typed = wrong.call::<_, f64>((1, 2.0, 3i64, 4.0f32)).unwrap_err();
        assert_eq!(typed.to_string(), error);
    }
    let more = checked("double __stdcall f(int, double, long long, float, int, int)")?;
    let six = [&arguments[..], &[6.into()]].concat();
    let error = more.call_values(&six).unwrap_err().to_string();
    assert!(error.contains("too many arguments (4 bytes in excess)"), "{error}");
    // The caller pops, as declared: the function does, too.
    let cdecl = checked("double f(int, double, long long, float, int)")?;
    let error = cdecl.call_values(&arguments).unwrap_err().to_string();
    assert!(error.contains("(28 bytes missing), or by a wrong convention"), "{error}");
    Ok(())
}

/// Every kind of result comes back through the check.
#[test]
fn checked_calls_give_results_back() -> Result<(), Error> {
    extern "C" fn truth(n: i32) -> bool {
        n > 1
    }
    extern "C" fn half(x: f32) -> f32 {
        x / 2.0
    }
    extern "C" fn swapped(pair: Pair) -> Pair {
        Pair { x: pair.y, y: pair.x }
    }
    let checked = |address: *const c_void, text: &str| {
        let prototype = decl::parse_prototype(text, host::MODEL)?;
        // SAFETY: each caller gives the prototype of its function.
        unsafe { Function::from_address(address, prototype)? }.stack_checked()
    };
    let f = checked(truth as extern "C" fn(i32) -> bool as *const c_void, "_Bool truth(int)")?;
    assert_eq!(f.call_values(&[2.into()])?, Value::Bool(true));
    assert_eq!((f.call::<_, bool>((1,))?, f.call::<_, bool>((2i64,))?), (false, true));
    assert!(f.call::<_, bool>(()).unwrap_err().to_string().contains("1 argument(s) wanted"));
    assert!(f.call_values(&[]).unwrap_err().to_string().contains("1 argument(s) wanted"));
    let f = checked(half as extern "C" fn(f32) -> f32 as *const c_void, "float half(float)")?;
    assert_eq!(f.call_values(&[3.0f32.into()])?, Value::F32(1.5));
    let swap = "struct pair { double x, y; } f(struct pair)";
    let f = checked(swapped as extern "C" fn(Pair) -> Pair as *const c_void, swap)?;
    let mut pair = f.function().argument(0)?;
    pair.set("x", 1.5)?;
    let Value::Data(result) = f.call_values(&[pair.into()])? else { panic!("no struct") };
    assert_eq!(result.to_string(), "{.x = 0, .y = 1.5}");
    let result: Pair = f.call((Pair { x: 1.0, y: 2.0 },))?;
    assert_eq!((result.x, result.y), (2.0, 1.0));
    extern "C" fn back(text: *const std::ffi::c_char) -> *const std::ffi::c_char {
        text
    }
    let back = back as extern "C" fn(*const std::ffi::c_char) -> *const std::ffi::c_char;
    let f = checked(back as *const c_void, "const char *__null_terminated f(const char *)")?;
    assert_eq!(f.call::<_, Option<std::ffi::CString>>((c"text",))?.as_deref(), Some(c"text"));
    Ok(())
}
