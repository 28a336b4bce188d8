//! Arguments that the function fills in: `out`, `out[16]`, `out{3, 1, 2}`.

use super::argument::Refusal;
use super::{object, show};
use crate::foreign;
use callsmith::ctype::{CType, Integer, Kind, Param};
use callsmith::{Data, Error, Ptr, Value};

/// Memory that the function was given to write to.
pub(super) struct Out {
    label: String,
    ctype: CType,
    address: Ptr,
}

impl Out {
    /// The memory that `text` asks for, as argument `number` for `param`; `None` where it asks for none, and is to be
    /// read as a value.
    pub(super) fn read(text: &str, number: usize, param: &Param) -> Option<Result<Out, Refusal>> {
        let how = text.strip_prefix("out")?;
        let Kind::Pointer(target) = param.ty.resolved().kind() else { return None };
        if target.qualifiers().is_const {
            return None;
        }
        let memory = memory(how, &target)?;
        let label = param.name.clone().unwrap_or_else(|| format!("argument {number}"));
        Some(memory.map(|data| Out { label, ctype: data.ctype().clone(), address: foreign::leak_data(data) }))
    }

    /// The argument.
    pub(super) fn value(&self) -> Value {
        self.address.into()
    }

    /// What is there now.
    pub(super) fn print(&self) -> Result<Vec<u8>, Error> {
        let content = foreign::data_at(self.address, &self.ctype)?;
        let shown = show::result(&content.into(), &self.ctype)?;
        Ok([self.label.as_bytes(), b" = ", &shown].concat())
    }
}

/// The memory for a pointer to `target`, by what follows the word `out`.
fn memory(how: &str, target: &CType) -> Option<Result<Data, Refusal>> {
    let said = |data: Result<Data, Error>| data.map_err(|error| Some(error.to_string()));
    let bytes = match target.resolved().kind() {
        Kind::Integer(Integer::Char | Integer::SChar | Integer::UChar) => Some(target.clone()),
        Kind::Void => Some(Integer::UChar.into()),
        _ => None,
    };
    if how.is_empty() {
        // For what takes strings, this is one.
        return if bytes.is_some() { None } else { Some(said(Data::new(target))) };
    }
    if how.starts_with('{') {
        return Some(object::read_pointee(how, &bytes.unwrap_or_else(|| target.clone())));
    }
    let len = how.strip_prefix('[')?.strip_suffix(']')?.trim().parse().ok()?;
    Some(said(Data::new(&CType::array_of(&bytes.unwrap_or_else(|| target.clone()), len))))
}
