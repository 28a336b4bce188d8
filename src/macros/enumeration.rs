//! Enumerations.

/// A C enumeration as a Rust type: an integer with names, for C may give any value of it. Usable as argument, result,
/// member, callback argument, and behind pointers.
///
/// The integer is the one that the C compiler takes: with GCC `u32`, or `i32` where a constant is negative. Of a whole enum,
/// its signedness makes no difference here.
///
/// ```
/// use callsmith::{Callback, c_enum};
///
/// c_enum! {
///     /// What a walk does next.
///     pub enum Step: u32 {
///         Stop,
///         Next = 4,
///         Skip,
///     }
/// }
///
/// assert_eq!((Step::Stop.0, Step::Skip.0), (0, 5));
/// let callback: Callback<fn(Step) -> Step> = Callback::new(|step| match step {
///     Step::Next => Step::Skip,
///     _ => Step::Stop, // also what has no name
/// })?;
/// # let prototype = callsmith::decl::parse_prototype("enum step { A, B } f(enum step)", callsmith::host::MODEL)?;
/// # // SAFETY: the callback.
/// # let function = unsafe { callsmith::Function::from_address(callback.address(), prototype)? };
/// # assert_eq!(function.call::<_, Step>((Step(4),))?, Step::Skip);
/// assert_eq!(format!("{:?} {:?}", Step::Next, Step(9)), "Next Step(9)");
/// # Ok::<(), callsmith::Error>(())
/// ```
#[macro_export]
macro_rules! c_enum {
    ($($(#[$attr:meta])* $vis:vis enum $name:ident : $int:ident {
        $($(#[$cattr:meta])* $constant:ident $(= $value:expr)?),* $(,)?
    })+) => {$(
        $(#[$attr])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        $vis struct $name(
            /// The number.
            pub $int
        );

        const _: () = {
            #[allow(dead_code, clippy::enum_variant_names)] // the constants below are made of it
            #[repr($int)]
            enum Constants { $($constant $(= $value)?),* }

            #[allow(non_upper_case_globals)]
            impl $name {
                $($(#[$cattr])* pub const $constant: $name = $name(Constants::$constant as $int);)*
            }

            impl ::core::fmt::Debug for $name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    match *self {
                        $($name::$constant => f.write_str(::core::stringify!($constant)),)*
                        #[allow(unreachable_patterns)] // where every number has a name
                        $name(number) => ::core::write!(f, "{}({number})", ::core::stringify!($name)),
                    }
                }
            }

            impl ::core::convert::From<$name> for $crate::Value {
                fn from(value: $name) -> $crate::Value {
                    value.0.into()
                }
            }

            // SAFETY: a transparent integer of that size, of which every value is one of this type.
            unsafe impl $crate::Pointee for $name {
                fn is(c: &$crate::ctype::CType) -> bool {
                    $crate::__private::is_enum::<$int>(c)
                }
            }

            // SAFETY: as above.
            unsafe impl $crate::CRepr for $name {
                fn ty() -> $crate::arch::layout::Type {
                    <$int as $crate::CRepr>::ty()
                }
            }

            // SAFETY: passed as the integer that it is, whose whole bytes alone count.
            unsafe impl $crate::Arg for $name {
                type Native = $int;

                fn is(c: &$crate::ctype::CType) -> bool {
                    $crate::__private::is_enum::<$int>(c)
                }

                fn variadic() -> ::core::option::Option<$crate::arch::layout::Type> {
                    <$int as $crate::Arg>::variadic()
                }

                #[inline(always)]
                unsafe fn native(self) -> $int {
                    self.0
                }

                unsafe fn value(
                    native: $int,
                    _: ::core::option::Option<&$crate::ctype::CType>,
                ) -> $crate::Value {
                    native.into()
                }
            }

            // SAFETY: as above.
            unsafe impl $crate::Ret for $name {
                type Native = $int;

                fn is(c: &$crate::ctype::CType) -> bool {
                    $crate::__private::is_enum::<$int>(c)
                }

                fn ty() -> ::core::option::Option<$crate::arch::layout::Type> {
                    <$int as $crate::Ret>::ty()
                }

                #[inline(always)]
                unsafe fn from_native(native: $int) -> $name {
                    $name(native)
                }

                fn from_value(value: $crate::Value) -> ::core::result::Result<$name, $crate::Error> {
                    <$int as $crate::Ret>::from_value(value).map($name)
                }
            }

            // SAFETY: as above.
            unsafe impl $crate::Give for $name {
                #[inline(always)]
                fn give(self) -> $int {
                    self.0
                }
            }
        };
    )+};
}
