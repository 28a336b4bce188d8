//! Rust types with the representation of C types, by declaration.

/// A C struct as a Rust struct: `#[repr(C)]`, usable as argument, result, member and behind pointers.
///
/// Its layout is what [`arch::layout`](crate::arch::layout) makes of the members; that rustc agrees is checked when the
/// program is compiled for the host, where it can be, and at first use.
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
#[macro_export]
macro_rules! c_struct {
    ($($(#[$attr:meta])* $vis:vis struct $name:ident { $($(#[$fattr:meta])* $fvis:vis $field:ident : $ty:ty),* $(,)? })+) => {$(
        $(#[$attr])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        $vis struct $name { $($(#[$fattr])* $fvis $field: $ty),* }

        const _: () = {
            fn layout() -> $crate::arch::layout::Type {
                let members = [$((<$ty as $crate::CRepr>::ty(), ::core::mem::offset_of!($name, $field))),*];
                $crate::__private::c_struct(
                    ::core::stringify!($name),
                    &members,
                    ::core::mem::size_of::<$name>(),
                    ::core::mem::align_of::<$name>(),
                )
            }

            // SAFETY: `#[repr(C)]`, and `c_struct` compares size, alignment and offsets.
            unsafe impl $crate::Pointee for $name {
                fn is(c: &$crate::ctype::CType) -> bool {
                    $crate::__private::laid_out_as(c, &layout())
                }
            }

            // SAFETY: as above.
            unsafe impl $crate::CRepr for $name {
                const DIRECT: bool = true $(&& <$ty as $crate::CRepr>::DIRECT)*;

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
                fn native(self) -> $name {
                    self
                }

                fn value(native: $name, c: ::core::option::Option<&$crate::ctype::CType>) -> $crate::Value {
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
                fn from_native(native: $name) -> $name {
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
    )+};
}

/// Types that C shows no members of: `opaque! { pub struct Sqlite = "sqlite3"; }` makes [`Ptr<Sqlite>`](crate::Ptr) stand
/// for `struct sqlite3 *`, or a pointer to a typedef of that name, and for no other pointer.
#[macro_export]
macro_rules! opaque {
    ($($(#[$attr:meta])* $vis:vis struct $name:ident = $c:literal;)+) => {$(
        $(#[$attr])*
        $vis enum $name {}

        // SAFETY: nothing can be done with such memory in Rust.
        unsafe impl $crate::Pointee for $name {
            fn is(c: &$crate::ctype::CType) -> bool {
                $crate::__private::is_named(c, $c)
            }
        }
    )+};
}
