//! Views: C data in memory that somebody else owns, read and written by member.
//!
//! A view borrows its memory, and views of its members borrow the same memory, so none outlives it, and what is written
//! through one while another reads is a compile error: the surprise of ctypes' documentation, `rc.a, rc.b = rc.b, rc.a`,
//! cannot be written.
//!
//! # Safety
//! Memory at an address is what the two unsafe constructors are given; everything else is a slice.
#![allow(unsafe_code)]

use super::spot::{Spot, show};
use super::{Data, Value};
use crate::ctype::CType;
use crate::error::{Error, ErrorKind};
use crate::host;
use std::fmt;

/// C data that is borrowed, to be read.
///
/// ```
/// use callsmith::{View, decl, host};
///
/// let rect = decl::parse_type("struct { struct { short x, y; } a, b; }", host::MODEL)?;
/// let bytes = [1, 0, 2, 0, 3, 0, 4, 0];
/// let view = View::of(&rect, &bytes)?;
/// assert_eq!(view.get("b.x")?, callsmith::Value::I16(3));
/// assert_eq!(view.at("a")?.to_string(), "{.x = 1, .y = 2}");
/// # Ok::<(), callsmith::Error>(())
/// ```
#[derive(Clone)]
pub struct View<'a> {
    spot: Spot,
    all: &'a [u8],
}

/// C data that is borrowed, to be read and written.
pub struct ViewMut<'a> {
    spot: Spot,
    all: &'a mut [u8],
}

/// The size of `ctype`, if that many bytes are there.
fn size_in(ctype: &CType, given: usize) -> Result<usize, Error> {
    let size = ctype.size(host::MODEL);
    let size = size.map_err(|error| ErrorKind::Type { ty: ctype.to_string(), why: error.to_string() })?;
    let size = usize::try_from(size.bytes()).unwrap_or(usize::MAX);
    if size > given {
        let wanted = format!("{size} bytes of {ctype}");
        return Err(ErrorKind::Value { wanted, given: format!("{given} bytes"), why: None }.into());
    }
    Ok(size)
}

impl<'a> View<'a> {
    pub(super) fn inside(spot: Spot, all: &'a [u8]) -> View<'a> {
        View { spot, all }
    }

    /// The first bytes of `bytes` as a value of type `ctype`. Pointers in it cannot be read: they may be any numbers.
    ///
    /// # Errors
    /// A type that has no layout; too few bytes.
    pub fn of(ctype: &CType, bytes: &'a [u8]) -> Result<View<'a>, Error> {
        size_in(ctype, bytes.len())?;
        Ok(View { spot: Spot::whole(ctype, true), all: bytes })
    }

    /// The value of type `ctype` at `address`.
    ///
    /// # Errors
    /// A type that has no layout; NULL.
    ///
    /// # Safety
    /// The value is there, and nobody writes it, as long as the view lives; pointers in it are vouched for.
    pub unsafe fn at_address(ctype: &CType, address: *const u8) -> Result<View<'a>, Error> {
        let size = size_in(ctype, usize::MAX)?;
        if address.is_null() {
            return Err(ErrorKind::NullPointer { ty: ctype.to_string() }.into());
        }
        // SAFETY: the caller's promise.
        let all = unsafe { std::slice::from_raw_parts(address, size) };
        Ok(View { spot: Spot::whole(ctype, false), all })
    }

    /// The type.
    pub fn ctype(&self) -> &CType {
        &self.spot.ctype
    }

    /// The member `path`: names joined by dots, `[n]` for elements: `"corner.x"`, `"points[2].y"`.
    ///
    /// # Errors
    /// A name or index that the type does not have.
    pub fn at(&self, path: &str) -> Result<View<'a>, Error> {
        Ok(View { spot: self.spot.find(path)?, all: self.all })
    }

    /// Element `index` of an array, a vector or a complex number.
    ///
    /// # Errors
    /// No such element.
    pub fn index(&self, index: u64) -> Result<View<'a>, Error> {
        match self.spot.element(index) {
            Some(spot) => Ok(View { spot, all: self.all }),
            None => Err(no_element(&self.spot, index)),
        }
    }

    /// How many elements there are; 0 for what has none.
    pub fn len(&self) -> u64 {
        self.spot.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, in order.
    pub fn iter(&self) -> impl Iterator<Item = View<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.index(index).ok())
    }

    /// The value: a copy.
    ///
    /// # Errors
    /// A pointer in memory of unknown origin.
    pub fn value(&self) -> Result<Value, Error> {
        self.spot.read(self.all)
    }

    /// The value of the member `path`.
    ///
    /// # Errors
    /// As for [`View::at`] and [`View::value`].
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        self.at(path)?.value()
    }

    /// The bytes; those that a bit-field touches.
    pub fn bytes(&self) -> &'a [u8] {
        let layout = self.spot.layout().ok();
        layout.and_then(|layout| self.all.get(self.spot.range(&layout))).unwrap_or_default()
    }

    /// A copy that owns its memory.
    ///
    /// # Errors
    /// As for [`View::value`].
    pub fn to_data(&self) -> Result<Data, Error> {
        let mut data = Data::new(self.ctype())?;
        data.view_mut().write(self.value()?)?;
        Ok(data)
    }
}

impl<'a> ViewMut<'a> {
    pub(super) fn inside(spot: Spot, all: &'a mut [u8]) -> ViewMut<'a> {
        ViewMut { spot, all }
    }

    /// The first bytes of `bytes` as a value of type `ctype`. Pointers in it cannot be read: they may be any numbers.
    ///
    /// # Errors
    /// A type that has no layout; too few bytes.
    pub fn of(ctype: &CType, bytes: &'a mut [u8]) -> Result<ViewMut<'a>, Error> {
        size_in(ctype, bytes.len())?;
        Ok(ViewMut { spot: Spot::whole(ctype, true), all: bytes })
    }

    /// The value of type `ctype` at `address`.
    ///
    /// # Errors
    /// A type that has no layout; NULL.
    ///
    /// # Safety
    /// The value is there, and nobody else reads or writes it, as long as the view lives; pointers in it are vouched for.
    pub unsafe fn at_address(ctype: &CType, address: *mut u8) -> Result<ViewMut<'a>, Error> {
        let size = size_in(ctype, usize::MAX)?;
        if address.is_null() {
            return Err(ErrorKind::NullPointer { ty: ctype.to_string() }.into());
        }
        // SAFETY: the caller's promise.
        let all = unsafe { std::slice::from_raw_parts_mut(address, size) };
        Ok(ViewMut { spot: Spot::whole(ctype, false), all })
    }

    /// The same, to be read.
    pub fn as_view(&self) -> View<'_> {
        View { spot: self.spot.clone(), all: self.all }
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
}

fn no_element(spot: &Spot, index: u64) -> Error {
    ErrorKind::NoField { ty: spot.ctype.to_string(), field: format!("[{index}]") }.into()
}

impl fmt::Display for View<'_> {
    /// As a C initialiser.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.spot, self.all, f)
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) {self}", self.ctype())
    }
}

impl fmt::Debug for ViewMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_view(), f)
    }
}
