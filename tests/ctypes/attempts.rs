//! What safe code might try with C data to get at memory that is not its own, and what keeps it from that: the table in
//! `callsmith::data`'s documentation, from the attacker's side.

use super::structures::ty;
use callsmith::arch::layout::RecordKind;
use callsmith::ctype::{CType, RecordBuilder};
use callsmith::{
    Callback, Copied, Data, DynCallback, Error, ErrorKind, Linked, Ptr, Value, View, ViewMut, c_struct, decl,
    host,
};

/// Bit-fields are of the types of integers, whose bytes may be a neighbour's.
#[test]
fn the_bytes_of_a_bit_field_are_not_its_neighbours() -> Result<(), Error> {
    let packed = ty("struct __attribute__((packed)) { int bits : 3; void *pointer; }");
    let mut data = Data::new(&packed)?;
    {
        let mut bits = data.at_mut("bits")?;
        assert_eq!(bits.bytes_mut()?.len(), 1);
        bits.bytes_mut()?.fill(0xff);
        assert!(bits.cast(&CType::char()).is_err());
    }
    assert_eq!(data.get("bits")?, Value::I32(-1));
    assert_eq!(data.get("pointer")?, Value::Pointer(Ptr::NULL));
    Ok(())
}

/// Numbers become pointers in a union, in borrowed bytes, behind a cast: nobody reads them as such, at any depth.
#[test]
fn numbers_are_never_read_as_pointers() -> Result<(), Error> {
    let both = ty(
        "struct { struct { union { long long number; char *pointer; struct { char *p; } in[1]; } u; } s; }",
    );
    let mut data = Data::new(&both)?;
    data.set("s.u.number", 0x1234)?;
    for path in ["s.u.pointer", "s.u.in[0].p", "s.u.in[0]", "s.u.in"] {
        assert!(data.get(path).is_err(), "{path}");
        assert!(data.at(path)?.to_data().is_err(), "{path}");
        assert!(data.at(path)?.read::<Ptr>().is_err(), "{path}");
        assert!(data.at(path)?.cast(&ty("char *"))?.value().is_err(), "{path}");
    }
    let bytes = [1u8; 16];
    let view = View::of(&ty("struct { char *p[2]; }"), &bytes)?;
    assert!(
        view.get("p[1]").is_err() && view.value().is_err() && view.at("p")?.slice(0..1)?.value().is_err()
    );
    assert!(Data::from_bytes(&ty("char *"), &bytes[..size_of::<usize>()]).is_err());
    // Nor are bytes written where pointers are read.
    let mut data = Data::new(&ty("struct { int n; char *p; }"))?;
    assert!(data.view_mut().bytes_mut().is_err());
    assert!(data.view_mut().cast(&ty("char[8]")).is_err());
    assert!(data.at_mut("p")?.bytes_mut().is_err());
    assert!(data.set("p", 0x1234).is_err() && data.set("p", 0x1234usize).is_err());
    Ok(())
}

/// A `_Bool` may be any byte to C, and two values only to Rust.
#[test]
fn no_byte_makes_a_third_truth_value() -> Result<(), Error> {
    c_struct! { struct Flags { a: bool, rest: [bool; 3] } }
    let flags = ty("struct { _Bool a, rest[3]; }");
    for byte in [2u8, 0x80, 0xff] {
        let bytes = [1, 0, byte, 1];
        let view = View::of(&flags, &bytes)?;
        assert_eq!(view.get("rest[1]")?, Value::Bool(true));
        assert!(view.read::<Flags>().is_err() && view.at("rest")?.read::<[bool; 3]>().is_err());
        assert!(view.at("rest")?.index(1)?.read::<bool>().is_err());
        assert!(view.at("rest")?.index(0)?.read::<bool>().is_ok());
    }
    Ok(())
}

/// Memory grows and ends where it ends, whatever the type says of it.
#[test]
fn flexible_arrays_end_with_the_memory() -> Result<(), Error> {
    let packet = ty("struct { short n; struct { char kind; short tail[]; } last; }");
    let mut data = Data::new(&packet)?;
    assert!(data.get("last.tail[0]").is_err());
    data.resize(9)?;
    assert_eq!(data.at("last.tail")?.len(), 2, "an odd byte is none");
    data.set("last.tail[1]", -1)?;
    assert!(data.set("last.tail[2]", 0).is_err() && data.at("last.tail")?.slice(0..3).is_err());
    assert!(
        data.at("last.tail")?.index(u64::MAX).is_err()
            && data.get("last.tail[18446744073709551615]").is_err()
    );
    assert!(data.resize(usize::MAX).is_err() && data.resize(3).is_err());
    // Miri and 32 bits have other limits.
    let sizes = if cfg!(all(target_pointer_width = "64", not(miri))) { &[usize::MAX / 4][..] } else { &[] };
    for size in sizes.iter().copied() {
        let error = data.resize(size).expect_err("more than there is").to_string();
        assert!(error.ends_with("there is no memory for so many"), "{error}");
        assert!(Data::new(&CType::array_of(&CType::char(), size as u64)).is_err());
    }
    data.resize(4)?;
    assert!(data.get("last.tail[0]").is_err());
    // In an array nothing may go on: the next element stands there.
    let two = Data::new(&CType::array_of(&packet, 2));
    assert!(two.map_or(true, |two| two.get("[0].last.tail[0]").is_err()));
    Ok(())
}

/// One struct that was declared, and completed twice, is two.
#[test]
fn an_incomplete_type_is_not_two_types() -> Result<(), Error> {
    let builder = RecordBuilder::new(RecordKind::Struct, Some("s"));
    let pointer = CType::pointer_to(&builder.this());
    let (small, large) = (ty("struct s { char c; }"), ty("struct s { long long numbers[100]; }"));
    let (to_small, to_large) = (pointer.completed_by(&small), pointer.completed_by(&large));
    assert!(!to_small.is_compatible_with(&to_large) && !to_large.is_compatible_with(&to_small));
    assert!(to_small.is_compatible_with(&pointer) && to_small.is_compatible_with(&to_small.clone()));
    let mut cell = Data::new(&small)?;
    assert!(Linked::new(&to_large)?.set("", &mut cell).is_err());
    Linked::new(&to_small)?.set("", &mut cell)?;
    assert!(Linked::new(&pointer)?.set("", &mut cell).is_err(), "nobody knows what it is");
    // A struct in itself has no end.
    let whole = builder.member("again", &builder_this("s")).build();
    assert!(Data::new(&whole).is_err() && Data::new(&whole.completed_by(&whole)).is_err());
    Ok(())
}

fn builder_this(tag: &str) -> CType {
    RecordBuilder::new(RecordKind::Struct, Some(tag)).this()
}

/// Two texts may have one name for two types.
#[test]
fn equal_tags_do_not_make_types_equal() -> Result<(), Error> {
    let texts = ["struct s { int n; };", "struct s { char *text; int n; };"];
    let [one, other] = texts.map(|text| decl::Declarations::parse(text, host::MODEL).expect(text));
    let (one, other) = (one.ty("struct s").expect("declared"), other.ty("struct s").expect("declared"));
    let mut data = Data::new(one)?;
    assert!(data.view_mut().write(Data::new(other)?).is_err());
    assert!(Linked::new(&CType::pointer_to(other))?.set("", &mut data).is_err());
    assert!(Data::new(other)? != data);
    Ok(())
}

/// What a library that takes structs with pointers is given, and refuses.
#[test]
fn what_is_behind_pointers_is_of_the_declared_type() -> Result<(), Error> {
    let source = "struct ints { int *first; }; struct calls { int (*call)(int); };
        struct hidden; struct holds { struct hidden *inner; };
        int first(const struct ints *s) { return *s->first; }
        int by_value(struct ints s) { return *s.first; }
        int through(const struct calls *s, int n) { return s->call(n); }
        int holding(const struct holds *s) { return s->inner != 0; }";
    let Some(library) = super::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the functions above.
    let functions = unsafe {
        library.functions(
            "struct ints { int *first; }; int first(const struct ints *s); int by_value(struct ints s);
             struct calls { int (*call)(int); }; int through(const struct calls *s, int n);
             struct hidden; struct holds { struct hidden *inner; }; int holding(const struct holds *s);",
        )?
    };
    let (first, by_value) = (functions.get("first")?, functions.get("by_value")?);
    let (mut number, mut byte) = ([7], [7i8]);
    let mut ints = Linked::new(&ty("struct ints { int *first; }"))?;
    ints.set("first", &mut number[..])?;
    assert_eq!((first.call::<_, i32>((&ints,))?, by_value.call::<_, i32>((&ints,))?), (7, 7));
    // Four bytes would be read of one.
    let mut bytes = Linked::new(&ty("struct ints { char *first; }"))?;
    bytes.set("first", &mut byte[..])?;
    assert!(first.call::<_, i32>((&bytes,)).is_err() && by_value.call::<_, i32>((&bytes,)).is_err());

    let through = functions.get("through")?;
    let half = Callback::<fn(i32) -> i32>::new(|n: i32| n / 2)?;
    let mut calls = Linked::new(&ty("struct calls { int (*call)(int); }"))?;
    calls.set("call", &half)?;
    assert_eq!(through.call::<_, i32>((&calls, 8))?, 4);
    let other = Callback::<fn(Ptr<i8>) -> i32>::new(|_: Ptr<i8>| 0)?;
    let dynamic = decl::parse_prototype("int f(char *)", host::MODEL)?;
    let dynamic = DynCallback::new(&dynamic, |_| 0.into())?;
    for given in ["struct calls { int (*call)(char *); }", "struct { int (*call)(char *); }"] {
        let mut calls = Linked::new(&ty(given))?;
        calls.set("call", &other)?;
        assert!(through.call::<_, i32>((&calls, 8)).is_err(), "{given}");
        calls.set("call", &dynamic)?;
        assert!(through.call::<_, i32>((&calls, 8)).is_err(), "{given}");
    }
    // Nobody who declared this knows what the library takes it for.
    let mut inner = Data::new(&ty("struct hidden { char c; }"))?;
    let mut holds = Linked::new(&ty("struct hidden { char c; }; struct holds { struct hidden *inner; }"))?;
    holds.set("inner", &mut inner)?;
    let holding = functions.get("holding")?;
    assert!(holding.call::<_, i32>((&holds,)).is_err());
    let holds = Linked::new(&ty("struct hidden; struct holds { struct hidden *inner; }"))?;
    assert_eq!(holding.call::<_, i32>((&holds,))?, 0);
    Ok(())
}

/// A view's memory may be at any address; what C is given is where C may expect it.
#[test]
fn what_c_is_given_is_aligned() -> Result<(), Error> {
    let source = "typedef int wide __attribute__((aligned(64)));
        int get(const int *n) { return *n; } int value(int n) { return n; }
        int aligned(const wide *n) { return (unsigned long long)n % 64 == 0; }";
    let Some(library) = super::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the functions above.
    let (get, value, aligned) = unsafe {
        (
            library.function("int get(const int *n)")?,
            library.function("int value(int n)")?,
            library.function("typedef int wide __attribute__((aligned(64))); int aligned(const wide *n)")?,
        )
    };
    #[repr(align(64))]
    struct Aligned([u8; 80]);
    let mut memory = Aligned([0; 80]);
    memory.0[1] = 5;
    memory.0[8] = 6;
    let int = CType::int();
    let (odd, even) = (View::of(&int, &memory.0[1..])?, View::of(&int, &memory.0[8..])?);
    assert!(get.call::<_, i32>((&odd,)).is_err());
    assert_eq!((get.call::<_, i32>((&even,))?, value.call::<_, i32>((&odd,))?), (6, 5));
    assert!(aligned.call::<_, i32>((&even,)).is_err() && aligned.call::<_, i32>((&5i32,)).is_err());
    assert_eq!(aligned.call::<_, i32>((&View::of(&int, &memory.0)?,))?, 1);
    let mut packed = Data::new(&ty("struct __attribute__((packed)) { char c; int n; }"))?;
    assert!(get.call::<_, i32>((&packed.at("n")?,)).is_err());
    let error = get.call::<_, i32>((&mut packed.at_mut("n")?,)).expect_err("not aligned");
    assert!(matches!(error.kind(), ErrorKind::Argument { number: 1, .. }), "{error}");
    let mut bytes = [0u8; 8];
    assert!(
        get.call::<_, i32>((&mut ViewMut::of(&int, &mut bytes[1..])?,)).is_err()
            || bytes[1..].as_ptr().addr() % 4 == 0
    );
    Ok(())
}

/// What a callback takes as promised is promised by the declaration that it is given to.
#[test]
fn elements_are_copied_where_they_are_declared() -> Result<(), Error> {
    let source = "int sum(int (*f)(const int *)) { int n[] = {1, 20, 300}; return f(n); }
        const char *name(const char *(*f)(const char *)) { return f(\"name\"); }
        const int *two(void) { static const int n[] = {4, 5}; return n; }";
    let Some(library) = super::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the functions above, and what is there.
    let functions = unsafe {
        [
            library.function("int sum(int (*f)(const int *__counted_by(3)))")?,
            library.function("int sum(int (*f)(const int *__counted_by(2)))")?,
            library.function("int sum(int (*f)(const int *))")?,
            library.function("const int *__counted_by(1 + 1) two(void)")?,
            library.function("const char *name(const char *(*f)(const char *__null_terminated))")?,
            library.function("const char *name(const char *(*f)(const char *))")?,
        ]
    };
    let [three, fewer, unknown, two, text, pointer] = functions;
    let sum = Callback::<fn(Copied<i32, 3>) -> i32>::new(|Copied(n): Copied<i32, 3>| n.iter().sum())?;
    assert_eq!(three.call::<_, i32>((&sum,))?, 321);
    assert!(fewer.call::<_, i32>((&sum,)).is_err() && unknown.call::<_, i32>((&sum,)).is_err());
    assert!(sum.value_is_for(&three) && !sum.value_is_for(&unknown));
    let plain = Callback::<fn(Ptr<i32>) -> i32>::new(|p: Ptr<i32>| i32::from(!p.is_null()))?;
    assert_eq!((three.call::<_, i32>((&plain,))?, unknown.call::<_, i32>((&plain,))?), (1, 1));
    assert_eq!(two.call::<_, Copied<i32, 2>>(())?, Copied([4, 5]));
    assert_eq!(two.call::<_, Copied<i32, 1>>(())?.0, [4]);
    assert!(two.call::<_, Copied<i32, 3>>(()).is_err() && two.call::<_, Copied<u8, 1>>(()).is_err());
    let same =
        Callback::<fn(Option<std::ffi::CString>) -> Ptr<i8>>::new(|text: Option<std::ffi::CString>| {
            assert_eq!(text.as_deref(), Some(c"name"));
            Ptr::NULL
        })?;
    assert!(text.call::<_, Ptr<i8>>((&same,))?.is_null());
    assert!(pointer.call::<_, Ptr<i8>>((&same,)).is_err());
    Ok(())
}

/// Whether a function takes a callback, as the callback says itself.
trait IsFor {
    fn value_is_for(&self, function: &callsmith::Function) -> bool;
}

impl<S: callsmith::callback::Signature> IsFor for Callback<S> {
    fn value_is_for(&self, function: &callsmith::Function) -> bool {
        // SAFETY: the value is thrown away.
        unsafe { self.value_for(&function.prototype().params[0].ty) }.is_some()
    }
}

/// Memory is no code, and a function is no other function. One that C gives goes where such a one is wanted.
#[test]
fn function_pointers_have_a_signature() -> Result<(), Error> {
    let source = "static int twice(int n) { return 2 * n; } int (*pick(void))(int) { return twice; }
        int call(int (*f)(int), int n) { return f ? f(n) : -1; } int call_double(int (*f)(double)) { return f(0.5); }
        void *memory(void) { static int n; return &n; } int both(int (**f)(int), int n) { return (*f)(n); }";
    let Some(library) = super::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the functions above.
    let [pick, call, call_double, memory, both] = unsafe {
        [
            library.function("int (*pick(void))(int)")?,
            library.function("int call(int (*f)(int), int n)")?,
            library.function("int call_double(int (*f)(double))")?,
            library.function("void *memory(void)")?,
            library.function("int both(int (**f)(int), int n)")?,
        ]
    };
    let mut picked: Ptr<fn(i32) -> i32> = pick.call(())?;
    assert_eq!(call.call::<_, i32>((picked, 4))?, 8);
    assert_eq!(call.call::<_, i32>((Ptr::<fn(i32) -> i32>::NULL, 4))?, -1);
    assert_eq!(both.call::<_, i32>((&mut picked, 5))?, 10);
    assert!(call_double.call::<_, i32>((picked,)).is_err());
    assert!(pick.call::<_, Ptr<fn(f64) -> i32>>(()).is_err() && pick.call::<_, Ptr>(()).is_err());
    let data: Ptr = memory.call(())?;
    assert!(call.call::<_, i32>((data, 4)).is_err() && call.call::<_, i32>((picked.erase(), 4)).is_err());
    Ok(())
}

/// Numbers whose bytes are turned around are other numbers.
#[test]
fn data_of_the_other_byte_order_is_no_argument() -> Result<(), Error> {
    let source = "struct pair { int a, b; }; int second(struct pair p) { return p.b; }
        int call(struct pair (*f)(void)) { return f().b; }";
    let Some(library) = super::c::library(source, &[]) else { return Ok(()) };
    let order = "__attribute__((scalar_storage_order(\"big-endian\")))";
    let big = ty(&format!("struct {order} pair {{ int a, b; }}"));
    // SAFETY: the function above.
    let second = unsafe { library.function("struct pair { int a, b; }; int second(struct pair p)")? };
    let little = Data::with(&ty("struct pair { int a, b; }"), [1, 2])?;
    assert_eq!(second.call_values(&[little.into()])?, Value::I32(2));
    let big = Data::with(&big, [1, 2])?;
    assert!(second.call::<_, i32>((&big,)).is_err());
    let error = second.call_values(&[big.into()]).expect_err("turned around").to_string();
    assert!(error.contains("byte order"), "{error}");
    Ok(())
}

/// The struct that lacks a member is named, not the one that it is in.
#[test]
fn a_missing_member_is_missing_where_it_was_asked_for() -> Result<(), Error> {
    let rect = Data::new(&ty("struct rect { struct point { int x, y; } a[2]; }"))?;
    let said = |path: &str| rect.get(path).expect_err(path).to_string();
    assert_eq!(said("a[1].z"), "struct point has no member 'z'");
    assert_eq!(said("b"), "struct rect has no member 'b'");
    assert_eq!(said("a[2].x"), "struct point[2] has no member '[2]'");
    assert_eq!(said("a[0].x.y"), "int has no member 'y'");
    Ok(())
}
