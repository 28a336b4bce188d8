//! A whole header's worth of declarations.

use super::Error;
use super::lexer::Define;
use super::parser::Parser;
use super::scope::Tag;
use crate::ctype::{CType, Prototype, Shape, TypeId};
use callsmith_arch::layout::DataModel;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The functions, types, constants and variables of a text, such as a header after the preprocessor (`gcc -E`).
///
/// ```
/// use callsmith::{decl::Declarations, host};
///
/// let header = "
///     #define LIMIT (1 << 4)
///     enum color { RED, GREEN = 5 };
///     typedef struct point { int x, y; } point;
///     extern point origin;
///     point move(point p, enum color c);
/// ";
/// let header = Declarations::parse(header, host::MODEL)?;
/// assert_eq!(header.constant("LIMIT"), Some(16));
/// assert_eq!(header.constant("GREEN"), Some(5));
/// assert_eq!(header.variable("origin").map(|ty| ty.to_string()).as_deref(), Some("point"));
/// assert_eq!(header.function("move").map(|f| f.params.len()), Some(2));
/// # Ok::<(), callsmith::decl::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    functions: BTreeMap<String, Prototype>,
    types: BTreeMap<String, CType>,
    tags: BTreeMap<String, CType>,
    constants: BTreeMap<String, i128>,
    variables: BTreeMap<String, (CType, Option<String>)>,
}

impl Declarations {
    /// Reads `text` under `model`.
    ///
    /// `#define`s whose value is an integer constant expression become constants (`gcc -E -dD` keeps them); others are
    /// passed over, as is what functions do.
    ///
    /// # Errors
    /// What is no declaration in C, with its line and column.
    pub fn parse(text: &str, model: &'static DataModel) -> Result<Declarations, Error> {
        let mut parser = Parser::new(text, model)?;
        let mut functions = Vec::new();
        while !parser.at_end() {
            parser.declaration(&mut functions)?;
        }
        let defines = std::mem::take(&mut parser.defines);
        let mut scope = parser.scope;
        let tags: Vec<(String, Tag)> = scope.tags().map(|(name, tag)| (name.to_owned(), tag)).collect();
        let mut add_tag = |(name, tag)| match tag {
            Tag::Record(id) => (name, scope.types.add(Shape::Record(id))),
            Tag::Enum(id) => (name, scope.types.add(Shape::Enum(id))),
        };
        let tags: Vec<(String, TypeId)> = tags.into_iter().map(&mut add_tag).collect();
        let mut parser = Parser::new("", model)?;
        parser.scope = scope;
        let mut constants = BTreeMap::new();
        define(&mut parser, defines, &mut constants);
        let mut scope = parser.scope;
        constants.extend(scope.constants().map(|(name, value)| (name.to_owned(), value)));
        let typedefs: Vec<(String, TypeId)> =
            scope.typedefs().map(|(name, id)| (name.to_owned(), id)).collect();
        let variables = std::mem::take(&mut scope.variables);
        let types = Arc::new(scope.types);
        let named = |(name, id)| (name, CType::new(types.clone(), id));
        Ok(Declarations {
            functions: functions
                .into_iter()
                .map(|function| (function.name.to_owned(), function.prototype(&types)))
                .collect(),
            types: typedefs.into_iter().map(named).collect(),
            tags: tags.into_iter().map(named).collect(),
            constants,
            variables: variables
                .into_iter()
                .map(|variable| (variable.name, (CType::new(types.clone(), variable.ty), variable.symbol)))
                .collect(),
        })
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Prototype> {
        self.functions.get(name)
    }

    /// All functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &Prototype)> {
        self.functions.iter().map(|(name, prototype)| (&**name, prototype))
    }

    /// The type of this name: a typedef's, or with `struct`, `union` or `enum` before it a tag's.
    pub fn ty(&self, name: &str) -> Option<&CType> {
        let mut words = name.split_whitespace();
        match (words.next()?, words.next()) {
            ("struct" | "union" | "enum", Some(tag)) => self.tags.get(tag),
            (typedef, None) => self.types.get(typedef),
            (_, Some(_)) => None,
        }
    }

    /// All typedefs, by name.
    pub fn typedefs(&self) -> impl Iterator<Item = (&str, &CType)> {
        self.types.iter().map(|(name, ty)| (&**name, ty))
    }

    /// The value of an enumeration constant or an integer `#define`.
    pub fn constant(&self, name: &str) -> Option<i128> {
        self.constants.get(name).copied()
    }

    /// All constants, by name.
    pub fn constants(&self) -> impl Iterator<Item = (&str, i128)> {
        self.constants.iter().map(|(name, value)| (&**name, *value))
    }

    /// The type of the variable of this name.
    pub fn variable(&self, name: &str) -> Option<&CType> {
        self.variables.get(name).map(|(ty, _)| ty)
    }

    /// All variables, by name, with the symbol of each.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str, &CType)> {
        self.variables.iter().map(move |(name, (ty, asm))| (&**name, asm.as_deref().unwrap_or(name), ty))
    }
}

/// Evaluates what can be evaluated, in as many rounds as definitions lean on later ones.
fn define<'t>(parser: &mut Parser<'t>, mut left: Vec<Define<'t>>, constants: &mut BTreeMap<String, i128>) {
    loop {
        let before = left.len();
        left.retain(|define| match evaluate(parser, define) {
            Some(value) => {
                // A name that is declared otherwise too keeps that meaning.
                let _ = parser.scope.add_constant(define.name, value);
                constants.insert(define.name.to_owned(), value);
                false
            }
            None => true,
        });
        if left.len() == before {
            return;
        }
    }
}

/// The value of a definition, if it is an integer constant expression of what is known.
fn evaluate<'t>(parser: &mut Parser<'t>, define: &Define<'t>) -> Option<i128> {
    let mut inner = Parser::new(define.body, parser.model).ok()?;
    std::mem::swap(&mut inner.scope, &mut parser.scope);
    let value = inner.constant().ok().filter(|_| inner.at_end());
    std::mem::swap(&mut inner.scope, &mut parser.scope);
    value.map(|constant| constant.value)
}
