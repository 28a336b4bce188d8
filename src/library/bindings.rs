//! All functions of a header at once.
#![allow(unsafe_code)]

use super::Library;
use crate::decl::Declarations;
use crate::error::{Error, ErrorKind};
use crate::function::{self, Function};
use crate::host;
use std::collections::BTreeMap;

/// The functions of a header that a library has, and what became of the others.
#[derive(Debug, Default)]
pub struct Bindings {
    functions: BTreeMap<String, Function>,
    missing: Vec<String>,
    refused: Vec<(String, Error)>,
}

impl Library {
    /// The functions that `declarations` declare, as [`Library::function`] gives one: C as in a header.
    ///
    /// ```ignore-windows
    /// use callsmith::Library;
    ///
    /// // SAFETY: these are libm's prototypes.
    /// let libm = unsafe { Library::open("libm.so.6")?.functions("double sqrt(double); double cbrt(double);")? };
    /// assert_eq!(libm.get("cbrt")?.call::<_, f64>((8.0,))?, 2.0);
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is no declaration in C. What the library does not have is in [`Bindings::missing`].
    ///
    /// # Safety
    /// As for [`Library::function`], of each function that there is.
    pub unsafe fn functions(&self, declarations: &str) -> Result<Bindings, Error> {
        // SAFETY: the caller's promise.
        Ok(unsafe { self.bind(&Declarations::parse(declarations, host::MODEL)?) })
    }

    /// Binds every function that `declarations` declare and this library has. Code for their calls is published together,
    /// which is faster than one by one, and on Windows, where each publication takes pages of its own, far smaller.
    ///
    /// ```ignore-windows
    /// use callsmith::{Library, decl::Declarations, host};
    ///
    /// let header = "double sqrt(double); double cbrt(double); double no_such_function(double);";
    /// let header = Declarations::parse(header, host::MODEL)?;
    /// // SAFETY: these are libm's prototypes.
    /// let libm = unsafe { Library::open("libm.so.6")?.bind(&header) };
    /// let root: f64 = libm.get("sqrt")?.call((9.0,))?;
    /// assert_eq!(root, 3.0);
    /// assert_eq!(libm.missing(), ["no_such_function"]);
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    ///
    /// # Safety
    /// As for [`Library::function`], of each function that there is.
    pub unsafe fn bind(&self, declarations: &Declarations) -> Bindings {
        let found = declarations.functions().map(|(name, prototype)| (name, self.find(prototype.clone())));
        let found: Vec<_> = found.collect();
        function::prepare_all(found.iter().filter_map(|(_, found)| Some(&found.as_ref().ok()?.1)));
        let mut bindings = Bindings::default();
        for (name, found) in found {
            // SAFETY: the caller's promise.
            match found.and_then(|found| unsafe { self.function_at(found) }) {
                Ok(function) => {
                    bindings.functions.insert(name.to_owned(), function);
                }
                Err(error) if matches!(error.kind(), ErrorKind::NoSymbol { .. }) => {
                    bindings.missing.push(name.to_owned());
                }
                Err(error) => bindings.refused.push((name.to_owned(), error)),
            }
        }
        bindings
    }
}

impl Bindings {
    /// The function of this name.
    ///
    /// # Errors
    /// The header has none, or the library, or it cannot be called: in words.
    pub fn get(&self, name: &str) -> Result<&Function, Error> {
        self.functions.get(name).ok_or_else(|| ErrorKind::NotBound { symbol: name.into() }.into())
    }

    /// All functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &Function)> {
        self.functions.iter().map(|(name, function)| (&**name, function))
    }

    /// The functions that are declared, and that the library does not have.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The functions that the library has and that cannot be called in this process, with the reason.
    pub fn refused(&self) -> &[(String, Error)] {
        &self.refused
    }
}
