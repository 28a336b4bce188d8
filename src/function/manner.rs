//! What is done around every call of a function, where the options of its library ask for it: ctypes' `use_errno`,
//! `use_last_error`, and what its `oledll` does with results.

#[cfg(windows)]
use super::swapping_last_error;
use super::{HResult, swapping_errno};
use crate::data::Value;
use crate::error::Error;

/// What is done around calls. A function of which nothing is to be done takes its usual ways, and pays nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// This thread's copy of `errno` is exchanged with the real one.
    pub(crate) errno: bool,
    /// The same with Windows' last error.
    #[cfg(windows)]
    pub(crate) last_error: bool,
    /// The result is an `HRESULT`, and a failure an error.
    pub(crate) hresult: bool,
}

impl Manner {
    /// Nothing.
    pub(crate) const PLAIN: Manner = Manner {
        errno: false,
        #[cfg(windows)]
        last_error: false,
        hresult: false,
    };

    pub(super) fn is_plain(self) -> bool {
        self == Manner::PLAIN
    }

    /// This, but for what the call itself `takes` with its result.
    pub(super) fn without(self, takes: Manner) -> Manner {
        Manner {
            errno: self.errno && !takes.errno,
            #[cfg(windows)]
            last_error: self.last_error && !takes.last_error,
            hresult: self.hresult,
        }
    }

    /// A call of the function `name`, in this manner.
    pub(super) fn around(
        self,
        name: &str,
        call: impl FnOnce() -> Result<Value, Error>,
    ) -> Result<Value, Error> {
        let call = || if self.errno { swapping_errno(call) } else { call() };
        #[cfg(windows)]
        let call = || if self.last_error { swapping_last_error(call) } else { call() };
        let result = call()?;
        if let (true, Value::I32(code)) = (self.hresult, &result) {
            HResult(*code).ok_of(Some(name))?;
        }
        Ok(result)
    }
}
