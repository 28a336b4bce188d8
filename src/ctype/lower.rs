//! From C types with names to laid-out types without.

use super::basic::ByteOrder;
use super::types::{MemberNode, RecordBody, RecordId, RecordNode, Shape, TypeId, Types};
use callsmith_arch::layout::{
    DataModel, Float, MAX_DEPTH, Member, Record, RecordAttrs, RecordKind, Scalar, Type, Vector,
};
use callsmith_arch::{Align, Error};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lowers the types of one arena under one data model. Each record is laid out once.
#[derive(Debug)]
pub(crate) struct Lowering<'m> {
    model: &'m DataModel,
    records: BTreeMap<RecordId, Arc<Record>>,
}

impl<'m> Lowering<'m> {
    pub(crate) fn new(model: &'m DataModel) -> Lowering<'m> {
        Lowering { model, records: BTreeMap::new() }
    }

    /// The laid-out type of `id`, `None` for `void`.
    pub(crate) fn result(&mut self, types: &Types, id: TypeId) -> Result<Option<Type>, Error> {
        if let Shape::Void = types.shape(id) { Ok(None) } else { self.object(types, id).map(Some) }
    }

    /// The laid-out type of `id`, which must be a complete object type.
    pub(crate) fn object(&mut self, types: &Types, id: TypeId) -> Result<Type, Error> {
        self.nested(types, id, 0)
    }

    /// The laid-out struct or union `id`.
    pub(crate) fn record(&mut self, types: &Types, id: RecordId) -> Result<Arc<Record>, Error> {
        self.nested_record(types, id, 0)
    }

    /// The alignment of `id` in bytes, a typedef's own attribute included.
    pub(crate) fn align(&mut self, types: &Types, id: TypeId) -> Result<Align, Error> {
        let ty = self.object(types, id)?;
        Ok(typedef_align(types, id).unwrap_or_else(|| ty.align(self.model)))
    }

    fn nested(&mut self, types: &Types, id: TypeId, depth: u16) -> Result<Type, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep { limit: MAX_DEPTH });
        }
        Ok(match types.shape(id) {
            Shape::Integer(integer) => self.known(types, id, integer.scalar(self.model))?.into(),
            Shape::Floating(floating) => {
                self.known(types, id, Scalar::Float(floating.format(self.model)))?.into()
            }
            Shape::Complex(floating) => {
                let part = floating.format(self.model);
                self.known(types, id, Scalar::Float(part))?;
                Type::Complex(part)
            }
            Shape::Pointer(_) => Scalar::Pointer.into(),
            Shape::Vector { lane, bytes } => self.vector(types, *lane, *bytes)?,
            Shape::Array { element, len: Some(len) } => {
                let element = self.nested(types, *element, depth + 1)?;
                Type::array(element, *len, self.model)?
            }
            Shape::Record(record) => Type::Record(self.nested_record(types, *record, depth)?),
            Shape::Enum(enumeration) => match &types.enumeration(*enumeration).body {
                Some(body) => body.underlying.scalar(self.model).into(),
                None => return Err(unsupported(types, id, "is not defined")),
            },
            Shape::VaList => return Err(unsupported(types, id, "cannot be passed by value")),
            Shape::Array { len: None, .. } => return Err(unsupported(types, id, "has no length")),
            Shape::Void | Shape::Function(_) | Shape::Typedef { .. } => {
                return Err(unsupported(types, id, "has no value"));
            }
        })
    }

    /// `scalar`, where the data model has it.
    fn known(&self, types: &Types, id: TypeId, scalar: Scalar) -> Result<Scalar, Error> {
        if self.model.has(scalar) {
            return Ok(scalar);
        }
        Err(unsupported(types, id, &format!("does not exist in the data model {}", self.model.name)))
    }

    fn vector(&mut self, types: &Types, lane: TypeId, bytes: u64) -> Result<Type, Error> {
        let too_large = || Error::Unsupported { what: format!("there is no vector of {bytes} bytes") };
        let size = u32::try_from(bytes).map_err(|_| too_large())?;
        match self.nested(types, lane, 0)? {
            Type::Scalar(lane) => Ok(Type::Vector(Vector::new(lane, size)?)),
            Type::Complex(_) | Type::Vector(_) | Type::Array(_) | Type::Record(_) => {
                Err(unsupported(types, lane, "cannot be a vector's lane"))
            }
        }
    }

    fn nested_record(&mut self, types: &Types, id: RecordId, depth: u16) -> Result<Arc<Record>, Error> {
        if let Some(record) = self.records.get(&id) {
            return Ok(record.clone());
        }
        let node = types.record(id);
        let Some(body) = &node.body else {
            let what = format!("'{}' is incomplete: only pointers to it have a size", record_name(node));
            return Err(Error::Unsupported { what });
        };
        let members = body
            .members
            .iter()
            .map(|member| self.member(types, body, member, depth))
            .collect::<Result<Vec<_>, _>>()?;
        let attrs = RecordAttrs {
            kind: node.kind,
            packed: body.packed,
            align: body.align,
            pack: body.pack,
            bit_fields: body.bit_fields,
        };
        Self::check_order(node, body, &members)?;
        let record = Arc::new(Record::new(self.model, attrs, &members)?);
        self.records.insert(id, record.clone());
        Ok(record)
    }

    /// Refuses members whose bytes have no other order than the data model's: pointers wherever they are, and numbers of
    /// the x87.
    fn check_order(node: &RecordNode, body: &RecordBody, members: &[Member]) -> Result<(), Error> {
        // Every data model here is little-endian.
        if body.order != Some(ByteOrder::Big) {
            return Ok(());
        }
        for (scalar, what) in [(Scalar::Pointer, "pointers"), (Scalar::Float(Float::X87), "x87 numbers")] {
            if members.iter().any(|member| member.ty.has(scalar)) {
                let what = format!("'{}' is big-endian, and holds {what}", record_name(node));
                return Err(Error::Unsupported { what });
            }
        }
        Ok(())
    }

    fn member(
        &mut self,
        types: &Types,
        body: &RecordBody,
        member: &MemberNode,
        depth: u16,
    ) -> Result<Member, Error> {
        let (resolved, _) = types.resolve(member.ty);
        let ty = if let Shape::Array { element, len: None } = types.node(resolved).shape {
            // A flexible array member: all alignment, no size.
            let element = self.nested(types, element, depth + 2)?;
            Type::array(element, 0, self.model)?
        } else {
            self.nested(types, member.ty, depth + 1)?
        };
        let mut packed = member.packed;
        let mut align = member.align;
        // A typedef's alignment replaces the type's own, and gives way to packing.
        if !packed
            && !body.packed
            && let Some(own) = typedef_align(types, member.ty)
        {
            packed = member.bits.is_none();
            align = Some(align.map_or(own, |align| align.max(own)));
        }
        let padding = member.bits.is_some() && member.name.is_none();
        Ok(Member { ty, bits: member.bits, padding, packed, align })
    }
}

/// The alignment that a typedef gives the type `id`, also to an array by its element.
fn typedef_align(types: &Types, mut id: TypeId) -> Option<Align> {
    loop {
        match &types.node(id).shape {
            Shape::Typedef { align: Some(align), .. } => return Some(*align),
            Shape::Typedef { target: inner, .. } | Shape::Array { element: inner, .. } => id = *inner,
            Shape::Void
            | Shape::VaList
            | Shape::Integer(_)
            | Shape::Floating(_)
            | Shape::Complex(_)
            | Shape::Vector { .. }
            | Shape::Pointer(_)
            | Shape::Function(_)
            | Shape::Record(_)
            | Shape::Enum(_) => return None,
        }
    }
}

fn unsupported(types: &Types, id: TypeId, why: &str) -> Error {
    Error::Unsupported { what: format!("'{}' {why}", super::print::declare(types, id, "")) }
}

/// `struct tag`, or what to call a struct without one.
fn record_name(node: &RecordNode) -> String {
    let kind = match node.kind {
        RecordKind::Struct => "struct",
        RecordKind::Union => "union",
    };
    format!("{kind} {}", node.tag.as_deref().unwrap_or("(no tag)"))
}
