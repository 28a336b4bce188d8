//! C data: values, memory that holds them, and the Rust types that have their representation.

mod aggregate;
mod bits;
mod convert;
mod long_double;
mod pointer;
pub(crate) mod record;
mod repr;
mod spot;
mod storage;
mod value;
mod view;

pub use aggregate::Data;
pub use long_double::LongDouble;
pub use pointer::Ptr;
pub use repr::{CRepr, Pointee};
pub use value::{Integer, Tag, Value};
pub use view::{View, ViewMut};

pub(crate) use aggregate::Shape;
pub(crate) use convert::{is_promoted, promoted, to_rust, to_type, unfit};
pub use repr::laid_out_as;
