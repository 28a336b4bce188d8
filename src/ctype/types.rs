//! The arena that C types live in. Nodes refer to each other by index, so recursion makes no reference cycle, and a
//! record can be used before it is complete.
//!
//! A node refers to older nodes only; what is recursive goes through a record, whose body comes later.

use super::basic::{ByteOrder, Convention, Floating, Integer, Qualifiers};
use callsmith_arch::Align;
use callsmith_arch::layout::{BitFieldRule, RecordKind};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeId(usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RecordId(usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EnumId(usize);

/// Who a struct, union or enum is, wherever its definition is copied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity(usize);

impl Identity {
    fn fresh() -> Identity {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Identity(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) shape: Shape,
    pub(crate) qualifiers: Qualifiers,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Void,
    VaList,
    Integer(Integer),
    Floating(Floating),
    Complex(Floating),
    Vector { lane: TypeId, bytes: u64 },
    Pointer(TypeId),
    Array { element: TypeId, len: Option<u64> },
    Function(Arc<FunctionNode>),
    Record(RecordId),
    Enum(EnumId),
    Typedef { name: Arc<str>, target: TypeId, align: Option<Align> },
}

#[derive(Clone, Debug)]
pub(crate) struct FunctionNode {
    pub(crate) convention: Convention,
    pub(crate) result: TypeId,
    pub(crate) params: Vec<(Option<Arc<str>>, TypeId)>,
    pub(crate) variadic: bool,
    pub(crate) unprototyped: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct RecordNode {
    pub(crate) identity: Identity,
    pub(crate) kind: RecordKind,
    pub(crate) tag: Option<Arc<str>>,
    pub(crate) body: Option<Arc<RecordBody>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct RecordBody {
    pub(crate) members: Vec<MemberNode>,
    pub(crate) packed: bool,
    pub(crate) align: Option<Align>,
    pub(crate) pack: Option<Align>,
    pub(crate) bit_fields: Option<BitFieldRule>,
    /// That of its scalars, where the declaration names one.
    pub(crate) order: Option<ByteOrder>,
}

#[derive(Clone, Debug)]
pub(crate) struct MemberNode {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) ty: TypeId,
    pub(crate) bits: Option<u32>,
    pub(crate) packed: bool,
    pub(crate) align: Option<Align>,
}

#[derive(Clone, Debug)]
pub(crate) struct EnumNode {
    pub(crate) identity: Identity,
    pub(crate) tag: Option<Arc<str>>,
    pub(crate) body: Option<Arc<EnumBody>>,
}

#[derive(Clone, Debug)]
pub(crate) struct EnumBody {
    pub(crate) underlying: Integer,
    /// Whether the declaration named the underlying type.
    pub(crate) fixed: bool,
    /// Whether the enum is `packed`.
    pub(crate) packed: bool,
    pub(crate) constants: Vec<(Arc<str>, i128)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    nodes: Vec<Node>,
    records: Vec<RecordNode>,
    enums: Vec<EnumNode>,
}

impl Types {
    pub(crate) fn add(&mut self, shape: Shape) -> TypeId {
        self.add_qualified(shape, Qualifiers::NONE)
    }

    pub(crate) fn add_qualified(&mut self, shape: Shape, qualifiers: Qualifiers) -> TypeId {
        self.nodes.push(Node { shape, qualifiers });
        TypeId(self.nodes.len() - 1)
    }

    /// `id` with `more` qualifiers on top of its own. Those of an array are its elements' (C11 6.7.3p9).
    pub(crate) fn qualify(&mut self, id: TypeId, more: Qualifiers) -> TypeId {
        if more == Qualifiers::NONE {
            return id;
        }
        let mut lens = Vec::new();
        let mut element = id;
        while let Shape::Array { element: inner, len } = self.node(element).shape {
            lens.push(len);
            element = inner;
        }
        let Node { shape, qualifiers } = self.node(element).clone();
        let mut qualified = self.add_qualified(shape, qualifiers.union(more));
        for len in lens.into_iter().rev() {
            qualified = self.add(Shape::Array { element: qualified, len });
        }
        qualified
    }

    pub(crate) fn node(&self, id: TypeId) -> &Node {
        &self.nodes[id.0]
    }

    pub(crate) fn record(&self, id: RecordId) -> &RecordNode {
        &self.records[id.0]
    }

    pub(crate) fn enumeration(&self, id: EnumId) -> &EnumNode {
        &self.enums[id.0]
    }

    /// A new, incomplete struct or union.
    pub(crate) fn add_record(&mut self, kind: RecordKind, tag: Option<Arc<str>>) -> RecordId {
        self.records.push(RecordNode { identity: Identity::fresh(), kind, tag, body: None });
        RecordId(self.records.len() - 1)
    }

    pub(crate) fn complete_record(&mut self, id: RecordId, body: RecordBody) {
        self.records[id.0].body = Some(Arc::new(body));
    }

    /// The shape of a new struct without a tag, of these members: name, type, alignment.
    pub(crate) fn add_struct(&mut self, members: Vec<(&str, Shape, Align)>) -> Shape {
        let id = self.add_record(RecordKind::Struct, None);
        let node = |(name, shape, align): (&str, Shape, Align)| MemberNode {
            name: Some(name.into()),
            ty: self.add(shape),
            bits: None,
            packed: false,
            align: Some(align),
        };
        let members = members.into_iter().map(node).collect();
        self.complete_record(id, RecordBody { members, ..RecordBody::default() });
        Shape::Record(id)
    }

    /// A new, incomplete enum.
    pub(crate) fn add_enum(&mut self, tag: Option<Arc<str>>) -> EnumId {
        self.enums.push(EnumNode { identity: Identity::fresh(), tag, body: None });
        EnumId(self.enums.len() - 1)
    }

    pub(crate) fn complete_enum(&mut self, id: EnumId, body: EnumBody) {
        self.enums[id.0].body = Some(Arc::new(body));
    }

    /// Whether `id` is, or has among its members, a struct or union whose scalars are big-endian.
    pub(crate) fn has_big_endian(&self, id: TypeId) -> bool {
        let mut seen = Vec::new();
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            match self.shape(id) {
                Shape::Array { element, .. } => pending.push(*element),
                Shape::Record(record) if !seen.contains(record) => {
                    seen.push(*record);
                    let Some(body) = &self.record(*record).body else { continue };
                    if body.order == Some(ByteOrder::Big) {
                        return true;
                    }
                    pending.extend(body.members.iter().map(|member| member.ty));
                }
                Shape::Void
                | Shape::VaList
                | Shape::Integer(_)
                | Shape::Floating(_)
                | Shape::Complex(_)
                | Shape::Vector { .. }
                | Shape::Pointer(_)
                | Shape::Function(_)
                | Shape::Record(_)
                | Shape::Enum(_)
                | Shape::Typedef { .. } => {}
            }
        }
        false
    }

    /// Gives every incomplete struct or union of the kind and tag of `definition` its members.
    pub(crate) fn complete_like(&mut self, definition: TypeId) {
        let Shape::Record(id) = self.shape(definition) else { return };
        let RecordNode { kind, tag, body, .. } = self.record(*id).clone();
        for record in self.records.iter_mut().filter(|record| record.body.is_none()) {
            if tag.is_some() && (record.kind, &record.tag) == (kind, &tag) {
                record.body.clone_from(&body);
            }
        }
    }

    /// What `id` is behind its typedefs. The qualifiers met on the way are added up.
    pub(crate) fn resolve(&self, mut id: TypeId) -> (TypeId, Qualifiers) {
        let mut qualifiers = Qualifiers::NONE;
        loop {
            let node = self.node(id);
            qualifiers = qualifiers.union(node.qualifiers);
            match &node.shape {
                Shape::Typedef { target, .. } => id = *target,
                Shape::Void
                | Shape::VaList
                | Shape::Integer(_)
                | Shape::Floating(_)
                | Shape::Complex(_)
                | Shape::Vector { .. }
                | Shape::Pointer(_)
                | Shape::Array { .. }
                | Shape::Function(_)
                | Shape::Record(_)
                | Shape::Enum(_) => return (id, qualifiers),
            }
        }
    }

    /// The shape of `id` behind its typedefs.
    pub(crate) fn shape(&self, id: TypeId) -> &Shape {
        &self.node(self.resolve(id).0).shape
    }

    /// The function that `id` is behind its typedefs.
    pub(crate) fn function(&self, id: TypeId) -> Option<&Arc<FunctionNode>> {
        if let Shape::Function(function) = self.shape(id) { Some(function) } else { None }
    }

    /// The integer type that `id` is behind its typedefs, or that holds the enum that it is.
    pub(crate) fn integer(&self, id: TypeId) -> Option<Integer> {
        if let Shape::Integer(integer) = self.shape(id) {
            return Some(*integer);
        }
        let Shape::Enum(enumeration) = self.shape(id) else { return None };
        self.enumeration(*enumeration).body.as_ref().map(|body| body.underlying)
    }

    /// A parameter's type after C's adjustment: an array becomes a pointer to its element, a function a pointer to itself
    /// (C11 6.7.6.3p7 and p8). `qualifiers` are those between the brackets.
    pub(crate) fn decay(&mut self, id: TypeId, qualifiers: Qualifiers) -> TypeId {
        let (resolved, outer) = self.resolve(id);
        match self.node(resolved).shape {
            Shape::Array { element, .. } => {
                let element = self.qualify(element, outer);
                self.add_qualified(Shape::Pointer(element), qualifiers)
            }
            Shape::Function(_) => self.add(Shape::Pointer(id)),
            Shape::Void
            | Shape::VaList
            | Shape::Integer(_)
            | Shape::Floating(_)
            | Shape::Complex(_)
            | Shape::Vector { .. }
            | Shape::Pointer(_)
            | Shape::Record(_)
            | Shape::Enum(_)
            | Shape::Typedef { .. } => id,
        }
    }

    /// What keeps `id` from having a size: the node that is incomplete or no object, behind arrays and typedefs.
    pub(crate) fn incomplete(&self, mut id: TypeId) -> Option<TypeId> {
        loop {
            id = self.resolve(id).0;
            match &self.node(id).shape {
                Shape::Array { element, len: Some(_) } => id = *element,
                Shape::Void | Shape::Function(_) | Shape::Array { len: None, .. } => return Some(id),
                Shape::Record(record) => return self.record(*record).body.is_none().then_some(id),
                Shape::Enum(enumeration) => {
                    return self.enumeration(*enumeration).body.is_none().then_some(id);
                }
                Shape::VaList
                | Shape::Integer(_)
                | Shape::Floating(_)
                | Shape::Complex(_)
                | Shape::Vector { .. }
                | Shape::Pointer(_)
                | Shape::Typedef { .. } => return None,
            }
        }
    }

    /// Copies `id`, and all that it needs, out of another arena. A definition that is here already is not copied again,
    /// but completed where only the other one is complete.
    pub(crate) fn import(&mut self, from: &Types, id: TypeId) -> TypeId {
        let mut import = Import::reach(from, id);
        import.copy_definitions(self);
        import.copy_nodes(self);
        import.copy_bodies(self);
        import.nodes[&id]
    }
}

/// One run of [`Types::import`].
struct Import<'a> {
    from: &'a Types,
    /// What is reached, in no order.
    reached: Vec<TypeId>,
    nodes: HashMap<TypeId, TypeId>,
    records: HashMap<RecordId, RecordId>,
    enums: HashMap<EnumId, EnumId>,
}

impl<'a> Import<'a> {
    fn reach(from: &'a Types, id: TypeId) -> Import<'a> {
        let mut import = Import {
            from,
            reached: Vec::new(),
            nodes: HashMap::new(),
            records: HashMap::new(),
            enums: HashMap::new(),
        };
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if import.nodes.insert(id, id).is_some() {
                continue;
            }
            import.reached.push(id);
            match &from.node(id).shape {
                Shape::Void | Shape::VaList | Shape::Integer(_) | Shape::Floating(_) | Shape::Complex(_) => {}
                Shape::Vector { lane: inner, .. }
                | Shape::Pointer(inner)
                | Shape::Array { element: inner, .. }
                | Shape::Typedef { target: inner, .. } => pending.push(*inner),
                Shape::Function(function) => {
                    pending.push(function.result);
                    pending.extend(function.params.iter().map(|(_, ty)| *ty));
                }
                Shape::Record(record) => {
                    if import.records.insert(*record, *record).is_none()
                        && let Some(body) = &from.record(*record).body
                    {
                        pending.extend(body.members.iter().map(|member| member.ty));
                    }
                }
                Shape::Enum(enumeration) => {
                    import.enums.insert(*enumeration, *enumeration);
                }
            }
        }
        import
    }

    fn copy_definitions(&mut self, to: &mut Types) {
        for (old, new) in &mut self.records {
            let record = self.from.record(*old);
            let known = to.records.iter().position(|known| known.identity == record.identity);
            *new = RecordId(known.unwrap_or_else(|| {
                to.records.push(RecordNode { body: None, ..record.clone() });
                to.records.len() - 1
            }));
        }
        for (old, new) in &mut self.enums {
            let enumeration = self.from.enumeration(*old);
            let known = to.enums.iter().position(|known| known.identity == enumeration.identity);
            *new = EnumId(known.unwrap_or_else(|| {
                to.enums.push(enumeration.clone());
                to.enums.len() - 1
            }));
            if to.enums[new.0].body.is_none() {
                to.enums[new.0].body = enumeration.body.clone();
            }
        }
    }

    fn copy_nodes(&mut self, to: &mut Types) {
        // Older nodes first, for a node refers to older ones only.
        self.reached.sort_unstable();
        for id in &self.reached {
            let node = self.from.node(*id);
            let shape = match &node.shape {
                Shape::Void | Shape::VaList | Shape::Integer(_) | Shape::Floating(_) | Shape::Complex(_) => {
                    node.shape.clone()
                }
                Shape::Vector { lane, bytes } => Shape::Vector { lane: self.nodes[lane], bytes: *bytes },
                Shape::Pointer(target) => Shape::Pointer(self.nodes[target]),
                Shape::Array { element, len } => Shape::Array { element: self.nodes[element], len: *len },
                Shape::Typedef { name, target, align } => {
                    Shape::Typedef { name: name.clone(), target: self.nodes[target], align: *align }
                }
                Shape::Function(function) => Shape::Function(Arc::new(FunctionNode {
                    result: self.nodes[&function.result],
                    params: function.params.iter().map(|(name, ty)| (name.clone(), self.nodes[ty])).collect(),
                    ..FunctionNode::clone(function)
                })),
                Shape::Record(record) => Shape::Record(self.records[record]),
                Shape::Enum(enumeration) => Shape::Enum(self.enums[enumeration]),
            };
            let new = to.add_qualified(shape, node.qualifiers);
            self.nodes.insert(*id, new);
        }
    }

    fn copy_bodies(&self, to: &mut Types) {
        for (old, new) in &self.records {
            let Some(body) = &self.from.record(*old).body else { continue };
            if to.record(*new).body.is_some() {
                continue;
            }
            let members =
                body.members.iter().map(|m| MemberNode { ty: self.nodes[&m.ty], ..m.clone() }).collect();
            to.complete_record(*new, RecordBody { members, ..RecordBody::clone(body) });
        }
    }
}
