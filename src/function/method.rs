//! Methods of C++ and COM objects: functions found in the table that an object's first word points at.
#![allow(unsafe_code)]

use super::Function;
use crate::ctype::Prototype;
use crate::data::Ptr;
use crate::error::{Error, ErrorKind};
use std::ffi::c_void;

impl Function {
    /// Method `index`, counted from 0, of the object at `object`. The prototype has the object as its first parameter:
    /// `HRESULT QueryInterface(IUnknown *self, const IID *iid, void **out)`; COM's convention on 32-bit Windows is
    /// `__stdcall`.
    ///
    /// # Errors
    /// NULL: the object, its table, or the method. And as for [`Function::from_address`].
    ///
    /// # Safety
    /// The object begins with a pointer to a table of functions that has more than `index`, and that one is of this
    /// prototype for as long as the result and its clones live: see [`Function::from_address`].
    pub unsafe fn from_vtable<T>(
        object: Ptr<T>,
        index: usize,
        prototype: impl Into<Prototype>,
    ) -> Result<Function, Error> {
        let null = |ty: &str| Error::from(ErrorKind::NullPointer { ty: ty.into() });
        if object.is_null() {
            return Err(null("an object"));
        }
        // SAFETY: the caller's promise.
        let table = unsafe { object.as_ptr().cast::<*const *const c_void>().read() };
        if table.is_null() {
            return Err(null("a table of functions"));
        }
        // SAFETY: the caller's promise.
        unsafe { Function::from_address(table.add(index).read(), prototype) }
    }
}
