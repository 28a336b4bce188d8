//! Memory of any C type, owned.

use super::shape::{Kept, Shape};
use super::show::show;
use super::spot::Spot;
use super::storage::{Small, Storage};
use super::{CRepr, Value, View, ViewMut, record};
use crate::ctype::CType;
use crate::error::{Error, ErrorKind};
use callsmith_arch::layout::{Scalar, Type};
use std::fmt;
use std::ptr;

/// A struct, union, array, vector, complex number or scalar in its C memory.
///
/// Members are read and written by name; a copy goes in and out.
pub struct Data {
    storage: Storage,
}

impl Data {
    /// A zeroed value of type `ctype`, as C's `= {0}`.
    ///
    /// # Errors
    /// A type that has no layout: incomplete, `void`, a function; one that there is no memory for.
    pub fn new(ctype: &CType) -> Result<Data, Error> {
        let shape = Kept::of(ctype)?;
        let size = shape.memory().size();
        let storage = Storage::with_len(shape, size).ok_or_else(|| {
            let why = format!("there is no memory for its {size} bytes");
            ErrorKind::Type { ty: ctype.to_string(), why }
        })?;
        Ok(Data { storage })
    }

    pub(crate) fn of_shape(shape: &'static Shape) -> Data {
        Data { storage: Storage::new(Kept::Lasting(shape)) }
    }

    /// A value of a small shape.
    #[inline(always)]
    pub(crate) fn of_small(shape: &'static Shape, bytes: Small) -> Data {
        Data { storage: Storage { small: Some(shape), heap: None, bytes } }
    }

    /// A zeroed value, then what `fill` writes there.
    #[inline(always)]
    pub(crate) fn filled(shape: &'static Shape, fill: impl FnOnce(*mut u8)) -> Data {
        if shape.is_small() {
            return Data::of_small(shape, Small::filled(fill));
        }
        let mut data = Data::of_shape(shape);
        fill(data.as_mut_ptr());
        data
    }

    fn shape(&self) -> &Shape {
        self.storage.shape()
    }

    /// A value of type `ctype` from the Rust type that stands for it, such as a `c_struct!`.
    ///
    /// # Errors
    /// Another type.
    pub fn of<T: CRepr>(ctype: &CType, value: &T) -> Result<Data, Error> {
        record::data_of(value, ctype).ok_or_else(|| {
            let (wanted, given) = (ctype.to_string(), std::any::type_name::<T>().into());
            ErrorKind::Value { wanted, given, why: None }.into()
        })
    }

    fn spot(&self) -> Spot {
        Spot::whole(self.ctype(), false, self.bytes().len())
    }

    /// A value of type `ctype` whose first members or elements are these, in order; the others are zero. A union's first
    /// member is its only one.
    ///
    /// ```
    /// use callsmith::{Data, decl, host};
    ///
    /// let ints = decl::parse_type("int[4]", host::MODEL)?;
    /// assert_eq!(Data::with(&ints, [1, 2, 3])?.to_string(), "{1, 2, 3, 0}");
    /// let error = Data::with(&ints, [1, 2, 3, 4, 5]).unwrap_err().to_string();
    /// assert_eq!(error, "int[4]: too many initialisers: 5 given, it has 4");
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Data::new`]; more values than members; a value that does not fit.
    pub fn with(ctype: &CType, values: impl IntoIterator<Item = impl Into<Value>>) -> Result<Data, Error> {
        let mut data = Data::new(ctype)?;
        let whole = data.spot();
        let mut parts = whole.parts()?;
        let mut values = values.into_iter().enumerate();
        for (index, value) in &mut values {
            let Some(part) = parts.next() else {
                let given = index + 1 + values.count();
                let why = format!("too many initialisers: {given} given, it has {index}");
                return Err(ErrorKind::Type { ty: ctype.to_string(), why }.into());
            };
            part.write(data.storage.bytes_mut(), &value.into())?;
        }
        Ok(data)
    }

    /// A value of type `ctype` with these bytes.
    ///
    /// # Errors
    /// As for [`Data::new`]; a length that is not the type's size; a type that holds pointers.
    pub fn from_bytes(ctype: &CType, bytes: &[u8]) -> Result<Data, Error> {
        let mut data = Data::new(ctype)?;
        if data.layout().has(Scalar::Pointer) {
            let why = "it holds pointers, which bytes cannot vouch for".into();
            return Err(ErrorKind::Type { ty: ctype.to_string(), why }.into());
        }
        data.fill_from(bytes)?;
        Ok(data)
    }

    /// Takes over bytes that are a value of this type already, or are C's word.
    pub(super) fn fill_from(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let data = self;
        if bytes.len() != data.bytes().len() {
            let wanted = format!("{} bytes of {}", data.bytes().len(), data.ctype());
            return Err(
                ErrorKind::Value { wanted, given: format!("{} bytes", bytes.len()), why: None }.into()
            );
        }
        data.storage.bytes_mut().copy_from_slice(bytes);
        Ok(())
    }

    /// Its type.
    pub fn ctype(&self) -> &CType {
        self.shape().ctype()
    }

    pub(crate) fn layout(&self) -> &Type {
        self.shape().layout()
    }

    /// Whether it was made of `shape`, by address.
    pub(crate) fn is_shape(&self, shape: &'static Shape) -> bool {
        ptr::eq(self.shape(), shape)
    }

    /// The shape that it was made of, if it is small.
    #[inline(always)]
    pub(crate) fn small(&self) -> Option<&'static Shape> {
        self.storage.small()
    }

    /// Where its bytes are, if it is small.
    #[inline(always)]
    pub(crate) fn as_small_ptr(&self) -> *const u8 {
        self.storage.as_small_ptr()
    }

    /// Its bytes, padding included.
    pub fn bytes(&self) -> &[u8] {
        self.storage.bytes()
    }

    /// Its bytes, to be written.
    ///
    /// # Safety
    /// Pointers in what is written are vouched for as in [`Ptr::new`](crate::Ptr::new).
    #[allow(unsafe_code)]
    pub unsafe fn bytes_mut(&mut self) -> &mut [u8] {
        self.storage.bytes_mut()
    }

    /// Its address.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.storage.as_ptr()
    }

    /// Its address, to be written through.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.storage.as_mut_ptr()
    }

    /// Whether it is a scalar, for which there is no variant.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self.layout(), Type::Scalar(_))
    }

    /// Its bytes in the low ones of a word, where it is a scalar of at most 8 bytes: those go into slots as they are.
    pub(crate) fn scalar_word(&self) -> Option<u64> {
        let Type::Scalar(_) = self.layout() else { return None };
        let mut word = [0; 8];
        word.get_mut(..self.bytes().len())?.copy_from_slice(self.bytes());
        Some(u64::from_le_bytes(word))
    }

    /// The member `path`: names of members joined by dots, `[n]` for elements: `"corner.x"`, `"points[2].y"`. The empty
    /// path is the whole value.
    ///
    /// # Errors
    /// A name or index that the type does not have.
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        self.spot().find(path)?.read(self.bytes())
    }

    /// Writes the member `path`; numbers are converted where they fit.
    ///
    /// # Errors
    /// A name or index that the type does not have; a value that does not fit.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<(), Error> {
        self.spot().find(path)?.write(self.storage.bytes_mut(), &value.into())
    }

    /// The member `path`, to be read by member.
    ///
    /// # Errors
    /// A name or index that the type does not have.
    pub fn at(&self, path: &str) -> Result<View<'_>, Error> {
        self.view().at(path)
    }

    /// The member `path`, to be read and written by member.
    ///
    /// # Errors
    /// A name or index that the type does not have.
    pub fn at_mut(&mut self, path: &str) -> Result<ViewMut<'_>, Error> {
        let spot = self.spot().find(path)?;
        Ok(ViewMut::inside(spot, self.storage.bytes_mut()))
    }

    /// This value, to be read by member.
    pub fn view(&self) -> View<'_> {
        View::inside(self.spot(), self.bytes())
    }

    /// This value, to be read by member but for its pointers.
    pub(super) fn doubtful_view(&self) -> View<'_> {
        View::inside(Spot::whole(self.ctype(), true, self.bytes().len()), self.bytes())
    }

    /// This value, to be read and written by member.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::inside(self.spot(), self.storage.bytes_mut())
    }

    /// Makes room for `size` bytes: for a type whose last member goes on, such as a flexible array. What was there stays,
    /// what is new is zero. Nobody looks on meanwhile:
    ///
    /// ```compile_fail,E0502
    /// # use callsmith::{Data, decl, host};
    /// # let packet = decl::parse_type("struct { int n; char bytes[]; }", host::MODEL).unwrap();
    /// let mut packet = Data::new(&packet).unwrap();
    /// let bytes = packet.at("bytes").unwrap();
    /// packet.resize(100).unwrap();
    /// println!("{bytes}");
    /// ```
    ///
    /// # Errors
    /// Less than the type's own size.
    pub fn resize(&mut self, size: usize) -> Result<(), Error> {
        let least = self.shape().memory().size();
        let storage = if size < least { None } else { Storage::with_len(self.storage.kept(), size) };
        let Some(mut storage) = storage else {
            let wanted = format!("at least {least} bytes for {}", self.ctype());
            let why = (size >= least).then(|| "there is no memory for so many".to_owned());
            return Err(ErrorKind::Value { wanted, given: format!("{size} bytes"), why }.into());
        };
        let kept = size.min(self.bytes().len());
        storage.bytes_mut()[..kept].copy_from_slice(&self.bytes()[..kept]);
        self.storage = storage;
        Ok(())
    }
}

impl Clone for Data {
    fn clone(&self) -> Data {
        let storage = Storage::with_len(self.storage.kept(), self.bytes().len());
        // As long as this one, which exists.
        let mut storage = storage.unwrap_or_else(|| Storage::new(self.storage.kept()));
        storage.bytes_mut().copy_from_slice(self.bytes());
        Data { storage }
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Data) -> bool {
        self.layout() == other.layout() && self.bytes() == other.bytes()
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) {self}", self.ctype())
    }
}

impl fmt::Display for Data {
    /// As a C initialiser: `{.quot = 3, .rem = 1}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.spot(), self.bytes(), f)
    }
}
