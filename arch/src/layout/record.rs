//! Structs and unions: packing, alignment, flexible arrays.

use super::{BitFieldRule, DataModel, Type};
use crate::{Align, Error, Size};
use alloc::boxed::Box;

/// Struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// Members one after the other.
    Struct,
    /// Members all at offset 0.
    Union,
}

/// Where a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// At this offset.
    Bytes(Size),
    /// A bit-field: its first bit counted from the record's first (little-endian: bit 0 is the least of byte 0), and
    /// how many bits it has.
    Bits {
        /// The first bit.
        first: u64,
        /// How many.
        width: u16,
    },
}

/// A member, laid out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its type; for a bit-field, the declared type.
    pub ty: Type,
    /// Where it is.
    pub place: Place,
    /// Whether it is a bit-field without a name, which only takes room.
    pub padding: bool,
}

/// A struct or union, laid out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Struct or union.
    pub kind: RecordKind,
    /// Its size, tail padding included.
    pub size: Size,
    /// Its alignment.
    pub align: Align,
    /// The largest alignment among its members, before the record's own attributes (AAPCS64's "natural alignment").
    pub natural_align: Align,
    /// Its members, zero-width bit-fields left out.
    pub fields: Box<[Field]>,
    /// How deep it nests: 1 where no member is an array or a record.
    pub depth: u16,
}

/// A member before layout.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its type.
    pub ty: Type,
    /// The width of a bit-field.
    pub bits: Option<u32>,
    /// Whether it is a bit-field without a name.
    pub padding: bool,
    /// `__attribute__((packed))` on the member.
    pub packed: bool,
    /// `__attribute__((aligned(n)))` or `_Alignas(n)` on the member.
    pub align: Option<Align>,
}

/// What a record's declaration says beside its members.
#[derive(Clone, Copy, Debug)]
pub struct RecordAttrs {
    /// Struct or union.
    pub kind: RecordKind,
    /// `__attribute__((packed))`.
    pub packed: bool,
    /// `__attribute__((aligned(n)))`.
    pub align: Option<Align>,
    /// `#pragma pack(n)` in force.
    pub pack: Option<Align>,
    /// `gcc_struct` or `ms_struct`, where not the model's own rule.
    pub bit_fields: Option<BitFieldRule>,
}

impl Record {
    /// Lays out a record of `members` under `model`.
    pub fn new(model: &DataModel, attrs: RecordAttrs, members: &[Member]) -> Result<Record, Error> {
        let _ = (model, attrs, members);
        Err(Error::SizeOverflow { what: "a struct" })
    }
}
