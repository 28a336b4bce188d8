//! The one error type: a kind for each cause that a user can act on, and a sentence that helps.

use crate::decl;
use callsmith_arch as arch;
use std::fmt;

/// What went wrong, where and why. One pointer wide, so that a call's result stays small.
pub struct Error(Box<ErrorKind>);

/// The causes of an [`Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A library could not be opened.
    #[error("cannot open library '{library}'")]
    OpenLibrary {
        /// The name or path given.
        library: String,
        /// The system's own words.
        source: libloading::Error,
    },
    /// A library needs another, which is not there.
    #[error("cannot open library '{library}', which needs '{dependency}', which was not found")]
    MissingDependency {
        /// The name or path given.
        library: String,
        /// The file that is missing.
        dependency: String,
        /// The system's own words.
        source: libloading::Error,
    },
    /// A library was not found.
    #[error("no library '{library}' was found in {tried}")]
    NotFound {
        /// The short name looked for.
        library: String,
        /// Where it was looked for.
        tried: String,
    },
    /// A file that is no library, or not one that can be read.
    #[error("cannot read the library file '{path}'")]
    LibraryFile {
        /// The path given.
        path: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A library has no such symbol.
    #[error("library '{library}' has no symbol '{symbol}'")]
    NoSymbol {
        /// The library's name or path.
        library: String,
        /// The symbol looked for.
        symbol: String,
        /// The system's own words.
        source: Option<libloading::Error>,
    },
    /// A function that is not among those bound.
    #[error("no function '{symbol}' is bound: it is not declared, or the library does not have it")]
    NotBound {
        /// The name looked for.
        symbol: String,
    },
    /// A name with a NUL byte inside, which no symbol has.
    #[error("'{symbol}' is no symbol name: it holds a NUL byte")]
    BadSymbolName {
        /// The name given.
        symbol: String,
    },
    /// A library cannot be closed yet.
    #[error("library '{library}' stays open: {users} function(s) or variable(s) taken from it are alive")]
    LibraryInUse {
        /// The library's name or path.
        library: String,
        /// How many things taken from it are alive.
        users: usize,
    },
    /// A library could not be closed.
    #[error("cannot close library '{library}'")]
    CloseLibrary {
        /// The library's name or path.
        library: String,
        /// The system's own words.
        source: libloading::Error,
    },
    /// A C declaration is wrong.
    #[error(transparent)]
    Declaration(#[from] decl::Error),
    /// A declaration gives no name, and one is needed to look the function up.
    #[error("the declaration '{declaration}' names no function")]
    Unnamed {
        /// The declaration, as C.
        declaration: String,
    },
    /// A type or a signature that the engine does not have.
    #[error("{function} cannot be called")]
    Signature {
        /// The function's name.
        function: String,
        /// What is wrong with it.
        source: arch::Error,
    },
    /// A type that cannot be laid out.
    #[error("{ty}: {why}")]
    Type {
        /// The type, as C.
        ty: String,
        /// Why.
        why: String,
    },
    /// A calling convention that this process cannot call.
    #[error("{function}: the convention {convention} cannot be called in this process, which is {host}")]
    Convention {
        /// The function's name.
        function: String,
        /// The convention declared.
        convention: String,
        /// The process's own ABI.
        host: &'static str,
    },
    /// A [`Typed`](crate::Typed) that cannot be had.
    #[error("{function}: {why}")]
    NotTyped {
        /// The function, as declared.
        function: String,
        /// Why, and what to use instead.
        why: String,
    },
    /// A NULL target.
    #[error("{function}: the address to call is NULL")]
    NullTarget {
        /// The function's name.
        function: String,
    },
    /// A NULL pointer where there should be memory.
    #[error("NULL pointer to {ty}")]
    NullPointer {
        /// The type wanted there, as C.
        ty: String,
    },
    /// A function that took another number of bytes off the stack than its convention and its parameters say.
    #[error(
        "{function}: called with {} arguments ({} bytes {}), or by a wrong convention: it took {popped} bytes off the stack, \
         as declared it takes {wanted}",
        if popped > wanted { "not enough" } else { "too many" },
        popped.abs_diff(*wanted),
        if popped > wanted { "missing" } else { "in excess" }
    )]
    Stack {
        /// The function, as declared.
        function: String,
        /// How many bytes of arguments it takes off the stack by its declaration.
        wanted: i64,
        /// How many it took.
        popped: i64,
    },
    /// A wrong number of arguments.
    #[error("{function}: {wanted} argument(s) wanted, {given} given")]
    ArgumentCount {
        /// The function, as declared.
        function: String,
        /// How many it takes (`at least n` where variadic).
        wanted: String,
        /// How many were given.
        given: usize,
    },
    /// An argument of the wrong type, or with a value that does not fit.
    #[error("{function}: argument {number}{}: wanted {wanted}, given {given}{}", quoted(name), because(why))]
    Argument {
        /// The function's name.
        function: String,
        /// The argument's number, from 1.
        number: usize,
        /// The parameter's name, where the declaration gives one.
        name: Option<String>,
        /// The type wanted, as C.
        wanted: String,
        /// The type or value given.
        given: String,
        /// More, where the types alone do not tell.
        why: Option<String>,
    },
    /// A result taken as the wrong type.
    #[error("{function}: the result is {declared}, wanted as {wanted}")]
    Result {
        /// The function's name.
        function: String,
        /// The result's type as declared.
        declared: String,
        /// The Rust type it was to become.
        wanted: String,
    },
    /// A value that cannot become what it was assigned to.
    #[error("wanted {wanted}, given {given}{}", because(why))]
    Value {
        /// The type wanted, as C or Rust writes it.
        wanted: String,
        /// The value given.
        given: String,
        /// More, where the types alone do not tell.
        why: Option<String>,
    },
    /// A field that a type does not have.
    #[error("{ty} has no member '{field}'")]
    NoField {
        /// The type, as C.
        ty: String,
        /// The name looked for.
        field: String,
    },
    /// A parameter that a function does not have.
    #[error("{function} has no such parameter: {parameter}")]
    NoParameter {
        /// The function, as declared.
        function: String,
        /// The name or number looked for.
        parameter: String,
    },
    /// What a [`Routine`](crate::Routine)'s check made of a call.
    #[error("{function} failed")]
    Check {
        /// The function's name.
        function: String,
        /// The check's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A failure code of COM.
    #[error("{}HRESULT {code:#010x}{}", of(function), because(text))]
    HResult {
        /// The name of the function that returned it, where that was called for its success.
        function: Option<String>,
        /// The code.
        code: u32,
        /// The system's text, where it has one.
        text: Option<String>,
    },
    /// Code could not be made executable.
    #[error("{function}: no code could be made for it")]
    Code {
        /// The function's name.
        function: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn quoted(name: &Option<String>) -> String {
    name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default()
}

fn of(function: &Option<String>) -> String {
    function.as_ref().map(|name| format!("{name}: ")).unwrap_or_default()
}

fn because(why: &Option<String>) -> String {
    why.as_ref().map(|why| format!(": {why}")).unwrap_or_default()
}

impl Error {
    /// The cause.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }
}

impl<E: Into<ErrorKind>> From<E> for Error {
    fn from(kind: E) -> Error {
        Error(Box::new(kind.into()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)?;
        // The system's words are part of the sentence: most readers print an error without its sources.
        let mut source = std::error::Error::source(&*self.0);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Error {}
