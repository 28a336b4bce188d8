//! C types as a user names them: with typedefs, pointees, qualifiers, tags, member and parameter names.
//!
//! A [`CType`] is a handle into an arena, shared by all types of one declaration. It comes from a declaration
//! ([`crate::decl`]) or is built in Rust, prints as C, can be taken apart by [`CType::kind`], and lowers to the laid-out
//! type of a data model, in which all names are gone.
//!
//! ```text
//! text ──decl──▶ CType, Prototype ──lower──▶ arch::layout::Type
//! Rust ──build─▶        └──────────Display──▶ C
//! ```
//!
//! ```
//! use callsmith::ctype::CType;
//!
//! let compare = CType::pointer_to(&CType::function_of(
//!     &CType::int(),
//!     [("a", CType::pointer_to(&CType::void().constant())), ("b", CType::pointer_to(&CType::void().constant()))],
//! ));
//! assert_eq!(compare.to_string(), "int (*)(const void *a, const void *b)");
//! ```

mod basic;
mod build;
mod compatible;
mod content;
mod function;
mod lower;
mod print;
mod record;
mod types;

pub use basic::{ByteOrder, Convention, Floating, Integer, Qualifiers};
pub use build::RecordBuilder;
pub use function::{Param, Prototype};
pub use record::{EnumType, Field, Member, RecordType};

pub(crate) use lower::Lowering;
pub(crate) use types::{
    EnumBody, EnumId, FunctionNode, MemberNode, RecordBody, RecordId, Shape, TypeId, Types,
};

use callsmith_arch::layout::{DataModel, Type};
use callsmith_arch::{Align, Error, Size};
use std::fmt;
use std::sync::Arc;

/// A C type. Cheap to clone.
#[derive(Clone)]
pub struct CType {
    types: Arc<Types>,
    id: TypeId,
}

/// What a [`CType`] is, one level deep.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `void`
    Void,
    /// `va_list`, whose format is the ABI's. It has no layout here.
    VaList,
    /// An integer type.
    Integer(Integer),
    /// A real floating type.
    Floating(Floating),
    /// `_Complex` of a floating type.
    Complex(Floating),
    /// A vector.
    Vector {
        /// The type of a lane.
        lane: CType,
        /// The size of the whole.
        bytes: u64,
    },
    /// A pointer to this.
    Pointer(CType),
    /// An array.
    Array {
        /// The element type.
        element: CType,
        /// How many elements; `None` for `[]`.
        len: Option<u64>,
    },
    /// A function. Its prototype has no name here.
    Function(Prototype),
    /// A struct or union.
    Record(RecordType),
    /// An enumeration.
    Enum(EnumType),
    /// Another name for a type.
    Typedef {
        /// The name.
        name: String,
        /// The type that it names.
        target: CType,
        /// Its own alignment, where it has one: `typedef int T __attribute__((aligned(16)))`.
        align: Option<Align>,
    },
}

impl CType {
    pub(crate) fn new(types: Arc<Types>, id: TypeId) -> CType {
        CType { types, id }
    }

    /// The type by the index of another node in the same arena.
    fn sibling(&self, id: TypeId) -> CType {
        CType { types: self.types.clone(), id }
    }

    /// What it is, one level deep.
    pub fn kind(&self) -> Kind {
        match &self.types.node(self.id).shape {
            Shape::Void => Kind::Void,
            Shape::VaList => Kind::VaList,
            Shape::Integer(integer) => Kind::Integer(*integer),
            Shape::Floating(floating) => Kind::Floating(*floating),
            Shape::Complex(floating) => Kind::Complex(*floating),
            Shape::Vector { lane, bytes } => Kind::Vector { lane: self.sibling(*lane), bytes: *bytes },
            Shape::Pointer(target) => Kind::Pointer(self.sibling(*target)),
            Shape::Array { element, len } => Kind::Array { element: self.sibling(*element), len: *len },
            Shape::Function(function) => Kind::Function(Prototype::of(&self.types, function)),
            Shape::Record(record) => Kind::Record(RecordType::new(self.types.clone(), *record)),
            Shape::Enum(enumeration) => Kind::Enum(EnumType::new(self.types.clone(), *enumeration)),
            Shape::Typedef { name, target, align } => {
                Kind::Typedef { name: name.to_string(), target: self.sibling(*target), align: *align }
            }
        }
    }

    /// Its qualifiers, without those that a typedef hides.
    pub fn qualifiers(&self) -> Qualifiers {
        self.types.node(self.id).qualifiers
    }

    /// Whether it is a pointer to characters that is declared as `__null_terminated`, itself or by a typedef.
    pub fn is_string(&self) -> bool {
        let (id, qualifiers) = self.types.resolve(self.id);
        let Shape::Pointer(target) = *self.types.shape(id) else { return false };
        let characters = matches!(
            self.types.shape(target),
            Shape::Integer(Integer::Char | Integer::SChar | Integer::UChar)
        );
        qualifiers.is_null_terminated && characters
    }

    /// At how many elements it points by its declaration, a pointer that is declared as `__counted_by`.
    pub fn counted_by(&self) -> Option<u64> {
        let (id, qualifiers) = self.types.resolve(self.id);
        qualifiers.counted_by.filter(|_| matches!(self.types.shape(id), Shape::Pointer(_)))
    }

    /// The type behind all typedefs: [`CType::kind`] of the result is never one. Qualifiers that stand on the names are
    /// dropped.
    pub fn resolved(&self) -> CType {
        self.sibling(self.types.resolve(self.id).0)
    }

    /// What it points at; `None` for what is no pointer.
    pub fn pointee(&self) -> Option<CType> {
        if let Shape::Pointer(target) = self.types.shape(self.id) {
            Some(self.sibling(*target))
        } else {
            None
        }
    }

    /// The type of the elements of an array, of a vector or of a complex number; `None` for other types.
    pub fn element(&self) -> Option<CType> {
        match self.types.shape(self.id) {
            Shape::Array { element, .. } | Shape::Vector { lane: element, .. } => {
                Some(self.sibling(*element))
            }
            Shape::Complex(part) => Some(CType::from(*part)),
            Shape::Void
            | Shape::VaList
            | Shape::Integer(_)
            | Shape::Floating(_)
            | Shape::Pointer(_)
            | Shape::Function(_)
            | Shape::Record(_)
            | Shape::Enum(_)
            | Shape::Typedef { .. } => None,
        }
    }

    /// The type of the member `path`, as [`Data::get`](crate::Data::get) takes it; `None` where there is none.
    pub fn path(&self, path: &str) -> Option<CType> {
        crate::data::type_at(self, path)
    }

    /// Whether it is, or has among its members, a struct or union whose scalars are big-endian.
    pub(crate) fn has_big_endian(&self) -> bool {
        self.types.has_big_endian(self.id)
    }

    /// The prototype of a function or of what a pointer to a function points to; `None` for other types.
    pub fn prototype(&self) -> Option<Prototype> {
        let target = if let Shape::Pointer(target) = self.types.shape(self.id) { *target } else { self.id };
        self.types.function(target).map(|function| Prototype::of(&self.types, function))
    }

    /// Its laid-out type under `model`; `None` for `void`.
    ///
    /// # Errors
    /// What has no size (an incomplete struct, a function, an array without length), `va_list`, a type that the model
    /// does not have; sizes that overflow, types that nest too deep.
    pub fn lower(&self, model: &DataModel) -> Result<Option<Type>, Error> {
        Lowering::new(model).result(&self.types, self.id)
    }

    /// Its size under `model`, `sizeof`.
    ///
    /// # Errors
    /// As for [`CType::lower`], and for `void`.
    pub fn size(&self, model: &DataModel) -> Result<Size, Error> {
        Ok(Lowering::new(model).object(&self.types, self.id)?.size(model))
    }

    /// Its alignment under `model`, `_Alignof`.
    ///
    /// # Errors
    /// As for [`CType::lower`], and for `void`.
    pub fn align(&self, model: &DataModel) -> Result<Align, Error> {
        Lowering::new(model).align(&self.types, self.id)
    }

    /// The members of a struct or union with their places under `model`, in order of declaration; `None` for other types.
    /// Members of an unnamed struct or union inside stay with it; bit-fields of width zero are left out.
    ///
    /// # Errors
    /// As for [`CType::lower`].
    pub fn fields(&self, model: &DataModel) -> Result<Option<Vec<Field>>, Error> {
        let Shape::Record(record) = self.types.shape(self.id) else { return Ok(None) };
        RecordType::new(self.types.clone(), *record).fields(model).map(Some)
    }

    /// Whether C takes this type and `other` for the same, also across translation units (C11 6.2.7): typedefs count as
    /// what they name, structs with tags are one if their members are, an incomplete one may be any of its tag.
    pub fn is_compatible_with(&self, other: &CType) -> bool {
        compatible::compatible(&self.types, self.id, &other.types, other.id)
    }

    /// Whether an object of `other` may stand for one of this type, with all that it points at.
    pub(crate) fn takes_objects_of(&self, other: &CType) -> bool {
        compatible::same_objects(&self.types, self.id, &other.types, other.id)
    }

    /// All that it says, as bytes: types with the same bytes are alike in everything that can be asked of them, names and
    /// all.
    pub(crate) fn content(&self) -> Box<[u8]> {
        content::content(&self.types, self.id)
    }

    /// The declaration of `name` with this type, without a semicolon: `int (*name)(const void *)`.
    ///
    /// A struct without a tag is written with its members. A `#pragma pack` that it needs stands among them, and stays in
    /// force after it.
    pub fn declare(&self, name: &str) -> String {
        print::declare(&self.types, self.id, name)
    }

    /// The definition of a struct, union or enum with its members, or of a typedef, with its semicolon, and between
    /// `#pragma pack` lines where it needs them. For other types their name.
    pub fn definition(&self) -> String {
        print::define(&self.types, self.id)
    }
}

impl fmt::Display for CType {
    /// A C type name: `const char *`, `struct point`, `int (*)(void)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.declare(""))
    }
}

impl fmt::Debug for CType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CType({self})")
    }
}

#[cfg(test)]
mod tests;
