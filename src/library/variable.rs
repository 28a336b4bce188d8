//! Exported variables.
#![allow(unsafe_code)]

use super::{Handle, Library};
use crate::ctype::CType;
use crate::data::{CRepr, Data, Value, View, ViewMut};
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
    /// ```ignore-windows
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

/// A variable that a library exports, of a C type known at run time: ctypes' `in_dll`. The library stays open as long as
/// this lives.
///
/// Its value is copied in and out: no view of it is handed out, for C may change it in every call.
pub struct DataVariable {
    ctype: CType,
    address: NonNull<u8>,
    _library: Arc<Handle>,
}

impl Library {
    /// The variable `symbol` of the C type `ctype`.
    ///
    /// ```ignore-windows
    /// use callsmith::{Library, decl, host};
    ///
    /// let strings = decl::parse_type("char **", host::MODEL)?;
    /// // SAFETY: `extern char **environ`, which nobody changes meanwhile.
    /// let environ = unsafe { Library::this_process().data_variable("environ", &strings)? };
    /// // SAFETY: an array of strings.
    /// let first = unsafe { environ.view()?.contents_at(0)?.contents()?.value()? };
    /// assert!(matches!(first, callsmith::Value::I8(_) | callsmith::Value::U8(_)));
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// No such symbol; a type that has no layout.
    ///
    /// # Safety
    /// The symbol is a variable of this type, and no other thread writes it while this one reads it, or the other way
    /// round.
    pub unsafe fn data_variable(&self, symbol: &str, ctype: &CType) -> Result<DataVariable, Error> {
        let address = self.symbol(symbol)?.cast_mut().cast();
        let address = NonNull::new(address).ok_or_else(|| self.no_symbol(symbol, None))?;
        Data::new(ctype)?; // has it a layout?
        Ok(DataVariable { ctype: ctype.clone(), address, _library: Arc::clone(&self.handle) })
    }
}

impl DataVariable {
    /// Its value: a copy. Pointers in it are C's word.
    ///
    /// # Errors
    /// As for [`View::value`].
    pub fn get(&self) -> Result<Value, Error> {
        // SAFETY: a variable of this type, which nobody writes until the copy is made.
        unsafe { View::at_address(&self.ctype, self.address.as_ptr())?.value() }
    }

    /// The value of the member `path`, as [`Data::get`] takes it: a copy.
    ///
    /// # Errors
    /// As for [`Data::get`].
    pub fn get_at(&self, path: &str) -> Result<Value, Error> {
        // SAFETY: as above.
        unsafe { View::at_address(&self.ctype, self.address.as_ptr())?.get(path) }
    }

    /// Writes the member `path`; the whole variable where that is empty.
    ///
    /// # Errors
    /// As for [`Data::set`].
    pub fn set(&self, path: &str, value: impl Into<Value>) -> Result<(), Error> {
        // SAFETY: a variable of this type, which nobody else reads or writes until it is written.
        unsafe { ViewMut::at_address(&self.ctype, self.address.as_ptr())?.set(path, value) }
    }

    /// The variable itself, to be read by member, and its pointers to be followed.
    ///
    /// # Errors
    /// None that [`Library::data_variable`] has not found.
    ///
    /// # Safety
    /// Nobody writes it as long as the view lives, C in calls included.
    pub unsafe fn view(&self) -> Result<View<'_>, Error> {
        // SAFETY: a variable of this type, and the caller's promise.
        unsafe { View::at_address(&self.ctype, self.address.as_ptr()) }
    }

    /// Its type.
    pub fn ctype(&self) -> &CType {
        &self.ctype
    }

    /// Its address.
    pub fn as_ptr(&self) -> *mut u8 {
        self.address.as_ptr()
    }
}

impl fmt::Debug for DataVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable {} at {:p}", self.ctype, self.address)
    }
}

impl<T> fmt::Debug for Variable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable at {:p}", self.address)
    }
}
