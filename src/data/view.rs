//! Views: C data in memory that somebody else owns, read and written by member.
//!
//! A view borrows its memory, and views of its members borrow the same memory, so none outlives it, and what is written
//! through one while another reads is a compile error: the surprise of ctypes' documentation, `rc.a, rc.b = rc.b, rc.a`,
//! cannot be written.
//!
//! # Safety
//! Memory at an address is what the unsafe functions are given, or find there; everything else is a slice.
#![allow(unsafe_code)]

use super::scalar::{bools_are_valid, for_each_pointer};
use super::show::show;
use super::spot::Spot;
use super::text::{self, WideChar};
use super::{CRepr, Data, Ptr, Value};
use crate::ctype::CType;
use crate::error::{Error, ErrorKind};
use crate::host;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Range;

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
///
/// What is written while somebody reads does not compile:
///
/// ```compile_fail,E0502
/// # use callsmith::{Data, decl, host};
/// # let rect = decl::parse_type("struct { struct { short x, y; } a, b; }", host::MODEL).unwrap();
/// let mut rect = Data::new(&rect).unwrap();
/// let a = rect.at("a").unwrap();
/// rect.set("a.x", 5).unwrap(); // `a` would change under its reader's eyes
/// println!("{a}");
/// ```
#[derive(Clone)]
pub struct View<'a> {
    spot: Spot,
    all: &'a [u8],
}

/// How many bytes `ctype` has, if that many are there.
pub(super) fn size_in(ctype: &CType, given: usize) -> Result<usize, Error> {
    let size = ctype.size(host::MODEL);
    let size = size.map_err(|error| ErrorKind::Type { ty: ctype.to_string(), why: error.to_string() })?;
    let size = usize::try_from(size.bytes()).unwrap_or(usize::MAX);
    if size > given {
        let wanted = format!("{size} bytes of {ctype}");
        return Err(ErrorKind::Value { wanted, given: format!("{given} bytes"), why: None }.into());
    }
    Ok(size)
}

/// How many bytes `ctype` has, if it may be at `address`.
pub(super) fn size_at(ctype: &CType, address: *const u8) -> Result<usize, Error> {
    let size = size_in(ctype, usize::MAX)?;
    if address.is_null() {
        return Err(ErrorKind::NullPointer { ty: ctype.to_string() }.into());
    }
    Ok(size)
}

/// Element `index` of what the pointer in `spot` points at: its type and address.
pub(super) fn target(spot: &Spot, all: &[u8], index: isize) -> Result<(CType, *mut u8), Error> {
    let pointer = spot.pointer(all)?;
    let wrong = |why: &str| Error::from(ErrorKind::Type { ty: spot.ctype.to_string(), why: why.into() });
    let target = spot.ctype.pointee().ok_or_else(|| wrong("it is no pointer"))?;
    if pointer.is_null() {
        return Err(ErrorKind::NullPointer { ty: target.to_string() }.into());
    }
    let size = isize::try_from(size_in(&target, usize::MAX)?).ok();
    let distance = size.and_then(|size| size.checked_mul(index)).ok_or_else(|| wrong("no such element"))?;
    Ok((target, pointer.as_ptr().cast::<u8>().wrapping_offset(distance)))
}

impl<'a> View<'a> {
    pub(super) fn inside(spot: Spot, all: &'a [u8]) -> View<'a> {
        View { spot, all }
    }

    /// The first bytes of `bytes` as a value of type `ctype`, at any alignment. Pointers in it cannot be read: they may be
    /// any numbers. A flexible array at its end goes on to the end of `bytes`.
    ///
    /// # Errors
    /// A type that has no layout; too few bytes.
    pub fn of(ctype: &CType, bytes: &'a [u8]) -> Result<View<'a>, Error> {
        size_in(ctype, bytes.len())?;
        Ok(View { spot: Spot::whole(ctype, true, bytes.len()), all: bytes })
    }

    /// The value of type `ctype` at `address`, at any alignment.
    ///
    /// # Errors
    /// A type that has no layout; NULL.
    ///
    /// # Safety
    /// The value is there, all of its bytes are initialised, padding too, and nobody writes them as long as the view and
    /// its copies live; pointers in it are vouched for as in [`Ptr::new`].
    pub unsafe fn at_address(ctype: &CType, address: *const u8) -> Result<View<'a>, Error> {
        let size = size_at(ctype, address)?;
        // SAFETY: the caller's promise.
        let all = unsafe { std::slice::from_raw_parts(address, size) };
        Ok(View { spot: Spot::whole(ctype, false, size), all })
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

    /// The elements from `range.start` up to, but without, `range.end`, as an array in the same memory.
    ///
    /// # Errors
    /// No such elements, or no array.
    pub fn slice(&self, range: Range<u64>) -> Result<View<'a>, Error> {
        match self.spot.elements(&range) {
            Some(spot) => Ok(View { spot, all: self.all }),
            None => Err(no_elements(&self.spot, &range)),
        }
    }

    /// How many elements there are; 0 for what has none. A flexible array has as many as there is memory for.
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

    /// The same memory as a value of another type, which may be smaller. Pointers in it cannot be read: the memory may
    /// hold other things.
    ///
    /// # Errors
    /// A type that has no layout, or more bytes than there are here; a bit-field.
    pub fn cast(&self, ctype: &CType) -> Result<View<'a>, Error> {
        let all = self.bytes();
        size_in(ctype, if self.spot.is_bits() { 0 } else { all.len() })?;
        Ok(View { spot: Spot::whole(ctype, true, all.len()), all })
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

    /// The value as a Rust type with the representation of the C type: a copy, such as of a whole `c_struct!` type.
    ///
    /// # Errors
    /// A type that is not this one's, or of other byte order; a pointer in memory of unknown origin; a `_Bool` that is
    /// neither 0 nor 1.
    pub fn read<T: CRepr>(&self) -> Result<T, Error> {
        let wrong = |why: &str| ErrorKind::Value {
            wanted: std::any::type_name::<T>().into(),
            given: self.ctype().to_string(),
            why: (!why.is_empty()).then(|| why.into()),
        };
        if !T::is(self.ctype()) || self.spot.is_bits() || self.spot.is_turned() {
            return Err(wrong("").into());
        }
        let layout = T::ty();
        self.spot.vouch(&layout)?;
        let bytes = self.bytes();
        // An array of a type stands for that type too, where it is pointed at.
        if bytes.len() != size_of::<T>() {
            return Err(wrong("").into());
        }
        if !bools_are_valid(&layout, bytes) {
            return Err(wrong("a _Bool in it is neither 0 nor 1").into());
        }
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: as many bytes as `T` has, all of them initialised. A `CRepr` is valid whatever its bytes, but for `bool`,
        // which was looked at, and pointers, which are vouched for.
        unsafe {
            let start = value.as_mut_ptr().cast::<u8>();
            bytes.as_ptr().copy_to_nonoverlapping(start, bytes.len());
            for_each_pointer(&layout, 0, &mut |offset| {
                // The bytes are a number: that is made a pointer to what was exposed at it.
                let pointer = start.add(offset).cast::<*const ()>();
                let address = pointer.cast::<usize>().read_unaligned();
                pointer.write_unaligned(std::ptr::with_exposed_provenance(address));
            });
            Ok(value.assume_init())
        }
    }

    /// The type, if the memory may be pointed at as such.
    pub(crate) fn referable(&self) -> Option<&CType> {
        self.spot.is_referable().then_some(&self.spot.ctype)
    }

    /// The bytes; those that a bit-field touches; none of a flexible array.
    pub fn bytes(&self) -> &'a [u8] {
        let layout = self.spot.layout().ok();
        layout.and_then(|layout| self.all.get(self.spot.range(&layout))).unwrap_or_default()
    }

    /// The address, in memory that lives as long as `'a`.
    pub fn as_ptr(&self) -> *const u8 {
        self.bytes().as_ptr()
    }

    /// The bytes of a `char` array up to the first NUL, or all where there is none.
    pub fn text(&self) -> &'a [u8] {
        text::until_nul(self.bytes())
    }

    /// The text of a `wchar_t` array up to the first NUL, or all where there is none.
    ///
    /// # Errors
    /// What is no text.
    pub fn wide_text(&self) -> Result<String, Error> {
        let units = self.bytes().chunks_exact(size_of::<WideChar>());
        let units = units.map(|unit| WideChar::from_le_bytes(unit.try_into().unwrap_or_default()));
        text::from_wide(&units.collect::<Vec<_>>())
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

    /// What the pointer here points at: `contents` of ctypes.
    ///
    /// # Errors
    /// No pointer, or NULL; a target that has no layout.
    ///
    /// # Safety
    /// It points at such a value, for which [`View::at_address`] asks what it asks, for as long as the result lives.
    pub unsafe fn contents<'t>(&self) -> Result<View<'t>, Error> {
        // SAFETY: the caller's promise.
        unsafe { self.contents_at(0) }
    }

    /// Element `index` of the array that the pointer here points into.
    ///
    /// # Errors
    /// As for [`View::contents`].
    ///
    /// # Safety
    /// As for [`View::contents`], of that element.
    pub unsafe fn contents_at<'t>(&self, index: isize) -> Result<View<'t>, Error> {
        let (target, address) = target(&self.spot, self.all, index)?;
        // SAFETY: the caller's promise.
        unsafe { View::at_address(&target, address) }
    }

    /// The pointer here, which may be in a union or in bytes of unknown origin.
    ///
    /// # Errors
    /// No pointer.
    ///
    /// # Safety
    /// As for [`Ptr::new`].
    pub unsafe fn pointer(&self) -> Result<Ptr, Error> {
        self.spot.pointer(self.all)
    }
}

pub(super) fn no_element(spot: &Spot, index: u64) -> Error {
    ErrorKind::NoField { ty: spot.ctype.to_string(), field: format!("[{index}]") }.into()
}

pub(super) fn no_elements(spot: &Spot, range: &Range<u64>) -> Error {
    ErrorKind::NoField { ty: spot.ctype.to_string(), field: format!("[{}..{}]", range.start, range.end) }
        .into()
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
