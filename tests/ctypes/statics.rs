//! Rust types with the representation of C types, against gcc.

use super::structures::ty;
use callsmith::{CRepr, Callback, Data, Error, Pointee, Ptr, Value, VariantBool, c_enum, c_struct, c_union};

c_enum! {
    /// As gcc has it: unsigned.
    pub enum Color: u32 { Red, Green = 5, Blue }

    /// With a negative constant: signed.
    pub enum Signed: i32 { Minus = -1, Zero }
}

c_union! {
    pub union Number { pub integer: i64, pub real: f64, pub small: u8 }
}

c_struct! {
    #[derive(Debug, PartialEq)]
    pub struct Flags {
        pub kind: u32 { low / set_low: 3, middle / set_middle: 10, high / set_high: 19 },
        pub delta: i32 { short / set_short: 5, long / set_long: 20 },
    }

    pub struct Tagged { pub color: Color, pub flags: Flags, pub number: Number, pub ok: bool }

    #[derive(Debug, PartialEq)]
    pub struct Packed packed(1) { pub c: i8, pub x: f64, pub n: i32 }

    pub struct Wide align(32) { pub n: i32 }
}

const SOURCE: &str = r#"
    enum color { RED, GREEN = 5, BLUE };
    union number { long long integer; double real; unsigned char small; };
    struct flags { unsigned low:3, middle:10, high:19; int shorty:5, longy:20; };
    struct tagged { enum color color; struct flags flags; union number number; _Bool ok; };
    struct __attribute__((packed)) packed { signed char c; double x; int n; };
    struct wide { int n; } __attribute__((aligned(32)));
    enum color next(enum color c) { return c == RED ? GREEN : c == GREEN ? BLUE : (enum color)77; }
    struct flags turned(struct flags f) {
        struct flags g = { .low = f.high, .middle = f.low, .high = f.middle, .shorty = f.longy, .longy = f.shorty };
        return g;
    }
    union number half(union number n) { n.real /= 2; return n; }
    struct tagged tag(struct tagged t, enum color c) { t.color = c; t.ok = !t.ok; t.number.integer++; return t; }
    struct packed pack(struct packed p) { p.c++; p.x *= 2; p.n--; return p; }
    int sum(const struct tagged *t, int n) { int s = 0; for (int i = 0; i < n; i++) s += t[i].color + t[i].flags.low; return s; }
    struct wide widen(struct wide w) { w.n++; return w; }
    int call_back(struct tagged (*f)(struct flags, enum color, union number)) {
        struct flags flags = { .low = 5, .longy = -7 };
        union number number = { .real = 1.5 };
        struct tagged t = f(flags, BLUE, number);
        return t.color == GREEN && t.flags.low == 5 && t.flags.longy == -7 && t.number.real == 1.5 && t.ok;
    }
"#;

/// The declarations of `SOURCE` that come before its functions.
fn declared(function: &str) -> String {
    let types = SOURCE.split("enum color next").next().unwrap_or_default();
    format!("{types} {function}")
}

#[test]
fn enums_come_back_whatever_their_value() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    // SAFETY: the function of `SOURCE`.
    let next = unsafe { library.function(&declared("enum color next(enum color c)"))? };
    assert_eq!(next.call::<_, Color>((Color::Red,))?, Color::Green);
    assert_eq!(next.typed::<(Color,), Color>()?.call((Color::Green,)), Color::Blue);
    let strange: Color = next.call((Color::Blue,))?;
    assert_eq!((strange, format!("{strange:?}").as_str()), (Color(77), "Color(77)"));
    assert_eq!((Signed::Minus.0, format!("{:?}", Signed::Zero).as_str()), (-1, "Zero"));
    assert!(Color::is(&ty("enum { A, B }")) && Color::is(&ty("int")) && !Color::is(&ty("long long")));
    Ok(())
}

#[test]
fn unions_and_bit_fields_go_by_value() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    // SAFETY: the functions of `SOURCE`.
    let (half, turned) = unsafe {
        (
            library.function(&declared("union number half(union number n)"))?,
            library.function(&declared("struct flags turned(struct flags f)"))?,
        )
    };
    let number: Number = half.call((Number { real: 5.0 },))?;
    // SAFETY: C wrote a double.
    assert_eq!(unsafe { number.real }, 2.5);
    let mut flags = Flags::zeroed();
    flags.set_low(9); // its low bits: 1
    flags.set_middle(1023);
    flags.set_high(6);
    flags.set_short(-3);
    flags.set_long(-16);
    assert_eq!((flags.low(), flags.middle(), flags.high()), (1, 1023, 6));
    let back: Flags = turned.call((flags,))?;
    assert_eq!((back.low(), back.middle(), back.high()), (6, 1, 1023));
    assert_eq!((back.short(), back.long()), (-16, -3));
    Ok(())
}

#[test]
fn structs_hold_enums_unions_and_bit_fields() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    // SAFETY: the functions of `SOURCE`; two elements are there.
    let (tag, sum) = unsafe {
        (
            library.function(&declared("struct tagged tag(struct tagged t, enum color c)"))?,
            library.function(&declared("int sum(const struct tagged *t, int n)"))?,
        )
    };
    let mut flags = Flags::zeroed();
    flags.set_low(3);
    let one = Tagged { color: Color::Red, flags, number: Number { integer: 41 }, ok: false };
    let two: Tagged = tag.call((one, Color::Blue))?;
    assert_eq!((two.color, two.flags, two.ok), (Color::Blue, flags, true));
    // SAFETY: C wrote an integer.
    assert_eq!(unsafe { two.number.integer }, 42);
    assert_eq!(sum.call::<_, i32>((&[one, two][..], 2))?, 6 + 3 + 3);
    // Where another argument has to be converted, the struct goes through memory, padding and all.
    let two: Tagged = tag.call((one, 6u8))?;
    assert_eq!((two.color, two.ok), (Color::Blue, true));
    assert_eq!(sum.call::<_, i64>((&[two][..], 1u8))?, 9);
    Ok(())
}

#[test]
fn packed_and_aligned_structs_are_as_c_has_them() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    // SAFETY: the functions of `SOURCE`.
    let (pack, widen) = unsafe {
        (
            library.function(&declared("struct packed pack(struct packed p)"))?,
            library.function(&declared("struct wide widen(struct wide w)"))?,
        )
    };
    let back: Packed = pack.call((Packed { c: 1, x: 1.25, n: 7 },))?;
    assert_eq!(back, Packed { c: 2, x: 2.5, n: 6 });
    assert_eq!(widen.call::<_, Wide>((Wide { n: 1 },))?.n, 2);
    Ok(())
}

#[test]
fn static_types_are_arguments_of_callbacks() -> Result<(), Error> {
    let Some(library) = crate::c::library(SOURCE, &[]) else { return Ok(()) };
    let text = "int call_back(struct tagged (*f)(struct flags, enum color, union number))";
    // SAFETY: the function of `SOURCE`.
    let call_back = unsafe { library.function(&declared(text))? };
    let callback: Callback<fn(Flags, Color, Number) -> Tagged> =
        Callback::new(|flags: Flags, color: Color, number: Number| {
            assert_eq!(color, Color::Blue);
            Tagged { color: Color::Green, flags, number, ok: true }
        })?;
    assert_eq!(call_back.call::<_, i32>((&callback,))?, 1);
    Ok(())
}

/// `@struct class Point`: from the Rust declaration to memory described at run time, and back.
#[test]
fn a_static_struct_is_data_of_its_c_type() -> Result<(), Error> {
    c_struct! {
        #[derive(Debug, PartialEq)]
        struct Point { x: i32, y: i32 }

        struct Flag { ok: bool, p: Ptr<i32> }
    }
    let point = Data::of(&ty("struct Point { int x, y; }"), &Point { x: 1, y: 2 })?;
    assert_eq!(point.get("y")?, Value::I32(2));
    assert_eq!(point.view().read::<Point>()?, Point { x: 1, y: 2 });
    assert!(Data::of(&ty("struct Point { long long x, y; }"), &Point { x: 1, y: 2 }).is_err());
    assert!(point.view().read::<Flag>().is_err());
    // What would not be a value of the Rust type is refused.
    let flag = ty("struct { _Bool ok; int *p; }");
    let mut bytes = [0u8; 16];
    assert!(callsmith::View::of(&flag, &bytes)?.read::<Flag>().is_err(), "a pointer out of nothing");
    let data = Data::new(&flag)?;
    let read: Flag = data.view().read()?;
    assert!(!read.ok && read.p.is_null());
    // Not more than is there: behind `a` is a number.
    let pair = Data::new(&ty("struct { char *a; long n; }"))?;
    assert!(pair.at("a")?.read::<[Ptr<i8>; 1]>()?[0].is_null());
    assert!(pair.at("a")?.read::<[Ptr<i8>; 2]>().is_err());
    assert!(Data::of(&ty("int"), &[1i32, 2]).is_err());
    bytes[0] = 2;
    let error = callsmith::View::of(&ty("_Bool[2]"), &bytes)?.read::<[bool; 2]>().expect_err("2").to_string();
    assert!(error.ends_with("a _Bool in it is neither 0 nor 1"), "{error}");
    Ok(())
}

#[test]
fn a_variant_bool_is_a_short_that_is_minus_one_for_true() -> Result<(), Error> {
    let source = "short not(short b) { return b == -1 ? 0 : b == 0 ? -1 : 7; }";
    let Some(library) = crate::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the function above.
    let not = unsafe { library.function("typedef short VARIANT_BOOL; VARIANT_BOOL not(VARIANT_BOOL b)")? };
    let back: VariantBool = not.call((VariantBool::from(true),))?;
    assert!(!bool::from(back));
    let back: VariantBool = not.call((VariantBool::False,))?;
    assert_eq!((back, bool::from(back)), (VariantBool::True, true));
    let strange: VariantBool = not.call((VariantBool(3),))?;
    assert_eq!((strange.0, bool::from(strange)), (7, true));
    Ok(())
}

/// In C the bits share the byte's unit; in Rust they have one of their own.
#[cfg_attr(windows, ignore = "they are elsewhere there")]
#[test]
#[should_panic(expected = "Elsewhere is laid out otherwise in Rust than in C")]
fn bit_fields_that_c_puts_elsewhere_are_found() {
    c_struct! {
        struct Elsewhere { c: u8, bits: u32 { a / set_a: 3 } }
    }
    let _ = (Elsewhere::is(&ty("struct { unsigned char c; unsigned a:3; }")), Elsewhere::zeroed().c);
}
