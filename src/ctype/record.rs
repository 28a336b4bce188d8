//! Structs, unions and enumerations by handle.

use super::types::{EnumBody, EnumId, MemberNode, RecordBody, RecordId, RecordNode, Types};
use super::{ByteOrder, CType, Integer, Kind, Lowering};
use callsmith_arch::layout::{DataModel, Place, RecordKind};
use callsmith_arch::{Align, Error, Size};
use std::fmt;
use std::sync::Arc;

/// A struct or union, complete or not.
#[derive(Clone)]
pub struct RecordType {
    types: Arc<Types>,
    id: RecordId,
}

/// A member as declared.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name; `None` for an unnamed struct or union, whose members count as the outer one's, and for padding bits.
    pub name: Option<String>,
    /// Its type; for a bit-field, the declared type. A flexible array member is an array without length.
    pub ty: CType,
    /// The width of a bit-field.
    pub bits: Option<u32>,
    /// `__attribute__((packed))` on the member.
    pub packed: bool,
    /// `__attribute__((aligned(n)))` or `_Alignas(n)` on the member.
    pub align: Option<Align>,
}

/// A member with its place under a data model.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name; `None` for an unnamed struct or union and for padding bits.
    pub name: Option<String>,
    /// Its type; for a bit-field, the declared type.
    pub ty: CType,
    /// Where it is.
    pub place: Place,
}

impl Field {
    /// Where it starts, in bytes; for a bit-field, where the storage unit of its type starts that [`Field::bit_offset`]
    /// counts in: as `offset` of ctypes' `CField`.
    ///
    /// # Errors
    /// As for [`CType::size`].
    pub fn offset(&self, model: &DataModel) -> Result<Size, Error> {
        Ok(match self.place {
            Place::Bytes(offset) => offset,
            Place::Bits { first, .. } => {
                let unit = self.ty.align(model)?.bytes();
                Size::new(first / 8 / unit * unit).unwrap_or(Size::ZERO)
            }
        })
    }

    /// How many bytes it has; for a bit-field, its storage unit.
    ///
    /// # Errors
    /// As for [`CType::size`]. A flexible array member has none.
    pub fn size(&self, model: &DataModel) -> Result<Size, Error> {
        match self.ty.resolved().kind() {
            Kind::Array { len: None, .. } => Ok(Size::ZERO),
            _ => self.ty.size(model),
        }
    }

    /// Where it starts in its storage unit, in bits from the first in memory; 0 for what is no bit-field.
    ///
    /// # Errors
    /// As for [`CType::size`].
    pub fn bit_offset(&self, model: &DataModel) -> Result<u64, Error> {
        Ok(match self.place {
            Place::Bytes(_) => 0,
            Place::Bits { first, .. } => first - self.offset(model)?.bytes() * 8,
        })
    }

    /// How many bits it has; for what is no bit-field, 8 for each byte.
    ///
    /// # Errors
    /// As for [`CType::size`].
    pub fn bit_size(&self, model: &DataModel) -> Result<u64, Error> {
        Ok(match self.place {
            Place::Bytes(_) => self.size(model)?.bytes() * 8,
            Place::Bits { width, .. } => width.into(),
        })
    }

    /// Whether it is a bit-field.
    pub fn is_bit_field(&self) -> bool {
        matches!(self.place, Place::Bits { .. })
    }

    /// Whether it is an unnamed struct or union, whose members count as the outer one's.
    pub fn is_anonymous(&self) -> bool {
        self.name.is_none() && !self.is_bit_field()
    }
}

impl RecordType {
    pub(super) fn new(types: Arc<Types>, id: RecordId) -> RecordType {
        RecordType { types, id }
    }

    fn node(&self) -> &RecordNode {
        self.types.record(self.id)
    }

    fn body(&self) -> Option<&RecordBody> {
        self.node().body.as_deref()
    }

    /// Struct or union.
    pub fn kind(&self) -> RecordKind {
        self.node().kind
    }

    /// Its tag.
    pub fn tag(&self) -> Option<&str> {
        self.node().tag.as_deref()
    }

    /// Whether its members are known.
    pub fn is_complete(&self) -> bool {
        self.node().body.is_some()
    }

    /// The order that its declaration names for the bytes of its scalars; `None` for the data model's own.
    pub fn byte_order(&self) -> Option<ByteOrder> {
        self.body().and_then(|body| body.order)
    }

    /// Its members in order of declaration; none where it is incomplete.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        let members = self.body().map_or(&[][..], |body| &body.members);
        members.iter().map(|member| self.member(member))
    }

    fn member(&self, member: &MemberNode) -> Member {
        Member {
            name: member.name.as_deref().map(str::to_owned),
            ty: CType::new(self.types.clone(), member.ty),
            bits: member.bits,
            packed: member.packed,
            align: member.align,
        }
    }

    /// Its members with their places under `model`, in order of declaration. Members of an unnamed struct or union inside
    /// stay with it; bit-fields of width zero are left out.
    ///
    /// # Errors
    /// Where it has no layout, as for [`CType::lower`].
    pub fn fields(&self, model: &DataModel) -> Result<Vec<Field>, Error> {
        let record = Lowering::new(model).record(&self.types, self.id)?;
        let named = self.members().filter(|member| member.bits != Some(0));
        Ok(named
            .zip(record.fields.iter())
            .map(|(member, field)| Field { name: member.name, ty: member.ty, place: field.place })
            .collect())
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordType").field("kind", &self.kind()).field("tag", &self.tag()).finish()
    }
}

/// An enumeration.
#[derive(Clone)]
pub struct EnumType {
    types: Arc<Types>,
    id: EnumId,
}

impl EnumType {
    pub(super) fn new(types: Arc<Types>, id: EnumId) -> EnumType {
        EnumType { types, id }
    }

    fn body(&self) -> Option<&EnumBody> {
        self.types.enumeration(self.id).body.as_deref()
    }

    /// Its tag.
    pub fn tag(&self) -> Option<&str> {
        self.types.enumeration(self.id).tag.as_deref()
    }

    /// The integer type that holds it; `None` where it is not defined.
    pub fn underlying(&self) -> Option<Integer> {
        self.body().map(|body| body.underlying)
    }

    /// Its constants in order of declaration; none where it is not defined.
    pub fn constants(&self) -> impl Iterator<Item = (&str, i128)> + '_ {
        self.body().map_or(&[][..], |body| &body.constants).iter().map(|(name, value)| (&**name, *value))
    }
}

impl fmt::Debug for EnumType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnumType").field("tag", &self.tag()).finish()
    }
}
