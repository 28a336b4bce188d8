//! Records as GCC lays them out, with either rule for bit-fields.
//!
//! Plain members follow the psABIs: each at the lowest offset that its alignment allows, the record as aligned as its
//! most aligned member (AMD64 and Intel386 psABIs, "Aggregates and Unions"; AAPCS64, "Composite Types"). `packed`,
//! `aligned` and `#pragma pack` are GCC's own: GCC manual, "Common Type Attributes" and "Structure-Layout Pragmas".

use super::record::{Checked, Layout, align_bit};
use super::{BitFieldRule, DataModel, RecordAttrs, RecordKind, RecordRule};
use crate::Align;
use alloc::vec::Vec;

/// Places the members of a record.
pub(super) fn lay_out(
    model: &DataModel,
    attrs: &RecordAttrs,
    rule: BitFieldRule,
    members: &[Checked<'_>],
) -> Layout {
    let mut record = Gnu { model, attrs, at: 0, end: 0, align: Align::ONE, run: Run::None };
    let mut starts = Vec::with_capacity(members.len());
    for checked in members {
        record.at = match attrs.kind {
            RecordKind::Struct => record.end,
            RecordKind::Union => 0,
        };
        match (rule, checked.width) {
            (BitFieldRule::Gnu, None) => record.plain(checked),
            (BitFieldRule::Gnu, Some(width)) => record.bit_field(checked, width),
            (BitFieldRule::Msvc, None) => record.ms_plain(checked),
            (BitFieldRule::Msvc, Some(0)) => record.ms_boundary(checked),
            (BitFieldRule::Msvc, Some(width)) => record.ms_bit_field(checked, width),
        }
        starts.push(record.at);
        let bits = checked.width.map_or(checked.bits, u128::from);
        record.end = record.end.max(record.at + bits);
    }
    // A unit of Microsoft's rule is taken whole, also by the last member.
    if let Run::Unit { free, .. } = record.run {
        record.end += free;
    }
    let natural_align = record.align;
    let align = natural_align.max(attrs.align.unwrap_or(Align::ONE));
    let size = align_bit(record.end, align);
    Layout { starts, size, align, natural_align, required_align: Align::ONE, member_align: Align::ONE }
}

/// The unit that bit-fields are being put into, under Microsoft's rule.
#[derive(Clone, Copy)]
enum Run {
    /// None: the last member was no bit-field.
    None,
    /// A zero-width bit-field has just ended a unit.
    Ended,
    /// Bit-fields of types of `unit` bits, `free` of them left.
    Unit { unit: u128, free: u128 },
}

/// A record being laid out. All positions in bits.
struct Gnu<'a> {
    model: &'a DataModel,
    attrs: &'a RecordAttrs,
    /// Where the member at hand starts.
    at: u128,
    /// The end of the members so far.
    end: u128,
    /// The largest alignment that a member asked for.
    align: Align,
    run: Run,
}

impl Gnu<'_> {
    /// `#pragma pack` limits what members ask for, also by `aligned`.
    fn clip(&self, align: Align) -> Align {
        align.min(self.attrs.pack.unwrap_or(Align::MAX))
    }

    fn raise(&mut self, align: Align) {
        self.align = self.align.max(align);
    }

    fn advance_to(&mut self, align: Align) {
        if self.attrs.kind == RecordKind::Struct {
            self.at = align_bit(self.at, align);
        }
    }

    /// The alignment of a member that is no bit-field: `packed` takes its type's away, `aligned` adds its own.
    fn plain_align(&self, checked: &Checked<'_>) -> Align {
        let own = if checked.packed { Align::ONE } else { checked.member.ty.align(self.model) };
        self.clip(own.max(explicit(checked)))
    }

    fn plain(&mut self, checked: &Checked<'_>) {
        let align = self.plain_align(checked);
        self.advance_to(align);
        self.raise(align);
    }

    /// A bit-field under GCC's own rule. `packed` and `#pragma pack` let it straddle units of its type; they have no
    /// effect on a bit-field without width, which aligns what follows.
    fn bit_field(&mut self, checked: &Checked<'_>, width: u16) {
        let type_align = checked.member.ty.align(self.model);
        let (explicit, contribution) = match self.attrs.pack {
            _ if width == 0 => (explicit(checked), type_align),
            Some(pack) => (explicit(checked).min(pack), type_align.min(pack)),
            None if checked.packed => (explicit(checked), Align::ONE),
            None => (explicit(checked), type_align),
        };
        if width == 0 {
            self.advance_to(type_align.max(explicit));
        } else if self.model.records == RecordRule::Apple {
            self.start_as_clang(checked, width);
        } else {
            self.start_as_gcc(checked, width, explicit);
        }
        // AMD64 psABI, "Bit-Fields": "Unnamed bit-fields' types do not affect the alignment of a structure or union."
        // AAPCS64, "Bit-fields": the container contributes "without exception for zero-sized or anonymous bit-fields".
        if !checked.member.padding || self.model.unnamed_bit_fields_align {
            self.raise(contribution.max(explicit));
        }
    }

    /// AMD64 psABI, "Bit-Fields": "bit-fields must be contained in a storage unit appropriate for its declared
    /// type", "bit-fields may share a storage unit with other struct / union members".
    fn start_as_gcc(&mut self, checked: &Checked<'_>, width: u16, explicit: Align) {
        if checked.member.align.is_some() {
            self.advance_to(explicit);
        }
        let type_align = checked.member.ty.align(self.model);
        if !checked.packed && self.attrs.pack.is_none() && self.straddles(checked, width, type_align) {
            self.advance_to(type_align);
        }
    }

    /// The same, as clang for Apple reads it: a bit-field's own `aligned` counts as an alignment of its type, and is not
    /// cut down by `#pragma pack` but dropped.
    fn start_as_clang(&mut self, checked: &Checked<'_>, width: u16) {
        let type_align = if checked.packed { Align::ONE } else { checked.member.ty.align(self.model) };
        let align = type_align.max(explicit(checked));
        match (self.attrs.pack, checked.member.align) {
            (None, None) if checked.packed => {}
            (None, _) if self.straddles(checked, width, align) => self.advance_to(align),
            (None, Some(own)) => self.advance_to(own),
            (Some(pack), Some(own)) if own <= pack => self.advance_to(own),
            (None, None) | (Some(_), Some(_) | None) => {}
        }
    }

    /// Whether a bit-field put here would reach out of units of its type that start at `align`.
    fn straddles(&self, checked: &Checked<'_>, width: u16, align: Align) -> bool {
        self.at % (u128::from(align.bytes()) * 8) + u128::from(width) > checked.bits
    }

    /// A member that is no bit-field, under Microsoft's rule: it starts behind the unit of the bit-fields before it.
    fn ms_plain(&mut self, checked: &Checked<'_>) {
        let align = self.plain_align(checked);
        self.ms_end_unit(align);
        self.run = Run::None;
        let align = align.max(self.ms_align(checked));
        self.advance_to(self.ms_align(checked));
        self.raise(align);
    }

    /// GCC manual, "x86 Options", `-mms-bitfields`: "Adjacent bit-fields are packed into the same 1-, 2-, or 4-byte
    /// allocation unit if the integral types are the same size and if the next bit-field fits into the current
    /// allocation unit".
    fn ms_bit_field(&mut self, checked: &Checked<'_>, width: u16) {
        let (width, explicit) = (u128::from(width), self.clip(explicit(checked)));
        if !checked.packed {
            self.raise(self.ms_align(checked).max(explicit));
        }
        match self.run {
            Run::Unit { unit, free } if unit == checked.bits && free >= width => {
                self.run = Run::Unit { unit, free: free - width };
                return;
            }
            // The next unit of a run of equal types follows as it comes, also where a packed one began it.
            Run::Unit { unit, .. } if unit == checked.bits => self.ms_end_unit(explicit),
            Run::Unit { .. } | Run::Ended | Run::None => {
                self.ms_end_unit(explicit);
                self.advance_to(self.ms_align(checked));
            }
        }
        if self.attrs.kind == RecordKind::Struct {
            self.run = Run::Unit { unit: checked.bits, free: checked.bits - width };
        }
    }

    /// The same section: "Zero-length bit-fields following non-bit-field members are ignored"; behind a bit-field they end
    /// its unit, and align what follows and the record to their type.
    fn ms_boundary(&mut self, checked: &Checked<'_>) {
        let explicit = self.clip(explicit(checked));
        let run = self.run;
        self.ms_end_unit(explicit);
        if let Run::Unit { unit, .. } = run {
            if unit != checked.bits {
                self.advance_to(self.ms_align(checked));
            }
            self.raise(self.clip(checked.member.ty.object_align(self.model)).max(explicit));
        }
        self.run = Run::Ended;
    }

    /// Uses up the unit that bit-fields were being put into, and aligns what follows. GCC aligns only where the last
    /// bit-field's end was not aligned, although the end of its unit may not be.
    fn ms_end_unit(&mut self, align: Align) {
        let misaligned = self.at != align_bit(self.at, align);
        if let Run::Unit { free, .. } = self.run {
            self.at += free;
        }
        if misaligned {
            self.advance_to(align);
        }
    }

    /// The alignment at which Microsoft's rule starts a unit or a plain member: the type's as an object of its own.
    fn ms_align(&self, checked: &Checked<'_>) -> Align {
        let own = if checked.packed { Align::ONE } else { checked.member.ty.object_align(self.model) };
        self.clip(own)
    }
}

/// The alignment that the member's own `aligned` asks for.
fn explicit(checked: &Checked<'_>) -> Align {
    checked.member.align.unwrap_or(Align::ONE)
}
