//! "Fundamental data types".

use super::structures::ty;
use callsmith::{
    CRepr, CharBuffer, Data, Error, Library, LongDouble, Pointee, Ptr, Value, WideBuffer, WideChar, host,
};
use std::ffi::{CStr, c_char, c_long, c_ulong};

/// That `c` is `T` in Rust, and has its size; what is written comes back, and `T`'s own values fit.
fn is<T>(c: &str, values: &[T])
where
    T: CRepr + PartialEq + std::fmt::Debug + Into<Value>,
{
    let ctype = ty(c);
    assert!(T::is(&ctype), "{c}");
    assert_eq!(ctype.size(host::MODEL).map(|size| size.bytes()), Ok(size_of::<T>() as u64), "{c}");
    let mut data = Data::new(&ctype).expect(c);
    assert!(data.bytes().iter().all(|byte| *byte == 0), "{c}");
    for value in values {
        data.set("", *value).expect(c);
        assert_eq!(data.view().read::<T>().expect(c), *value, "{c}");
    }
}

/// The table of the documentation, each type with the ends of its range.
#[test]
fn every_fundamental_type_has_its_rust_type() {
    is("_Bool", &[true, false]);
    is("char", &[c_char::MIN, c_char::MAX]);
    is("wchar_t", &[WideChar::MAX]);
    is("signed char", &[i8::MIN, i8::MAX]);
    is("unsigned char", &[u8::MAX]);
    is("short", &[i16::MIN, i16::MAX]);
    is("unsigned short", &[u16::MAX]);
    is("int", &[i32::MIN, i32::MAX]);
    is("unsigned int", &[u32::MAX]);
    is("long", &[c_long::MIN, c_long::MAX]);
    is("unsigned long", &[c_ulong::MAX]);
    is("long long", &[i64::MIN, i64::MAX]);
    is("unsigned long long", &[u64::MAX]);
    is("size_t", &[usize::MAX]);
    is("ssize_t", &[isize::MIN, isize::MAX]);
    if cfg!(not(windows)) {
        is("time_t", &[c_long::MAX]);
    }
    is("float", &[f32::MIN, f32::MAX, 1e-45]);
    is("double", &[f64::MIN, f64::MAX, 5e-324]);
    if cfg!(not(target_env = "msvc")) {
        is("long double", &[LongDouble::from(1.5)]);
    }
    if cfg!(target_pointer_width = "64") {
        is("__int128", &[i128::MIN, i128::MAX]);
        is("unsigned __int128", &[u128::MAX]);
    }
}

#[test]
fn fixed_width_types_are_what_they_say() {
    is("int8_t", &[i8::MIN]);
    is("uint8_t", &[u8::MAX]);
    is("int16_t", &[i16::MIN]);
    is("uint16_t", &[u16::MAX]);
    is("int32_t", &[i32::MIN]);
    is("uint32_t", &[u32::MAX]);
    is("int64_t", &[i64::MIN]);
    is("uint64_t", &[u64::MAX]);
}

/// `c_int()` is 0, `c_ushort(-3)` 65533, `c_bool([])` False. Here -3 is refused, and 65533 what its bits are.
#[test]
fn a_number_that_does_not_fit_is_an_error() -> Result<(), Error> {
    assert_eq!(Data::new(&ty("int"))?.get("")?, Value::I32(0));
    let mut number = Data::new(&ty("unsigned short"))?;
    let error = number.set("", -3).expect_err("negative").to_string();
    assert_eq!(error, "wanted unsigned short, given -3 (i32): it holds 0 to 65535");
    let mut signed = Data::new(&ty("short"))?;
    signed.set("", -3)?;
    assert_eq!(signed.view().cast(&ty("unsigned short"))?.value()?, Value::U16(65533));
    number.set("", (-3i16).cast_unsigned())?;
    assert_eq!(number.get("")?, Value::U16(65533));
    let mut truth = Data::new(&ty("_Bool"))?;
    assert_eq!(truth.get("")?, Value::Bool(false));
    truth.set("", 1)?;
    assert_eq!(truth.get("")?, Value::Bool(true));
    assert!(truth.set("", 2).is_err());
    Ok(())
}

/// `i = c_int(42); i.value = -99`.
#[test]
fn an_int_is_written_and_read() -> Result<(), Error> {
    let mut i = Data::new(&ty("int"))?;
    i.set("", 42)?;
    assert_eq!(i.get("")?, Value::I32(42));
    i.set("", -99)?;
    assert_eq!(i.get("")?, Value::I32(-99));
    Ok(())
}

/// `c_wchar_p("Hello, World")`; assigning to a pointer changes where it points, and not the string that was there.
#[test]
fn assigning_to_a_string_pointer_changes_the_pointer() -> Result<(), Error> {
    let (mut hello, mut there) = (WideBuffer::of("Hello, World"), WideBuffer::of("Hi, there"));
    let mut pointer = callsmith::Linked::new(&ty("struct { const wchar_t *text; }"))?;
    pointer.set("text", &mut hello)?;
    // SAFETY: the buffers are borrowed by `pointer`.
    let shown = |pointer: &callsmith::Linked<'_>| unsafe {
        let text = pointer.view().at("text")?.pointer()?;
        callsmith::memory::wstring_at(text, None)
    };
    assert_eq!(shown(&pointer)?, "Hello, World");
    pointer.set("text", &mut there)?;
    assert_eq!(shown(&pointer)?, "Hi, there");
    drop(pointer);
    assert_eq!(hello.value()?, "Hello, World");
    Ok(())
}

/// `c_char_p`, `c_wchar_p`, `c_void_p` as arguments.
#[test]
#[cfg_attr(miri, ignore = "Miri opens no library")]
fn strings_and_addresses_are_arguments() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: libc's prototypes.
    let (strlen, wcslen, memchr) = unsafe {
        (
            libc.function("size_t strlen(const char *)")?,
            libc.function("size_t wcslen(const wchar_t *)")?,
            libc.function("void *memchr(const void *, int, size_t)")?,
        )
    };
    assert_eq!(strlen.call::<_, usize>((c"Hello, World",))?, 12);
    assert_eq!(strlen.call::<_, usize>((&CharBuffer::of(b"Hello"),))?, 5);
    assert_eq!(wcslen.call::<_, usize>((&WideBuffer::of("Hello, Wörld"),))?, 12);
    let bytes = *b"abc";
    let found: Ptr = memchr.call((&bytes[..], i32::from(b'b'), 3))?;
    assert_eq!(found.as_ptr().addr(), bytes.as_ptr().addr() + 1);
    // A character is a number; text is none.
    let error = memchr.call::<_, Ptr>((&bytes[..], c"b", 3)).expect_err("text").to_string();
    assert!(error.contains("argument 2: wanted int, given &core::ffi::c_str::CStr"), "{error}");
    Ok(())
}

/// `c_longdouble` and the complex types, through libm.
#[cfg(unix)] // what Microsoft's C library does not have
#[test]
#[cfg_attr(miri, ignore = "Miri opens no library")]
fn long_doubles_and_complex_numbers_are_computed_with() -> Result<(), Error> {
    let libm = Library::open("libm.so.6")?;
    // SAFETY: libm's prototypes.
    let (sqrtl, conj, cimagf) = unsafe {
        (
            libm.function("long double sqrtl(long double)")?,
            libm.function("double _Complex conj(double _Complex)")?,
            libm.function("float cimagf(float _Complex)")?,
        )
    };
    let root: LongDouble = sqrtl.call((LongDouble::from(2.25),))?;
    assert_eq!(f64::from(root), 1.5);
    assert_eq!(sqrtl.call_values(&[4.into()])?, Value::LongDouble(2.0.into()));
    let z = Data::with(&ty("double _Complex"), [1.5, 2.0])?;
    let Value::Data(conjugate) = conj.call_values(&[z.into()])? else { panic!("a complex number") };
    assert_eq!((conjugate.get("[0]")?, conjugate.get("[1]")?), (1.5.into(), (-2.0).into()));
    let z = Data::with(&ty("float _Complex"), [1.5f32, 2.0])?;
    assert_eq!(cimagf.call_values(&[z.into()])?, Value::F32(2.0));
    Ok(())
}

/// Pointers are told apart by what they point at.
#[test]
fn a_pointer_type_takes_its_own_pointers() {
    assert!(<Ptr<i32> as Pointee>::is(&ty("int *")) && !<Ptr<i32> as Pointee>::is(&ty("long long *")));
    assert!(<Ptr as Pointee>::is(&ty("void *")));
    let _: Option<&CStr> = None;
}
