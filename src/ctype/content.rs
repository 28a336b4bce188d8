//! All that a C type says, as bytes: two types with the same bytes cannot be told apart, but by who their structs are.

use super::types::{
    EnumBody, EnumId, EnumNode, FunctionNode, MemberNode, Node, RecordBody, RecordId, RecordNode, Shape,
    TypeId, Types,
};
use std::hash::{Hash, Hasher};

/// Everything that can be seen from type `id`, names included.
pub(super) fn content(types: &Types, id: TypeId) -> Box<[u8]> {
    let mut walk =
        Walk { types, out: Bytes(Vec::new()), pending: vec![id], records: Vec::new(), enums: Vec::new() };
    // A list rather than the stack: types may be deep.
    while let Some(id) = walk.pending.pop() {
        walk.node(types.node(id));
    }
    walk.out.0.into_boxed_slice()
}

/// What is hashed, unhashed.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

struct Walk<'a> {
    types: &'a Types,
    out: Bytes,
    pending: Vec<TypeId>,
    /// Those met so far: met again, their place in the list stands for them.
    records: Vec<RecordId>,
    enums: Vec<EnumId>,
}

impl Walk<'_> {
    fn put(&mut self, part: impl Hash) {
        part.hash(&mut self.out);
    }

    fn node(&mut self, Node { shape, qualifiers }: &Node) {
        self.put((std::mem::discriminant(shape), qualifiers));
        match shape {
            Shape::Void | Shape::VaList => {}
            Shape::Integer(integer) => self.put(integer),
            Shape::Floating(floating) | Shape::Complex(floating) => self.put(floating),
            Shape::Vector { lane, bytes } => {
                self.put(bytes);
                self.pending.push(*lane);
            }
            Shape::Pointer(target) => self.pending.push(*target),
            Shape::Array { element, len } => {
                self.put(len);
                self.pending.push(*element);
            }
            Shape::Function(function) => self.function(function),
            Shape::Record(record) => self.record(*record),
            Shape::Enum(enumeration) => self.enumeration(*enumeration),
            Shape::Typedef { name, target, align } => {
                self.put((name, align));
                self.pending.push(*target);
            }
        }
    }

    fn function(&mut self, function: &FunctionNode) {
        let FunctionNode { convention, result, params, variadic, unprototyped } = function;
        self.put((convention, variadic, unprototyped, params.len()));
        self.pending.push(*result);
        for (name, param) in params {
            self.put(name);
            self.pending.push(*param);
        }
    }

    fn record(&mut self, id: RecordId) {
        if is_known(&mut self.records, id, &mut self.out) {
            return;
        }
        let RecordNode { identity: _, kind, tag, body } = self.types.record(id);
        self.put((kind, tag, body.is_some()));
        let Some(body) = body else { return };
        let RecordBody { members, packed, align, pack, bit_fields, order } = &**body;
        self.put((packed, align, pack, bit_fields, order, members.len()));
        for MemberNode { name, ty, bits, packed, align } in members {
            self.put((name, bits, packed, align));
            self.pending.push(*ty);
        }
    }

    fn enumeration(&mut self, id: EnumId) {
        if is_known(&mut self.enums, id, &mut self.out) {
            return;
        }
        let EnumNode { identity: _, tag, body } = self.types.enumeration(id);
        self.put((tag, body.is_some()));
        let Some(body) = body else { return };
        let EnumBody { underlying, fixed, packed, constants } = &**body;
        self.put((underlying, fixed, packed, constants));
    }
}

/// Notes the number of `id` among those met, and whether it is one of them.
fn is_known<T: Copy + PartialEq>(met: &mut Vec<T>, id: T, out: &mut Bytes) -> bool {
    let number = met.iter().position(|known| *known == id);
    number.unwrap_or(met.len()).hash(out);
    if number.is_none() {
        met.push(id);
    }
    number.is_some()
}
