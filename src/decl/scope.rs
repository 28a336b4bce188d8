//! The names that declarations have made.

use super::error::ErrorKind;
use crate::ctype::{EnumId, RecordId, Shape, TypeId, Types};
use callsmith_arch::layout::RecordKind;
use std::collections::HashMap;

/// The types and names of one text: C's file scope. Tags, and ordinary names, are kept apart, as in C (6.2.3).
///
/// Structs that are declared between a function's parentheses belong here too; C would forget them at once, which no
/// declaration means.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) types: Types,
    typedefs: HashMap<String, TypeId>,
    /// The names of the standard headers that were used without being declared.
    standard: HashMap<String, TypeId>,
    tags: HashMap<String, Tag>,
    constants: HashMap<String, i128>,
    /// Variables with their symbols, in the order of their first declarations.
    pub(super) variables: Vec<Variable>,
}

/// A variable that was declared.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    /// The name given by `__asm__`.
    pub(super) symbol: Option<String>,
    pub(super) ty: TypeId,
}

/// What a tag stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Record(RecordId),
    Enum(EnumId),
}

impl Scope {
    pub(super) fn typedef(&self, name: &str) -> Option<TypeId> {
        self.typedefs.get(name).copied()
    }

    pub(super) fn constant(&self, name: &str) -> Option<i128> {
        self.constants.get(name).copied()
    }

    /// All typedefs that the text made.
    pub(super) fn typedefs(&self) -> impl Iterator<Item = (&str, TypeId)> {
        self.typedefs.iter().map(|(name, ty)| (&**name, *ty))
    }

    /// All tags.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&str, Tag)> {
        self.tags.iter().map(|(name, tag)| (&**name, *tag))
    }

    /// All enumeration constants.
    pub(super) fn constants(&self) -> impl Iterator<Item = (&str, i128)> {
        self.constants.iter().map(|(name, value)| (&**name, *value))
    }

    pub(super) fn tag(&self, name: &str) -> Option<Tag> {
        self.tags.get(name).copied()
    }

    /// The typedef of a standard name, made once.
    pub(super) fn add_standard(&mut self, name: &str, shape: impl FnOnce(&mut Types) -> Shape) -> TypeId {
        if let Some(known) = self.standard.get(name) {
            return *known;
        }
        let shape = shape(&mut self.types);
        let target = self.types.add(shape);
        let ty = self.types.add(Shape::Typedef { name: name.into(), target, align: None });
        self.standard.insert(name.to_owned(), ty);
        ty
    }

    /// A typedef. Declaring one twice is fine where it names the same type (C11 6.7p3).
    pub(super) fn add_typedef(&mut self, name: &str, ty: TypeId) -> Result<(), ErrorKind> {
        let same = |old| self.types.compatible(old, ty);
        if self.constants.contains_key(name) || !self.typedef(name).is_none_or(same) {
            return Err(ErrorKind::Redeclared { name: name.to_owned() });
        }
        self.typedefs.insert(name.to_owned(), ty);
        Ok(())
    }

    pub(super) fn add_constant(&mut self, name: &str, value: i128) -> Result<(), ErrorKind> {
        if self.constants.contains_key(name) || self.typedefs.contains_key(name) {
            return Err(ErrorKind::Redeclared { name: name.to_owned() });
        }
        self.constants.insert(name.to_owned(), value);
        Ok(())
    }

    /// The struct or union of a tag, made where there is none yet.
    pub(super) fn record(&mut self, kind: RecordKind, tag: Option<&str>) -> Result<RecordId, ErrorKind> {
        match tag.and_then(|tag| self.tag(tag)) {
            Some(Tag::Record(id)) if self.types.record(id).kind == kind => Ok(id),
            Some(Tag::Record(_) | Tag::Enum(_)) => Err(other_tag(tag)),
            None => {
                let id = self.types.add_record(kind, tag.map(Into::into));
                if let Some(tag) = tag {
                    self.tags.insert(tag.to_owned(), Tag::Record(id));
                }
                Ok(id)
            }
        }
    }

    /// The enum of a tag, made where there is none yet.
    pub(super) fn enumeration(&mut self, tag: Option<&str>) -> Result<EnumId, ErrorKind> {
        match tag.and_then(|tag| self.tag(tag)) {
            Some(Tag::Enum(id)) => Ok(id),
            Some(Tag::Record(_)) => Err(other_tag(tag)),
            None => {
                let id = self.types.add_enum(tag.map(Into::into));
                if let Some(tag) = tag {
                    self.tags.insert(tag.to_owned(), Tag::Enum(id));
                }
                Ok(id)
            }
        }
    }
}

/// A tag that stands for another kind of type already.
fn other_tag(tag: Option<&str>) -> ErrorKind {
    ErrorKind::Redeclared { name: tag.unwrap_or("").to_owned() }
}
