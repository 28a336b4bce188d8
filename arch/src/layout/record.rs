//! Structs and unions: packing, alignment, flexible arrays.

use super::{BitFieldRule, DataModel, Type, bitfield, deeper_than, gnu, msvc};
use crate::{Align, Error, Size};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// Who lays out structs and unions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordRule {
    /// GCC.
    Gnu,
    /// clang for Apple's systems, which follows GCC but for a corner.
    Apple,
    /// Microsoft's compiler, and clang for its targets.
    Msvc,
}

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

/// A struct or union, laid out by [`Record::new`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
    /// The alignment that Microsoft's `__declspec(align)` asks for, inside it or on it.
    pub(crate) required_align: Align,
    /// The alignment that no `#pragma pack` lowers where it is a member: all of it where a `__declspec(align)` is on it.
    pub(super) member_align: Align,
    /// How many leaves there are in it.
    pub(super) leaves: u64,
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

impl Member {
    /// A plain member.
    pub fn new(ty: impl Into<Type>) -> Member {
        Member { ty: ty.into(), bits: None, padding: false, packed: false, align: None }
    }

    /// A bit-field of `width` bits.
    pub fn bits(ty: impl Into<Type>, width: u32) -> Member {
        Member { bits: Some(width), ..Member::new(ty) }
    }

    /// A bit-field without a name.
    pub fn unnamed_bits(ty: impl Into<Type>, width: u32) -> Member {
        Member { padding: true, ..Member::bits(ty, width) }
    }
}

impl RecordAttrs {
    /// A struct or union without attributes.
    pub fn new(kind: RecordKind) -> RecordAttrs {
        RecordAttrs { kind, packed: false, align: None, pack: None, bit_fields: None }
    }
}

/// How many scalars unions may put over each other, for each byte of their size.
pub const MAX_LEAVES_PER_BYTE: u64 = 1_024;

/// A member that C allows, with what its layout depends on.
pub(super) struct Checked<'a> {
    /// What was declared.
    pub(super) member: &'a Member,
    /// The width of a bit-field.
    pub(super) width: Option<u16>,
    /// Whether the member or its record is packed.
    pub(super) packed: bool,
    /// The size of its type, in bits.
    pub(super) bits: u128,
}

/// What a rule makes of a record's members.
pub(super) struct Layout {
    /// The first bit of each member.
    pub(super) starts: Vec<u128>,
    /// The whole size in bits, a multiple of 8.
    pub(super) size: u128,
    /// See [`Record::align`].
    pub(super) align: Align,
    /// See [`Record::natural_align`].
    pub(super) natural_align: Align,
    /// See [`Record::required_align`].
    pub(super) required_align: Align,
    /// See [`Record::member_align`].
    pub(super) member_align: Align,
}

impl Record {
    /// Lays out a record of `members` under `model`.
    ///
    /// # Errors
    /// Where a member's type is not in `model`, where a bit-field is not one that C allows, where records nest
    /// deeper than [`super::MAX_DEPTH`], where unions put more than [`MAX_LEAVES_PER_BYTE`] scalars over each other, and
    /// where the size overflows.
    pub fn new(model: &DataModel, attrs: RecordAttrs, members: &[Member]) -> Result<Record, Error> {
        let mut checked = Vec::with_capacity(members.len());
        let mut nested = 0;
        for member in members {
            member.ty.check(model)?;
            let width = bitfield::check(model, member)?;
            let bits = u128::from(member.ty.size(model).bytes()) * 8;
            checked.push(Checked { member, width, packed: attrs.packed || member.packed, bits });
            nested = nested.max(member.ty.depth());
        }
        let layout = match (model.records, attrs.bit_fields) {
            (RecordRule::Gnu | RecordRule::Apple, rule) => {
                gnu::lay_out(model, &attrs, rule.unwrap_or(model.bit_fields), &checked)
            }
            (RecordRule::Msvc, Some(BitFieldRule::Gnu)) => {
                gnu::lay_out(model, &attrs, BitFieldRule::Gnu, &checked)
            }
            (RecordRule::Msvc, None | Some(BitFieldRule::Msvc)) => msvc::lay_out(model, &attrs, &checked),
        };
        let overflow = Error::SizeOverflow { what: "a struct or union" };
        let size = bytes(layout.size / 8).ok_or(overflow)?;
        let fields = fields(&checked, &layout.starts)?;
        Ok(Record {
            kind: attrs.kind,
            size,
            align: layout.align,
            natural_align: layout.natural_align,
            leaves: leaves(&fields, size)?,
            fields,
            depth: deeper_than(nested)?,
            required_align: layout.required_align,
            member_align: layout.member_align,
        })
    }
}

/// The members with their places, zero-width bit-fields left out.
fn fields(members: &[Checked<'_>], starts: &[u128]) -> Result<Box<[Field]>, Error> {
    let overflow = Error::SizeOverflow { what: "a struct or union" };
    let mut fields = Vec::with_capacity(members.len());
    for (checked, &start) in members.iter().zip(starts) {
        let place = match checked.width {
            Some(0) => continue,
            Some(width) => u64::try_from(start).ok().map(|first| Place::Bits { first, width }),
            None => bytes(start / 8).map(Place::Bytes),
        };
        let place = place.ok_or_else(|| overflow.clone())?;
        fields.push(Field { ty: checked.member.ty.clone(), place, padding: checked.member.padding });
    }
    Ok(fields.into())
}

/// How many scalars are in a record's members. Unions of unions could double them at each level, and whoever looks at a few
/// bytes would never end: that is an error.
fn leaves(fields: &[Field], size: Size) -> Result<u64, Error> {
    let named = fields.iter().filter(|field| !field.padding);
    let leaves = named.fold(0u64, |leaves, field| leaves.saturating_add(field.ty.leaves()));
    if leaves > size.bytes().max(1).saturating_mul(MAX_LEAVES_PER_BYTE) {
        let what = format!("a union of more than {MAX_LEAVES_PER_BYTE} scalars for each of its bytes");
        return Err(Error::Unsupported { what });
    }
    Ok(leaves)
}

/// A number of bytes, or `None` where it leaves the address space.
fn bytes(bytes: u128) -> Option<Size> {
    u64::try_from(bytes).ok().and_then(Size::new)
}

/// The least multiple of `align` that is not below `bit`, both counted in bits.
pub(super) fn align_bit(bit: u128, align: Align) -> u128 {
    bit.next_multiple_of(u128::from(align.bytes()) * 8)
}
