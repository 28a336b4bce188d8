//! Which members of a value lie in a piece of it.

use callsmith::arch::layout::{DataModel, Place};
use callsmith::ctype::{CType, Field, Kind};
use std::ops::Range;

/// The members of a value of type `ctype` that lie in its bytes `piece`: `x, tags[0..2], flags:3`; nothing for a scalar.
pub(super) fn members(ctype: &CType, piece: Range<u64>, model: &DataModel) -> String {
    let mut walk = Walk { piece, model, names: Vec::new() };
    walk.inside(ctype, 0, "");
    walk.names.join(", ")
}

struct Walk<'a> {
    piece: Range<u64>,
    model: &'a DataModel,
    names: Vec<String>,
}

impl Walk<'_> {
    /// A member called `name`, at the bytes `at`: named if all of it is in the piece, and else its own members.
    fn member(&mut self, ctype: &CType, at: Range<u64>, name: &str) {
        let Range { start, end } = self.piece;
        let touches = at.start < end && start < at.end;
        let whole = start <= at.start && at.end <= end;
        if touches && (whole || !self.inside(ctype, at.start, name)) {
            self.names.push(name.to_owned());
        }
    }

    /// The members of a value at byte `base`; false if it has none.
    fn inside(&mut self, ctype: &CType, base: u64, name: &str) -> bool {
        let dot = if name.is_empty() { "" } else { "." };
        match ctype.resolved().kind() {
            Kind::Record(record) => {
                let fields = record.fields(self.model).unwrap_or_default();
                fields.into_iter().for_each(|field| self.field(field, base, name, dot));
            }
            Kind::Array { element, .. } => self.elements(&element, ctype, base, name),
            Kind::Vector { lane, .. } => self.elements(&lane, ctype, base, name),
            Kind::Complex(part) => {
                let size = CType::from(part).size(self.model).map_or(0, |size| size.bytes());
                for (index, part_name) in (0..).zip(["real", "imaginary"]) {
                    let start = base + index * size;
                    self.member(&part.into(), start..start + size, &format!("{name}{dot}{part_name}"));
                }
            }
            Kind::Void
            | Kind::VaList
            | Kind::Integer(_)
            | Kind::Floating(_)
            | Kind::Pointer(_)
            | Kind::Function(_)
            | Kind::Enum(_)
            | Kind::Typedef { .. } => return false,
        }
        true
    }

    fn field(&mut self, Field { name: field, ty, place }: Field, base: u64, outer: &str, dot: &str) {
        match (place, field) {
            (Place::Bytes(offset), field) => {
                let start = base + offset.bytes();
                let end = start + ty.size(self.model).map_or(0, |size| size.bytes());
                match field {
                    Some(field) => self.member(&ty, start..end, &format!("{outer}{dot}{field}")),
                    // An unnamed struct or union: its members count as the outer one's.
                    None => {
                        self.inside(&ty, start, outer);
                    }
                }
            }
            (Place::Bits { first, width }, Some(field)) => {
                let bytes = base + first / 8..base + (first + u64::from(width)).div_ceil(8);
                self.member(&ty, bytes, &format!("{outer}{dot}{field}:{width}"));
            }
            (Place::Bits { .. }, None) => {}
        }
    }

    /// The elements in the piece, as a range.
    fn elements(&mut self, element: &CType, whole: &CType, base: u64, name: &str) {
        let bytes = |ctype: &CType| ctype.size(self.model).map_or(0, |size| size.bytes());
        let (size, total) = (bytes(element), bytes(whole));
        let Some(count) = total.checked_div(size) else { return };
        let first = self.piece.start.saturating_sub(base) / size;
        let end = self.piece.end.saturating_sub(base).div_ceil(size).min(count);
        match end.saturating_sub(first) {
            0 => {}
            1 => {
                let start = base + first * size;
                self.member(element, start..start + size, &format!("{name}[{first}]"));
            }
            _ => self.names.push(format!("{name}[{first}..{end}]")),
        }
    }
}
