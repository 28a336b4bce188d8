//! Structs, unions and enums: their tags and definitions.

use super::attributes::Attributes;
use super::declarator::{Name, Naming};
use super::error::{Error, ErrorKind};
use super::parser::Parser;
use super::specifiers::{Specifiers, is_keyword};
use super::token::{Punct, Span};
use crate::ctype::{EnumBody, Integer, MemberNode, RecordBody, RecordId, Shape, TypeId};
use callsmith_arch::Error as LayoutError;
use callsmith_arch::layout::RecordKind;
use std::collections::HashSet;
use std::sync::Arc;

impl<'t> Parser<'t> {
    /// A struct, union or enum where one comes next: its tag, its definition, or both.
    pub(super) fn tagged_type(&mut self) -> Result<Option<TypeId>, Error> {
        match self.word() {
            Some("struct") => self.nested(|parser| parser.record(RecordKind::Struct)).map(Some),
            Some("union") => self.nested(|parser| parser.record(RecordKind::Union)).map(Some),
            Some("enum") => self.nested(Parser::enumeration).map(Some),
            _ => Ok(None),
        }
    }

    fn tag(&mut self) -> Option<Name<'t>> {
        let tag = self.word().filter(|word| !is_keyword(word))?;
        Some((tag, self.take().span))
    }

    fn record(&mut self, kind: RecordKind) -> Result<TypeId, Error> {
        let keyword = self.take();
        let mut attributes = self.attributes()?;
        let tag = self.tag();
        let span = tag.map_or(keyword.span, |(_, span)| span);
        let name = tag.map(|(tag, _)| tag);
        if !self.next_is(Punct::OpenBrace) && tag.is_none() {
            return Err(self.unexpected("a tag or '{'"));
        }
        let made = self.scope.record(kind, name);
        let id = self.placed(span, made)?;
        if self.take_if(Punct::OpenBrace) {
            let members = self.members(kind)?;
            let end = self.expect(Punct::CloseBrace, "'}' after the members")?;
            attributes.merge(self.attributes()?);
            let body = RecordBody {
                members,
                packed: attributes.packed,
                align: attributes.align,
                pack: end.pack,
                bit_fields: attributes.bit_fields,
                order: attributes.order,
            };
            self.complete(id, body, span)?;
        }
        Ok(self.scope.types.add(Shape::Record(id)))
    }

    fn complete(&mut self, id: RecordId, body: RecordBody, span: Span) -> Result<(), Error> {
        if self.scope.types.record(id).body.is_some() {
            let name = format!("{} {}", self.source(span), "{ ... }");
            return Err(self.error(span, ErrorKind::Redeclared { name }));
        }
        self.scope.types.complete_record(id, body);
        match self.lowering.record(&self.scope.types, id) {
            // A type that this target lacks is no fault of the declaration, until somebody wants to pass it.
            Ok(_) | Err(LayoutError::Unsupported { .. }) => Ok(()),
            Err(error) => Err(self.error(span, ErrorKind::Layout(error))),
        }
    }

    /// The members up to the closing brace.
    fn members(&mut self, kind: RecordKind) -> Result<Vec<MemberNode>, Error> {
        let mut members = Vec::new();
        let mut names = HashSet::new();
        let mut flexible: Option<Span> = None;
        while !self.next_is(Punct::CloseBrace) {
            if self.take_if(Punct::Semicolon) || self.static_assert()? {
                continue;
            }
            if let Some(span) = flexible.filter(|_| kind == RecordKind::Struct) {
                return Err(self.invalid(span, "an array without length is not the last member"));
            }
            let specifiers = self.plain_specifiers()?;
            if self.next_is(Punct::Semicolon) {
                members.extend(self.anonymous(&specifiers));
            } else {
                self.member_declarators(&specifiers, &mut members, &mut names, &mut flexible)?;
            }
            self.expect(Punct::Semicolon, "';' after the member")?;
        }
        Ok(members)
    }

    /// A struct or union without name and tag; other types without declarators declare no member.
    fn anonymous(&self, specifiers: &Specifiers) -> Option<MemberNode> {
        let Shape::Record(id) = self.scope.types.node(specifiers.base).shape else { return None };
        let Attributes { packed, align, .. } = specifiers.attributes;
        let tagged = self.scope.types.record(id).tag.is_some();
        (!tagged).then_some(MemberNode { name: None, ty: specifiers.base, bits: None, packed, align })
    }

    fn member_declarators(
        &mut self,
        specifiers: &Specifiers,
        members: &mut Vec<MemberNode>,
        names: &mut HashSet<&'t str>,
        flexible: &mut Option<Span>,
    ) -> Result<(), Error> {
        loop {
            let (member, name) = self.member(specifiers)?;
            if let Some((name, span)) = name {
                if !names.insert(name) {
                    return Err(self.error(span, ErrorKind::Redeclared { name: name.to_owned() }));
                }
                if let Shape::Array { len: None, .. } = self.scope.types.shape(member.ty) {
                    *flexible = Some(span);
                }
            }
            members.push(member);
            if !self.take_if(Punct::Comma) {
                return Ok(());
            }
        }
    }

    /// A member's declarator, the width of a bit-field, attributes.
    fn member(&mut self, specifiers: &Specifiers) -> Result<(MemberNode, Option<Name<'t>>), Error> {
        let unnamed = self.next_is(Punct::Colon);
        let mut declarator = self.declarator(if unnamed { Naming::Forbidden } else { Naming::Required })?;
        let width = if self.take_if(Punct::Colon) {
            let span = self.peek().span;
            Some((self.constant()?.value, span))
        } else {
            None
        };
        declarator.attributes.merge(self.attributes()?);
        let name = declarator.name;
        let mut attributes = specifiers.attributes.clone();
        attributes.merge(declarator.attributes.clone());
        let span = declarator.span;
        let ty = self.declared(specifiers, declarator)?.ty;
        let bits = match width {
            Some((width, span)) => Some(self.bit_width(ty, width, name.is_some(), span)?),
            None => None,
        };
        self.check_member(ty, span)?;
        let Attributes { packed, align, .. } = attributes;
        Ok((MemberNode { name: name.map(|(name, _)| name.into()), ty, bits, packed, align }, name))
    }

    fn check_member(&self, ty: TypeId, span: Span) -> Result<(), Error> {
        let why = match self.scope.types.incomplete(ty).map(|culprit| self.scope.types.shape(culprit)) {
            None | Some(Shape::Array { .. }) => return Ok(()),
            Some(Shape::Function(_)) => "a member cannot be a function",
            Some(Shape::Void) => "a member cannot have type 'void'",
            Some(_) => "the member's type is incomplete: only pointers to it have a size yet",
        };
        Err(self.invalid(span, why))
    }

    /// The width of a bit-field of type `ty`, if C allows it (C11 6.7.2.1p4).
    fn bit_width(&self, ty: TypeId, width: i128, named: bool, span: Span) -> Result<u32, Error> {
        let Some(integer) = self.scope.types.integer(ty) else {
            return Err(self.invalid(span, "a bit-field's type must be an integer type"));
        };
        let (limit, _) = integer.format(self.model);
        match u32::try_from(width) {
            Ok(0) if named => Err(self.invalid(span, "a bit-field of width 0 cannot have a name")),
            Ok(bits) if bits <= limit => Ok(bits),
            _ => Err(self
                .invalid(span, format!("a bit-field of {width} bits: '{}' has {limit}", integer.spelling()))),
        }
    }

    fn enumeration(&mut self) -> Result<TypeId, Error> {
        let keyword = self.take();
        let mut attributes = self.attributes()?;
        let tag = self.tag();
        let span = tag.map_or(keyword.span, |(_, span)| span);
        let made = self.scope.enumeration(tag.map(|(tag, _)| tag));
        let id = self.placed(span, made)?;
        let fixed = if self.next_is(Punct::Colon) { self.fixed_type()? } else { None };
        if self.take_if(Punct::OpenBrace) {
            let constants = self.enumerators()?;
            self.expect(Punct::CloseBrace, "'}' or ',' after the constant")?;
            attributes.merge(self.attributes()?);
            if self.scope.types.enumeration(id).body.is_some() {
                let name = format!("{} {}", self.source(span), "{ ... }");
                return Err(self.error(span, ErrorKind::Redeclared { name }));
            }
            let underlying = fixed.unwrap_or_else(|| self.underlying(&constants, attributes.packed));
            let body = EnumBody { underlying, fixed: fixed.is_some(), packed: attributes.packed, constants };
            self.scope.types.complete_enum(id, body);
        } else if tag.is_none() {
            return Err(self.unexpected("a tag or '{'"));
        }
        Ok(self.scope.types.add(Shape::Enum(id)))
    }

    /// C23's `: type`. In a struct, `enum E : 3` is a bit-field instead.
    fn fixed_type(&mut self) -> Result<Option<Integer>, Error> {
        if !self.is_type(self.peek_at(1)) {
            return Ok(None);
        }
        let span = self.take().span;
        let specifiers = self.plain_specifiers()?;
        match self.scope.types.integer(specifiers.base) {
            Some(integer) => Ok(Some(integer)),
            None => Err(self.invalid(span, "an enum's type must be an integer type")),
        }
    }

    /// Constants up to the closing brace.
    fn enumerators(&mut self) -> Result<Vec<(Arc<str>, i128)>, Error> {
        let mut constants: Vec<(Arc<str>, i128)> = Vec::new();
        while !self.next_is(Punct::CloseBrace) {
            let Some((name, span)) = self.tag() else {
                return Err(self.unexpected("a constant's name"));
            };
            self.attributes()?;
            let value = if self.take_if(Punct::Assign) {
                self.constant()?.value
            } else {
                constants.last().map_or(0, |(_, previous)| previous + 1)
            };
            if value > i128::from(u64::MAX) {
                let (what, limit) = (value.to_string(), "unsigned long long".to_owned());
                return Err(self.error(span, ErrorKind::TooLarge { what, limit }));
            }
            let added = self.scope.add_constant(name, value);
            self.placed(span, added)?;
            constants.push((name.into(), value));
            if !self.take_if(Punct::Comma) {
                break;
            }
        }
        Ok(constants)
    }

    /// The type that compilers give an enum: GCC the first of `unsigned int`, `int`, and longer ones that holds all
    /// constants, from `unsigned char` on where it is packed; Microsoft's `int`, where that holds them.
    fn underlying(&self, constants: &[(Arc<str>, i128)], packed: bool) -> Integer {
        let least = constants.iter().map(|(_, value)| *value).min().unwrap_or(0);
        let most = constants.iter().map(|(_, value)| *value).max().unwrap_or(0);
        let holds = |integer: Integer| {
            let (bits, signed) = integer.format(self.model);
            let range = 1_i128 << (bits - u32::from(signed));
            least >= (if signed { -range } else { 0 }) && most < range
        };
        let small = [Integer::UChar, Integer::SChar, Integer::UShort, Integer::Short];
        let first: &[Integer] = if packed { &small } else { &[] };
        let int = [Integer::UInt, Integer::Int];
        let second: &[Integer] = if self.is_msvc() { &[Integer::Int, Integer::UInt] } else { &int };
        let large = [Integer::ULong, Integer::Long, Integer::ULongLong, Integer::LongLong];
        let mut candidates = first.iter().chain(second).chain(&large).copied();
        candidates.find(|integer| holds(*integer)).unwrap_or(Integer::LongLong)
    }
}
