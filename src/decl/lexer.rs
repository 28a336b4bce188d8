//! From text to tokens. Comments and line markers go, `#pragma pack` becomes a property of each token, `#define`s of
//! names without parameters are kept aside.

use super::error::{Error, ErrorKind};
use super::token::{PUNCTUATORS, Span, Token, TokenKind};
use callsmith_arch::Align;

/// `#define name body`.
#[derive(Clone, Copy)]
pub(super) struct Define<'t> {
    pub(super) name: &'t str,
    pub(super) body: &'t str,
}

/// The tokens of `text`, of which the last one is [`TokenKind::End`]; and its definitions.
pub(super) fn tokens(text: &str) -> Result<(Vec<Token<'_>>, Vec<Define<'_>>), Error> {
    let mut lexer = Lexer { text, at: 0, pack: None, pack_stack: Vec::new(), defines: Vec::new() };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.token()?;
        let end = token.kind == TokenKind::End;
        tokens.push(token);
        if end {
            return Ok((tokens, lexer.defines));
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    pack: Option<Align>,
    pack_stack: Vec<(Option<&'t str>, Option<Align>)>,
    defines: Vec<Define<'t>>,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Passes over the characters that `wanted` wants, and returns them.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let len = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn error(&self, start: usize, kind: ErrorKind) -> Error {
        Error::new(self.text, Span { start, end: self.at.max(start) }, kind)
    }

    fn token(&mut self) -> Result<Token<'t>, Error> {
        self.skip_blanks()?;
        let start = self.at;
        let kind = match self.rest().chars().next() {
            None => TokenKind::End,
            Some('0'..='9') => TokenKind::Number(self.number()),
            Some('\'') => TokenKind::Character(self.quoted('\'')?),
            Some('"') => TokenKind::Text(self.quoted('"')?),
            Some(c) if is_word(c) => self.word()?,
            Some(c) => match PUNCTUATORS.iter().find(|(text, _)| self.rest().starts_with(text)) {
                Some((text, punct)) => {
                    self.at += text.len();
                    TokenKind::Punct(*punct)
                }
                None => {
                    self.at += c.len_utf8();
                    let found = format!("'{}'", c.escape_default());
                    return Err(self.error(
                        start,
                        ErrorKind::Unexpected { expected: "a declaration in C".to_owned(), found },
                    ));
                }
            },
        };
        Ok(Token { kind, span: Span { start, end: self.at }, pack: self.pack })
    }

    /// Passes over white space, comments and preprocessor lines.
    fn skip_blanks(&mut self) -> Result<(), Error> {
        loop {
            self.take_while(char::is_whitespace);
            let rest = self.rest();
            if rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if let Some(comment) = rest.strip_prefix("/*") {
                match comment.find("*/") {
                    Some(len) => self.at += len + 4,
                    None => {
                        let expected = "'*/' at the end of the comment".to_owned();
                        let found = "the end of the text".to_owned();
                        return Err(self.error(self.at, ErrorKind::Unexpected { expected, found }));
                    }
                }
            } else if rest.starts_with("\\\n") || rest.starts_with("\\\r\n") {
                self.at += 1;
            } else if rest.starts_with('#') && self.at_line_start() {
                self.directive()?;
            } else {
                return Ok(());
            }
        }
    }

    fn at_line_start(&self) -> bool {
        let before = &self.text[..self.at];
        before[before.rfind('\n').map_or(0, |newline| newline + 1)..].trim().is_empty()
    }

    /// A preprocessor line: line markers, pragmas and, when asked to (`gcc -E -dD`), definitions are all that the
    /// preprocessor leaves.
    fn directive(&mut self) -> Result<(), Error> {
        let start = self.at;
        let line = self.take_while(|c| c != '\n').trim();
        let body = line[1..].trim_start();
        let name_len = body.find(|c| !is_word(c)).unwrap_or(body.len());
        let (name, arguments) = body.split_at(name_len);
        match name {
            "" | "line" | "ident" => Ok(()),
            "define" => {
                self.define(arguments.trim());
                Ok(())
            }
            "undef" => {
                self.defines.retain(|define| define.name != arguments.trim());
                Ok(())
            }
            "pragma" => match self.pragma(arguments.trim()) {
                Ok(()) => Ok(()),
                Err(kind) => Err(self.error(start, kind)),
            },
            _ if name.starts_with(|c: char| c.is_ascii_digit()) => Ok(()),
            _ => {
                let what = format!("'#{name}' (run the preprocessor first: gcc -E)");
                Err(self.error(start, ErrorKind::Unsupported { what }))
            }
        }
    }

    /// Keeps a definition of a name without parameters.
    fn define(&mut self, text: &'t str) {
        let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
        let (name, body) = text.split_at(end);
        if !name.is_empty() && !body.starts_with('(') {
            self.defines.push(Define { name, body: body.trim() });
        }
    }

    /// `#pragma pack([push|pop[, name]][, n])`, GCC's and Microsoft's. Other pragmas mean nothing here.
    fn pragma(&mut self, text: &'t str) -> Result<(), ErrorKind> {
        let Some(arguments) = text.strip_prefix("pack") else { return Ok(()) };
        let arguments = arguments.trim_start();
        let Some(list) = arguments.strip_prefix('(').and_then(|rest| rest.split(')').next()) else {
            return Ok(());
        };
        let mut pack = if list.trim().is_empty() { Some(None) } else { None };
        let (mut push, mut pop, mut label) = (false, false, None);
        for argument in list.split(',').map(str::trim).filter(|argument| !argument.is_empty()) {
            match argument {
                "push" => push = true,
                "pop" => pop = true,
                _ if argument.starts_with(|c: char| c.is_ascii_digit()) => pack = Some(packing(argument)?),
                _ => label = Some(argument),
            }
        }
        if push {
            self.pack_stack.push((label, self.pack));
        }
        if pop {
            self.pop_pack(label)?;
        }
        if let Some(pack) = pack {
            self.pack = pack;
        }
        Ok(())
    }

    /// Back to what was in force at the last push, or at the last one with `label`.
    fn pop_pack(&mut self, label: Option<&str>) -> Result<(), ErrorKind> {
        let found = match label {
            Some(label) => self.pack_stack.iter().rposition(|(pushed, _)| *pushed == Some(label)),
            None => self.pack_stack.len().checked_sub(1),
        };
        match found {
            Some(index) => {
                self.pack = self.pack_stack[index].1;
                self.pack_stack.truncate(index);
                Ok(())
            }
            None => {
                Err(ErrorKind::Invalid { why: "'#pragma pack(pop)' without the push before it".to_owned() })
            }
        }
    }

    /// A preprocessing number (C11 6.4.8). In `0x1e+2` the sign is the next token, as compilers that mean well have it.
    fn number(&mut self) -> &'t str {
        let rest = self.rest();
        let hexadecimal = rest.starts_with("0x") || rest.starts_with("0X");
        let mut previous = ' ';
        let len = rest.find(|c: char| {
            let exponent = if hexadecimal { ['p', 'P'] } else { ['e', 'E'] };
            let signed = matches!(c, '+' | '-') && exponent.contains(&previous);
            previous = c;
            !(is_word(c) || matches!(c, '.' | '\'') || signed)
        });
        let number = &rest[..len.unwrap_or(rest.len())];
        self.at += number.len();
        number
    }

    /// A word, or the prefix of a character or string: `L'a'`, `u8"text"`.
    fn word(&mut self) -> Result<TokenKind<'t>, Error> {
        let word = self.take_while(is_word);
        match (word, self.rest().chars().next()) {
            ("L" | "u" | "U" | "u8", Some('\'')) => Ok(TokenKind::Character(self.quoted('\'')?)),
            ("L" | "u" | "U" | "u8", Some('"')) => Ok(TokenKind::Text(self.quoted('"')?)),
            _ => Ok(TokenKind::Word(word)),
        }
    }

    /// What stands between two `quote`s, escapes as they are.
    fn quoted(&mut self, quote: char) -> Result<&'t str, Error> {
        let start = self.at;
        self.at += quote.len_utf8();
        let inner_start = self.at;
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices() {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == quote => {
                    let inner = &self.text[inner_start..inner_start + offset];
                    self.at = inner_start + offset + quote.len_utf8();
                    return Ok(inner);
                }
                _ => {}
            }
        }
        let expected = format!("{quote} at the end of the constant");
        let found = "the end of the line".to_owned();
        Err(self.error(start, ErrorKind::Unexpected { expected, found }))
    }
}

/// The alignment of `#pragma pack(n)`; 0 is none.
fn packing(argument: &str) -> Result<Option<Align>, ErrorKind> {
    match argument.parse::<u64>() {
        Ok(0) => Ok(None),
        Ok(bytes @ (1 | 2 | 4 | 8 | 16)) => Ok(Align::new(bytes)),
        _ => Err(ErrorKind::Invalid { why: format!("'#pragma pack({argument})': only 1, 2, 4, 8, 16") }),
    }
}
