//! `callsmith call`: one call of a C function, arguments and result in C's spelling.
//!
//! # Safety
//! Whoever runs the command vouches for the declaration.
#![allow(unsafe_code)]

mod argument;
mod formats;
mod initialiser;
mod number;
mod object;
mod out;
mod show;
mod text;

use crate::{foreign, output};
use argument::Refusal;
use callsmith::ctype::Param;
use callsmith::{Error, ErrorKind, Function, Library, Value};
use out::Out;

/// Call a C function and print its result
#[derive(clap::Args)]
#[command(after_help = ARGUMENTS)]
pub(crate) struct Options {
    /// Also print errno, which is 0 before the call
    #[arg(long)]
    errno: bool,
    /// Also print Windows' last error, which is 0 before the call
    #[cfg(windows)]
    #[arg(long, conflicts_with = "errno")]
    last_error: bool,
    /// The library: a path, a name that the system's loader searches (libm.so.6), or - for this process, C library
    /// included
    #[arg(allow_hyphen_values = true)]
    library: String,
    /// The function's declaration: "double pow(double, double)"; types that it needs may be declared before it
    declaration: String,
    /// The arguments
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    arguments: Vec<String>,
}

const ARGUMENTS: &str = "\
Arguments, by the type of their parameter:
  numbers    as in C: 42, -0x2a, 052, 'A', 1.5e3, 0x1.8p3, inf, nan; names of enumeration constants
  strings    any text, escapes read as in C (\\n, \\x41, \\u00e9); \"…\" is a string constant
  pointers   NULL, an address, {…} for an object or array to point at; char *: a string
  out        for a pointer: memory that the function fills in, printed after the call; out[16] for an array or
             a buffer, out{3, 1, 2} for what is there before
  structs    initialisers: '{1, 2.5}', '{.name = \"x\", .at = {[2] = 7}}'
  after ...  what looks like an integer is int or long, with a point or exponent double, else a string;
             a cast says otherwise: '(size_t)42', '(char *)42'

Examples:
  callsmith call libm.so.6 'double pow(double, double)' 2 10
  callsmith call libc.so.6 'int printf(const char *, ...)' 'n=%d x=%g\\n' 42 2.5
  callsmith call libm.so.6 'double modf(double, double *whole)' 3.75 out
  callsmith call - 'struct { int quot, rem; } div(int, int)' 17 5
  callsmith call --errno - 'int chdir(const char *path)' /no/such/folder";

/// Makes the call.
pub(crate) fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let library = match &*options.library {
        "-" => Library::this_process(),
        name => Library::open(name)?,
    };
    // SAFETY: whoever runs the command vouches for the declaration.
    let function = unsafe { library.function(&options.declaration)? };
    let mut outs = Vec::new();
    let arguments = values(&function, &options.arguments, &mut outs)?;
    let (result, error) = called(&function, &arguments, options)?;
    foreign::flush(&library);
    let mut text = show::result(&result, &function.prototype().result)?;
    for out in &outs {
        text.extend(out.print()?);
    }
    text.extend(error);
    output::write(&text)?;
    Ok(())
}

/// The result, and in print what the function left as its error, where that was asked for.
fn called(function: &Function, arguments: &[Value], options: &Options) -> Result<(Value, Vec<u8>), Error> {
    #[cfg(windows)]
    if options.last_error {
        let (result, last) = function.call_values_last_error(arguments)?;
        return Ok((result, named("last error", last.0, &format!("{last:?}"))));
    }
    let (result, errno) = function.call_values_errno(arguments)?;
    let error = if options.errno { named("errno", errno.0, &format!("{errno:?}")) } else { Vec::new() };
    Ok((result, error))
}

/// An error's number and words, which end with the number too.
fn named(name: &str, number: impl std::fmt::Display, said: &str) -> Vec<u8> {
    let words =
        ["os error", "errno"].iter().find_map(|kind| said.strip_suffix(&format!(" ({kind} {number})")));
    format!("{name} = {number} ({})\n", words.unwrap_or(said)).into_bytes()
}

/// The arguments as values for the function's parameters; and what of them the function fills in.
fn values(function: &Function, texts: &[String], outs: &mut Vec<Out>) -> Result<Vec<Value>, Error> {
    let params = &function.prototype().params;
    let mut filled = |out: Out| {
        let value = out.value();
        outs.push(out);
        value
    };
    let mut values = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let value = match params.get(index) {
            Some(param) => match Out::read(text, index + 1, param) {
                Some(out) => out.map(&mut filled),
                None => argument::value(text, &param.ty),
            },
            // Too many, where the function is not variadic: the call says so.
            None => match argument::cast(text)
                .and_then(|(ty, text)| Out::read(text, index + 1, &Param { name: None, ty }))
            {
                Some(out) => out.map(&mut filled),
                None => argument::variadic(text),
            },
        };
        values.push(value.map_err(|why| refused(function, index, text, why))?);
    }
    Ok(values)
}

fn refused(function: &Function, index: usize, text: &str, why: Refusal) -> Error {
    let param = function.prototype().params.get(index);
    ErrorKind::Argument {
        function: function.name().into(),
        number: index + 1,
        name: param.and_then(|param| param.name.clone()),
        wanted: param.map_or_else(|| "a variadic argument".into(), |param| param.ty.to_string()),
        given: format!("'{text}'"),
        why,
    }
    .into()
}
