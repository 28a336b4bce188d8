//! Declarators: the name, and the pointers, arrays and functions around it (C11 6.7.6 and 6.7.7).

use super::attributes::{Attributes, convention_word};
use super::error::{Error, ErrorKind};
use super::parser::{MAX_NESTING, Parser};
use super::specifiers::{Specifiers, is_keyword};
use super::token::{Punct, Span, TokenKind};
use crate::ctype::{Convention, FunctionNode, Qualifiers, Shape, TypeId};
use std::sync::Arc;

/// Whether a declarator has a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    Required,
    Optional,
    Forbidden,
}

/// A name, and where it stands.
pub(super) type Name<'t> = (&'t str, Span);

/// A declarator: what it makes of the type in front of it.
pub(super) struct Declarator<'t> {
    pub(super) name: Option<Name<'t>>,
    /// From the type outwards to the name: `*f[2]` is a pointer, then an array.
    derivations: Vec<Derivation<'t>>,
    pub(super) attributes: Attributes,
    /// Its first token.
    pub(super) span: Span,
}

enum Derivation<'t> {
    Pointer(Qualifiers),
    Array(ArrayPart),
    Function(FunctionPart<'t>),
    /// A convention that stands among the others: by a word, such as `__stdcall`, or by an attribute.
    Convention {
        convention: Convention,
        is_word: bool,
    },
}

struct ArrayPart {
    len: Option<u64>,
    /// Whether its length is only known when the function is called.
    variable: bool,
    /// Those between the brackets, which are the pointer's in a parameter.
    qualifiers: Qualifiers,
    span: Span,
}

struct FunctionPart<'t> {
    params: Vec<ParamPart<'t>>,
    variadic: bool,
    unprototyped: bool,
    span: Span,
}

struct ParamPart<'t> {
    name: Option<&'t str>,
    ty: TypeId,
    span: Span,
}

/// A type made by a declarator.
pub(super) struct Declared {
    pub(super) ty: TypeId,
    /// Where the parameters stand, if the declarator has them itself.
    pub(super) param_spans: Vec<Span>,
}

impl<'t> Parser<'t> {
    /// A declarator and the attributes after it.
    pub(super) fn declarator(&mut self, naming: Naming) -> Result<Declarator<'t>, Error> {
        let span = self.peek().span;
        let mut declarator =
            Declarator { name: None, derivations: Vec::new(), attributes: Attributes::default(), span };
        self.declarator_level(naming, &mut declarator)?;
        if declarator.derivations.len() > MAX_NESTING {
            return Err(self.error(span, ErrorKind::TooDeep { limit: MAX_NESTING }));
        }
        if naming != Naming::Required {
            // Where there is a name, an `__asm__` may come before these.
            declarator.attributes.merge(self.attributes()?);
        }
        Ok(declarator)
    }

    /// A declarator between one pair of parentheses, or outside of all.
    fn declarator_level(&mut self, naming: Naming, whole: &mut Declarator<'t>) -> Result<(), Error> {
        self.pointers(whole)?;
        let mut inner = Vec::new();
        if self.next_is(Punct::OpenParen) && self.groups(naming) {
            self.take();
            let outer = std::mem::take(&mut whole.derivations);
            self.nested(|parser| parser.declarator_level(naming, whole))?;
            inner = std::mem::replace(&mut whole.derivations, outer);
            self.expect(Punct::CloseParen, "')' after the declarator")?;
        } else if let Some(name) = self.word().filter(|word| naming != Naming::Forbidden && !is_keyword(word))
        {
            whole.name = Some((name, self.take().span));
        } else if naming == Naming::Required {
            return Err(self.unexpected("a name"));
        }
        let mut suffixes = Vec::new();
        loop {
            if self.next_is(Punct::OpenBracket) && !self.at_attribute() {
                suffixes.push(Derivation::Array(self.array_suffix()?));
            } else if self.next_is(Punct::OpenParen) {
                suffixes.push(Derivation::Function(self.nested(Parser::function_suffix)?));
            } else {
                break;
            }
        }
        whole.derivations.extend(suffixes.into_iter().rev());
        whole.derivations.extend(inner);
        Ok(())
    }

    /// Stars with their qualifiers, and conventions before, between and after them.
    fn pointers(&mut self, whole: &mut Declarator<'t>) -> Result<(), Error> {
        loop {
            if self.at_attribute() {
                let is_word = self.word().and_then(convention_word).is_some();
                let mut attributes = self.attributes()?;
                if let Some(convention) = attributes.convention.take() {
                    whole.derivations.push(Derivation::Convention { convention, is_word });
                }
                whole.attributes.merge(attributes);
            } else if self.take_if(Punct::Star) {
                let mut qualifiers = Qualifiers::NONE;
                while self.take_qualifier(&mut qualifiers)? {}
                whole.derivations.push(Derivation::Pointer(qualifiers));
            } else if !self.take_word(&["__ptr64", "__extension__"]) {
                return Ok(());
            }
        }
    }

    /// Whether the parenthesis that comes next groups a declarator, rather than holding parameters (C11 6.7.6.3p11).
    fn groups(&self, naming: Naming) -> bool {
        let inside = self.peek_at(1);
        naming == Naming::Required
            || !(self.is_type(inside)
                || matches!(inside.kind, TokenKind::Punct(Punct::CloseParen | Punct::Ellipsis)))
    }

    /// `[…]`
    fn array_suffix(&mut self) -> Result<ArrayPart, Error> {
        let span = self.take().span;
        let mut qualifiers = Qualifiers::NONE;
        while self.take_qualifier(&mut qualifiers)? || self.take_word(&["static"]) {}
        if self.take_if(Punct::CloseBracket) {
            return Ok(ArrayPart { len: None, variable: false, qualifiers, span });
        }
        if self.is_variable_length() {
            self.skip_to(Punct::OpenBracket, Punct::CloseBracket)?;
            return Ok(ArrayPart { len: None, variable: true, qualifiers, span });
        }
        let at = self.peek().span;
        let constant = self.constant()?;
        let end = self.expect(Punct::CloseBracket, "']' after the array's length")?;
        let place = Span { start: at.start, end: end.span.start };
        let len = u64::try_from(constant.value)
            .map_err(|_| self.invalid(place, format!("an array of {} elements", constant.value)))?;
        Ok(ArrayPart { len: Some(len), variable: false, qualifiers, span })
    }

    /// Whether an array's length is `*` or depends on a parameter before it: `int n, double a[n]`.
    fn is_variable_length(&self) -> bool {
        let Some(names) = self.param_names.last() else { return false };
        if self.next_is(Punct::Star) && self.peek_at(1).kind == TokenKind::Punct(Punct::CloseBracket) {
            return true;
        }
        (0..)
            .map(|ahead| self.peek_at(ahead).kind)
            .take_while(|kind| !matches!(kind, TokenKind::End | TokenKind::Punct(Punct::CloseBracket)))
            .any(|kind| matches!(kind, TokenKind::Word(word) if names.contains(&word)))
    }

    /// `(…)` with parameters.
    fn function_suffix(&mut self) -> Result<FunctionPart<'t>, Error> {
        let span = self.take().span;
        let mut function = FunctionPart { params: Vec::new(), variadic: false, unprototyped: false, span };
        if self.take_if(Punct::CloseParen) {
            function.unprototyped = true;
            return Ok(function);
        }
        self.param_names.push(Vec::new());
        loop {
            if self.take_if(Punct::Ellipsis) {
                function.variadic = true;
                self.expect(Punct::CloseParen, "')' after '...'")?;
                break;
            }
            let param = self.parameter()?;
            if let (Some(names), Some(name)) = (self.param_names.last_mut(), param.name) {
                names.push(name);
            }
            function.params.push(param);
            if self.take_if(Punct::CloseParen) {
                break;
            }
            self.expect(Punct::Comma, "')' or ',' after parameter")?;
        }
        self.param_names.pop();
        self.check_void(&mut function)?;
        Ok(function)
    }

    fn parameter(&mut self) -> Result<ParamPart<'t>, Error> {
        let specifiers = self.plain_specifiers()?;
        let declarator = self.declarator(Naming::Optional)?;
        let between = if let Some(Derivation::Array(array)) = declarator.derivations.last() {
            array.qualifiers
        } else {
            Qualifiers::NONE
        };
        let name = declarator.name.map(|(name, _)| name);
        let span = declarator.name.map_or(specifiers.span, |(_, span)| span);
        let declared = self.declared(&specifiers, declarator)?;
        Ok(ParamPart { name, ty: self.scope.types.decay(declared.ty, between), span })
    }

    /// A lone `void` stands for no parameters; any other parameter of type `void` is wrong.
    fn check_void(&self, function: &mut FunctionPart<'t>) -> Result<(), Error> {
        let is_void = |param: &ParamPart<'_>| matches!(self.scope.types.shape(param.ty), Shape::Void);
        if let [only] = &function.params[..]
            && only.name.is_none()
            && !function.variadic
            && is_void(only)
        {
            function.params.clear();
        }
        match function.params.iter().find(|param| is_void(param)) {
            Some(param) => Err(self.invalid(param.span, "a parameter cannot have type 'void'")),
            None => Ok(()),
        }
    }

    /// The type that `declarator` makes of the type in front of it.
    pub(super) fn declared(
        &mut self,
        specifiers: &Specifiers,
        declarator: Declarator<'t>,
    ) -> Result<Declared, Error> {
        let mut attributes = specifiers.attributes.clone();
        attributes.merge(declarator.attributes);
        let mut ty = self.remade(specifiers.base, &attributes, specifiers.span)?;
        let mut param_spans = Vec::new();
        let mut waiting = None;
        let mut variable = false;
        let mut derivations = declarator.derivations.into_iter().peekable();
        while let Some(derivation) = derivations.next() {
            match derivation {
                Derivation::Pointer(qualifiers) => {
                    ty = self.scope.types.add_qualified(Shape::Pointer(ty), qualifiers);
                }
                Derivation::Array(array) => {
                    ty = self.array(ty, &array, variable)?;
                    variable = array.variable;
                }
                Derivation::Function(function) => {
                    param_spans = function.params.iter().map(|param| param.span).collect();
                    ty = self.function(ty, function, waiting.take())?;
                }
                // It is the last made function's, as in `(ATTRIBUTE *f)(int)`, else the next one's: `*ATTRIBUTE f(int)`.
                // GCC gives the last made one its attribute also where both are there, `(*ATTRIBUTE f(int))(int)`;
                // Microsoft's words stand before the name of what they are for.
                Derivation::Convention { convention, is_word } => {
                    let next = matches!(derivations.peek(), Some(Derivation::Function(_)));
                    match self.with_convention(ty, convention) {
                        Some(function) if !(is_word && next) => ty = function,
                        Some(_) | None => waiting = Some(convention),
                    }
                }
            }
        }
        let convention = waiting.or(attributes.convention);
        if let Some(function) = convention.and_then(|convention| self.with_convention(ty, convention)) {
            ty = function;
        }
        Ok(Declared { ty, param_spans })
    }

    /// An array of `element`, which may be an array without length itself where that is `variable`.
    fn array(&mut self, element: TypeId, array: &ArrayPart, variable: bool) -> Result<TypeId, Error> {
        let types = &self.scope.types;
        match types.incomplete(element).map(|culprit| types.shape(culprit)) {
            None => {}
            Some(Shape::Array { .. }) if variable => {}
            Some(Shape::Function(_)) => return Err(self.invalid(array.span, "an array of functions")),
            Some(_) => return Err(self.invalid(array.span, "an array of elements of unknown size")),
        }
        Ok(self.scope.types.add(Shape::Array { element, len: array.len }))
    }

    fn function(
        &mut self,
        result: TypeId,
        function: FunctionPart<'t>,
        convention: Option<Convention>,
    ) -> Result<TypeId, Error> {
        if let Shape::Array { .. } = self.scope.types.shape(result) {
            return Err(self.invalid(function.span, "a function that returns an array"));
        }
        if self.scope.types.function(result).is_some() {
            return Err(self.invalid(function.span, "a function that returns a function"));
        }
        let node = FunctionNode {
            convention: convention.unwrap_or_default(),
            result,
            params: function.params.iter().map(|param| (param.name.map(Into::into), param.ty)).collect(),
            variadic: function.variadic,
            unprototyped: function.unprototyped,
        };
        Ok(self.scope.types.add(Shape::Function(Arc::new(node))))
    }

    /// The function `ty`, or pointer to a function, with `convention`; `None` for other types.
    fn with_convention(&mut self, ty: TypeId, convention: Convention) -> Option<TypeId> {
        let (resolved, qualifiers) = self.scope.types.resolve(ty);
        let types = &mut self.scope.types;
        let pointee =
            if let Shape::Pointer(target) = types.node(resolved).shape { Some(target) } else { None };
        let function = types.function(pointee.unwrap_or(resolved))?;
        let node = FunctionNode { convention, ..FunctionNode::clone(function) };
        let made = types.add(Shape::Function(Arc::new(node)));
        Some(if pointee.is_some() { types.add_qualified(Shape::Pointer(made), qualifiers) } else { made })
    }

    /// A type without a name, such as stands in a cast.
    pub(super) fn type_name(&mut self) -> Result<TypeId, Error> {
        let specifiers = self.nested(Parser::plain_specifiers)?;
        let declarator = self.declarator(Naming::Forbidden)?;
        Ok(self.declared(&specifiers, declarator)?.ty)
    }
}
