//! Types of Rust and of C, and patterned values that both can write down.

pub(crate) use callsmith::LongDouble;
use callsmith::c_struct;

/// The C definitions of the structs.
pub(crate) const TYPES: &str = "
typedef signed char i8; typedef short i16; typedef int i32; typedef long long i64; typedef __int128 i128;
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned __int128 u128;
typedef float f32; typedef double f64; typedef long double long_double; typedef _Bool bool;
typedef struct { i64 a, b; } Two;
typedef struct { f64 x, y; } Pair;
typedef struct { f64 x; i64 n; } Mixed;
typedef struct { i64 n; f64 x; i32 m; } Mixed2;
typedef struct { f32 a, b, c; } Floats;
typedef struct { u8 a, b; i8 c; } Odd;
typedef struct { i64 a, b, c; } Triple;
typedef struct { i32 a, b, c; } Array;
typedef struct { f32 a, b; } Half;
typedef struct { Odd o; i16 s; Half f; } Nested;
typedef struct { } Empty;
typedef struct { long_double x; } Extended;
typedef struct { i128 n; } Int128;
typedef struct { i128 n; f64 x; } Int128Float;
";

/// A type that both languages have.
pub(crate) trait Sample: Copy {
    /// The value of pattern `n`.
    fn sample(n: u32) -> Self;

    /// The type and this value in C.
    fn spelling(&self) -> Spelling;
}

/// A type and a value in C.
#[derive(Clone, Default)]
pub(crate) struct Spelling {
    pub(crate) name: String,
    pub(crate) value: String,
    /// The paths of what is compared: the value itself, or its members.
    paths: Vec<String>,
}

impl Spelling {
    pub(crate) fn of(value: impl Sample) -> Spelling {
        value.spelling()
    }

    /// C that compares two variables.
    pub(crate) fn equal(&self, left: &str, right: &str) -> String {
        let same = self.paths.iter().map(|path| format!("{left}{path} == {right}{path}"));
        std::iter::once("1".into()).chain(same).collect::<Vec<_>>().join(" && ")
    }

    fn scalar(name: &str, value: String) -> Spelling {
        Spelling { name: name.into(), value, paths: vec![String::new()] }
    }

    /// A struct of members with these names.
    fn structure(name: &str, members: Vec<(String, Spelling)>) -> Spelling {
        let values: Vec<&str> = members.iter().map(|(_, member)| member.value.as_str()).collect();
        let value = format!("({name}){{{}}}", values.join(", "));
        let paths = |(field, member): &(String, Spelling)| -> Vec<String> {
            member.paths.iter().map(|path| format!(".{field}{path}")).collect()
        };
        Spelling { name: name.into(), value, paths: members.iter().flat_map(paths).collect() }
    }
}

impl Sample for () {
    fn sample(_: u32) {}

    fn spelling(&self) -> Spelling {
        Spelling { name: "void".into(), ..Spelling::default() }
    }
}

macro_rules! numbers {
    ($($ty:ident: $n:ident => $sample:expr;)*) => {$(
        impl Sample for $ty {
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_lossless)]
            fn sample($n: u32) -> $ty {
                $sample
            }

            fn spelling(&self) -> Spelling {
                Spelling::scalar(stringify!($ty), format!("{self:?}"))
            }
        }
    )*};
}

// Every byte of a number is its own, and the sign bit is set where there is one.
numbers! {
    i8: n => -(n as i8) - 3;
    u8: n => 128 + n as u8;
    i16: n => -0x1200 - n as i16;
    u16: n => 0xff00 + n as u16;
    i32: n => -0x1234_5600 - n as i32;
    i64: n => -0x1234_5678_9abc_de00 - n as i64;
    f32: n => n as f32 + 0.25;
    f64: n => -0.5 - n as f64;
}

impl Sample for bool {
    fn sample(n: u32) -> bool {
        n % 2 == 1 || n == super::RESULT
    }

    fn spelling(&self) -> Spelling {
        Spelling::scalar("bool", u8::from(*self).to_string())
    }
}

macro_rules! wide {
    ($($ty:ident)*) => {$(
        impl Sample for $ty {
            fn sample(n: u32) -> $ty {
                0x7234_5678_9abc_def0_1122_3344_5566_7700 + $ty::from(n)
            }

            fn spelling(&self) -> Spelling {
                let value = format!("(({0})0x{1:x} << 64 | 0x{2:x}u)", stringify!($ty), self >> 64, self & ((1 << 64) - 1));
                Spelling::scalar(stringify!($ty), value)
            }
        }
    )*};
}

wide! { i128 u128 }

impl Sample for LongDouble {
    fn sample(n: u32) -> LongDouble {
        LongDouble::from(f64::from(n) + 0.125)
    }

    fn spelling(&self) -> Spelling {
        Spelling::scalar("long_double", format!("{:?}L", f64::from(*self)))
    }
}

macro_rules! structs {
    ($($name:ident { $($field:ident: $ty:ty),* })*) => {
        $(c_struct! {
            #[derive(Debug, PartialEq)]
            pub(crate) struct $name { $($field: $ty),* }
        }

        impl Sample for $name {
            // An empty struct has no use for them.
            #[allow(unused_variables, unused_mut, unused_assignments)]
            fn sample(n: u32) -> $name {
                let mut part = 0;
                $(let $field = { part += 1; <$ty>::sample(n + 10 * part) };)*
                $name { $($field),* }
            }

            fn spelling(&self) -> Spelling {
                Spelling::structure(stringify!($name), vec![$((stringify!($field).into(), self.$field.spelling())),*])
            }
        })*
    };
}

structs! {
    Two { a: i64, b: i64 }
    Pair { x: f64, y: f64 }
    Mixed { x: f64, n: i64 }
    Mixed2 { n: i64, x: f64, m: i32 }
    Floats { a: f32, b: f32, c: f32 }
    Half { a: f32, b: f32 }
    Odd { a: u8, b: u8, c: i8 }
    Triple { a: i64, b: i64, c: i64 }
    Array { a: i32, b: i32, c: i32 }
    Nested { o: Odd, s: i16, f: Half }
    Empty { }
    Extended { x: LongDouble }
    Int128 { n: i128 }
    Int128Float { n: i128, x: f64 }
}
