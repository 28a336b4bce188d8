//! Records as Microsoft's compiler lays them out (Microsoft C reference: "Storage and alignment of structures", "C Bit
//! Fields", "align", "pack").
//!
//! Two things set it apart from GCC. A bit-field takes a whole unit of its type, which its neighbours share when their
//! types have its size. And `__declspec(align)`, which here is `aligned` on a member or a record, is a requirement that no
//! `#pragma pack` around it lowers, however deep it is.

use super::record::{Checked, Layout, align_bit};
use super::{DataModel, RecordAttrs, RecordKind, Type};
use crate::Align;
use alloc::vec::Vec;

/// Places the members of a record.
pub(super) fn lay_out(model: &DataModel, attrs: &RecordAttrs, members: &[Checked<'_>]) -> Layout {
    let mut record = Msvc {
        model,
        kind: attrs.kind,
        limit: limit(model, attrs),
        end: 0,
        align: Align::ONE,
        required: Align::ONE,
        unit: None,
    };
    let starts: Vec<u128> = members
        .iter()
        .map(|checked| match checked.width {
            None => record.plain(checked),
            Some(0) => record.boundary(checked),
            Some(width) => record.bit_field(checked, width),
        })
        .collect();
    let required = record.required.max(attrs.align.unwrap_or(Align::ONE));
    let align = record.align.max(required);
    let size = match align_bit(record.end, align) {
        0 => empty_size(align, required),
        size => size,
    };
    let member_align = if attrs.align.is_some() { align } else { required };
    Layout { starts, size, align, natural_align: record.align, required_align: required, member_align }
}

/// The size of a record without members, or with members of no size: 4 bytes in C, or its alignment where
/// `__declspec(align)` asks for at least as much. It need be no multiple of its alignment.
fn empty_size(align: Align, required: Align) -> u128 {
    const LEAST: u64 = 4;
    u128::from(if required.bytes() >= LEAST { align.bytes() } else { LEAST }) * 8
}

/// What `packed` and `#pragma pack` limit members to. A pack beyond the size of a pointer is ignored.
fn limit(model: &DataModel, attrs: &RecordAttrs) -> Align {
    match attrs.pack {
        _ if attrs.packed => Align::ONE,
        Some(pack) if pack.bytes() <= model.pointer.bytes() => pack,
        Some(_) | None => Align::MAX,
    }
}

/// The unit that bit-fields are being put into.
#[derive(Clone, Copy)]
struct Unit {
    /// The size of the types that share it, in bits.
    bits: u128,
    /// How many bits are left.
    free: u128,
}

/// A record being laid out. All positions in bits.
struct Msvc<'a> {
    model: &'a DataModel,
    kind: RecordKind,
    limit: Align,
    /// The end of the members so far, whole units included.
    end: u128,
    /// The largest alignment that a member asked for.
    align: Align,
    /// The largest alignment that `__declspec(align)` asked for.
    required: Align,
    unit: Option<Unit>,
}

impl Msvc<'_> {
    /// A member's alignment: its type's up to the limit, but no less than is required of it.
    fn member_align(&self, checked: &Checked<'_>, required: Align) -> Align {
        let own = if checked.member.packed { Align::ONE } else { checked.member.ty.align(self.model) };
        own.min(self.limit).max(required)
    }

    /// Takes room for `bits` at `align`, and says where.
    fn take(&mut self, bits: u128, align: Align) -> u128 {
        let start = match self.kind {
            RecordKind::Struct => align_bit(self.end, align),
            RecordKind::Union => 0,
        };
        self.end = self.end.max(start + bits);
        start
    }

    fn plain(&mut self, checked: &Checked<'_>) -> u128 {
        self.unit = None;
        let explicit = checked.member.align.unwrap_or(Align::ONE);
        let required = explicit.max(required_align(&checked.member.ty, self.model));
        self.required = self.required.max(required);
        let align = self.member_align(checked, required);
        self.align = self.align.max(align);
        self.take(checked.bits, align)
    }

    /// "Storage and alignment of structures": "Adjacent bit fields are packed into the same 1-, 2-, or 4-byte allocation
    /// unit if the integral types are the same size and if the next bit field fits into the current allocation unit". In
    /// a union a bit-field asks for no alignment.
    fn bit_field(&mut self, checked: &Checked<'_>, width: u16) -> u128 {
        let width = u128::from(width);
        if let Some(unit) = &mut self.unit
            && unit.bits == checked.bits
            && width <= unit.free
        {
            let start = self.end - unit.free;
            unit.free -= width;
            return start;
        }
        let align = self.bit_field_align(checked);
        let free = match self.kind {
            RecordKind::Struct => {
                self.align = self.align.max(align);
                checked.bits - width
            }
            RecordKind::Union => 0,
        };
        self.unit = Some(Unit { bits: checked.bits, free });
        self.take(checked.bits, align)
    }

    /// A zero-width bit-field counts only behind a bit-field: it ends the unit, and aligns what follows to its type.
    fn boundary(&mut self, checked: &Checked<'_>) -> u128 {
        if self.unit.take().is_none() {
            return self.end;
        }
        let align = self.bit_field_align(checked);
        match self.kind {
            RecordKind::Struct => {
                self.align = self.align.max(align);
                self.take(0, align)
            }
            RecordKind::Union => self.take(checked.bits, align),
        }
    }

    /// On a bit-field, `__declspec(align)` raises the alignment but is no requirement of the record.
    fn bit_field_align(&self, checked: &Checked<'_>) -> Align {
        self.member_align(checked, checked.member.align.unwrap_or(Align::ONE))
    }
}

/// What a type requires however it is packed: vectors and what `__declspec(align)` was put on.
fn required_align(ty: &Type, model: &DataModel) -> Align {
    match ty {
        Type::Scalar(_) | Type::Complex(_) => Align::ONE,
        Type::Vector(vector) => vector.align(model),
        Type::Array(array) => required_align(&array.element, model),
        Type::Record(record) => record.member_align,
    }
}
