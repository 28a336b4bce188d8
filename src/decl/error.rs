//! What can be wrong with a declaration, and where.

use super::token::Span;
use std::fmt;

/// Why a declaration was refused. `Display` shows line, column, what is wrong, and the line with a caret under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Box<ErrorKind>,
    place: Place,
}

/// Where in the text an error is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    /// The whole line, or the part around the place where it is long.
    excerpt: String,
    /// Characters of the excerpt before the place.
    before: usize,
    /// Characters that the place covers.
    width: usize,
}

/// What is wrong with a declaration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A token that cannot stand where it does.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What could have stood there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A name that is used as a type, but is none.
    #[error("unknown type name '{name}'; declare it first, e.g. `typedef struct {name} {name};`")]
    UnknownType {
        /// The name.
        name: String,
    },
    /// A name that is used as a value, but is no enumeration constant.
    #[error("'{name}' is no constant")]
    UnknownConstant {
        /// The name.
        name: String,
    },
    /// A second declaration that contradicts the first.
    #[error("'{name}' is declared a second time, differently")]
    Redeclared {
        /// The name, with `struct`, `union` or `enum` for a tag.
        name: String,
    },
    /// A declaration that C does not allow.
    #[error("{why}")]
    Invalid {
        /// Which rule it breaks.
        why: String,
    },
    /// C that is understood, but not supported.
    #[error("{what} is not supported")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// A number that does not fit.
    #[error("{what} does not fit {limit}")]
    TooLarge {
        /// The number.
        what: String,
        /// What it has to fit.
        limit: String,
    },
    /// Parentheses, declarators or records nested too deep.
    #[error("nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A type without a layout under the data model.
    #[error("{0}")]
    Layout(callsmith_arch::Error),
}

impl Error {
    pub(super) fn new(text: &str, span: Span, kind: ErrorKind) -> Error {
        Error { kind: Box::new(kind), place: Place::new(text, span) }
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.place.column
    }
}

/// How many characters of a line an error shows on either side of the place.
const EXCERPT: usize = 60;

impl Place {
    fn new(text: &str, span: Span) -> Place {
        let (head, tail) = text.split_at(span.start);
        let line_start = head.rfind('\n').map_or(0, |newline| newline + 1);
        let line_head = &head[line_start..];
        let line_tail = tail.split(['\n', '\r']).next().unwrap_or("");
        let column = line_head.chars().count();
        let before = column.min(EXCERPT);
        // A tab would put the caret elsewhere.
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        let excerpt = line_head.chars().skip(column - before).chain(line_tail.chars().take(EXCERPT));
        let covered = &tail[..span.end - span.start];
        let width = covered.lines().next().map_or(0, |line| line.chars().count()).clamp(1, EXCERPT);
        Place {
            line: head.matches('\n').count() + 1,
            column: column + 1,
            excerpt: excerpt.map(clean).collect(),
            before,
            width,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, excerpt, before, width } = &self.place;
        writeln!(f, "{line}:{column}: {}", self.kind)?;
        writeln!(f, "    {}", excerpt.trim_end())?;
        write!(f, "    {:before$}{}", "", "^".repeat(*width))
    }
}

/// Its kind says all: there is no source besides.
impl std::error::Error for Error {}
