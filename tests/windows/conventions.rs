//! The conventions of 32-bit Windows: the names that they give functions, and a library's own.

use super::libraries::made;
use callsmith::arch::Abi;
use callsmith::arch::abi::X86Call;
use callsmith::callback::Stdcall;
use callsmith::ctype::Convention;
use callsmith::{Callback, Error, Function, Library, LibraryOptions, Ptr};

fn call_of(function: &Function) -> X86Call {
    match function.signature().abi() {
        Abi::X86(call, _) => call,
        other => panic!("{other:?}"),
    }
}

const SOURCE: &str = "
    struct s { int a, b, c; };
    int __attribute__((stdcall)) add(int a, long long b, char c) { return a + b + c; }
    int __attribute__((fastcall)) sub(int a, int b, int c) { return a - b - c; }
    int __attribute__((thiscall)) mul(int a, int b) { return a * b; }
    struct s __attribute__((stdcall)) turn(int by, struct s s) { return (struct s){s.b + by, s.c + by, s.a + by}; }
    int __attribute__((stdcall)) microsoft(int a) __asm__(\"__microsoft@4\");
    int __attribute__((stdcall)) microsoft(int a) { return a + 1; }
    int __attribute__((stdcall)) each(int (__attribute__((stdcall)) *f)(int, double), int n) {
        int sum = 0;
        for (int i = 0; i < n; i++) sum += f(i, i / 2.0);
        return sum;
    }";

/// `windll`, and a declaration that names a convention: decorated names are found by the undecorated one.
#[test]
fn decorated_names_are_found() -> Result<(), Error> {
    let Some(dll) = made("decorated", SOURCE, &[]) else { return Ok(()) };
    let library = Library::open(dll)?;
    assert!(library.symbol("add").is_err() && library.symbol("add@16").is_ok());
    assert!(library.symbol("_microsoft@4").is_ok() && library.symbol("@sub@12").is_ok());
    // SAFETY: as the source has them.
    let (add, sub, mul, turn, microsoft) = unsafe {
        (
            library.function("int __stdcall add(int a, long long b, char c)")?,
            library.function("int __fastcall sub(int a, int b, int c)")?,
            library.function("int __thiscall mul(int a, int b)")?,
            library.function("struct s { int a, b, c; }; struct s __stdcall turn(int by, struct s)")?,
            library.function("int __stdcall microsoft(int a)")?,
        )
    };
    assert_eq!([&add, &sub, &mul].map(call_of), [X86Call::Stdcall, X86Call::Fastcall, X86Call::Thiscall]);
    for _ in 0..3 {
        assert_eq!(add.call::<_, i32>((1, 20i64, 3i8))?, 24);
        assert_eq!(sub.call::<_, i32>((100, 20, 3))?, 77);
        assert_eq!(mul.call::<_, i32>((6, 7))?, 42);
        assert_eq!(microsoft.call::<_, i32>((41,))?, 42);
    }
    let mut s = turn.argument(1)?;
    ["a", "b", "c"].into_iter().zip(1..).try_for_each(|(name, n)| s.set(name, n))?;
    assert_eq!(turn.call_values(&[10.into(), s.into()])?.to_string(), "{.a = 12, .b = 13, .c = 11}");
    // SAFETY: it is not there: the number of bytes is another.
    let error = unsafe { library.function("int __stdcall add(int a)") }.expect_err("add@4").to_string();
    assert!(error.contains("has no symbol 'add'"), "{error}");
    Ok(())
}

#[test]
fn a_library_may_have_a_convention() -> Result<(), Error> {
    let windll = LibraryOptions::new().convention(Convention::Stdcall);
    let kernel32 = windll.open("kernel32")?;
    // SAFETY: as Microsoft's documentation has them.
    let (handle, compare) = unsafe {
        (
            kernel32.function("void *GetModuleHandleA(const char *name)")?,
            kernel32.function("int __cdecl lstrcmpA(const char *, const char *)")?,
        )
    };
    assert_eq!((call_of(&handle), call_of(&compare)), (X86Call::Stdcall, X86Call::Cdecl));
    let program: Ptr = handle.call((None::<&std::ffi::CStr>,))?;
    assert_eq!(program.as_ptr(), Library::this_process().raw_handle());
    Ok(())
}

#[test]
fn callbacks_have_the_convention_that_is_declared() -> Result<(), Error> {
    let Some(dll) = made("stdcall-callback", SOURCE, &[]) else { return Ok(()) };
    let library = Library::open(dll)?;
    // SAFETY: as the source has it.
    let each = unsafe { library.function("int __stdcall each(int (__stdcall *f)(int, double), int n)")? };
    let f = each.prototype().params[0].ty.prototype().expect("a function");
    let f = callsmith::DynCallback::new(&f, |args| match (args.get(0), args.get(1)) {
        (callsmith::Value::I32(n), callsmith::Value::F64(half)) => {
            assert_eq!(half, f64::from(n) / 2.0);
            (n * 2).into()
        }
        other => panic!("{other:?}"),
    })?;
    assert_eq!(each.call::<_, i32>((&f, 1000))?, 999_000);
    let typed = Callback::<Stdcall<fn(i32, f64) -> i32>>::new(|n: i32, half: f64| {
        assert_eq!(half, f64::from(n) / 2.0);
        n * 2
    })?;
    assert_eq!(each.call::<_, i32>((&typed, 1000))?, 999_000);
    let cdecl: Callback<fn(i32, f64) -> i32> = Callback::new(|n: i32, _: f64| n)?;
    assert!(each.call::<_, i32>((&cdecl, 1)).is_err());
    Ok(())
}
