//! C declarations: from text to [`Prototype`] and [`CType`].
//!
//! ```text
//! text ──lexer──▶ tokens ──┬─ declaration ── specifiers ── tagged (struct, union, enum) ─┐
//!                          │        └─────── declarator (pointers, arrays, functions) ───┼─▶ ctype
//!                          └─ attributes · constant expressions · scope (typedefs, tags)─┘
//! ```
//!
//! The language is that of headers after the preprocessor: C11 declarations with GNU C's and Microsoft's attributes,
//! `#pragma pack`, line markers, and of Clang's `-fbounds-safety` two words of what is known of a pointer:
//! `__null_terminated`, it is a string, and `__counted_by(n)`, it points at `n` elements. A function without the type of a result returns `int`, as in C89: `abs(int)`. Functions' bodies and
//! variables' values are passed over. The names of `<stdint.h>` and `<stddef.h>` are known without being declared.
//!
//! ```
//! use callsmith::arch::layout::DataModel;
//! use callsmith::decl;
//!
//! let prototype = decl::parse_prototype(
//!     "void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))",
//!     &DataModel::LP64,
//! )?;
//! assert_eq!(prototype.params[1].name.as_deref(), Some("n"));
//!
//! let error = decl::parse_prototype("double pow(double, dooble)", &DataModel::LP64).unwrap_err();
//! assert_eq!((error.line(), error.column()), (1, 20));
//! # Ok::<(), decl::Error>(())
//! ```

mod attributes;
mod declaration;
mod declarations;
mod declarator;
mod error;
mod expression;
mod lexer;
mod literal;
mod parser;
mod scope;
mod specifiers;
mod standard;
mod tagged;
mod token;

pub use declarations::Declarations;
pub use error::{Error, ErrorKind};

use crate::ctype::{CType, Prototype};
use callsmith_arch::layout::DataModel;
use declarator::Naming;
use parser::Parser;
use specifiers::Untyped;
use std::sync::Arc;

/// Reads the prototype of one function: `double pow(double x, double y)`. Other declarations may stand before and after it,
/// of types above all; the last semicolon may be left out.
///
/// What depends on the target, such as `size_t` and the value of `sizeof`, is that of `model`. The result and the parameters
/// have a layout under it.
///
/// # Errors
/// What is no declaration in C, with its line and column; no function, or two; a type that has no layout.
pub fn parse_prototype(text: &str, model: &'static DataModel) -> Result<Prototype, Error> {
    let mut parser = Parser::new(text, model)?;
    let mut functions = Vec::new();
    while !parser.at_end() {
        parser.declaration(&mut functions)?;
    }
    if let [_, second, ..] = &functions[..] {
        let why = format!("a second function, '{}': one prototype was expected", second.name);
        return Err(parser.invalid(second.span, why));
    }
    let Some(function) = functions.pop() else {
        return Err(parser.unexpected("a function, such as 'double pow(double, double)'"));
    };
    parser.check_callable(&function)?;
    let types = Arc::new(std::mem::take(&mut parser.scope.types));
    Ok(function.prototype(&types))
}

/// Reads a type: a type name such as `const char *` or `int (*)(void)`, or declarations of which the last one defines the
/// type wanted: `struct point { int x, y; };`, `typedef unsigned long word;`.
///
/// # Errors
/// What is no type in C, with its line and column.
pub fn parse_type(text: &str, model: &'static DataModel) -> Result<CType, Error> {
    let mut parser = Parser::new(text, model)?;
    loop {
        let specifiers = parser.specifiers(Untyped::Wrong)?;
        let ty = if specifiers.is_typedef {
            parser.declarators(&specifiers, &mut Vec::new())?
        } else {
            let declarator = parser.declarator(Naming::Forbidden)?;
            let ty = parser.declared(&specifiers, declarator)?.ty;
            if !parser.at_end() {
                parser.expect(token::Punct::Semicolon, "the end of the type")?;
            }
            ty
        };
        if parser.at_end() {
            return Ok(CType::new(Arc::new(parser.scope.types), ty));
        }
    }
}

#[cfg(test)]
mod tests;
