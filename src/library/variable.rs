//! Exported variables.
#![allow(unsafe_code)]

use super::{Handle, Library};
use crate::data::CRepr;
use crate::error::Error;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

/// A variable that a library exports, of the Rust type `T`. The library stays open as long as this lives.
pub struct Variable<T> {
    address: NonNull<T>,
    _library: Arc<Handle>,
}

impl Library {
    /// The variable `symbol`.
    ///
    /// ```
    /// use callsmith::{Library, Ptr};
    ///
    /// let libc = Library::open("libc.so.6")?;
    /// // SAFETY: `extern char **environ`, which nobody changes meanwhile.
    /// let environ = unsafe { libc.variable::<Ptr<Ptr<i8>>>("environ")? };
    /// assert!(!environ.get().is_null());
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// No such symbol.
    ///
    /// # Safety
    /// The symbol is a variable of this type, and no other thread writes it while this one reads it, or the other way
    /// round.
    pub unsafe fn variable<T: CRepr>(&self, symbol: &str) -> Result<Variable<T>, Error> {
        let address = self.symbol(symbol)?.cast_mut().cast::<T>();
        let address = NonNull::new(address).ok_or_else(|| self.no_symbol(symbol, None))?;
        Ok(Variable { address, _library: Arc::clone(&self.handle) })
    }
}

impl<T: CRepr> Variable<T> {
    /// Its value.
    pub fn get(&self) -> T {
        // SAFETY: a variable of this type, as whoever made this promised; C aligns its variables.
        unsafe { self.address.read() }
    }

    /// Writes it.
    pub fn set(&self, value: T) {
        // SAFETY: as above.
        unsafe { self.address.write(value) }
    }

    /// Its address.
    pub fn as_ptr(&self) -> *mut T {
        self.address.as_ptr()
    }
}

impl<T> fmt::Debug for Variable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable at {:p}", self.address)
    }
}
