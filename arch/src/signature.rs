//! A signature: what classification needs to know of a function, and so the key of the stub table.

use crate::layout::Type;
use crate::{Abi, Error};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How many parameters a signature may have.
pub const MAX_PARAMS: usize = 1_000;

/// The ABI, parameter types, result type of a C function; typedefs and names gone, so it can be a key.
///
/// In a variadic signature the parameters are those of one call: the fixed ones, then the rest as promoted by C11
/// 6.5.2.2p6 (`float` → `double`, small integers → `int`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    abi: Abi,
    fixed: Option<u16>,
    result: Option<Type>,
    params: Box<[Type]>,
}

impl Signature {
    /// A function of `params` returning `result` (`None` for `void`).
    pub fn new(abi: Abi, result: Option<Type>, params: Vec<Type>) -> Result<Signature, Error> {
        if params.len() > MAX_PARAMS {
            return Err(Error::TooManyParameters { given: params.len(), limit: MAX_PARAMS });
        }
        Ok(Signature { abi, fixed: None, result, params: params.into() })
    }

    /// One call of a variadic function whose first `fixed` parameters are declared.
    pub fn variadic(
        abi: Abi,
        result: Option<Type>,
        params: Vec<Type>,
        fixed: usize,
    ) -> Result<Signature, Error> {
        let mut signature = Signature::new(abi, result, params)?;
        let given = signature.params.len();
        signature.fixed = match u16::try_from(fixed) {
            Ok(count) if fixed <= given => Some(count),
            _ => return Err(Error::BadVariadic { fixed, given }),
        };
        Ok(signature)
    }

    /// The calling convention.
    pub fn abi(&self) -> Abi {
        self.abi
    }

    /// The result's type; `None` for `void`.
    pub fn result(&self) -> Option<&Type> {
        self.result.as_ref()
    }

    /// The parameters' types, in order.
    pub fn params(&self) -> &[Type] {
        &self.params
    }

    /// How many parameters are declared, where the function is variadic.
    pub fn fixed(&self) -> Option<usize> {
        self.fixed.map(usize::from)
    }
}
