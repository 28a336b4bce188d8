//! Calls C functions whose signature is known only at run time, and makes C function pointers out of Rust closures: what
//! Python's `ctypes` offers, on an engine of its own. For each signature it works out, once, where the calling convention
//! wants every byte, and writes a piece of machine code that does exactly that. No C compiler and no libffi is involved.
//!
//! ```ignore-windows
//! use callsmith::Library;
//!
//! let libm = Library::open("libm.so.6")?;
//! // SAFETY: this is libm's prototype.
//! let pow = unsafe { libm.function("double pow(double, double)")? };
//! let y: f64 = pow.call((2.0, 10.0))?; // checked against the signature
//! assert_eq!(y, 1024.0);
//! # Ok::<(), callsmith::Error>(())
//! ```
//!
//! | for | see |
//! |---|---|
//! | opening, finding and listing libraries, their symbols and variables | [`Library`], [`LibraryOptions`], [`find_library`], [`loaded_libraries`] |
//! | functions and the ways to call them | [`Function`] |
//! | C data whose type is known at run time | [`Data`], [`View`], [`Value`], [`ctype`] |
//! | Rust types that C knows | [`c_struct!`], [`opaque!`], [`CRepr`] |
//! | closures as function pointers | [`callback`] |
//! | declarations in C | [`decl`] |
//! | what one knows from elsewhere | [`coming_from`] |
//! | calling conventions and layouts, without calling anything | [`arch`] |
//!
#![doc = include_str!("tutorial.md")]
#![deny(unsafe_code)]

pub mod callback;
pub mod coming_from;
pub mod ctype;
pub mod data;
pub mod decl;
pub mod error;
pub mod host;

mod engine;
mod function;
mod library;
mod macros;
mod sys;

pub use callback::{Callback, DynCallback};
pub use callsmith_arch as arch;
pub use data::{
    CRepr, CharBuffer, Data, Integer, Linked, LongDouble, Pointee, Ptr, Tag, Value, VariantBool, View,
    ViewMut, WideBuffer, WideChar, memory,
};
pub use engine::Slot;
pub use error::{Error, ErrorKind};
pub use function::{
    Arg, Args, Call, Copied, Errno, Function, Give, HResult, IntoArg, Invoker, Null, Outcome, Output,
    Register, Ret, Routine, StackChecked, Typed, TypedVariadic, Which, get_errno, set_errno, swapping_errno,
};
#[cfg(windows)]
pub use function::{LastError, get_last_error, set_last_error, swapping_last_error};
pub use library::{
    AddressInfo, Bindings, DataVariable, FoundLibrary, Library, LibraryOptions, LoadedLibrary, Variable,
    address_info, find_library, loaded_libraries,
};
#[cfg(feature = "symbols")]
pub use library::{Exported, LibraryFile, SymbolKind};

/// What the macros expand to.
#[doc(hidden)]
pub mod __private {
    pub use crate::data::laid_out_as;
    pub use crate::data::record::{
        BitStorage, Bits, Layout, is_enum, is_named, start_of, struct_from, struct_value,
    };
    pub use crate::engine::Bound;
    pub use crate::function::{Check, Contract};
}

/// The page that the repository shows first: its example is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
