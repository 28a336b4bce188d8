//! Views that are written through.
//!
//! # Safety
//! As in [`super::view`].
#![allow(unsafe_code)]

use super::spot::Spot;
use super::view::{no_element, no_elements, size_at, size_in, target};
use super::{Value, View, text};
use crate::ctype::CType;
use crate::error::{Error, ErrorKind};
use std::fmt;
use std::ops::Range;

/// C data that is borrowed, to be read and written.
///
/// ```
/// use callsmith::{ViewMut, decl, host};
///
/// let header = decl::parse_type("struct { short kind, length; unsigned char bytes[]; }", host::MODEL)?;
/// let mut packet = [0u8; 8];
/// let mut view = ViewMut::of(&header, &mut packet)?;
/// view.set("length", 4)?;
/// view.set("bytes[3]", 0xff)?;
/// assert!(view.set("bytes[4]", 0).is_err()); // there is no more memory
/// assert_eq!(packet, [0, 0, 4, 0, 0, 0, 0, 0xff]);
/// # Ok::<(), callsmith::Error>(())
/// ```
pub struct ViewMut<'a> {
    spot: Spot,
    all: &'a mut [u8],
}

impl<'a> ViewMut<'a> {
    pub(super) fn inside(spot: Spot, all: &'a mut [u8]) -> ViewMut<'a> {
        ViewMut { spot, all }
    }

    /// The first bytes of `bytes` as a value of type `ctype`, as [`View::of`].
    ///
    /// # Errors
    /// A type that has no layout; too few bytes.
    pub fn of(ctype: &CType, bytes: &'a mut [u8]) -> Result<ViewMut<'a>, Error> {
        size_in(ctype, bytes.len())?;
        Ok(ViewMut { spot: Spot::whole(ctype, true, bytes.len()), all: bytes })
    }

    /// The value of type `ctype` at `address`, at any alignment.
    ///
    /// # Errors
    /// A type that has no layout; NULL.
    ///
    /// # Safety
    /// The value is there, all of its bytes are initialised, padding too, and nobody else reads or writes them as long as
    /// the view lives; pointers in it are vouched for as in [`Ptr::new`](crate::Ptr::new).
    pub unsafe fn at_address(ctype: &CType, address: *mut u8) -> Result<ViewMut<'a>, Error> {
        let size = size_at(ctype, address)?;
        // SAFETY: the caller's promise.
        let all = unsafe { std::slice::from_raw_parts_mut(address, size) };
        Ok(ViewMut { spot: Spot::whole(ctype, false, size), all })
    }

    /// The type.
    pub fn ctype(&self) -> &CType {
        &self.spot.ctype
    }

    /// The same, to be read.
    pub fn as_view(&self) -> View<'_> {
        View::inside(self.spot.clone(), self.all)
    }

    /// The member `path`, as [`View::at`].
    ///
    /// # Errors
    /// A name or index that the type does not have.
    pub fn at(&mut self, path: &str) -> Result<ViewMut<'_>, Error> {
        Ok(ViewMut { spot: self.spot.find(path)?, all: self.all })
    }

    /// Element `index`, as [`View::index`].
    ///
    /// # Errors
    /// No such element.
    pub fn index(&mut self, index: u64) -> Result<ViewMut<'_>, Error> {
        match self.spot.element(index) {
            Some(spot) => Ok(ViewMut { spot, all: self.all }),
            None => Err(no_element(&self.spot, index)),
        }
    }

    /// Some elements, as [`View::slice`].
    ///
    /// # Errors
    /// No such elements, or no array.
    pub fn slice(&mut self, range: Range<u64>) -> Result<ViewMut<'_>, Error> {
        match self.spot.elements(&range) {
            Some(spot) => Ok(ViewMut { spot, all: self.all }),
            None => Err(no_elements(&self.spot, &range)),
        }
    }

    /// How many elements there are, as [`View::len`].
    pub fn len(&self) -> u64 {
        self.spot.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same memory as a value of another type, as [`View::cast`].
    ///
    /// # Errors
    /// As for [`View::cast`]; and memory that holds pointers, which would be any numbers afterwards.
    pub fn cast(&mut self, ctype: &CType) -> Result<ViewMut<'_>, Error> {
        let bits = self.spot.is_bits();
        let all = self.bytes_mut()?;
        size_in(ctype, if bits { 0 } else { all.len() })?;
        Ok(ViewMut { spot: Spot::whole(ctype, true, all.len()), all })
    }

    /// Writes the whole value; numbers are converted where they fit.
    ///
    /// # Errors
    /// A value that does not fit.
    pub fn write(&mut self, value: impl Into<Value>) -> Result<(), Error> {
        self.spot.write(self.all, &value.into())
    }

    /// Writes the member `path`.
    ///
    /// # Errors
    /// As for [`ViewMut::at`] and [`ViewMut::write`].
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<(), Error> {
        self.at(path)?.write(value)
    }

    /// The value of the member `path`.
    ///
    /// # Errors
    /// As for [`View::get`].
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        self.as_view().get(path)
    }

    /// Writes a copy of what another view sees.
    ///
    /// # Errors
    /// Another type; a pointer in memory of unknown origin.
    pub fn assign(&mut self, other: &View<'_>) -> Result<(), Error> {
        self.write(other.value()?)
    }

    /// Exchanges the members at two paths.
    ///
    /// # Errors
    /// As for [`ViewMut::at`]; types that differ; a pointer in memory of unknown origin.
    pub fn swap(&mut self, one: &str, other: &str) -> Result<(), Error> {
        let (left, right) = (self.get(one)?, self.get(other)?);
        self.set(one, right)?;
        let second = self.set(other, left.clone());
        if second.is_err() {
            self.set(one, left)?;
        }
        second
    }

    /// Writes bytes into a `char` array from its start, and a NUL behind them where there is room: what stood after that
    /// stays, as when C copies a string.
    ///
    /// # Errors
    /// More bytes than it has; what is no array of bytes.
    pub fn set_text(&mut self, text: &[u8]) -> Result<(), Error> {
        let ctype = self.ctype().clone();
        let bytes = ctype.element().filter(<u8 as crate::Pointee>::is);
        if bytes.is_none() {
            return Err(ErrorKind::Type { ty: ctype.to_string(), why: "it holds no text".into() }.into());
        }
        text::put(self.bytes_mut()?, text, &ctype.to_string())
    }

    /// The type, if the memory may be pointed at as such.
    pub(crate) fn referable(&self) -> Option<&CType> {
        self.spot.is_referable().then_some(&self.spot.ctype)
    }

    /// The bytes, to be written; those that a bit-field touches.
    ///
    /// # Errors
    /// Memory that holds pointers, which would be any numbers afterwards.
    pub fn bytes_mut(&mut self) -> Result<&mut [u8], Error> {
        let layout = self.spot.layout()?;
        if !self.spot.is_free(&layout) {
            let why = "it holds pointers, which bytes cannot vouch for".into();
            return Err(ErrorKind::Type { ty: self.ctype().to_string(), why }.into());
        }
        Ok(self.all.get_mut(self.spot.range(&layout)).unwrap_or_default())
    }

    /// The address, in memory that lives as long as `'a`.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        let range = self.spot.layout().map(|layout| self.spot.range(&layout));
        let bytes = range.ok().and_then(|range| self.all.get_mut(range));
        bytes.unwrap_or_default().as_mut_ptr()
    }

    /// What the pointer here points at, to be written: `contents` of ctypes.
    ///
    /// # Errors
    /// As for [`View::contents`].
    ///
    /// # Safety
    /// It points at such a value, for which [`ViewMut::at_address`] asks what it asks, for as long as the result lives.
    pub unsafe fn contents<'t>(&self) -> Result<ViewMut<'t>, Error> {
        // SAFETY: the caller's promise.
        unsafe { self.contents_at(0) }
    }

    /// Element `index` of the array that the pointer here points into.
    ///
    /// # Errors
    /// As for [`View::contents`].
    ///
    /// # Safety
    /// As for [`ViewMut::contents`], of that element.
    pub unsafe fn contents_at<'t>(&self, index: isize) -> Result<ViewMut<'t>, Error> {
        let (target, address) = target(&self.spot, self.all, index)?;
        // SAFETY: the caller's promise.
        unsafe { ViewMut::at_address(&target, address) }
    }
}

impl fmt::Display for ViewMut<'_> {
    /// As a C initialiser.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_view(), f)
    }
}

impl fmt::Debug for ViewMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_view(), f)
    }
}
