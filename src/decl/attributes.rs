//! Attributes: GCC's `__attribute__((…))`, Microsoft's `__declspec(…)` and words, C23's `[[…]]`, `_Alignas`.
//!
//! Attributes that change neither layout nor calls are passed over, known or not, as compilers do; those that would, and
//! that nothing here can honour, are errors.

use super::error::{Error, ErrorKind};
use super::parser::Parser;
use super::token::{Punct, Span, TokenKind};
use crate::ctype::{ByteOrder, Convention, Floating, Integer};
use callsmith_arch::layout::{BitFieldRule, RecordRule};
use callsmith_arch::{Align, Error as LayoutError};

/// What attributes said, of whatever they stood at.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes {
    pub(super) packed: bool,
    pub(super) align: Option<Align>,
    pub(super) vector: Option<u64>,
    pub(super) mode: Option<Mode>,
    pub(super) convention: Option<Convention>,
    pub(super) bit_fields: Option<BitFieldRule>,
    pub(super) order: Option<ByteOrder>,
}

/// What GCC's `mode` makes of a type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// An integer of so many bits, signed as before.
    Bits(u32),
    /// An integer of a pointer's size, signed as before.
    Word,
    Floating(Floating),
}

/// What `aligned` means without a number: the largest alignment of any standard type, on all targets here.
const MAX_STANDARD_ALIGN: u64 = 16;

/// Attributes that change layout or calls in a way that nothing here knows.
const REFUSED: &[&str] = &[
    "aarch64_sve_pcs",
    "aarch64_vector_pcs",
    "address_space",
    "ext_vector_type",
    "interrupt",
    "neon_vector_type",
    "pcs",
    "preserve_all",
    "preserve_most",
    "preserve_none",
    "regcall",
    "sseregparm",
    "swiftasynccall",
    "swiftcall",
];

impl Attributes {
    /// These and `other`: the stricter alignment, the later convention.
    pub(super) fn merge(&mut self, other: Attributes) {
        let Attributes { packed, align, vector, mode, convention, bit_fields, order } = other;
        self.packed |= packed;
        self.align = self.align.max(align);
        self.vector = vector.or(self.vector);
        self.mode = mode.or(self.mode);
        self.convention = convention.or(self.convention);
        self.bit_fields = bit_fields.or(self.bit_fields);
        self.order = order.or(self.order);
    }
}

/// The convention that a word names where Microsoft's keywords and `windows.h`'s macros stand.
pub(super) fn convention_word(word: &str) -> Option<Convention> {
    Some(match word {
        "__cdecl" | "_cdecl" | "WINAPIV" => Convention::Cdecl,
        "__stdcall" | "_stdcall" | "WINAPI" | "CALLBACK" | "APIENTRY" | "PASCAL" | "STDMETHODCALLTYPE" => {
            Convention::Stdcall
        }
        "__fastcall" | "_fastcall" => Convention::Fastcall,
        "__thiscall" | "_thiscall" => Convention::Thiscall,
        "__vectorcall" | "_vectorcall" => Convention::Vectorcall,
        _ => return None,
    })
}

impl<'t> Parser<'t> {
    /// Whether an attribute comes next.
    pub(super) fn at_attribute(&self) -> bool {
        match self.peek().kind {
            TokenKind::Word(word) => {
                convention_word(word).is_some()
                    || matches!(
                        word,
                        "__attribute__" | "__attribute" | "__declspec" | "_declspec" | "_Alignas" | "alignas"
                    )
            }
            TokenKind::Punct(Punct::OpenBracket) => {
                self.peek_at(1).kind == TokenKind::Punct(Punct::OpenBracket)
            }
            TokenKind::Punct(_)
            | TokenKind::Number(_)
            | TokenKind::Character(_)
            | TokenKind::Text(_)
            | TokenKind::End => false,
        }
    }

    /// All attributes that come next.
    pub(super) fn attributes(&mut self) -> Result<Attributes, Error> {
        let mut attributes = Attributes::default();
        while self.at_attribute() {
            let word = self.word();
            self.take();
            match word {
                Some("__declspec" | "_declspec") => {
                    self.expect(Punct::OpenParen, "'(' after '__declspec'")?;
                    self.attribute_list(&mut attributes, Punct::CloseParen)?;
                }
                Some("_Alignas" | "alignas") => {
                    let align = self.alignas()?;
                    attributes.align = attributes.align.max(align);
                }
                Some("__attribute__" | "__attribute") => {
                    self.expect(Punct::OpenParen, "'((' after '__attribute__'")?;
                    self.expect(Punct::OpenParen, "'((' after '__attribute__'")?;
                    self.attribute_list(&mut attributes, Punct::CloseParen)?;
                    self.expect(Punct::CloseParen, "'))' after the attributes")?;
                }
                Some(word) => attributes.convention = convention_word(word),
                None => {
                    self.take();
                    self.attribute_list(&mut attributes, Punct::CloseBracket)?;
                    self.expect(Punct::CloseBracket, "']]' after the attributes")?;
                }
            }
        }
        Ok(attributes)
    }

    /// Attributes with commas (GCC's, C23's) or blanks (Microsoft's) between them, and what closes them.
    fn attribute_list(&mut self, attributes: &mut Attributes, close: Punct) -> Result<(), Error> {
        while !self.take_if(close) {
            if self.take_if(Punct::Comma) {
                continue;
            }
            let Some(mut name) = self.word() else {
                return Err(self.unexpected("an attribute's name"));
            };
            let mut span = self.take().span;
            // `gnu::packed`
            while self.take_if(Punct::Colon) {
                if let Some(word) = self.word() {
                    name = word;
                    span = self.take().span;
                }
            }
            self.attribute(attributes, name, span)?;
        }
        Ok(())
    }

    fn attribute(&mut self, attributes: &mut Attributes, name: &str, span: Span) -> Result<(), Error> {
        let plain = name.strip_prefix("__").and_then(|name| name.strip_suffix("__")).unwrap_or(name);
        match plain {
            "packed" => attributes.packed = true,
            "aligned" | "align" => {
                let align = self.attribute_align()?;
                attributes.align = attributes.align.max(Some(align));
            }
            "vector_size" => attributes.vector = Some(self.attribute_number()?),
            "mode" => attributes.mode = Some(self.attribute_mode()?),
            "ms_abi" => attributes.convention = Some(Convention::Win64),
            "sysv_abi" => attributes.convention = Some(Convention::SysV64),
            "cdecl" => attributes.convention = Some(Convention::Cdecl),
            "stdcall" => attributes.convention = Some(Convention::Stdcall),
            "fastcall" => attributes.convention = Some(Convention::Fastcall),
            "thiscall" => attributes.convention = Some(Convention::Thiscall),
            "vectorcall" => attributes.convention = Some(Convention::Vectorcall),
            "regparm" => attributes.convention = Some(self.attribute_regparm(span)?),
            "ms_struct" => attributes.bit_fields = Some(BitFieldRule::Msvc),
            "scalar_storage_order" => attributes.order = Some(self.attribute_order(span)?),
            "gcc_struct" => attributes.bit_fields = Some(BitFieldRule::Gnu),
            _ if REFUSED.contains(&plain) => {
                return Err(self.unsupported(span, format!("the attribute '{plain}'")));
            }
            _ => {}
        }
        // Arguments that nobody wanted.
        if self.take_if(Punct::OpenParen) {
            self.skip_to(Punct::OpenParen, Punct::CloseParen)?;
        }
        Ok(())
    }

    /// `(n)`, an integer constant expression that is not negative.
    fn attribute_number(&mut self) -> Result<u64, Error> {
        self.expect(Punct::OpenParen, "'(' and a number")?;
        let span = self.peek().span;
        let constant = self.constant()?;
        self.expect(Punct::CloseParen, "')' after the number")?;
        u64::try_from(constant.value)
            .map_err(|_| self.invalid(span, format!("{} cannot be negative", constant.value)))
    }

    fn attribute_align(&mut self) -> Result<Align, Error> {
        let span = self.peek_at(1).span;
        let bytes =
            if self.next_is(Punct::OpenParen) { self.attribute_number()? } else { MAX_STANDARD_ALIGN };
        self.alignment(span, bytes)
    }

    fn alignment(&self, span: Span, given: u64) -> Result<Align, Error> {
        Align::new(given)
            .ok_or_else(|| self.error(span, ErrorKind::Layout(LayoutError::BadAlignment { given })))
    }

    fn attribute_order(&mut self, span: Span) -> Result<ByteOrder, Error> {
        self.expect(Punct::OpenParen, "'(' and a byte order")?;
        let name = self.string()?;
        self.expect(Punct::CloseParen, "')' after the byte order")?;
        let order = [ByteOrder::Little, ByteOrder::Big].into_iter().find(|order| order.spelling() == name);
        order.ok_or_else(|| self.invalid(span, format!("the byte order '{name}'")))
    }

    fn attribute_regparm(&mut self, span: Span) -> Result<Convention, Error> {
        match self.attribute_number()? {
            0 => Ok(Convention::Cdecl),
            1 => Ok(Convention::Regparm(1)),
            2 => Ok(Convention::Regparm(2)),
            3 => Ok(Convention::Regparm(3)),
            given => Err(self.invalid(span, format!("regparm({given}): at most 3 registers"))),
        }
    }

    /// `(type)` or `(n)` after `_Alignas`; `None` for 0, which asks for nothing (C11 6.7.5p6).
    fn alignas(&mut self) -> Result<Option<Align>, Error> {
        self.expect(Punct::OpenParen, "'(' after '_Alignas'")?;
        let span = self.peek().span;
        let bytes = if self.at_type() {
            let ty = self.type_name()?;
            self.align_of(span, ty)?.bytes()
        } else {
            let constant = self.constant()?;
            u64::try_from(constant.value)
                .map_err(|_| self.invalid(span, "an alignment cannot be negative"))?
        };
        self.expect(Punct::CloseParen, "')' after the alignment")?;
        if bytes == 0 { Ok(None) } else { self.alignment(span, bytes).map(Some) }
    }

    fn attribute_mode(&mut self) -> Result<Mode, Error> {
        self.expect(Punct::OpenParen, "'(' after 'mode'")?;
        let token = self.take();
        let name = self.source(token.span).trim_matches('_');
        let mode = match name {
            "QI" | "byte" => Mode::Bits(8),
            "HI" => Mode::Bits(16),
            "SI" => Mode::Bits(32),
            "DI" => Mode::Bits(64),
            "TI" => Mode::Bits(128),
            "word" | "pointer" | "unwind_word" => Mode::Word,
            "HF" => Mode::Floating(Floating::Float16),
            "SF" => Mode::Floating(Floating::Float),
            "DF" => Mode::Floating(Floating::Double),
            "XF" => Mode::Floating(Floating::LongDouble),
            "TF" => Mode::Floating(Floating::Float128),
            _ => return Err(self.unsupported(token.span, format!("the mode '{name}'"))),
        };
        self.expect(Punct::CloseParen, "')' after the mode")?;
        Ok(mode)
    }

    /// The integer of `mode`, signed as `integer` is.
    pub(super) fn integer_of_mode(&self, bits: u32, integer: Integer) -> Option<Integer> {
        let (_, signed) = integer.format(self.model);
        [
            (Integer::SChar, Integer::UChar),
            (Integer::Short, Integer::UShort),
            (Integer::Int, Integer::UInt),
            (Integer::Long, Integer::ULong),
            (Integer::LongLong, Integer::ULongLong),
            (Integer::Int128, Integer::UInt128),
        ]
        .into_iter()
        .find(|(candidate, _)| candidate.format(self.model).0 == bits)
        .map(|(with_sign, without)| if signed { with_sign } else { without })
    }

    /// Whether the data model is Microsoft's compiler's.
    pub(super) fn is_msvc(&self) -> bool {
        self.model.records == RecordRule::Msvc
    }
}
