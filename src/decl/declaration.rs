//! Whole declarations, and what they declare.

use super::attributes::Attributes;
use super::declarator::Naming;
use super::error::{Error, ErrorKind};
use super::literal;
use super::parser::Parser;
use super::scope::Variable;
use super::specifiers::{Specifiers, Untyped};
use super::token::{Punct, Span, TokenKind};
use crate::ctype::{FunctionNode, Prototype, Shape, TypeId, Types};
use std::sync::Arc;

/// A function that was declared.
pub(super) struct Function<'t> {
    pub(super) name: &'t str,
    pub(super) span: Span,
    /// The name given by `__asm__`.
    pub(super) symbol: Option<String>,
    pub(super) node: Arc<FunctionNode>,
    /// Whether no type of a result was named.
    pub(super) implicit_result: bool,
    /// Where its parameters stand; empty where a typedef declares them.
    pub(super) param_spans: Vec<Span>,
}

impl Function<'_> {
    /// It, with the types that were declared.
    pub(super) fn prototype(self, types: &Arc<Types>) -> Prototype {
        let Function { name, symbol, node, implicit_result, .. } = self;
        let name = Some(name.to_owned());
        Prototype { name, symbol, implicit_result, ..Prototype::of(types, &node) }
    }
}

impl<'t> Parser<'t> {
    pub(super) fn at_end(&self) -> bool {
        self.peek().kind == TokenKind::End
    }

    /// One declaration: types and names go into the scope, functions into `functions`. Variables' values are passed over.
    pub(super) fn declaration(&mut self, functions: &mut Vec<Function<'t>>) -> Result<(), Error> {
        if self.take_if(Punct::Semicolon) || self.static_assert()? {
            return Ok(());
        }
        let specifiers = self.specifiers(Untyped::Int)?;
        if self.take_if(Punct::Semicolon) || self.at_end() {
            return Ok(());
        }
        self.declarators(&specifiers, functions)?;
        Ok(())
    }

    /// The declarators after `specifiers`, up to the semicolon, the function's body, or the end of the text. Returns what
    /// the last one declares, a type or a type's name.
    pub(super) fn declarators(
        &mut self,
        specifiers: &Specifiers,
        functions: &mut Vec<Function<'t>>,
    ) -> Result<TypeId, Error> {
        loop {
            let before = functions.len();
            let ty = self.init_declarator(specifiers, functions)?;
            if functions.len() > before && self.take_if(Punct::OpenBrace) {
                self.skip_to(Punct::OpenBrace, Punct::CloseBrace)?;
                return Ok(ty);
            }
            if self.take_if(Punct::Semicolon) || self.at_end() {
                return Ok(ty);
            }
            self.expect(Punct::Comma, "';' after the declaration")?;
        }
    }

    fn init_declarator(
        &mut self,
        specifiers: &Specifiers,
        functions: &mut Vec<Function<'t>>,
    ) -> Result<TypeId, Error> {
        let mut declarator = self.declarator(Naming::Required)?;
        let (name, span) = declarator.name.unwrap_or(("", declarator.span));
        let (symbol, attributes) = self.declarator_end()?;
        declarator.attributes.merge(attributes);
        let mut align = specifiers.attributes.align;
        align = align.max(declarator.attributes.align);
        let declared = self.declared(specifiers, declarator)?;
        if specifiers.is_typedef {
            let shape = Shape::Typedef { name: name.into(), target: declared.ty, align };
            let ty = self.scope.types.add(shape);
            let added = self.scope.add_typedef(name, ty);
            self.placed(span, added)?;
            return Ok(ty);
        }
        if let Some(node) = self.scope.types.function(declared.ty) {
            let node = node.clone();
            let implicit_result = specifiers.is_implicit;
            let param_spans = declared.param_spans;
            functions.push(Function { name, span, symbol, node, implicit_result, param_spans });
        } else {
            self.scope.variables.push(Variable { name: name.to_owned(), symbol, ty: declared.ty });
        }
        if self.take_if(Punct::Assign) {
            self.skip_initializer()?;
        }
        Ok(declared.ty)
    }

    /// `__asm__("symbol")` and attributes after a declarator, in any order.
    fn declarator_end(&mut self) -> Result<(Option<String>, Attributes), Error> {
        let mut symbol = None;
        let mut attributes = Attributes::default();
        loop {
            if self.take_word(&["__asm__", "__asm", "asm"]) {
                self.expect(Punct::OpenParen, "'(' after '__asm__'")?;
                symbol = Some(self.string()?);
                self.expect(Punct::CloseParen, "')' after the symbol")?;
            } else if self.at_attribute() {
                attributes.merge(self.attributes()?);
            } else {
                return Ok((symbol, attributes));
            }
        }
    }

    /// String constants that follow each other, put together.
    pub(super) fn string(&mut self) -> Result<String, Error> {
        let mut all = String::new();
        let mut any = false;
        while let TokenKind::Text(inner) = self.peek().kind {
            let span = self.take().span;
            all.push_str(&self.placed(span, literal::text(inner))?);
            any = true;
        }
        if any { Ok(all) } else { Err(self.unexpected("a string")) }
    }

    /// Passes over a variable's value, up to the comma or semicolon after it.
    fn skip_initializer(&mut self) -> Result<(), Error> {
        loop {
            let token = self.peek();
            match token.kind {
                TokenKind::Punct(Punct::Comma | Punct::Semicolon) | TokenKind::End => return Ok(()),
                TokenKind::Punct(Punct::OpenBrace) => {
                    self.take();
                    self.skip_to(Punct::OpenBrace, Punct::CloseBrace)?;
                }
                TokenKind::Punct(Punct::OpenParen) => {
                    self.take();
                    self.skip_to(Punct::OpenParen, Punct::CloseParen)?;
                }
                TokenKind::Punct(_)
                | TokenKind::Word(_)
                | TokenKind::Number(_)
                | TokenKind::Character(_)
                | TokenKind::Text(_) => {
                    self.take();
                }
            }
        }
    }

    /// `_Static_assert(constant, "message");` where it comes next. One that does not hold is an error.
    pub(super) fn static_assert(&mut self) -> Result<bool, Error> {
        let span = self.peek().span;
        if !self.take_word(&["_Static_assert", "static_assert"]) {
            return Ok(false);
        }
        self.expect(Punct::OpenParen, "'(' after '_Static_assert'")?;
        let holds = self.constant()?.value != 0;
        if self.take_if(Punct::Comma) {
            self.string()?;
        }
        self.expect(Punct::CloseParen, "')' after the assertion")?;
        self.expect(Punct::Semicolon, "';' after the assertion")?;
        if holds { Ok(true) } else { Err(self.invalid(span, "the assertion does not hold")) }
    }

    /// Refuses a function whose result or parameters cannot be passed under the data model.
    pub(super) fn check_callable(&mut self, function: &Function<'t>) -> Result<(), Error> {
        let result = self.lowering.result(&self.scope.types, function.node.result);
        result.map_err(|error| self.error(function.span, ErrorKind::Layout(error)))?;
        for (index, (_, ty)) in function.node.params.iter().enumerate() {
            let span = function.param_spans.get(index).copied().unwrap_or(function.span);
            let param = self.lowering.object(&self.scope.types, *ty);
            param.map_err(|error| self.error(span, ErrorKind::Layout(error)))?;
        }
        Ok(())
    }
}
