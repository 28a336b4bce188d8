//! "Pointers", "Type conversions", "Incomplete Types", "Passing pointers".

use super::structures::ty;
use callsmith::{
    CharBuffer, Data, Error, Library, Linked, Null, Ptr, Value, View, ViewMut, WideBuffer, opaque,
};

#[test]
#[cfg_attr(miri, ignore = "Miri opens no library")]
fn sscanf_writes_through_references() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: libc's prototype; the buffer below is large enough.
    let sscanf = unsafe { libc.function("int sscanf(const char *text, const char *format, ...)")? };
    let (mut i, mut f, mut s) = (0i32, 0f32, CharBuffer::new(32));
    assert_eq!((i, f, s.value()), (0, 0.0, &b""[..]));
    let count: i32 = sscanf.call((c"1 3.25 Hello", c"%d %f %s", &mut i, &mut f, &mut s))?;
    assert_eq!(count, 3);
    assert_eq!((i, f, s.value()), (1, 3.25, &b"Hello"[..]));
    // The same into memory whose type is known at run time.
    let mut all = Data::new(&ty("struct { int i; float f; char s[32]; }"))?;
    let mut f = Data::new(&ty("float"))?;
    let count: i32 = sscanf.call((c"1 3.25", c"%d %f", &mut all.at_mut("i")?, &mut f))?;
    assert_eq!((count, all.get("i")?, f.get("")?), (2, Value::I32(1), Value::F32(3.25)));
    Ok(())
}

#[test]
fn contents_and_index_of_a_pointer() -> Result<(), Error> {
    let mut i = 42i32;
    // SAFETY: `i` is there as long as `pi` is used, and nobody looks at it meanwhile.
    unsafe {
        let pi = Ptr::new(&raw mut i);
        assert_eq!(pi.read_at(0)?, 42);
        pi.write_at(0, 22)?;
        assert_eq!(pi.read_at(0)?, 22);
    }
    assert_eq!(i, 22);
    // The same where the type is known at run time.
    let mut target = Data::with(&ty("int[2]"), [7, 8])?;
    let mut holder = Data::new(&ty("struct { int *pi; }"))?;
    // SAFETY: as above.
    unsafe {
        holder.set("pi", Ptr::new(target.as_mut_ptr()).erase())?;
        let pi = holder.at("pi")?;
        assert_eq!(pi.contents()?.value()?, Value::I32(7));
        assert_eq!(pi.contents_at(1)?.value()?, Value::I32(8));
        holder.at_mut("pi")?.contents_at(1)?.write(99)?;
    }
    assert_eq!(target.to_string(), "{7, 99}");
    let error = holder.set("pi", 42).expect_err("an int is no pointer").to_string();
    assert_eq!(error, "wanted int *, given 42 (i32)");
    Ok(())
}

#[test]
fn null_is_an_error_where_there_should_be_memory() -> Result<(), Error> {
    let null = Ptr::<i32>::NULL;
    assert!(null.is_null());
    // SAFETY: nothing is read or written.
    unsafe {
        assert_eq!(null.read_at(0).expect_err("NULL").to_string(), "NULL pointer to i32");
        assert_eq!(null.write_at(0, 1234).expect_err("NULL").to_string(), "NULL pointer to i32");
        let holder = Data::new(&ty("struct { int *pi; }"))?;
        assert_eq!(holder.at("pi")?.contents().expect_err("NULL").to_string(), "NULL pointer to int");
        assert!(View::at_address(&ty("int"), std::ptr::null()).is_err());
    }
    Ok(())
}

const BAR: &str = "struct Bar { int count; int *values; }";

#[test]
fn a_pointer_field_takes_an_array() -> Result<(), Error> {
    let mut array = [1, 2, 3];
    let mut bar = Linked::new(&ty(BAR))?;
    bar.set("values", &mut array[..])?;
    bar.set("count", 3)?;
    let mut values = Vec::new();
    for index in 0..3 {
        // SAFETY: three ints are there, borrowed by `bar`.
        values.push(unsafe { bar.view().at("values")?.contents_at(index)?.value()? });
    }
    assert_eq!(values, [Value::I32(1), Value::I32(2), Value::I32(3)]);
    bar.set("values", Null)?;
    // SAFETY: it is NULL.
    assert!(unsafe { bar.view().at("values")?.contents() }.is_err());
    let mut bytes = [0i8; 4];
    let error = bar.set("values", &mut bytes[..]).expect_err("another type").to_string();
    assert_eq!(error, "wanted int *, given &mut [i8]");
    // What it points at is not given out beyond its life.
    assert!(bar.get("values").is_err());
    Ok(())
}

/// `cast((c_byte * 4)(), POINTER(c_int))`: the memory as another type, then its address.
#[test]
fn bytes_are_cast_to_an_int() -> Result<(), Error> {
    let mut bytes = Data::new(&ty("signed char[4]"))?;
    let mut bar = Linked::new(&ty(BAR))?;
    let mut view = bytes.view_mut();
    let mut int = view.cast(&ty("int"))?;
    bar.set("values", &mut int)?;
    // SAFETY: four bytes are there, borrowed by `bar`.
    assert_eq!(unsafe { bar.view().at("values")?.contents()?.value()? }, Value::I32(0));
    // Nothing can be written over pointers that way, nor made a pointer of.
    let mut pointer = Data::new(&ty("struct { void *p; }"))?;
    let error = pointer.view_mut().cast(&ty("size_t")).expect_err("it would forge a pointer").to_string();
    assert!(error.contains("holds pointers"), "{error}");
    assert!(pointer.view().cast(&ty("size_t")).is_ok());
    let long = Data::with(&ty("size_t[1]"), [12345usize])?;
    assert!(long.view().cast(&ty("void *"))?.value().is_err());
    assert!(long.view().cast(&ty("size_t[2]")).is_err());
    Ok(())
}

#[test]
fn two_cells_point_at_each_other() -> Result<(), Error> {
    let cell_type = ty("struct cell { const char *name; struct cell *next; }");
    let (mut c1, mut c2) = (Data::new(&cell_type)?, Data::new(&cell_type)?);
    // SAFETY: the names are static, and the cells live to the end of the test, unmoved once pointed at.
    let chain = unsafe {
        let [first, second] = [&mut c1, &mut c2].map(|cell| Ptr::new(cell.as_mut_ptr()));
        for (cell, name, next) in [(first, c"foo", second), (second, c"bar", first)] {
            let mut cell = ViewMut::at_address(&cell_type, cell.as_ptr())?;
            cell.set("name", Ptr::new(name.as_ptr()).erase())?;
            cell.set("next", next.erase())?;
        }
        let mut chain = Vec::new();
        let mut p = View::at_address(&cell_type, first.as_ptr().cast())?;
        for _ in 0..8 {
            let name = p.at("name")?.pointer()?;
            chain.push(String::from_utf8(callsmith::memory::string_at(name, None)?).expect("ASCII"));
            p = p.at("next")?.contents()?;
        }
        chain
    };
    assert_eq!(chain.join(" "), "foo bar foo bar foo bar foo bar");
    Ok(())
}

opaque! {
    /// What the C library makes of a time.
    struct Tm = "tm";
}

#[cfg(unix)] // functions of POSIX
#[test]
#[cfg_attr(miri, ignore = "Miri opens no library")]
fn an_instance_stands_for_a_pointer_to_it() -> Result<(), Error> {
    let libc = Library::this_process();
    // SAFETY: libc's prototypes, and dates that it knows.
    let (gmtime, asctime) = unsafe {
        let tm = "struct tm { int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst; \
                  long tm_gmtoff; const char *tm_zone; }";
        (
            libc.function(&format!("{tm} *gmtime_r(const time_t *time, struct tm *tm)"))?,
            libc.function(&format!("char *asctime_r(const {tm} *tm, char *buffer)"))?,
        )
    };
    let mut tm = Data::new(&gmtime.prototype().params[1].ty.pointee().expect("a pointer"))?;
    let time = Data::with(&ty("long[1]"), [86400])?; // an array for a pointer to its element
    let same: Ptr<Tm> = gmtime.call((&time, &mut tm))?;
    assert_eq!(same.as_ptr().cast_const().cast(), tm.as_ptr());
    assert_eq!((tm.get("tm_mday")?, tm.get("tm_year")?), (Value::I32(2), Value::I32(70)));
    let mut text = CharBuffer::new(26);
    asctime.call::<_, *mut i8>((&tm, &mut text))?;
    assert_eq!(text.value(), b"Fri Jan  2 00:00:00 1970\n");
    // Of another type, or not to be written.
    let error =
        gmtime.call::<_, Ptr<Tm>>((&time, &mut Data::new(&ty("int"))?)).expect_err("an int").to_string();
    assert!(error.starts_with("gmtime_r: argument 2 'tm': wanted struct tm *"), "{error}");
    assert!(gmtime.call::<_, Ptr<Tm>>((&time, &tm)).is_err());
    // None for NULL.
    // SAFETY: libc's prototype.
    let time = unsafe { libc.function("time_t time(time_t *out)")? };
    assert!(time.call::<_, std::ffi::c_long>((None::<&mut std::ffi::c_long>,))? > 1_150_640_792);
    assert!(time.call::<_, std::ffi::c_long>((Null,))? > 1_150_640_792);
    Ok(())
}

/// `c_void_p.from_param` takes what has an address, `c_char_p.from_param` what is made of characters; but nothing takes a
/// number for one.
#[test]
#[cfg_attr(miri, ignore = "Miri opens no library")]
fn a_void_pointer_takes_the_address_of_anything() -> Result<(), Error> {
    let source = "unsigned char first(const void *p) { return p ? *(const unsigned char *)p : 255; }
        int length(const char *p) { int n = 0; while (p && p[n]) n++; return p ? n : -1; }
        void write(void *p) { *(unsigned char *)p = 77; }";
    let Some(library) = crate::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the functions above; there is a byte in whatever they are given below.
    let (first, length, write) = unsafe {
        (
            library.function("unsigned char first(const void *p)")?,
            library.function("int length(const char *p)")?,
            library.function("void write(void *p)")?,
        )
    };
    let mut point = Data::with(&ty("struct { short x, y; }"), [5, 6])?;
    let text = Data::with(&ty("char[4]"), [b'a', b'b', b'c'])?;
    assert_eq!((first.call::<_, u8>((&point,))?, first.call::<_, u8>((&point.at("y")?,))?), (5, 6));
    assert_eq!(first.call::<_, u8>((&[9u64, 1][..],))?, 9);
    assert_eq!((first.call::<_, u8>((&8i16,))?, first.call::<_, u8>((c"h",))?), (8, b'h'));
    assert_eq!(first.call::<_, u8>((&CharBuffer::of(b"b"),))?, b'b');
    assert_eq!(first.call::<_, u8>((&WideBuffer::of("w"),))?, b'w');
    assert_eq!((first.call::<_, u8>((Null,))?, first.call::<_, u8>((None::<&i32>,))?), (255, 255));
    // SAFETY: it is there until the call is over.
    let pointer = unsafe { Ptr::new(text.as_ptr()) };
    assert_eq!((first.call::<_, u8>((pointer.erase(),))?, first.call::<_, u8>((&text,))?), (b'a', b'a'));
    let mut number = 0u8;
    write.call::<_, ()>((&mut number,))?;
    write.call::<_, ()>((&mut point.at_mut("x")?,))?;
    assert_eq!((number, point.get("x")?), (77, Value::I16(77)));
    assert_eq!((length.call::<_, i32>((&text,))?, length.call::<_, i32>((c"four",))?), (3, 4));
    assert_eq!((length.call::<_, i32>((&CharBuffer::of(b"no"),))?, length.call::<_, i32>((Null,))?), (2, -1));
    // A const thing is not written, what is no text is none, and a number is no address.
    assert!(write.call::<_, ()>((&5i32,)).is_err() && write.call::<_, ()>((&point,)).is_err());
    assert!(length.call::<_, i32>((&point,)).is_err() && length.call::<_, i32>((&[1i32][..],)).is_err());
    assert!(first.call::<_, u8>((4096usize,)).is_err() && first.call_values(&[4096.into()]).is_err());
    Ok(())
}

#[test]
fn typed_pointers_have_slices() -> Result<(), Error> {
    let mut numbers = [1i16, 2, 3];
    // SAFETY: three numbers are there, and nobody else looks at them.
    unsafe {
        let start = Ptr::new(numbers.as_mut_ptr());
        start.slice_mut(3)?[2] = 30;
        assert_eq!(start.slice(2)?, [1, 2]);
        assert!(Ptr::<i16>::NULL.slice(1).is_err());
        assert!(Ptr::<i16>::NULL.slice(0)?.is_empty());
    }
    assert_eq!(numbers, [1, 2, 30]);
    Ok(())
}

/// Whether a type is `Send`: the inherent constant hides the trait's where it is.
struct Probe<T>(std::marker::PhantomData<T>);

trait Otherwise {
    const SEND: bool = false;
}

impl<T> Otherwise for Probe<T> {}

impl<T: Send> Probe<T> {
    const SEND: bool = true;
}

#[test]
fn memory_stays_on_its_thread() {
    let kept = [
        Probe::<Data>::SEND,
        Probe::<Value>::SEND,
        Probe::<Ptr>::SEND,
        Probe::<Linked<'static>>::SEND,
        Probe::<View<'static>>::SEND,
        Probe::<ViewMut<'static>>::SEND,
        Probe::<callsmith::DataVariable>::SEND,
    ];
    assert_eq!(kept, [false; 7]);
    let free = [Probe::<i32>::SEND, Probe::<CharBuffer>::SEND, Probe::<callsmith::Function>::SEND];
    assert_eq!(free, [true; 3]);
}
