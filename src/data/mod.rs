//! C data: values, memory that holds them, and the Rust types that have their representation.

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
mod view;
mod view_mut;

pub use aggregate::Data;
pub use linked::Linked;
pub use long_double::LongDouble;
pub use pointer::Ptr;
pub use repr::{CRepr, Pointee};
pub use text::{CharBuffer, WideBuffer, WideChar};
pub use value::{Integer, Tag, Value};
pub use view::View;
pub use view_mut::ViewMut;

pub(crate) use convert::{is_promoted, promoted, to_rust, to_type, unfit};
pub use repr::laid_out_as;
pub(crate) use shape::Shape;
pub(crate) use spot::type_at;
pub(crate) use storage::Small;
