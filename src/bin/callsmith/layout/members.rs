//! The innermost members of a type, with their bits.

use callsmith::arch::Error;
use callsmith::arch::layout::{DataModel, Place, RecordKind};
use callsmith::ctype::{CType, Kind};

/// A member that is no struct or union, or the whole of a type that has no members.
pub(super) struct Member {
    /// Its path: `corner.x`.
    pub(super) name: String,
    pub(super) ty: CType,
    /// Its first bit.
    pub(super) first: u64,
    /// How many bits it has.
    pub(super) bits: u64,
    pub(super) is_bits: bool,
    /// Which branch of which unions it is in: two members that differ here share their memory.
    pub(super) branch: Vec<(usize, usize)>,
}

/// The members in order of declaration; those of structs inside with their paths.
pub(super) fn members(ty: &CType, model: &DataModel) -> Result<Vec<Member>, Error> {
    let mut found = Vec::new();
    let mut unions = 0;
    walk(ty, model, &Spot { path: String::new(), first: 0, branch: Vec::new() }, &mut unions, &mut found)?;
    Ok(found)
}

/// Where the walk is.
struct Spot {
    path: String,
    first: u64,
    branch: Vec<(usize, usize)>,
}

fn walk(
    ty: &CType,
    model: &DataModel,
    at: &Spot,
    unions: &mut usize,
    found: &mut Vec<Member>,
) -> Result<(), Error> {
    let resolved = ty.resolved();
    let (Kind::Record(record), Some(fields)) = (resolved.kind(), resolved.fields(model)?) else {
        let bits = ty.size(model)?.bytes() * 8;
        let Spot { path, first, branch } = at;
        let (name, first, branch) = (path.clone(), *first, branch.clone());
        found.push(Member { name, ty: ty.clone(), first, bits, is_bits: false, branch });
        return Ok(());
    };
    let union = match record.kind() {
        RecordKind::Struct => None,
        RecordKind::Union => {
            *unions += 1;
            Some(*unions)
        }
    };
    for (number, field) in fields.into_iter().enumerate() {
        let path = match (&field.name, &*at.path) {
            (None, outer) => outer.to_owned(),
            (Some(name), "") => name.clone(),
            (Some(name), outer) => format!("{outer}.{name}"),
        };
        let mut branch = at.branch.clone();
        branch.extend(union.map(|union| (union, number)));
        match field.place {
            Place::Bytes(offset) => {
                let inner = Spot { path, first: at.first + offset.bytes() * 8, branch };
                // An array without length has no size, and no memory of its own.
                if !matches!(field.ty.resolved().kind(), Kind::Array { len: None, .. }) {
                    walk(&field.ty, model, &inner, unions, found)?;
                }
            }
            Place::Bits { first, width } => {
                if field.name.is_some() {
                    let (first, bits) = (at.first + first, width.into());
                    found.push(Member { name: path, ty: field.ty, first, bits, is_bits: true, branch });
                }
            }
        }
    }
    Ok(())
}

/// The bits that belong to no member, as first bit and number, within `size` bytes.
pub(super) fn gaps(members: &[Member], size: u64) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u64, u64)> =
        members.iter().map(|member| (member.first, member.first + member.bits)).collect();
    spans.sort_unstable();
    let mut gaps = Vec::new();
    let mut next = 0;
    for (first, end) in spans.into_iter().chain([(size * 8, size * 8)]) {
        if first > next {
            gaps.push((next, first - next));
        }
        next = next.max(end);
    }
    gaps
}
