//! The tokens of a declaration.

use callsmith_arch::Align;

/// A token: what it is and where it stands in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    pub(super) span: Span,
    /// The `#pragma pack` in force here.
    pub(super) pack: Option<Align>,
}

/// A stretch of the text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TokenKind<'t> {
    /// A keyword or a name.
    Word(&'t str),
    /// A number as it is written; only integers have a value here.
    Number(&'t str),
    /// What stands between a character constant's quotes.
    Character(&'t str),
    /// What stands between a string constant's quotes.
    Text(&'t str),
    Punct(Punct),
    End,
}

/// The value and type of an integer constant expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Constant {
    pub(super) value: i128,
    /// Width of the type in bits, at least an int's.
    pub(super) bits: u32,
    pub(super) signed: bool,
}

/// Punctuators that can stand in a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(super) enum Punct {
    OpenParen, CloseParen, OpenBracket, CloseBracket, OpenBrace, CloseBrace,
    Semicolon, Comma, Colon, Question, Ellipsis, Dot, Arrow, Assign,
    Star, Slash, Percent, Plus, Minus, Tilde, Not,
    ShiftLeft, ShiftRight, Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual,
    And, Or, Xor, AndAnd, OrOr,
    /// Others, which can only stand in a function's body: assignment by operator, increment.
    Other,
}

/// Every punctuator, longer ones before their prefixes.
pub(super) const PUNCTUATORS: &[(&str, Punct)] = &[
    ("...", Punct::Ellipsis),
    ("<<=", Punct::Other),
    (">>=", Punct::Other),
    ("->", Punct::Arrow),
    ("<<", Punct::ShiftLeft),
    (">>", Punct::ShiftRight),
    ("<=", Punct::LessEqual),
    (">=", Punct::GreaterEqual),
    ("==", Punct::Equal),
    ("!=", Punct::NotEqual),
    ("&&", Punct::AndAnd),
    ("||", Punct::OrOr),
    ("++", Punct::Other),
    ("--", Punct::Other),
    ("+=", Punct::Other),
    ("-=", Punct::Other),
    ("*=", Punct::Other),
    ("/=", Punct::Other),
    ("%=", Punct::Other),
    ("&=", Punct::Other),
    ("|=", Punct::Other),
    ("^=", Punct::Other),
    ("(", Punct::OpenParen),
    (")", Punct::CloseParen),
    ("[", Punct::OpenBracket),
    ("]", Punct::CloseBracket),
    ("{", Punct::OpenBrace),
    ("}", Punct::CloseBrace),
    (";", Punct::Semicolon),
    (",", Punct::Comma),
    (":", Punct::Colon),
    ("?", Punct::Question),
    (".", Punct::Dot),
    ("=", Punct::Assign),
    ("*", Punct::Star),
    ("/", Punct::Slash),
    ("%", Punct::Percent),
    ("+", Punct::Plus),
    ("-", Punct::Minus),
    ("~", Punct::Tilde),
    ("!", Punct::Not),
    ("<", Punct::Less),
    (">", Punct::Greater),
    ("&", Punct::And),
    ("|", Punct::Or),
    ("^", Punct::Xor),
];
