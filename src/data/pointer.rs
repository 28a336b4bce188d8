//! Pointers that safe code may hand to C.
//!
//! # Safety
//! Nothing here reads or writes memory; the two unsafe functions are promises that their callers make.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;

/// An address that somebody vouched for: C gave it back, or an `unsafe` block made it.
///
/// Safe calls take references, [`Ptr::NULL`] and these, never raw pointers: those can be made out of nothing.
#[repr(transparent)]
pub struct Ptr<T = c_void> {
    address: *mut c_void,
    pointee: PhantomData<*mut T>,
}

impl<T> Ptr<T> {
    /// The null pointer.
    pub const NULL: Ptr<T> = Ptr { address: std::ptr::null_mut(), pointee: PhantomData };

    /// Vouches for `address`.
    ///
    /// # Safety
    /// Whatever a C function that is given this pointer does with it must be allowed for as long as it may do so: the
    /// memory is valid, large enough, initialised where it is read, and not borrowed in Rust where it is written.
    pub const unsafe fn new(address: *const T) -> Ptr<T> {
        Ptr { address: address.cast_mut().cast(), pointee: PhantomData }
    }

    /// An address found in memory that C wrote. It is C's word, as a result is.
    pub(crate) fn exposed(address: usize) -> Ptr<T> {
        Ptr { address: std::ptr::with_exposed_provenance_mut(address), pointee: PhantomData }
    }

    /// The address.
    pub const fn as_ptr(self) -> *mut T {
        self.address.cast()
    }

    /// Whether this is the null pointer.
    pub fn is_null(self) -> bool {
        self.address.is_null()
    }

    /// The same address without the pointee's type, as C converts any pointer to `void *`.
    pub const fn erase(self) -> Ptr {
        Ptr { address: self.address, pointee: PhantomData }
    }

    /// The same address as a pointer to `U`.
    ///
    /// # Safety
    /// As for [`Ptr::new`], for a `U` there.
    pub const unsafe fn cast<U>(self) -> Ptr<U> {
        Ptr { address: self.address, pointee: PhantomData }
    }
}

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Ptr<T> {
        *self
    }
}

impl<T> Copy for Ptr<T> {}

impl<T> PartialEq for Ptr<T> {
    fn eq(&self, other: &Ptr<T>) -> bool {
        self.address == other.address
    }
}

impl<T> Eq for Ptr<T> {}

impl<T> fmt::Debug for Ptr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.address, f)
    }
}
