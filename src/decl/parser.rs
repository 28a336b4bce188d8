//! The parser's hands: looking at tokens, taking them, and saying what was expected.

use super::error::{Error, ErrorKind};
use super::lexer::{self, Define};
use super::scope::Scope;
use super::token::{Punct, Span, Token, TokenKind};
use super::{specifiers, standard};
use crate::ctype::{Lowering, TypeId};
use callsmith_arch::layout::DataModel;

/// How deep parentheses, declarators, records and expressions may nest, and how long a declarator may be: the parser's
/// own recursion stays bounded.
pub(super) const MAX_NESTING: usize = 100;

/// A parser over one text.
pub(super) struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    pub(super) defines: Vec<Define<'t>>,
    at: usize,
    depth: usize,
    pub(super) model: &'static DataModel,
    pub(super) scope: Scope,
    pub(super) lowering: Lowering<'static>,
    /// Whether the expression that is being read counts: false in the case of `?:`, `&&`, `||` that is not chosen.
    pub(super) evaluated: bool,
    /// The names of the parameters read so far, of each parameter list that is open.
    pub(super) param_names: Vec<Vec<&'t str>>,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, model: &'static DataModel) -> Result<Parser<'t>, Error> {
        let (tokens, defines) = lexer::tokens(text)?;
        Ok(Parser {
            text,
            tokens,
            defines,
            at: 0,
            depth: 0,
            model,
            scope: Scope::default(),
            lowering: Lowering::new(model),
            evaluated: true,
            param_names: Vec::new(),
        })
    }

    /// The next token, not taken.
    pub(super) fn peek(&self) -> Token<'t> {
        self.peek_at(0)
    }

    /// The token `ahead` places after the next one; the end of the text beyond that.
    pub(super) fn peek_at(&self, ahead: usize) -> Token<'t> {
        let last = self.tokens.len() - 1;
        self.tokens[(self.at + ahead).min(last)]
    }

    /// The next token, taken. The end of the text can be taken again and again.
    pub(super) fn take(&mut self) -> Token<'t> {
        let token = self.peek();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn next_is(&self, punct: Punct) -> bool {
        self.peek().kind == TokenKind::Punct(punct)
    }

    pub(super) fn word(&self) -> Option<&'t str> {
        if let TokenKind::Word(word) = self.peek().kind { Some(word) } else { None }
    }

    /// Takes `punct` where it is next.
    pub(super) fn take_if(&mut self, punct: Punct) -> bool {
        let found = self.next_is(punct);
        if found {
            self.take();
        }
        found
    }

    /// Takes one of `words` where it is next.
    pub(super) fn take_word(&mut self, words: &[&str]) -> bool {
        let found = self.word().is_some_and(|word| words.contains(&word));
        if found {
            self.take();
        }
        found
    }

    /// Takes `punct`, or says that `expected` was expected.
    pub(super) fn expect(&mut self, punct: Punct, expected: &str) -> Result<Token<'t>, Error> {
        if self.next_is(punct) { Ok(self.take()) } else { Err(self.unexpected(expected)) }
    }

    /// The error that `expected` is not what comes next.
    pub(super) fn unexpected(&self, expected: &str) -> Error {
        let token = self.peek();
        let found = match token.kind {
            TokenKind::End => "the end of the text".to_owned(),
            TokenKind::Word(_)
            | TokenKind::Number(_)
            | TokenKind::Character(_)
            | TokenKind::Text(_)
            | TokenKind::Punct(_) => format!("'{}'", self.source(token.span)),
        };
        self.error(token.span, ErrorKind::Unexpected { expected: expected.to_owned(), found })
    }

    pub(super) fn source(&self, span: Span) -> &'t str {
        &self.text[span.start..span.end]
    }

    pub(super) fn error(&self, span: Span, kind: ErrorKind) -> Error {
        Error::new(self.text, span, kind)
    }

    pub(super) fn invalid(&self, span: Span, why: impl Into<String>) -> Error {
        self.error(span, ErrorKind::Invalid { why: why.into() })
    }

    pub(super) fn unsupported(&self, span: Span, what: impl Into<String>) -> Error {
        self.error(span, ErrorKind::Unsupported { what: what.into() })
    }

    /// `result`, its error placed at `span`.
    pub(super) fn placed<T>(&self, span: Span, result: Result<T, ErrorKind>) -> Result<T, Error> {
        result.map_err(|kind| self.error(span, kind))
    }

    /// What `parse` parses, one level deeper.
    pub(super) fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Parser<'t>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth == MAX_NESTING {
            return Err(self.error(self.peek().span, ErrorKind::TooDeep { limit: MAX_NESTING }));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Passes over everything up to the bracket that closes the one just taken, and takes that.
    pub(super) fn skip_to(&mut self, open: Punct, close: Punct) -> Result<(), Error> {
        let mut depth = 1_usize;
        while depth > 0 {
            let token = self.peek();
            if token.kind == TokenKind::End {
                return Err(self.unexpected("a closing bracket"));
            }
            if token.kind == TokenKind::Punct(open) {
                depth += 1;
            } else if token.kind == TokenKind::Punct(close) {
                depth -= 1;
            }
            self.take();
        }
        Ok(())
    }

    /// The type of a name: one that the text has declared, else a standard one.
    pub(super) fn typedef(&mut self, name: &str) -> Option<TypeId> {
        if let Some(known) = self.scope.typedef(name) {
            return Some(known);
        }
        if let Some(members) = standard::record(name, self.model) {
            return Some(self.scope.add_standard(name, |types| types.add_struct(members)));
        }
        let shape = standard::typedef(name, self.model)?;
        Some(self.scope.add_standard(name, |_| shape))
    }

    /// Whether a type can begin with `token`.
    pub(super) fn is_type(&self, token: Token<'t>) -> bool {
        match token.kind {
            TokenKind::Word(word) => {
                specifiers::begins_type(word)
                    || self.scope.typedef(word).is_some()
                    || standard::typedef(word, self.model).is_some()
                    || standard::record(word, self.model).is_some()
            }
            TokenKind::Punct(_)
            | TokenKind::Number(_)
            | TokenKind::Character(_)
            | TokenKind::Text(_)
            | TokenKind::End => false,
        }
    }

    /// Whether a type comes next.
    pub(super) fn at_type(&self) -> bool {
        self.is_type(self.peek())
    }
}
