//! Smaller types than a given one, to find the smallest that still fails.

use super::ctype::{CMember, CRecord, CScalar, CType};

impl CType {
    /// Types that are this one with one thing less: a member, an attribute, an element, a level of nesting.
    pub(crate) fn smaller(&self) -> Vec<CType> {
        match self {
            CType::Scalar(_) => Vec::new(),
            CType::Complex(part) => vec![CType::Scalar(*part)],
            CType::Vector { lane, .. } => vec![CType::Scalar(*lane)],
            CType::Array { element, len } => {
                let fewer = len.filter(|&len| len > 1).map(|_| Some(1));
                let mut smaller: Vec<CType> =
                    fewer.into_iter().map(|len| CType::Array { element: element.clone(), len }).collect();
                if len.is_some() {
                    smaller.push((**element).clone());
                }
                let elements = element.smaller().into_iter().map(Box::new);
                smaller.extend(elements.map(|element| CType::Array { element, len: *len }));
                smaller
            }
            CType::Record(record) => {
                smaller_records(record).into_iter().map(Box::new).map(CType::Record).collect()
            }
        }
    }
}

fn smaller_records(record: &CRecord) -> Vec<CRecord> {
    let mut smaller = Vec::new();
    for index in 0..record.members.len() {
        let mut fewer = record.clone();
        fewer.members.remove(index);
        smaller.push(fewer);
    }
    smaller.extend(without_attributes(record));
    for (index, member) in record.members.iter().enumerate() {
        smaller.extend(smaller_members(member).into_iter().map(|member| {
            let mut simpler = record.clone();
            simpler.members[index] = member;
            simpler
        }));
    }
    smaller
}

fn without_attributes(record: &CRecord) -> Vec<CRecord> {
    let mut smaller = Vec::new();
    if record.packed {
        smaller.push(CRecord { packed: false, ..record.clone() });
    }
    if record.align.is_some() {
        smaller.push(CRecord { align: None, ..record.clone() });
    }
    // The pack of an anonymous member is its parent's: it stays with one.
    let has_anonymous = record.members.iter().any(|member| member.name.is_none() && member.bits.is_none());
    if record.pack.is_some() && !has_anonymous {
        smaller.push(CRecord { pack: None, ..record.clone() });
    }
    if record.bit_fields.is_some() {
        smaller.push(CRecord { bit_fields: None, ..record.clone() });
    }
    smaller
}

fn smaller_members(member: &CMember) -> Vec<CMember> {
    let mut smaller = Vec::new();
    if member.packed {
        smaller.push(CMember { packed: false, ..member.clone() });
    }
    if member.align.is_some() {
        smaller.push(CMember { align: None, ..member.clone() });
    }
    let is_anonymous = member.name.is_none() && member.bits.is_none();
    match (&member.ty, member.bits) {
        (_, Some(_)) => {}
        (CType::Record(record), None) if is_anonymous => {
            let mut inner = smaller_records(record);
            inner.retain(|inner| inner.pack == record.pack);
            smaller.extend(inner.into_iter().map(|ty| with_type(member, CType::Record(Box::new(ty)))));
        }
        (ty, None) => {
            if !matches!(ty, CType::Scalar(_) | CType::Array { len: None, .. }) {
                smaller.push(with_type(member, CType::Scalar(CScalar::Char)));
            }
            smaller.extend(ty.smaller().into_iter().map(|ty| with_type(member, ty)));
        }
    }
    smaller
}

fn with_type(member: &CMember, ty: CType) -> CMember {
    CMember { ty, ..member.clone() }
}
