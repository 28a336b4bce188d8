//! Functions as declared.

use super::types::{FunctionNode, Types};
use super::{CType, Convention, print};
use callsmith_arch::layout::{DataModel, Type};
use callsmith_arch::{Abi, Error, Signature};
use std::fmt;
use std::sync::Arc;

/// A parameter as declared. Arrays and functions are pointers already, as C has it.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name, where the declaration gives one.
    pub name: Option<String>,
    /// Its type.
    pub ty: CType,
}

/// A function as declared.
#[derive(Clone, Debug)]
pub struct Prototype {
    /// Its name; `None` for the type of a function.
    pub name: Option<String>,
    /// The symbol, where it is not the name: `int f(void) __asm__("f64")`.
    pub symbol: Option<String>,
    /// The calling convention that it names.
    pub convention: Convention,
    /// The result type.
    pub result: CType,
    /// Whether the declaration names no result, as in `abs(int n)`: C89 takes it for `int`, and a library may be
    /// [opened](crate::LibraryOptions::hresult) to take it otherwise.
    pub implicit_result: bool,
    /// The parameters; in a variadic function those before the `...`.
    pub params: Vec<Param>,
    /// Whether the parameters end in `...`.
    pub variadic: bool,
    /// Whether it was declared as `f()`, which before C23 says nothing of the parameters.
    pub unprototyped: bool,
}

impl Prototype {
    pub(crate) fn of(types: &Arc<Types>, function: &FunctionNode) -> Prototype {
        Prototype {
            name: None,
            symbol: None,
            convention: function.convention,
            result: CType::new(types.clone(), function.result),
            implicit_result: false,
            params: function
                .params
                .iter()
                .map(|(name, ty)| Param {
                    name: name.as_deref().map(str::to_owned),
                    ty: CType::new(types.clone(), *ty),
                })
                .collect(),
            variadic: function.variadic,
            unprototyped: function.unprototyped,
        }
    }

    /// The signature under `abi` of one call whose types are laid out under `model`. `tail` are the types of what
    /// follows the fixed parameters of a variadic function, promoted.
    ///
    /// # Errors
    /// As for [`CType::lower`] and [`Signature::new`].
    pub fn signature(&self, abi: Abi, model: &DataModel, tail: &[Type]) -> Result<Signature, Error> {
        let result = self.result.lower(model)?;
        let mut params = Vec::with_capacity(self.params.len() + tail.len());
        for Param { ty, .. } in &self.params {
            // Only `void` lowers to nothing, and a parameter is never `void`.
            if let Some(ty) = ty.lower(model)? {
                params.push(ty);
            }
        }
        let fixed = params.len();
        params.extend_from_slice(tail);
        if self.variadic {
            Signature::variadic(abi, result, params, fixed)
        } else {
            Signature::new(abi, result, params)
        }
    }
}

impl fmt::Display for Prototype {
    /// The declaration as C, without a semicolon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut types = Types::default();
        let function = self.node(&mut types);
        f.write_str(&print::declare_function(&types, &function, self.name.as_deref().unwrap_or("")))?;
        match &self.symbol {
            Some(symbol) => write!(f, " __asm__({symbol:?})"),
            None => Ok(()),
        }
    }
}
