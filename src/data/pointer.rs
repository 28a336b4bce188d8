//! Pointers that safe code may hand to C.
//!
//! # Safety
//! The unsafe functions are promises that their callers make. Those that read or write memory see to NULL, and no more.
#![allow(unsafe_code)]

use super::CRepr;
use crate::error::{Error, ErrorKind};
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

    /// Element `index` of the array that this points into: a copy; element 0 is ctypes' `contents`.
    ///
    /// # Errors
    /// NULL.
    ///
    /// # Safety
    /// The element is there, initialised and a valid `T`, and nobody writes it meanwhile.
    pub unsafe fn read_at(self, index: isize) -> Result<T, Error>
    where
        T: CRepr,
    {
        // SAFETY: the caller's promise.
        unsafe { Ok(self.not_null()?.offset(index).read_unaligned()) }
    }

    /// Writes element `index` of the array that this points into.
    ///
    /// # Errors
    /// NULL.
    ///
    /// # Safety
    /// The element is there, and nobody else reads or writes it meanwhile.
    pub unsafe fn write_at(self, index: isize, value: T) -> Result<(), Error>
    where
        T: CRepr,
    {
        // SAFETY: the caller's promise.
        unsafe { self.not_null()?.offset(index).write_unaligned(value) };
        Ok(())
    }

    /// The array of `len` elements that this points at.
    ///
    /// # Errors
    /// NULL, unless `len` is 0.
    ///
    /// # Safety
    /// The elements are there at their alignment, initialised and valid, and nobody writes them as long as the result
    /// lives.
    pub unsafe fn slice<'a>(self, len: usize) -> Result<&'a [T], Error>
    where
        T: CRepr,
    {
        if len == 0 {
            return Ok(&[]);
        }
        // SAFETY: the caller's promise.
        Ok(unsafe { std::slice::from_raw_parts(self.not_null()?, len) })
    }

    /// [`Ptr::slice`], to be written.
    ///
    /// # Errors
    /// As for [`Ptr::slice`].
    ///
    /// # Safety
    /// As for [`Ptr::slice`], and nobody else reads them either.
    pub unsafe fn slice_mut<'a>(self, len: usize) -> Result<&'a mut [T], Error>
    where
        T: CRepr,
    {
        if len == 0 {
            return Ok(&mut []);
        }
        // SAFETY: the caller's promise.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.not_null()?, len) })
    }

    fn not_null(self) -> Result<*mut T, Error> {
        if self.is_null() {
            return Err(ErrorKind::NullPointer { ty: std::any::type_name::<T>().into() }.into());
        }
        Ok(self.as_ptr())
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
