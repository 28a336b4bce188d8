//! Every type as argument and as result, by both conventions; function pointers out of memory and results.

use super::c::{called_back, library};
use callsmith::arch::layout::Float;
use callsmith::callback::{Callback, DynCallback, Signature, SysV64, Win64};
use callsmith::{Data, Error, Function, LongDouble, Null, Ptr, Value, c_struct, decl, host};

/// Those of the conventions that this process has.
const ATTRIBUTES: &[&str] =
    if cfg!(target_arch = "x86_64") { &["", "__attribute__((ms_abi))"] } else { &[""] };

/// A type's definition, its name, and what a literal of it is in C.
const TYPES: [(&str, &str, &str); 20] = [
    ("", "_Bool", "1"),
    ("", "signed char", "-5"),
    ("", "unsigned short", "65000"),
    ("", "int", "-70000"),
    ("", "unsigned long", "0xfedcba9876543210"),
    ("", "__int128", "((__int128)1 << 100) + 7"),
    ("", "float", "1.5f"),
    ("", "double", "-2.25"),
    ("", "long double", "1.0L / 3"),
    ("", "float _Complex", "1.5f + 2.5fi"),
    ("", "double _Complex", "1.5 + 2.5i"),
    ("", "long double _Complex", "1.5L + 2.5Li"),
    ("typedef char *string;", "string", "(char *)0x1234"),
    ("typedef float v4 __attribute__((vector_size(16)));", "v4", "((v4){1, 2, 3, 4})"),
    ("typedef int v2 __attribute__((vector_size(8)));", "v2", "((v2){1, 2})"),
    ("struct s1 { char a; short b; };", "struct s1", "((struct s1){1, 2})"),
    ("struct s2 { double x; long long n; };", "struct s2", "((struct s2){1.5, 7})"),
    ("struct s3 { long long a, b, c; };", "struct s3", "((struct s3){1, 2, 3})"),
    ("union u1 { double d; long long n; };", "union u1", "((union u1){.n = 77})"),
    (
        "struct b1 { unsigned a : 3; signed b : 13; _Bool c : 1; long long d : 40; };",
        "struct b1",
        "((struct b1){5, -77, 1, -99})",
    ),
];

/// C gives a value among others, and looks at the bytes that come back. Structs are zeroed, padding and all.
fn c_caller(number: usize, attribute: &str, (definition, ty, literal): (&str, &str, &str)) -> String {
    format!(
        "{definition}
         int call{number}({ty} ({attribute} *f)(int, {ty}, double, {ty}, long long, {ty}, {ty}))
         {{
             {ty} value, back; memset(&value, 0, sizeof value); memset(&back, 0, sizeof back);
             value = {literal};
             back = f(1, value, 2.5, value, 3, value, value);
             return __builtin_memcmp(&value, &back, {size}) == 0;
         }}\n",
        // An x87 number's padding is nobody's.
        size = match ty {
            "long double" | "long double _Complex" if host::MODEL.long_double == Float::X87 => "10",
            "struct s1" => "1",
            _ => "sizeof value",
        }
    )
}

/// The closure looks at its other arguments and gives back the one that stands at `which`.
fn echoes(which: usize) -> impl Fn(&callsmith::callback::CallbackArgs<'_>) -> Value + Send + Sync + 'static {
    move |args| {
        assert_eq!(args.len(), 7);
        let others = (args.get(0), args.get(2), args.get(4));
        assert_eq!(others, (Value::I32(1), Value::F64(2.5), Value::I64(3)));
        args.get(which)
    }
}

#[test]
fn every_type_goes_in_and_out_of_dynamic_callbacks() -> Result<(), Error> {
    // There is no __int128 on 32 bits; and there gcc passes vectors of 8 bytes in the registers that `double` needs.
    let has =
        |ty: &str| (host::MODEL.int128 || ty != "__int128") && !(cfg!(target_arch = "x86") && ty == "v2");
    let types = || TYPES.iter().filter(|(_, ty, _)| has(ty)).enumerate();
    for attribute in ATTRIBUTES {
        let callers = types().map(|(number, &ty)| c_caller(number, attribute, ty));
        let source = format!("#include <string.h>\n{}", callers.collect::<String>());
        let Some(library) = library(&source, &["-w"]) else { return Ok(()) };
        for (number, (definition, ty, _)) in types() {
            let text =
                format!("{definition} {ty} {attribute} f(int, {ty}, double, {ty}, long long, {ty}, {ty})");
            let prototype = decl::parse_prototype(&text, host::MODEL)?;
            let caller = format!(
                "{definition} int call{number}({ty} ({attribute} *f)(int, {ty}, double, {ty}, long long, {ty}, {ty}))"
            );
            // SAFETY: as defined above.
            let caller = unsafe { library.function(&caller)? };
            for which in [1, 3, 5, 6] {
                let callback = DynCallback::new(&prototype, echoes(which))?;
                let same: i32 = caller.call((&callback,))?;
                assert_eq!(same, 1, "{text}, argument {which}");
            }
        }
    }
    Ok(())
}

c_struct! {
    #[derive(Debug, PartialEq)]
    struct Pair { x: f64, n: i64 }
}

fn wide<S>(attribute: &str) -> Result<(), Error>
where
    S: Signature<Args = (i128, LongDouble, Pair, bool, u8, Ptr), Result = i128>,
{
    let callback = Callback::<S>::new(|n: i128, l: LongDouble, p: Pair, b: bool, c: u8, q: Ptr| {
        n * 1000 + f64::from(l) as i128 * 100 + p.n as i128 + b as i128 + c as i128 + q.is_null() as i128
    })?;
    let text = format!(
        "struct pair {{ double x; long long n; }};
         __int128 {attribute} f(__int128, long double, struct pair, _Bool, unsigned char, void *)"
    );
    let function = called_back(&callback, &text);
    let pair = Pair { x: 1.0, n: 30 };
    let result: i128 = function.call((
        -1i128 << 90,
        LongDouble::from(4.0),
        pair,
        true,
        200u8,
        Ptr::<std::ffi::c_void>::NULL,
    ))?;
    assert_eq!(result, (-1i128 << 90) * 1000 + 632);
    Ok(())
}

type Wide = fn(i128, LongDouble, Pair, bool, u8, Ptr) -> i128;

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "a convention of x86-64")]
fn typed_callbacks_take_what_rustc_cannot_pass() -> Result<(), Error> {
    wide::<Wide>("")?;
    wide::<SysV64<Wide>>("__attribute__((sysv_abi))")?;
    wide::<Win64<Wide>>("__attribute__((ms_abi))")
}

/// A convention that this process has and that is not its own, and its attribute.
#[cfg(not(windows))]
type Foreign<S> = Win64<S>;
#[cfg(windows)]
type Foreign<S> = SysV64<S>;
/// Its own, named.
#[cfg(not(windows))]
type Own<S> = SysV64<S>;
#[cfg(windows)]
type Own<S> = Win64<S>;

const FOREIGN: &str = if cfg!(windows) { "sysv_abi" } else { "ms_abi" };

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "a convention of x86-64")]
fn a_convention_is_part_of_the_type() -> Result<(), Error> {
    let source = "int __attribute__((ABI)) call(int __attribute__((ABI)) (*f)(int)) { return f(20); }";
    let Some(library) = library(&source.replace("ABI", FOREIGN), &[]) else { return Ok(()) };
    let text = "int __attribute__((ABI)) call(int (__attribute__((ABI)) *f)(int))";
    // SAFETY: as defined above.
    let call = unsafe { library.function(&text.replace("ABI", FOREIGN))? };
    let own = Callback::<fn(i32) -> i32>::new(|n: i32| n + 1)?;
    let named = Callback::<Own<fn(i32) -> i32>>::new(|n: i32| n + 1)?;
    let foreign = Callback::<Foreign<fn(i32) -> i32>>::new(|n: i32| n + 1)?;
    assert_eq!(call.call::<_, i32>((&foreign,))?, 21);
    assert!(call.call::<_, i32>((&own,)).is_err());
    assert!(call.call::<_, i32>((&named,)).is_err());
    let param = &call.prototype().params[0].ty;
    // SAFETY: the value is thrown away.
    unsafe { assert!(foreign.value_for(param).is_some() && own.value_for(param).is_none()) };
    Ok(())
}

#[test]
fn no_callback_is_null() -> Result<(), Error> {
    let source = "int call(int (*f)(int)) { return f ? f(1) : -1; }";
    let Some(library) = library(source, &[]) else { return Ok(()) };
    // SAFETY: as defined above.
    let call = unsafe { library.function("int call(int (*f)(int))")? };
    let callback = Callback::<fn(i32) -> i32>::new(|n: i32| n + 1)?;
    assert_eq!(call.call::<_, i32>((Some(&callback),))?, 2);
    assert_eq!(call.call::<_, i32>((None::<&Callback<fn(i32) -> i32>>,))?, -1);
    assert_eq!(call.call::<_, i32>((Ptr::<fn(i32) -> i32>::NULL,))?, -1);
    assert_eq!(call.call::<_, i32>((Null,))?, -1);
    Ok(())
}

const OPERATIONS: &str = "typedef int operation(int, int);
    struct operations { const char *name; operation *add; operation *none; };";

#[test]
fn function_pointers_from_c_are_functions() -> Result<(), Error> {
    let source = format!(
        "{OPERATIONS}
         static int add(int a, int b) {{ return a + b; }}
         operation *pick(int which) {{ return which ? add : 0; }}
         struct operations table(void) {{ return (struct operations){{ \"table\", add, 0 }}; }}
         int apply(struct operations *o, int a, int b) {{ return o->add(a, b); }}"
    );
    let Some(library) = library(&source, &[]) else { return Ok(()) };
    // SAFETY: as defined above.
    let (pick, table, apply) = unsafe {
        (
            library.function("typedef int operation(int, int); operation *pick(int which)")?,
            library.function(&format!("{OPERATIONS} struct operations table(void)"))?,
            library.function(&format!("{OPERATIONS} int apply(struct operations *o, int a, int b)"))?,
        )
    };

    let pointer: Ptr<fn(i32, i32) -> i32> = pick.call((1,))?;
    let result = &pick.prototype().result;
    // SAFETY: the library stays open; `pick` gives a function of this type.
    let add = unsafe { Function::from_pointer(pointer.erase(), result)? };
    assert_eq!(add.call::<_, i32>((2, 3))?, 5);
    let none = pick.call::<_, Ptr<fn(i32, i32) -> i32>>((0,))?.erase();
    // SAFETY: as above.
    let refused = unsafe { Function::from_pointer(none, result) };
    assert!(refused.expect_err("NULL").to_string().ends_with("the address to call is NULL"));
    // SAFETY: as above.
    let refused = unsafe { Function::from_pointer(pointer.erase(), &pick.prototype().params[0].ty) };
    assert_eq!(refused.expect_err("an int").to_string(), "int: it is no pointer to a function");

    let Value::Data(mut operations) = table.call_values(&[])? else { panic!("no struct") };
    let fields = operations.ctype().fields(host::MODEL).expect("a layout").expect("a struct");
    let member = &fields[1].ty;
    let Value::Pointer(pointer) = operations.get("add")? else { panic!("no pointer") };
    // SAFETY: as above.
    let add = unsafe { Function::from_pointer(pointer, member)? };
    assert_eq!(add.call::<_, i32>((4, 5))?, 9);

    // And the other way: a callback in a struct of C's.
    let times = Callback::<fn(i32, i32) -> i32>::new(|a: i32, b: i32| a * b)?;
    // SAFETY: for this member; the struct and the callback live on.
    let pointer = unsafe {
        operations.set("add", times.value_for(member).expect("of this type"))?;
        Value::Pointer(Ptr::new(operations.as_mut_ptr().cast()))
    };
    assert_eq!(apply.call_values(&[pointer, 6.into(), 7.into()])?, Value::I32(42));
    Ok(())
}

#[test]
fn what_cannot_be_a_callback_is_refused() -> Result<(), Error> {
    let variadic = decl::parse_prototype("int f(const char *, ...)", host::MODEL)?;
    let refused = DynCallback::new(&variadic, |_| Value::Void).expect_err("variadic");
    assert!(refused.to_string().contains("a variadic function cannot be a callback"), "{refused}");
    let unwinding = Callback::<Foreign<fn(i32) -> i32>>::builder().unwinding().shared(|n: i32| n);
    let refused = unwinding.expect_err("unwinding through an adapter");
    assert!(
        refused.to_string().contains("panics cannot go through the code that this signature needs"),
        "{refused}"
    );
    let many = "int f(int, int, int, int, int, int, struct { char c[100]; })";
    let many = decl::parse_prototype(many, host::MODEL)?;
    let length = DynCallback::new(&many, |args| match args.get(6) {
        Value::Data(data) => Value::from(data.bytes().len() as i64),
        _ => Value::Void,
    })?;
    let data = Data::new(&many.params[6].ty)?;
    let mut args = vec![Value::I32(0); 6];
    args.push(data.into());
    // SAFETY: its own prototype.
    let function = unsafe { Function::from_address(length.address(), many)? };
    assert_eq!(function.call_values(&args)?, Value::I32(100));
    Ok(())
}
