//! C types built in Rust.

use super::types::{FunctionNode, MemberNode, RecordBody, RecordId, Shape, Types};
use super::{ByteOrder, CType, Convention, Floating, Integer, Param, Prototype, Qualifiers};
use callsmith_arch::Align;
use callsmith_arch::layout::{BitFieldRule, RecordKind};
use std::sync::Arc;

impl From<Integer> for CType {
    fn from(integer: Integer) -> CType {
        CType::leaf(Shape::Integer(integer))
    }
}

impl From<Floating> for CType {
    fn from(floating: Floating) -> CType {
        CType::leaf(Shape::Floating(floating))
    }
}

impl CType {
    fn leaf(shape: Shape) -> CType {
        CType::build(|types| types.add(shape))
    }

    fn build(add: impl FnOnce(&mut Types) -> super::TypeId) -> CType {
        let mut types = Types::default();
        let id = add(&mut types);
        CType::new(Arc::new(types), id)
    }

    fn import_into(&self, types: &mut Types) -> super::TypeId {
        types.import(&self.types, self.id)
    }

    /// `void`
    pub fn void() -> CType {
        CType::leaf(Shape::Void)
    }

    /// `_Bool`
    pub fn bool() -> CType {
        Integer::Bool.into()
    }

    /// `char`
    pub fn char() -> CType {
        Integer::Char.into()
    }

    /// `int`
    pub fn int() -> CType {
        Integer::Int.into()
    }

    /// `unsigned int`
    pub fn uint() -> CType {
        Integer::UInt.into()
    }

    /// `long`
    pub fn long() -> CType {
        Integer::Long.into()
    }

    /// `long long`
    pub fn long_long() -> CType {
        Integer::LongLong.into()
    }

    /// `float`
    pub fn float() -> CType {
        Floating::Float.into()
    }

    /// `double`
    pub fn double() -> CType {
        Floating::Double.into()
    }

    /// `_Complex` of `part`.
    pub fn complex_of(part: Floating) -> CType {
        CType::leaf(Shape::Complex(part))
    }

    /// A vector of `bytes` bytes in all, as `__attribute__((vector_size(bytes)))` makes it. What is no vector is found out
    /// by [`CType::lower`].
    pub fn vector_of(lane: &CType, bytes: u64) -> CType {
        CType::build(|types| {
            let lane = lane.import_into(types);
            types.add(Shape::Vector { lane, bytes })
        })
    }

    /// A pointer to `target`.
    pub fn pointer_to(target: &CType) -> CType {
        CType::build(|types| {
            let target = target.import_into(types);
            types.add(Shape::Pointer(target))
        })
    }

    /// An array of `len` elements.
    pub fn array_of(element: &CType, len: u64) -> CType {
        CType::build(|types| {
            let element = element.import_into(types);
            types.add(Shape::Array { element, len: Some(len) })
        })
    }

    /// An array without length: as the last member of a struct, a flexible array member.
    pub fn flexible_array_of(element: &CType) -> CType {
        CType::build(|types| {
            let element = element.import_into(types);
            types.add(Shape::Array { element, len: None })
        })
    }

    /// A function of named parameters, not variadic, of the target's own convention. An empty name is none.
    pub fn function_of<'a>(result: &CType, params: impl IntoIterator<Item = (&'a str, CType)>) -> CType {
        CType::function(&Prototype {
            name: None,
            symbol: None,
            convention: Convention::Default,
            result: result.clone(),
            implicit_result: false,
            params: params
                .into_iter()
                .map(|(name, ty)| Param { name: (!name.is_empty()).then(|| name.to_owned()), ty })
                .collect(),
            variadic: false,
            unprototyped: false,
        })
    }

    /// The type of a function with this prototype; its name and symbol are no part of it. Array and function parameters
    /// become pointers, as in C.
    pub fn function(prototype: &Prototype) -> CType {
        CType::build(|types| {
            let node = prototype.node(types);
            types.add(Shape::Function(Arc::new(node)))
        })
    }

    /// This type, with the struct or union `definition` for what was incomplete in it: the very one that
    /// [`RecordBuilder::this`] gave, and each of the same kind and tag.
    ///
    /// ```
    /// use callsmith::{ctype::CType, decl, host};
    ///
    /// let list = decl::parse_type("struct { struct cell *first; }", host::MODEL)?;
    /// let cell = decl::parse_type("struct cell { int value; struct cell *next; }", host::MODEL)?;
    /// let list = list.completed_by(&cell);
    /// assert_eq!(list.path("first.value").map(|ty| ty.to_string()), None); // a pointer is not followed unasked
    /// assert_eq!(list.path("first").and_then(|ty| ty.pointee()?.path("value")).unwrap().to_string(), "int");
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    pub fn completed_by(&self, definition: &CType) -> CType {
        CType::build(|types| {
            let definition = definition.import_into(types);
            let id = self.import_into(types);
            types.complete_like(definition);
            id
        })
    }

    /// A typedef of this type.
    pub fn typedef(&self, name: &str) -> CType {
        CType::build(|types| {
            let target = self.import_into(types);
            types.add(Shape::Typedef { name: name.into(), target, align: None })
        })
    }

    /// This type with `more` qualifiers.
    pub fn qualified(&self, more: Qualifiers) -> CType {
        CType::build(|types| {
            let id = self.import_into(types);
            types.qualify(id, more)
        })
    }

    /// `const` this type.
    pub fn constant(&self) -> CType {
        self.qualified(Qualifiers { is_const: true, ..Qualifiers::NONE })
    }
}

impl Prototype {
    /// This function's type as a node of `types`.
    pub(super) fn node(&self, types: &mut Types) -> FunctionNode {
        let result = self.result.import_into(types);
        let params = self
            .params
            .iter()
            .map(|param| {
                let ty = param.ty.import_into(types);
                (param.name.as_deref().map(Arc::from), types.decay(ty, Qualifiers::NONE))
            })
            .collect();
        FunctionNode {
            convention: self.convention,
            result,
            params,
            variadic: self.variadic,
            unprototyped: self.unprototyped,
        }
    }
}

/// Builds a struct or union.
///
/// ```
/// use callsmith::arch::layout::{DataModel, RecordKind};
/// use callsmith::ctype::{CType, RecordBuilder};
///
/// let node = RecordBuilder::new(RecordKind::Struct, Some("node"));
/// let next = CType::pointer_to(&node.this());
/// let node = node.member("value", &CType::int()).member("next", &next).build();
/// assert_eq!(node.definition(), "struct node { int value; struct node *next; };");
/// assert_eq!(node.size(&DataModel::LP64)?.bytes(), 16);
/// # Ok::<(), callsmith::arch::Error>(())
/// ```
#[derive(Debug)]
pub struct RecordBuilder {
    types: Types,
    id: RecordId,
    body: RecordBody,
}

impl RecordBuilder {
    /// A struct or union without members.
    pub fn new(kind: RecordKind, tag: Option<&str>) -> RecordBuilder {
        let mut types = Types::default();
        let id = types.add_record(kind, tag.map(Arc::from));
        RecordBuilder { types, id, body: RecordBody::default() }
    }

    /// The type that is being built, incomplete: for pointers to itself.
    pub fn this(&self) -> CType {
        let mut types = self.types.clone();
        let id = types.add(Shape::Record(self.id));
        CType::new(Arc::new(types), id)
    }

    fn add(mut self, name: Option<&str>, ty: &CType, bits: Option<u32>) -> RecordBuilder {
        let ty = ty.import_into(&mut self.types);
        let name = name.map(Arc::from);
        self.body.members.push(MemberNode { name, ty, bits, packed: false, align: None });
        self
    }

    /// A member.
    pub fn member(self, name: &str, ty: &CType) -> RecordBuilder {
        self.add(Some(name), ty, None)
    }

    /// An unnamed struct or union, whose members count as this one's.
    pub fn anonymous(self, ty: &CType) -> RecordBuilder {
        self.add(None, ty, None)
    }

    /// A bit-field of `bits` bits.
    pub fn bit_field(self, name: &str, ty: &CType, bits: u32) -> RecordBuilder {
        self.add(Some(name), ty, Some(bits))
    }

    /// Bits without a name; a width of zero ends the storage unit.
    pub fn padding_bits(self, ty: &CType, bits: u32) -> RecordBuilder {
        self.add(None, ty, Some(bits))
    }

    /// `_Alignas(align)` on the member added last; without a member, nothing.
    pub fn align_member(mut self, align: Align) -> RecordBuilder {
        if let Some(member) = self.body.members.last_mut() {
            member.align = Some(align);
        }
        self
    }

    /// `__attribute__((packed))` on the whole.
    pub fn packed(mut self) -> RecordBuilder {
        self.body.packed = true;
        self
    }

    /// `__attribute__((aligned(align)))` on the whole.
    pub fn align(mut self, align: Align) -> RecordBuilder {
        self.body.align = Some(align);
        self
    }

    /// `#pragma pack(pack)`.
    pub fn pack(mut self, pack: Align) -> RecordBuilder {
        self.body.pack = Some(pack);
        self
    }

    /// `gcc_struct` or `ms_struct`, where not the data model's own rule.
    pub fn bit_field_rule(mut self, rule: BitFieldRule) -> RecordBuilder {
        self.body.bit_fields = Some(rule);
        self
    }

    /// `scalar_storage_order(order)`: in which order the bytes of its scalars lie, and the bits of its bit-fields. Structs
    /// and unions among its members keep their own. With an order that is not the data model's, it has a layout only
    /// where there is no pointer and no x87 number in it.
    pub fn byte_order(mut self, order: ByteOrder) -> RecordBuilder {
        self.body.order = Some(order);
        self
    }

    /// The struct or union. Whether it has a layout is found out by [`CType::lower`].
    pub fn build(mut self) -> CType {
        self.types.complete_record(self.id, self.body);
        let id = self.types.add(Shape::Record(self.id));
        CType::new(Arc::new(self.types), id)
    }
}
