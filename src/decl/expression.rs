//! Integer constant expressions (C11 6.6): array sizes, widths of bit-fields, enumeration constants, alignments.

use super::error::{Error, ErrorKind};
use super::literal;
use super::parser::Parser;
use super::token::{Constant, Punct, Span, TokenKind};
use crate::ctype::{Shape, TypeId};
use callsmith_arch::Align;

/// Binary operators, each with its precedence: the higher binds the tighter.
const OPERATORS: &[(Punct, u8)] = &[
    (Punct::OrOr, 1),
    (Punct::AndAnd, 2),
    (Punct::Or, 3),
    (Punct::Xor, 4),
    (Punct::And, 5),
    (Punct::Equal, 6),
    (Punct::NotEqual, 6),
    (Punct::Less, 7),
    (Punct::LessEqual, 7),
    (Punct::Greater, 7),
    (Punct::GreaterEqual, 7),
    (Punct::ShiftLeft, 8),
    (Punct::ShiftRight, 8),
    (Punct::Plus, 9),
    (Punct::Minus, 9),
    (Punct::Star, 10),
    (Punct::Slash, 10),
    (Punct::Percent, 10),
];

impl Constant {
    pub(super) fn truth(value: bool) -> Constant {
        Constant::int(value.into())
    }

    /// `value` in this constant's type: cut to its bits where it is unsigned; `None` where it is signed and overflows.
    fn fit(self, value: i128) -> Option<Constant> {
        let range = 1_i128 << (self.bits - 1);
        if self.signed {
            return (-range..range).contains(&value).then_some(Constant { value, ..self });
        }
        Some(Constant { value: value & (2 * range - 1), ..self })
    }

    /// This value converted to an integer of `bits` bits.
    fn convert(self, bits: u32, signed: bool) -> Constant {
        if bits == 1 {
            return Constant::truth(self.value != 0);
        }
        let modulus = 1_i128 << bits;
        let low = self.value & (modulus - 1);
        let value = if signed && low >= modulus / 2 { low - modulus } else { low };
        // Promoted to int at once (C11 6.3.1.1p2).
        if bits < 32 { Constant::int(value) } else { Constant { value, bits, signed } }
    }

    /// The two in their common type (C11 6.3.1.8).
    fn common(self, other: Constant) -> (Constant, Constant) {
        let bits = self.bits.max(other.bits);
        let unsigned = |constant: Constant| constant.bits == bits && !constant.signed;
        let signed = !(unsigned(self) || unsigned(other));
        (self.convert(bits, signed), other.convert(bits, signed))
    }
}

/// `left operator right`, both in their common type but for shifts. `Err` says what C does not define.
fn apply(operator: Punct, left: Constant, right: Constant) -> Result<Constant, &'static str> {
    let overflow = "the expression overflows";
    let (a, b) = left.common(right);
    let value = match operator {
        Punct::Less => return Ok(Constant::truth(a.value < b.value)),
        Punct::LessEqual => return Ok(Constant::truth(a.value <= b.value)),
        Punct::Greater => return Ok(Constant::truth(a.value > b.value)),
        Punct::GreaterEqual => return Ok(Constant::truth(a.value >= b.value)),
        Punct::Equal => return Ok(Constant::truth(a.value == b.value)),
        Punct::NotEqual => return Ok(Constant::truth(a.value != b.value)),
        Punct::ShiftLeft | Punct::ShiftRight => return shift(operator, left, right),
        Punct::Slash | Punct::Percent if b.value == 0 => return Err("a division by zero"),
        Punct::Slash => a.value.checked_div(b.value),
        Punct::Percent => a.value.checked_rem(b.value),
        Punct::Star => a.value.checked_mul(b.value),
        Punct::Plus => a.value.checked_add(b.value),
        Punct::Minus => a.value.checked_sub(b.value),
        Punct::And => Some(a.value & b.value),
        Punct::Or => Some(a.value | b.value),
        Punct::Xor => Some(a.value ^ b.value),
        _ => None,
    };
    value.and_then(|value| a.fit(value)).ok_or(overflow)
}

/// A shift has the type of its left side.
fn shift(operator: Punct, left: Constant, right: Constant) -> Result<Constant, &'static str> {
    let count = u32::try_from(right.value).ok().filter(|count| *count < left.bits);
    let count = count.ok_or("a shift by more bits than there are")?;
    let value = if operator == Punct::ShiftLeft { left.value << count } else { left.value >> count };
    // A bit that is shifted into or past the sign is lost, as in every compiler.
    Ok(Constant { value, ..left }.convert(left.bits, left.signed))
}

impl<'t> Parser<'t> {
    /// An integer constant expression.
    pub(super) fn constant(&mut self) -> Result<Constant, Error> {
        self.nested(Parser::conditional)
    }

    /// `a ? b : c`, whose type is the common one of `b` and `c`.
    fn conditional(&mut self) -> Result<Constant, Error> {
        let condition = self.binary(1)?;
        if !self.take_if(Punct::Question) {
            return Ok(condition);
        }
        let chosen = condition.value != 0;
        let left = self.evaluated_if(chosen, Parser::constant)?;
        self.expect(Punct::Colon, "':' between the two cases of '?'")?;
        let right = self.evaluated_if(!chosen, Parser::constant)?;
        let (left, right) = left.common(right);
        Ok(if chosen { left } else { right })
    }

    /// What `parse` parses; what is undefined there does not matter where it is not evaluated.
    fn evaluated_if(
        &mut self,
        evaluated: bool,
        parse: impl FnOnce(&mut Parser<'t>) -> Result<Constant, Error>,
    ) -> Result<Constant, Error> {
        let before = self.evaluated;
        self.evaluated &= evaluated;
        let result = parse(self);
        self.evaluated = before;
        result
    }

    /// Operands with binary operators of at least `least` between them.
    fn binary(&mut self, least: u8) -> Result<Constant, Error> {
        let mut left = self.unary()?;
        loop {
            let token = self.peek();
            let found = OPERATORS.iter().find(|(punct, _)| token.kind == TokenKind::Punct(*punct));
            let Some((operator, precedence)) = found.copied().filter(|(_, own)| *own >= least) else {
                return Ok(left);
            };
            self.take();
            let right = |parser: &mut Parser<'t>| parser.binary(precedence + 1);
            left = match operator {
                Punct::AndAnd => {
                    let right = self.evaluated_if(left.value != 0, right)?;
                    Constant::truth(left.value != 0 && right.value != 0)
                }
                Punct::OrOr => {
                    let right = self.evaluated_if(left.value == 0, right)?;
                    Constant::truth(left.value != 0 || right.value != 0)
                }
                _ => {
                    let right = right(self)?;
                    self.defined(token.span, left, apply(operator, left, right))?
                }
            };
        }
    }

    /// `result`, or `instead` where it is undefined but not evaluated.
    fn defined(
        &self,
        span: Span,
        instead: Constant,
        result: Result<Constant, &'static str>,
    ) -> Result<Constant, Error> {
        match result {
            Ok(constant) => Ok(constant),
            Err(_) if !self.evaluated => Ok(instead),
            Err(why) => Err(self.invalid(span, why)),
        }
    }

    fn unary(&mut self) -> Result<Constant, Error> {
        let token = self.peek();
        match token.kind {
            TokenKind::Punct(Punct::Plus | Punct::Minus | Punct::Tilde | Punct::Not) => {
                self.take();
                let operand = self.nested(Parser::unary)?;
                let value = match token.kind {
                    TokenKind::Punct(Punct::Minus) => -operand.value,
                    TokenKind::Punct(Punct::Tilde) => !operand.value,
                    TokenKind::Punct(Punct::Not) => return Ok(Constant::truth(operand.value == 0)),
                    _ => operand.value,
                };
                self.defined(token.span, operand, operand.fit(value).ok_or("the expression overflows"))
            }
            TokenKind::Punct(Punct::OpenParen) => self.parenthesis(),
            TokenKind::Word(word) => self.word_operand(word),
            TokenKind::Number(number) => {
                self.take();
                self.placed(token.span, literal::integer(number, self.model))
            }
            TokenKind::Character(inner) => {
                self.take();
                self.placed(token.span, literal::character(inner, self.model))
            }
            TokenKind::Punct(_) | TokenKind::Text(_) | TokenKind::End => {
                Err(self.unexpected("a constant expression"))
            }
        }
    }

    /// An expression in parentheses, or a cast.
    fn parenthesis(&mut self) -> Result<Constant, Error> {
        let open = self.take().span;
        if !self.at_type() {
            let inner = self.constant()?;
            self.expect(Punct::CloseParen, "')' after the expression")?;
            return Ok(inner);
        }
        let ty = self.type_name()?;
        self.expect(Punct::CloseParen, "')' after the type")?;
        let operand = self.nested(Parser::unary)?;
        let shape = self.scope.types.shape(ty).clone();
        let integer = match shape {
            Shape::Integer(integer) => Some(integer),
            Shape::Enum(id) => self.scope.types.enumeration(id).body.as_ref().map(|body| body.underlying),
            _ => None,
        };
        match integer.map(|integer| integer.format(self.model)) {
            Some((bits, signed)) if bits <= 64 => Ok(operand.convert(bits, signed)),
            _ => Err(self.unsupported(open, "a cast to this type in a constant expression")),
        }
    }

    /// `sizeof`, `_Alignof`, or an enumeration constant.
    fn word_operand(&mut self, word: &'t str) -> Result<Constant, Error> {
        let span = self.take().span;
        match word {
            "sizeof" => self.size_operand(span),
            "_Alignof" | "alignof" | "__alignof__" | "__alignof" => {
                let ty = self.operand_type("'_Alignof'")?;
                let align = self.align_of(span, ty)?;
                Ok(self.size_constant(align.bytes()))
            }
            "__extension__" => self.nested(Parser::unary),
            _ => match self.scope.constant(word) {
                Some(value) => Ok(enumerator(value)),
                None => Err(self.error(span, ErrorKind::UnknownConstant { name: word.to_owned() })),
            },
        }
    }

    /// `(type)` after an operator.
    fn operand_type(&mut self, operator: &str) -> Result<TypeId, Error> {
        self.expect(Punct::OpenParen, &format!("'(' and a type after {operator}"))?;
        let ty = self.type_name()?;
        self.expect(Punct::CloseParen, "')' after the type")?;
        Ok(ty)
    }

    /// The operand of `sizeof`: a type in parentheses, or a constant.
    fn size_operand(&mut self, span: Span) -> Result<Constant, Error> {
        let is_type = self.next_is(Punct::OpenParen) && self.is_type(self.peek_at(1));
        if !is_type {
            let operand = self.nested(Parser::unary)?;
            return Ok(self.size_constant(u64::from(operand.bits / 8)));
        }
        let ty = self.operand_type("'sizeof'")?;
        let laid_out = self.lowering.object(&self.scope.types, ty);
        let laid_out = laid_out.map_err(|error| self.error(span, ErrorKind::Layout(error)))?;
        Ok(self.size_constant(laid_out.size(self.model).bytes()))
    }

    pub(super) fn align_of(&mut self, span: Span, ty: TypeId) -> Result<Align, Error> {
        let align = self.lowering.align(&self.scope.types, ty);
        align.map_err(|error| self.error(span, ErrorKind::Layout(error)))
    }

    /// A constant of type `size_t`.
    fn size_constant(&self, value: u64) -> Constant {
        let bits = if self.model.pointer.bytes() == 8 { 64 } else { 32 };
        Constant { value: value.into(), bits, signed: false }
    }
}

/// An enumeration constant: an `int` where it fits one, else of the first type that holds it, as GCC has it.
fn enumerator(value: i128) -> Constant {
    let types = [(32, true), (32, false), (64, true), (64, false)];
    let fitting = types.into_iter().find(|(bits, signed)| {
        let range = 1_i128 << (bits - 1);
        if *signed { (-range..range).contains(&value) } else { (0..2 * range).contains(&value) }
    });
    let (bits, signed) = fitting.unwrap_or((64, false));
    Constant { value, bits, signed }
}
