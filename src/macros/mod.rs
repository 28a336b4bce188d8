//! Rust types with the representation of C types, by declaration.

mod enumeration;
mod record;

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
