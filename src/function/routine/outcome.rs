//! What calls of a routine come to.

use super::Which;
use crate::data::{CRepr, Value, to_rust};
use crate::error::{Error, ErrorKind};
use crate::function::Errno;

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub(super) function: String,
    pub(super) result: Value,
    pub(super) outputs: Vec<Output>,
    pub(super) errno: Option<Errno>,
}

/// The value of an output parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The parameter's number, from 1.
    pub number: usize,
    /// Its name, where the declaration gives one.
    pub name: Option<String>,
    /// What the function left there.
    pub value: Value,
}

impl Outcome {
    /// The function's name.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// What the function returned.
    pub fn value(&self) -> &Value {
        &self.result
    }

    /// This outcome, with another result.
    pub fn with_value(mut self, value: impl Into<Value>) -> Outcome {
        self.result = value.into();
        self
    }

    /// What the function returned, as a Rust number.
    ///
    /// # Errors
    /// What is no number of that type.
    pub fn result<T>(&self) -> Result<T, Error>
    where
        T: CRepr + TryFrom<Value, Error = Error>,
    {
        to_rust(self.result.clone())
    }

    /// The outputs, in order of the parameters.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The value of an output as a Rust number.
    ///
    /// # Errors
    /// No such output; what is no number of that type.
    pub fn output<'n, T>(&self, which: impl Into<Which<'n>>) -> Result<T, Error>
    where
        T: CRepr + TryFrom<Value, Error = Error>,
    {
        let which = which.into();
        let output = self.outputs.iter().find(|output| match which {
            Which::Name(name) => output.name.as_deref() == Some(name),
            Which::Number(number) => output.number == number,
        });
        let missing =
            || ErrorKind::NoParameter { function: self.function.clone(), parameter: which.to_string() };
        to_rust(output.ok_or_else(missing)?.value.clone())
    }

    /// What the function left in `errno`, if that was asked for.
    pub fn errno(&self) -> Option<Errno> {
        self.errno
    }

    /// What ctypes makes of a call: the outputs, if there are any, and otherwise the result alone.
    pub fn into_values(self) -> Vec<Value> {
        if self.outputs.is_empty() {
            return vec![self.result];
        }
        self.outputs.into_iter().map(|output| output.value).collect()
    }
}
