//! Structs and unions.

/// A C struct as a Rust struct: `#[repr(C)]`, usable as argument, result, member, callback argument, and behind pointers.
///
/// Its layout is what [`arch::layout`](crate::arch::layout) makes of the members; that rustc agrees is checked at first
/// use. [`CRepr::zeroed`](crate::CRepr::zeroed) makes one of zeros.
///
/// ```
/// use callsmith::{Library, c_struct};
///
/// c_struct! {
///     /// What `div` gives back.
///     #[derive(Debug, PartialEq)]
///     pub struct Div {
///         pub quot: i32,
///         pub rem: i32,
///     }
/// }
///
/// let libc = Library::this_process();
/// // SAFETY: this is div's prototype.
/// let div = unsafe { libc.function("struct div { int quot, rem; } div(int, int)")? };
/// let answer: Div = div.call((17, 5))?;
/// assert_eq!(answer, Div { quot: 3, rem: 2 });
/// # Ok::<(), callsmith::Error>(())
/// ```
///
/// `packed(n)` behind the name is `#pragma pack(n)`, `align(n)` is `__attribute__((aligned(n)))`. Bit-fields stand behind the
/// member that they are in, each with the names of its getter and its setter and its width; a setter keeps the low bits,
/// as C does.
///
/// ```
/// use callsmith::{CRepr, c_struct, decl, host};
///
/// c_struct! {
///     pub struct Color {
///         pub intensity: u16,
///         pub rgb: u16 { red / set_red: 5, green / set_green: 5, blue / set_blue: 6 },
///         pub shade: i32 { depth / set_depth: 3 },
///     }
/// }
///
/// # let text = "struct { unsigned short intensity, red:5, green:5, blue:6; int depth:3; }";
/// # assert!(<Color as callsmith::Pointee>::is(&decl::parse_type(text, host::MODEL)?));
/// let mut color = Color::zeroed();
/// color.set_green(9);
/// color.set_depth(-2);
/// assert_eq!((color.green(), color.depth()), (9, -2));
/// assert_eq!(color.rgb, 9 << 5);
/// # Ok::<(), callsmith::Error>(())
/// ```
#[macro_export]
macro_rules! c_struct {
    ($($(#[$attr:meta])* $vis:vis struct $name:ident $(packed($pack:tt))? $(align($align:tt))? {
        $($(#[$fattr:meta])* $fvis:vis $field:ident : $ty:ty $({ $($get:ident / $set:ident : $width:literal),* $(,)? })?),* $(,)?
    })+) => {$(
        $(#[$attr])*
        #[derive(Clone, Copy)]
        #[repr(C $(, packed($pack))? $(, align($align))?)]
        $vis struct $name { $($(#[$fattr])* $fvis $field: $ty),* }

        const _: () = {
            #[allow(dead_code)] // where there are no bit-fields
            const BITS: &[$crate::__private::Bits] =
                &[$($($((::core::stringify!($field), ::core::stringify!($get), $width)),*,)?)*];

            #[allow(dead_code)] // whoever declares a bit-field need not use it
            impl $name {
                $($($(
                    #[doc = ::core::concat!("The bit-field `", ::core::stringify!($get), "`.")]
                    #[inline]
                    $fvis fn $get(&self) -> $ty {
                        const START: u32 = $crate::__private::start_of(
                            BITS,
                            ::core::stringify!($field),
                            ::core::stringify!($get),
                            <$ty>::BITS,
                        );
                        $crate::__private::BitStorage::bits({ self.$field }, START, $width)
                    }

                    #[doc = ::core::concat!("Sets the bit-field `", ::core::stringify!($get), "` to the low bits of `value`.")]
                    #[inline]
                    $fvis fn $set(&mut self, value: $ty) {
                        const START: u32 = $crate::__private::start_of(
                            BITS,
                            ::core::stringify!($field),
                            ::core::stringify!($get),
                            <$ty>::BITS,
                        );
                        self.$field =
                            $crate::__private::BitStorage::with_bits({ self.$field }, START, $width, value);
                    }
                )*)?)*
            }

            fn layout() -> $crate::arch::layout::Type {
                #[allow(unused_mut)] // where there are no members
                let mut layout = $crate::__private::Layout::new(
                    ::core::stringify!($name),
                    $crate::arch::layout::RecordKind::Struct,
                    0 $(+ $pack)?,
                    0 $(+ $align)?,
                );
                $(layout.member::<$ty>(::core::mem::offset_of!($name, $field), &[$($($width),*)?]);)*
                layout.finish::<$name>()
            }

            // To rustc, packed members and alignments are another matter than to C.
            const PLAIN: bool = 0 $(+ $pack)? $(+ $align)? == 0;

            $crate::__c_record!($name, PLAIN $(&& <$ty as $crate::CRepr>::DIRECT)*);
        };
    )+};
}

/// A C union as a Rust union: `#[repr(C)]`, usable as [`c_struct!`](crate::c_struct)'s structs are. To read a member is
/// `unsafe`, as for every Rust union: which one was written is for the program to know.
///
/// ```
/// use callsmith::{CRepr, c_struct, c_union};
///
/// c_union! {
///     pub union Number {
///         pub integer: i64,
///         pub real: f64,
///     }
/// }
///
/// c_struct! {
///     pub struct Tagged { pub kind: i32, pub number: Number }
/// }
///
/// let one = Tagged { kind: 1, number: Number { real: 1.0 } };
/// // SAFETY: any bits are an integer.
/// assert_eq!(unsafe { one.number.integer }, 0x3ff0_0000_0000_0000);
/// # assert_eq!(unsafe { Number::zeroed().integer }, 0);
/// # Tagged::ty();
/// ```
#[macro_export]
macro_rules! c_union {
    ($($(#[$attr:meta])* $vis:vis union $name:ident $(packed($pack:tt))? $(align($align:tt))? {
        $($(#[$fattr:meta])* $fvis:vis $field:ident : $ty:ty),* $(,)?
    })+) => {$(
        $(#[$attr])*
        #[derive(Clone, Copy)]
        #[repr(C $(, packed($pack))? $(, align($align))?)]
        $vis union $name { $($(#[$fattr])* $fvis $field: $ty),* }

        const _: () = {
            fn layout() -> $crate::arch::layout::Type {
                let mut layout = $crate::__private::Layout::new(
                    ::core::stringify!($name),
                    $crate::arch::layout::RecordKind::Union,
                    0 $(+ $pack)?,
                    0 $(+ $align)?,
                );
                $(layout.member::<$ty>(0, &[]);)*
                layout.finish::<$name>()
            }

            const PLAIN: bool = 0 $(+ $pack)? $(+ $align)? == 0;

            $crate::__c_record!($name, PLAIN $(&& <$ty as $crate::CRepr>::DIRECT)*);
        };
    )+};
}

/// What a struct or union with a function `layout` is to calls.
#[doc(hidden)]
#[macro_export]
macro_rules! __c_record {
    ($name:ident, $direct:expr) => {
        // SAFETY: `#[repr(C)]`, and `layout` compares size, alignment and offsets.
        unsafe impl $crate::Pointee for $name {
            fn is(c: &$crate::ctype::CType) -> bool {
                $crate::__private::laid_out_as(c, &layout())
            }
        }

        // SAFETY: as above.
        unsafe impl $crate::CRepr for $name {
            const DIRECT: bool = $direct;

            fn ty() -> $crate::arch::layout::Type {
                layout()
            }
        }

        // SAFETY: rustc passes `#[repr(C)]` structs as C does, or `DIRECT` says otherwise.
        unsafe impl $crate::Arg for $name {
            type Native = $name;
            const DIRECT: bool = <$name as $crate::CRepr>::DIRECT;
            const IN_SLOT: bool = false;

            fn is(c: &$crate::ctype::CType) -> bool {
                <$name as $crate::Pointee>::is(c)
            }

            fn variadic() -> ::core::option::Option<$crate::arch::layout::Type> {
                ::core::option::Option::Some(layout())
            }

            #[inline(always)]
            unsafe fn native(self) -> $name {
                self
            }

            unsafe fn value(
                native: $name,
                c: ::core::option::Option<&$crate::ctype::CType>,
            ) -> $crate::Value {
                $crate::__private::struct_value(&native, c)
            }
        }

        // SAFETY: as above.
        unsafe impl $crate::Ret for $name {
            type Native = $name;
            const DIRECT: bool = <$name as $crate::CRepr>::DIRECT;

            fn is(c: &$crate::ctype::CType) -> bool {
                <$name as $crate::Pointee>::is(c)
            }

            fn ty() -> ::core::option::Option<$crate::arch::layout::Type> {
                ::core::option::Option::Some(layout())
            }

            #[inline(always)]
            unsafe fn from_native(native: $name) -> $name {
                native
            }

            fn from_value(value: $crate::Value) -> ::core::result::Result<$name, $crate::Error> {
                $crate::__private::struct_from(value)
            }
        }

        // SAFETY: as above.
        unsafe impl $crate::Give for $name {
            #[inline(always)]
            fn give(self) -> $name {
                self
            }
        }
    };
}
