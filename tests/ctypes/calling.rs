//! "Calling functions, continued", "own custom data types", "required argument types", "Return types".

use callsmith::{CharBuffer, Error, ErrorKind, Function, IntoArg, Library, Null, Routine, Value, WideBuffer};
use std::io;

fn printf() -> Result<Function, Error> {
    // SAFETY: this is libc's prototype, and the formats below fit their arguments.
    unsafe { Library::this_process().function("int printf(const char *format, ...)") }
}

#[test]
fn printf_counts_what_it_prints() -> Result<(), Error> {
    let printf = printf()?;
    assert_eq!(printf.call::<_, i32>((c"Hello, %s\n", c"World!"))?, 14);
    assert_eq!(printf.call::<_, i32>((c"Hello, %S\n", &WideBuffer::of("World!")))?, 14);
    assert_eq!(printf.call::<_, i32>((c"%d bottles of beer\n", 42))?, 19);
    // ctypes does not know what to make of a float; in Rust a number has a type.
    assert_eq!(printf.call::<_, i32>((c"%f bottles of beer\n", 42.5))?, 26);
    assert_eq!(printf.call::<_, i32>((c"An int %d, a double %f\n", 1234, 3.25f32))?, 31);
    // `argtypes = [c_char_p]` is the declared part, and what may be variadic is known from the `...`.
    assert_eq!(printf.call::<_, i32>((c"hello\n",))?, 6);
    assert_eq!(printf.prototype().params.len(), 1);
    Ok(())
}

/// What ctypes finds by its `_as_parameter_`, which may have one in turn.
struct Bottles(i32);

impl IntoArg for &Bottles {
    type Arg = i32;

    fn into_arg(self) -> i32 {
        self.0
    }
}

/// A case of bottles, which is passed as they are.
struct Case<'b>(&'b Bottles);

impl IntoArg for Case<'_> {
    type Arg = i32;

    fn into_arg(self) -> i32 {
        self.0.into_arg()
    }
}

#[test]
fn bottles_stand_for_their_number() -> Result<(), Error> {
    let printf = printf()?;
    let bottles = Bottles(42);
    assert_eq!(printf.call::<_, i32>((c"%d bottles of beer\n", &bottles))?, 19);
    assert_eq!(printf.call::<_, i32>((c"%d bottles of beer\n", Case(&bottles)))?, 19);
    Ok(())
}

#[test]
fn arguments_are_checked_against_the_prototype_and_converted() -> Result<(), Error> {
    let source = r#"
        int printf(const char *, ...);
        int print(const char *format, const char *text, int number, double real) { return printf(format, text, number, real); }
    "#;
    let Some(library) = crate::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the function above, whose formats below fit.
    let print = unsafe {
        library.function("int print(const char *format, const char *text, int number, double real)")?
    };
    assert_eq!(print.call::<_, i32>((c"String '%s', Int %d, Double %f\n", c"Hi", 10, 2.2))?, 37);
    let error = print.call::<_, i32>((c"%d %d %d", 1, 2, 3)).expect_err("1 is no text");
    assert_eq!(error.to_string(), "print: argument 2 'text': wanted const char *, given 1 (i32)");
    assert!(matches!(error.kind(), ErrorKind::Argument { number: 2, .. }));
    // The 3 becomes a double.
    assert_eq!(print.call::<_, i32>((c"%s %d %f\n", c"X", 2, 3))?, 13);
    Ok(())
}

const WINDOW: &str = r#"
    #include <stdio.h>
    #include <errno.h>
    struct rect { long long left, top, right, bottom; };
    int show(void *parent, const char *text, const char *caption, unsigned flags, char *out) {
        return sprintf(out, "%s|%s|%u|%d", text, caption, flags, parent != 0);
    }
    int window_rect(int handle, struct rect *rect) {
        if (handle < 0) { errno = ENOENT; return 0; }
        *rect = (struct rect){ handle, handle + 1, handle + 2, handle + 3 };
        return 1;
    }
    int divide(int *number, int by, int *rest, double *exact) {
        *rest = *number % by; *exact = (double)*number / by; *number /= by; return by != 0;
    }
"#;

/// `MessageBoxW`, with defaults and keywords, in a library of our own.
#[test]
fn a_message_box_is_called_three_ways() -> Result<(), Error> {
    let Some(library) = crate::c::library(WINDOW, &[]) else { return Ok(()) };
    let text = "int show(void *hwnd, const char *lpText, const char *lpCaption, unsigned uType, char *out)";
    // SAFETY: the function above; the buffer is large enough.
    let show = unsafe { library.function(text)? };
    let show = Routine::new(show)
        .default("hwnd", Null)?
        .default("lpText", c"Hi")?
        .default("lpCaption", c"Hello from ctypes")?
        .default("uType", 0u32)?;
    let mut out = CharBuffer::new(64);
    show.call().named("out", &mut out).run()?;
    assert_eq!(out.value(), b"Hi|Hello from ctypes|0|0");
    show.call().named("lpText", c"Spam, spam, spam").named("out", &mut out).run()?;
    assert_eq!(out.value(), b"Spam, spam, spam|Hello from ctypes|0|0");
    show.call().named("uType", 2).named("lpText", c"foo bar").named("out", &mut out).run()?;
    assert_eq!(out.value(), b"foo bar|Hello from ctypes|2|0");
    show.call().arg(Null).arg(c"a").arg(c"b").arg(7).named(5, &mut out).run()?;
    assert_eq!(out.value(), b"a|b|7|0");
    let refused = |call: callsmith::Call<'_>| call.run().expect_err("refused").to_string();
    assert_eq!(refused(show.call()), "show: argument 5 'out': wanted char *, given nothing");
    assert_eq!(
        refused(show.call().named("lptext", c"x")),
        "int show(void *hwnd, const char *lpText, const char *lpCaption, unsigned int uType, char *out) \
         has no such parameter: lptext"
    );
    assert_eq!(
        refused(show.call().arg(Null).named(1, Null)),
        "show: argument 1 'hwnd': wanted void *, given two arguments"
    );
    assert_eq!(
        refused(show.call().named("uType", -1).named("out", &mut out)),
        "show: argument 4 'uType': wanted unsigned int, given -1 (i32): it holds 0 to 4294967295"
    );
    Ok(())
}

/// `GetWindowRect`, with an output parameter and two `errcheck`s.
#[test]
fn a_window_rect_comes_back_as_a_value() -> Result<(), Error> {
    let Some(library) = crate::c::library(WINDOW, &[]) else { return Ok(()) };
    let text = "int window_rect(int hwnd, struct rect { long long left, top, right, bottom; } *lprect)";
    // SAFETY: the function above.
    let function = unsafe { library.function(text)? };
    let rect = Routine::new(function.clone()).output("lprect")?;
    let outcome = rect.call().arg(5).run()?;
    assert_eq!(outcome.value(), &Value::I32(1));
    let [value] = &outcome.into_values()[..] else { panic!("one output") };
    assert_eq!(value.to_string(), "{.left = 5, .top = 6, .right = 7, .bottom = 8}");
    // errcheck: an error where the function says so, and the outputs as they are otherwise.
    let checked = |routine: Routine| {
        routine.with_errno().check(|outcome| match (outcome.result::<bool>(), outcome.errno()) {
            (Ok(false), Some(errno)) => {
                Err(errno.error().unwrap_or_else(|| io::Error::other("no reason")).into())
            }
            _ => Ok(outcome),
        })
    };
    let rect = checked(rect);
    let error = rect.call().arg(-1).run().expect_err("no such window");
    assert!(error.to_string().starts_with("window_rect failed: No such file or directory"), "{error}");
    assert_eq!(rect.call().arg(1).run()?.outputs().len(), 1);
    // Or another value in the result's place.
    let rect = Routine::new(function).output(2)?.check(|outcome| {
        let Value::Data(rect) = &outcome.outputs()[0].value else { return Err("no rect".into()) };
        let side = |path| rect.get(path).and_then(i64::try_from);
        let area = (side("right")? - side("left")?) * (side("bottom")? - side("top")?);
        Ok(outcome.with_value(area))
    });
    assert_eq!(rect.call().arg(1).run()?.result::<i64>()?, 4);
    assert!(rect.call().arg(1).arg(2).run().is_err(), "the output is not given");
    assert!(rect.call().arg(1).named("lprect", None::<&i64>).run().is_err());
    Ok(())
}

#[test]
fn inputs_that_are_outputs_too() -> Result<(), Error> {
    let Some(library) = crate::c::library(WINDOW, &[]) else { return Ok(()) };
    // SAFETY: the function above.
    let divide = unsafe { library.function("int divide(int *number, int by, int *rest, double *exact)")? };
    assert!(Routine::new(divide.clone()).output("by").is_err(), "no pointer");
    assert!(Routine::new(divide.clone()).default("by", c"10").is_err(), "no number");
    let divide = Routine::new(divide).in_out("number")?.output("rest")?.output("exact")?.default("by", 10)?;
    let outcome = divide.call().arg(45).run()?;
    assert_eq!(outcome.output::<i32>("number")?, 4);
    assert_eq!((outcome.output::<i32>("rest")?, outcome.output::<f64>(4)?), (5, 4.5));
    assert!(outcome.output::<i32>("by").is_err());
    assert_eq!(outcome.into_values(), [Value::I32(4), Value::I32(5), Value::F64(4.5)]);
    let error = divide.call().arg(1u64 << 40).run().expect_err("too large").to_string();
    assert!(error.starts_with("divide: argument 1 'number': wanted int *, given 1099511627776"), "{error}");
    Ok(())
}

/// Nothing that was borrowed for the call is found in what it comes to, nor by a conversion.
#[test]
#[allow(clippy::needless_borrows_for_generic_args)] // a reference is another argument than what it refers to
fn what_is_borrowed_does_not_come_back() -> Result<(), Error> {
    let source =
        "struct s { int *p; }; int swap(int **p, struct s s) { static int own = 7; *p = &own; return *s.p; }";
    let Some(library) = crate::c::library(source, &[]) else { return Ok(()) };
    // SAFETY: the function above.
    let swap = unsafe { library.function("int swap(int **p, struct s { int *p; } s)")? };
    let held = swap.prototype().params[1].ty.clone();
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let sees = std::sync::Arc::clone(&seen);
    let swap = Routine::new(swap).in_out("p")?.convert("s", move |value| {
        sees.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok(value)
    })?;
    let mut number = 5;
    let mut s = callsmith::Linked::new(&held)?;
    s.set("p", &mut number)?;
    assert_eq!(swap.call().arg(Null).arg(&s).run()?.result::<i32>()?, 5);
    assert!(!seen.load(std::sync::atomic::Ordering::Relaxed), "the struct holds a pointer");
    let mut other = 6;
    let error = swap.call().arg(&mut other).arg(&s).run().expect_err("it would come back").to_string();
    assert!(error.ends_with("what comes back might outlive what it points at"), "{error}");
    Ok(())
}

/// `from_param`: a parameter's own idea of what it takes.
#[test]
fn a_parameter_converts_what_it_is_given() -> Result<(), Error> {
    // SAFETY: this is libc's prototype.
    let toupper = unsafe { Library::this_process().function("int toupper(int character)")? };
    let toupper = Routine::new(toupper).convert("character", |value| match value {
        Value::U32(code) if code < 128 => Ok(Value::U32(code)),
        other => Err(format!("{other} is no ASCII character").into()),
    })?;
    assert_eq!(toupper.call().arg(u32::from('x')).run()?.result::<u8>()?, b'X');
    let error = toupper.call().arg(u32::from('é')).run().expect_err("not ASCII").to_string();
    assert_eq!(
        error,
        "toupper: argument 1 'character': wanted int, given 233 (u32): 233 is no ASCII character"
    );
    Ok(())
}
