//! Declaration specifiers: what stands in front of the first declarator (C11 6.7).

use super::attributes::{Attributes, Mode};
use super::error::{Error, ErrorKind};
use super::parser::Parser;
use super::standard;
use super::token::{Punct, Span, TokenKind};
use crate::ctype::{Floating, Integer, Qualifiers, Shape, TypeId};

/// What stands in front of declarators.
pub(super) struct Specifiers {
    /// The type, with its qualifiers.
    pub(super) base: TypeId,
    /// Whether there is no type, and `int` stands for it.
    pub(super) is_implicit: bool,
    /// Whether the declarators name types.
    pub(super) is_typedef: bool,
    /// A storage class that only a declaration of its own may have, not a parameter or a member.
    pub(super) storage: Option<Span>,
    pub(super) attributes: Attributes,
    /// The first token.
    pub(super) span: Span,
}

/// What a declaration without a type is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Untyped {
    /// A function that returns `int`, if its name comes next, as in C89.
    Int,
    Wrong,
}

/// Storage classes, which mean nothing to a call.
const STORAGE: &[&str] =
    &["typedef", "extern", "static", "auto", "_Thread_local", "thread_local", "__thread"];

/// Words that mean nothing here, and may stand with parameters and members too, or do no harm there.
#[rustfmt::skip]
const PASSED_OVER: &[&str] = &[
    "register", "inline", "__inline", "__inline__", "__forceinline", "_Noreturn", "noreturn", "__extension__",
];

#[rustfmt::skip]
const QUALIFIERS: &[&str] = &[
    "const", "__const", "__const__", "volatile", "__volatile", "__volatile__", "restrict", "__restrict",
    "__restrict__", "__null_terminated", "__counted_by",
];

/// Words of arithmetic types and `void`.
#[rustfmt::skip]
const BASIC: &[&str] = &[
    "void", "char", "short", "int", "long", "float", "double", "signed", "__signed", "__signed__", "unsigned",
    "_Bool", "_Complex", "__complex__", "__complex", "__int128", "__int128_t", "__uint128_t", "__int8", "__int16",
    "__int32", "__int64", "_Float16", "_Float32", "_Float64", "_Float32x", "_Float64x", "_Float128", "__float128",
    "__builtin_va_list",
];

/// C that has no meaning here.
const UNSUPPORTED: &[&str] = &[
    "typeof",
    "__typeof__",
    "__typeof",
    "typeof_unqual",
    "__auto_type",
    "_Atomic",
    "_Imaginary",
    "_BitInt",
    "_Decimal32",
    "_Decimal64",
    "_Decimal128",
    "__bf16",
    "__fp16",
];

/// Whether `word` can begin a type, without being a typedef's name.
pub(super) fn begins_type(word: &str) -> bool {
    matches!(word, "struct" | "union" | "enum") || is_plain_specifier(word)
}

fn is_plain_specifier(word: &str) -> bool {
    STORAGE.contains(&word)
        || PASSED_OVER.contains(&word)
        || QUALIFIERS.contains(&word)
        || BASIC.contains(&word)
        || UNSUPPORTED.contains(&word)
}

/// Whether `word` is taken, so that nothing can have it as its name.
pub(super) fn is_keyword(word: &str) -> bool {
    begins_type(word)
        || matches!(
            word,
            "sizeof"
                | "_Alignof"
                | "_Alignas"
                | "_Static_assert"
                | "_Generic"
                | "__attribute__"
                | "__attribute"
                | "__declspec"
                | "__asm__"
                | "__asm"
                | "asm"
                | "return"
                | "if"
                | "else"
                | "for"
                | "while"
                | "do"
                | "switch"
                | "case"
                | "default"
                | "break"
                | "continue"
                | "goto"
        )
}

/// The words of an arithmetic type, in whatever order they came (C11 6.7.2p2).
#[derive(Default)]
struct Words<'t> {
    /// `char`, `double`, `__int128`, …; not `int` where `short` or `long` say more.
    basic: Option<&'t str>,
    int: bool,
    signed: bool,
    unsigned: bool,
    short: bool,
    long: u8,
    complex: bool,
    any: bool,
}

impl<'t> Words<'t> {
    /// Adds `word`. False where it does not go with the words before.
    fn add(&mut self, word: &'t str) -> bool {
        self.any = true;
        let twice = match word {
            "signed" | "__signed" | "__signed__" => std::mem::replace(&mut self.signed, true),
            "unsigned" => std::mem::replace(&mut self.unsigned, true),
            "short" => std::mem::replace(&mut self.short, true),
            "int" => std::mem::replace(&mut self.int, true),
            "_Complex" | "__complex__" | "__complex" => std::mem::replace(&mut self.complex, true),
            "long" => {
                self.long += 1;
                self.long > 2
            }
            _ => self.basic.replace(word).is_some(),
        };
        !twice
    }

    /// The type that the words make together.
    fn shape(&self) -> Option<Shape> {
        let Words { basic, int, signed, unsigned, short, long, complex, any: _ } = *self;
        if signed && unsigned || short && long > 0 {
            return None;
        }
        let sized = short || long > 0;
        let plain = !sized && !int;
        let floating = match basic {
            Some("float") if long == 0 => Some(Floating::Float),
            Some("double") if long == 0 => Some(Floating::Double),
            Some("double") if long == 1 => Some(Floating::LongDouble),
            Some("_Float16") if long == 0 => Some(Floating::Float16),
            Some("_Float32") if long == 0 => Some(Floating::Float32),
            Some("_Float64") if long == 0 => Some(Floating::Float64),
            Some("_Float32x") if long == 0 => Some(Floating::Float32x),
            Some("_Float64x") if long == 0 => Some(Floating::Float64x),
            Some("_Float128" | "__float128") if long == 0 => Some(Floating::Float128),
            // GNU C: `_Complex` alone is that of `double`.
            None if complex && plain && !signed && !unsigned => Some(Floating::Double),
            _ => None,
        };
        if let Some(floating) = floating {
            let alone = !(signed || unsigned || short || int);
            let shape = if complex { Shape::Complex(floating) } else { Shape::Floating(floating) };
            return alone.then_some(shape);
        }
        if complex {
            return None;
        }
        let bare = plain && !signed && !unsigned;
        let pair = |with_sign, without| Some(Shape::Integer(if unsigned { without } else { with_sign }));
        match basic {
            None if short => pair(Integer::Short, Integer::UShort),
            None if long == 1 => pair(Integer::Long, Integer::ULong),
            None if long == 2 => pair(Integer::LongLong, Integer::ULongLong),
            None => pair(Integer::Int, Integer::UInt),
            Some("char") if bare => Some(Shape::Integer(Integer::Char)),
            Some("char" | "__int8") if plain => pair(Integer::SChar, Integer::UChar),
            Some("__int16") if plain => pair(Integer::Short, Integer::UShort),
            Some("__int32") if plain => pair(Integer::Int, Integer::UInt),
            Some("__int64") if plain => pair(Integer::LongLong, Integer::ULongLong),
            Some("__int128") if plain => pair(Integer::Int128, Integer::UInt128),
            Some("__int128_t") if bare => Some(Shape::Integer(Integer::Int128)),
            Some("__uint128_t") if bare => Some(Shape::Integer(Integer::UInt128)),
            Some("_Bool") if bare => Some(Shape::Integer(Integer::Bool)),
            Some("void") if bare => Some(Shape::Void),
            Some("__builtin_va_list") if bare => Some(Shape::VaList),
            Some(_) => None,
        }
    }
}

impl<'t> Parser<'t> {
    /// All that stands in front of the first declarator.
    pub(super) fn specifiers(&mut self, untyped: Untyped) -> Result<Specifiers, Error> {
        let span = self.peek().span;
        let mut words = Words::default();
        let mut base = None;
        let mut qualifiers = Qualifiers::NONE;
        let mut attributes = Attributes::default();
        let mut is_typedef = false;
        let mut storage = None;
        loop {
            if self.at_attribute() {
                attributes.merge(self.attributes()?);
                continue;
            }
            if self.take_qualifier(&mut qualifiers)? {
                continue;
            }
            let Some(word) = self.word() else { break };
            if STORAGE.contains(&word) {
                storage = Some(self.take().span);
                is_typedef |= word == "typedef";
            } else if PASSED_OVER.contains(&word) {
                self.take();
            } else if UNSUPPORTED.contains(&word) {
                return Err(self.unsupported(self.peek().span, format!("'{word}'")));
            } else if BASIC.contains(&word) {
                let span = self.take().span;
                if base.is_some() || !words.add(word) {
                    return Err(self.invalid(span, format!("'{word}' does not go with the type before it")));
                }
            } else if words.any || base.is_some() {
                break;
            } else if let Some(tagged) = self.tagged_type()? {
                base = Some(tagged);
            } else if let Some(named) = self.typedef(word) {
                self.take();
                base = Some(named);
            } else {
                break;
            }
        }
        let is_implicit = untyped == Untyped::Int
            && base.is_none()
            && !(words.any || is_typedef)
            && self.at_function_name();
        let base = match base {
            Some(base) => base,
            None if words.any => self.basic_type(&words, span)?,
            None if is_implicit => self.scope.types.add(Shape::Integer(Integer::Int)),
            None => return Err(self.missing_type()),
        };
        let base = self.scope.types.qualify(base, qualifiers);
        Ok(Specifiers { base, is_implicit, is_typedef, storage, attributes, span })
    }

    /// The specifiers of a parameter, a member or a type name, which have no storage class.
    pub(super) fn plain_specifiers(&mut self) -> Result<Specifiers, Error> {
        let specifiers = self.specifiers(Untyped::Wrong)?;
        match specifiers.storage {
            Some(span) => Err(self.invalid(span, format!("'{}' cannot stand here", self.source(span)))),
            None => Ok(specifiers),
        }
    }

    /// Takes a qualifier where it is next.
    pub(super) fn take_qualifier(&mut self, qualifiers: &mut Qualifiers) -> Result<bool, Error> {
        let Some(word) = self.word().filter(|word| QUALIFIERS.contains(word)) else { return Ok(false) };
        self.take();
        match word.trim_matches('_') {
            "const" => qualifiers.is_const = true,
            "volatile" => qualifiers.is_volatile = true,
            "null_terminated" => qualifiers.is_null_terminated = true,
            "counted_by" => qualifiers.counted_by = qualifiers.counted_by.max(self.count()?),
            _ => qualifiers.is_restrict = true,
        }
        Ok(true)
    }

    /// `(n)`, of `__counted_by`; `None` where a parameter says how many, which only calls would tell.
    fn count(&mut self) -> Result<Option<u64>, Error> {
        self.expect(Punct::OpenParen, "'(' after '__counted_by'")?;
        if self.word().is_some_and(|word| self.scope.constant(word).is_none() && !is_keyword(word)) {
            self.skip_to(Punct::OpenParen, Punct::CloseParen)?;
            return Ok(None);
        }
        let span = self.peek().span;
        let value = self.constant()?.value;
        self.expect(Punct::CloseParen, "')' after the count")?;
        u64::try_from(value).map(Some).map_err(|_| self.invalid(span, format!("{value} elements")))
    }

    fn basic_type(&mut self, words: &Words<'t>, span: Span) -> Result<TypeId, Error> {
        match words.shape() {
            Some(shape) => Ok(self.scope.types.add(shape)),
            None => Err(self.invalid(span, "these words make no type together")),
        }
    }

    /// Whether a function's name comes next, and its parameters.
    fn at_function_name(&self) -> bool {
        self.word().is_some_and(|word| !is_keyword(word))
            && self.peek_at(1).kind == TokenKind::Punct(Punct::OpenParen)
    }

    /// The error where a type should be.
    fn missing_type(&self) -> Error {
        let token = self.peek();
        match token.kind {
            TokenKind::Word(name) if !is_keyword(name) => {
                if self.peek_at(1).kind == TokenKind::Punct(Punct::OpenParen) {
                    return self.unexpected("a type");
                }
                self.error(token.span, ErrorKind::UnknownType { name: name.to_owned() })
            }
            TokenKind::Word(_)
            | TokenKind::Number(_)
            | TokenKind::Character(_)
            | TokenKind::Text(_)
            | TokenKind::Punct(_)
            | TokenKind::End => self.unexpected("a type"),
        }
    }

    /// `base` as the attributes `vector_size` and `mode` change it.
    pub(super) fn remade(
        &mut self,
        base: TypeId,
        attributes: &Attributes,
        span: Span,
    ) -> Result<TypeId, Error> {
        let mut base = base;
        if let Some(mode) = attributes.mode {
            let (before, qualifiers) = self.scope.types.resolve(base);
            let integer = self.scope.types.integer(base);
            let of_bits = |bits| self.integer_of_mode(bits, integer?).map(Shape::Integer);
            let shape = match mode {
                Mode::Floating(floating) => {
                    let before = &self.scope.types.node(before).shape;
                    matches!(before, Shape::Floating(_)).then_some(Shape::Floating(floating))
                }
                Mode::Bits(bits) => of_bits(bits),
                Mode::Word => of_bits(standard::word(self.model).0.format(self.model).0),
            };
            let shape = shape.ok_or_else(|| self.invalid(span, "'mode' does not go with this type"))?;
            base = self.scope.types.add_qualified(shape, qualifiers);
        }
        if let Some(bytes) = attributes.vector {
            let (lane, qualifiers) = self.scope.types.resolve(base);
            if !matches!(self.scope.types.node(lane).shape, Shape::Integer(_) | Shape::Floating(_)) {
                return Err(self.invalid(span, "'vector_size' does not go with this type"));
            }
            base = self.scope.types.add_qualified(Shape::Vector { lane, bytes }, qualifiers);
        }
        Ok(base)
    }
}
