//! `HRESULT`: what COM functions return.
#![allow(unsafe_code)]

use super::{Give, Ret};
use crate::ctype::CType;
use crate::data::{CRepr, Value, laid_out_as};
use crate::error::{Error, ErrorKind};
use crate::sys;
use callsmith_arch::layout::Type;
use std::fmt;

/// The name that C has for it.
pub(crate) const HRESULT: &str = "HRESULT";

/// A success or failure code of COM: 32 bits, negative for a failure.
///
/// ```
/// use callsmith::HResult;
///
/// assert_eq!(HResult(1).ok()?, 1); // S_FALSE is a success
/// let error = HResult(0x8000_4002_u32.cast_signed()).ok().unwrap_err().to_string();
/// assert!(error.starts_with("HRESULT 0x80004002"), "{error}");
/// # Ok::<(), callsmith::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HResult(pub i32);

impl HResult {
    /// The success code.
    ///
    /// # Errors
    /// A failure, with the system's text where it has one.
    pub fn ok(self) -> Result<i32, Error> {
        self.ok_of(None)
    }

    /// [`HResult::ok`] of what `function` returned.
    pub(super) fn ok_of(self, function: Option<&str>) -> Result<i32, Error> {
        if self.0 >= 0 {
            return Ok(self.0);
        }
        let (code, text) = (self.0.cast_unsigned(), sys::error_text(self.0));
        Err(ErrorKind::HResult { function: function.map(str::to_owned), code, text }.into())
    }
}

impl fmt::Debug for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HRESULT {:#010x}", self.0)
    }
}

// SAFETY: a 32-bit integer in the same place.
unsafe impl Ret for HResult {
    type Native = i32;

    fn is(c: &CType) -> bool {
        laid_out_as(c, &<i32 as CRepr>::ty())
    }

    fn ty() -> Option<Type> {
        Some(<i32 as CRepr>::ty())
    }

    #[inline(always)]
    unsafe fn from_native(native: i32) -> HResult {
        HResult(native)
    }

    fn from_value(value: Value) -> Result<HResult, Error> {
        <i32 as Ret>::from_value(value).map(HResult)
    }
}

// SAFETY: as above.
unsafe impl Give for HResult {
    #[inline(always)]
    fn give(self) -> i32 {
        self.0
    }
}
