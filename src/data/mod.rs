//! C data: values, memory that holds them, and the Rust types that have their representation.
//!
//! # What safe code can do, and why it is sound
//!
//! Safe code can make, read, write, copy, cast, resize and compare C data of any type, by member and by index, in memory
//! of its own or in a Rust slice, and hand it to C functions that somebody vouched for. What could go wrong, and what
//! keeps it from that:
//!
//! | danger | what keeps it away |
//! |---|---|
//! | uninitialised bytes | memory is zeroed when it is made or grown; Rust values are copied into it with what is uninitialised in them made any bytes; memory at an address is promised to be initialised |
//! | reading or writing elsewhere | every place comes from the type's own layout, and is looked up in a slice of known length; a flexible array goes on to the end of that, and only if nothing stands behind it |
//! | alignment | members are read and written as bytes; C is given an address only where it is aligned for the parameter's type |
//! | views that outlive their memory, or see it change | a view borrows: shared to read, alone to write. `contents` and `at_address`, which go beyond what Rust knows, are unsafe |
//! | pointers made of numbers | only what is vouched for ([`Ptr::new`], unsafe), is NULL, or came from C is read as a pointer. In a union, in a borrowed slice, behind a cast, where numbers may have been written, reading one is an error; memory that holds pointers is not written as bytes, nor are the bytes of a neighbour of one |
//! | pointers that outlive what they point at | safe code can put the address of borrowed memory into C data only by [`Linked`], which borrows it as long as it lives, and does not give its pointers out. What arguments refer to is out of reach of safe code ([`Arg::native`](crate::Arg::native) is unsafe) |
//! | pointers to something else | what is put into a [`Linked`] is compared with its member's type, callbacks too; and C is given data with pointers only for the very type that was declared, down to what they point at. Memory is never called: a function pointer is a [`Ptr`] to a function of its signature. A [`Ptr`] by itself is somebody's word, and a [`Value`] has lost its type: see below |
//! | `bool`s, enums, characters | a `_Bool` becomes a `bool` by comparison with 0, or is looked at before it is read as part of a Rust struct; C's enumerations are integers with names, its characters numbers |
//! | threads | [`Data`], views, [`Ptr`] and whatever holds them stay on their thread: they may hold pointers whose memory knows nothing of threads. [`CharBuffer`] and [`WideBuffer`], which hold none, do not |
//!
//! `tests/ctypes/attempts.rs` tries all this from the other side. What C does with what it is given was vouched for by
//! whoever declared the function: see
//! [`Function`](crate::Function#what-a-safe-call-relies-on).

mod aggregate;
mod bits;
mod convert;
mod linked;
mod long_double;
pub mod memory;
mod pointer;
pub(crate) mod record;
mod repr;
mod scalar;
mod shape;
mod show;
mod spot;
mod storage;
mod text;
mod value;
mod variant_bool;
mod view;
mod view_mut;

pub use aggregate::Data;
pub use linked::Linked;
pub use long_double::LongDouble;
pub use pointer::Ptr;
pub use repr::{CRepr, Pointee};
pub use text::{CharBuffer, WideBuffer, WideChar};
pub use value::{Integer, Tag, Value};
pub use variant_bool::VariantBool;
pub use view::View;
pub use view_mut::ViewMut;

pub(crate) use convert::{is_promoted, promoted, to_rust, to_type, unfit};
#[doc(hidden)]
pub use repr::laid_out_as;
pub(crate) use shape::Shape;
pub(crate) use spot::type_at;
pub(crate) use storage::Small;
