//! Integer constant expressions (C11 6.6): array sizes, widths of bit-fields, enumeration constants, alignments.

use super::error::{Error, ErrorKind};
use super::literal;
use super::parser::Parser;
use super::token::{Constant, Punct, Span, TokenKind};
use crate::ctype::TypeId;
use callsmith_arch::Align;

/// Binary operators.
#[derive(Clone, Copy, PartialEq, Eq)]
#[rustfmt::skip]
enum Operator {
    Or, And, BitOr, BitXor, BitAnd, Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, ShiftLeft, ShiftRight,
    Add, Subtract, Multiply, Divide, Remainder,
}

/// The operators with their precedence: the higher binds the tighter.
const OPERATORS: &[(Punct, Operator, u8)] = &[
    (Punct::OrOr, Operator::Or, 1),
    (Punct::AndAnd, Operator::And, 2),
    (Punct::Or, Operator::BitOr, 3),
    (Punct::Xor, Operator::BitXor, 4),
    (Punct::And, Operator::BitAnd, 5),
    (Punct::Equal, Operator::Equal, 6),
    (Punct::NotEqual, Operator::NotEqual, 6),
    (Punct::Less, Operator::Less, 7),
    (Punct::LessEqual, Operator::LessEqual, 7),
    (Punct::Greater, Operator::Greater, 7),
    (Punct::GreaterEqual, Operator::GreaterEqual, 7),
    (Punct::ShiftLeft, Operator::ShiftLeft, 8),
    (Punct::ShiftRight, Operator::ShiftRight, 8),
    (Punct::Plus, Operator::Add, 9),
    (Punct::Minus, Operator::Subtract, 9),
    (Punct::Star, Operator::Multiply, 10),
    (Punct::Slash, Operator::Divide, 10),
    (Punct::Percent, Operator::Remainder, 10),
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
fn apply(operator: Operator, left: Constant, right: Constant) -> Result<Constant, &'static str> {
    let (a, b) = left.common(right);
    let value = match operator {
        Operator::Or => return Ok(Constant::truth(left.value != 0 || right.value != 0)),
        Operator::And => return Ok(Constant::truth(left.value != 0 && right.value != 0)),
        Operator::Equal => return Ok(Constant::truth(a.value == b.value)),
        Operator::NotEqual => return Ok(Constant::truth(a.value != b.value)),
        Operator::Less => return Ok(Constant::truth(a.value < b.value)),
        Operator::LessEqual => return Ok(Constant::truth(a.value <= b.value)),
        Operator::Greater => return Ok(Constant::truth(a.value > b.value)),
        Operator::GreaterEqual => return Ok(Constant::truth(a.value >= b.value)),
        // A shift has the type of its left side. Bits shifted into or past the sign are lost, as in every compiler.
        Operator::ShiftLeft => return shift(left, right, |value, count| value << count),
        Operator::ShiftRight => return shift(left, right, |value, count| value >> count),
        Operator::Divide | Operator::Remainder if b.value == 0 => return Err("a division by zero"),
        Operator::Divide => a.value.checked_div(b.value),
        Operator::Remainder => a.value.checked_rem(b.value),
        Operator::Multiply => a.value.checked_mul(b.value),
        Operator::Add => a.value.checked_add(b.value),
        Operator::Subtract => a.value.checked_sub(b.value),
        Operator::BitAnd => Some(a.value & b.value),
        Operator::BitOr => Some(a.value | b.value),
        Operator::BitXor => Some(a.value ^ b.value),
    };
    value.and_then(|value| a.fit(value)).ok_or("the expression overflows")
}

fn shift(
    left: Constant,
    right: Constant,
    shifted: impl Fn(i128, u32) -> i128,
) -> Result<Constant, &'static str> {
    let count = u32::try_from(right.value).ok().filter(|count| *count < left.bits);
    let count = count.ok_or("a shift by more bits than there are")?;
    Ok(Constant { value: shifted(left.value, count), ..left }.convert(left.bits, left.signed))
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
        // GNU C: `a ?: b` is `a ? a : b`.
        let left =
            if self.next_is(Punct::Colon) { condition } else { self.evaluated_if(chosen, Parser::constant)? };
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
            let found = OPERATORS.iter().find(|(punct, ..)| token.kind == TokenKind::Punct(*punct));
            let Some((_, operator, precedence)) = found.copied().filter(|(.., own)| *own >= least) else {
                return Ok(left);
            };
            self.take();
            // The right side of `&&` and `||` does not count where the left one decides.
            let decided =
                operator == Operator::And && left.value == 0 || operator == Operator::Or && left.value != 0;
            let right = self.evaluated_if(!decided, |parser| parser.binary(precedence + 1))?;
            left = self.defined(token.span, left, apply(operator, left, right))?;
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
            TokenKind::Punct(Punct::Plus) => self.signed(|operand| operand.value),
            TokenKind::Punct(Punct::Minus) => self.signed(|operand| -operand.value),
            TokenKind::Punct(Punct::Tilde) => self.signed(|operand| !operand.value),
            TokenKind::Punct(Punct::Not) => {
                self.take();
                let operand = self.nested(Parser::unary)?;
                Ok(Constant::truth(operand.value == 0))
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

    /// What a unary operator of arithmetic makes of its operand.
    fn signed(&mut self, operator: impl Fn(Constant) -> i128) -> Result<Constant, Error> {
        let span = self.take().span;
        let operand = self.nested(Parser::unary)?;
        let result = operand.fit(operator(operand)).ok_or("the expression overflows");
        self.defined(span, operand, result)
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
        match self.scope.types.integer(ty).map(|integer| integer.format(self.model)) {
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
