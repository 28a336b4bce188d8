//! Memory of any C type, owned.

use super::convert::to_type;
use super::storage::Storage;
use super::{LongDouble, Ptr, Value, bits};
use crate::ctype::{CType, Field, Kind};
use crate::error::{Error, ErrorKind};
use crate::host;
use callsmith_arch::layout::{Float, Place, RecordKind, Scalar, Type};
use std::alloc::Layout;
use std::fmt;
use std::sync::Arc;

/// A C type with its layout in this process.
pub(crate) struct Shape {
    ctype: CType,
    layout: Type,
    memory: Layout,
}

impl Shape {
    pub(crate) fn new(ctype: &CType) -> Result<Arc<Shape>, Error> {
        let wrong = |why: String| Error::from(ErrorKind::Type { ty: ctype.to_string(), why });
        let layout = ctype.lower(host::MODEL).map_err(|error| wrong(error.to_string()))?;
        let layout = layout.ok_or_else(|| wrong("void has no values".into()))?;
        let size = usize::try_from(layout.size(host::MODEL).bytes()).unwrap_or(usize::MAX);
        let align = usize::try_from(layout.align(host::MODEL).bytes()).unwrap_or(usize::MAX);
        let memory = Layout::from_size_align(size, align).map_err(|error| wrong(error.to_string()))?;
        Ok(Arc::new(Shape { ctype: ctype.resolved(), layout, memory }))
    }
}

/// A struct, union, array, vector, complex number or scalar in its C memory.
///
/// Members are read and written by name; a copy goes in and out.
pub struct Data {
    shape: Arc<Shape>,
    storage: Storage,
}

impl Data {
    /// A zeroed value of type `ctype`, as C's `= {0}`.
    ///
    /// # Errors
    /// A type that has no layout: incomplete, `void`, a function.
    pub fn new(ctype: &CType) -> Result<Data, Error> {
        Ok(Data::of_shape(&Shape::new(ctype)?))
    }

    pub(crate) fn of_shape(shape: &Arc<Shape>) -> Data {
        Data { shape: Arc::clone(shape), storage: Storage::zeroed(shape.memory) }
    }

    /// A value of type `ctype` with these bytes.
    ///
    /// # Errors
    /// As for [`Data::new`]; a length that is not the type's size; a type that holds pointers.
    pub fn from_bytes(ctype: &CType, bytes: &[u8]) -> Result<Data, Error> {
        let mut data = Data::new(ctype)?;
        if has_pointer(data.layout()) {
            let why = "it holds pointers, which bytes cannot vouch for".into();
            return Err(ErrorKind::Type { ty: ctype.to_string(), why }.into());
        }
        data.fill_from(bytes)?;
        Ok(data)
    }

    /// Takes over bytes that are a value of this type already, or are C's word.
    fn fill_from(&mut self, bytes: &[u8]) -> Result<(), Error> {
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
        &self.shape.ctype
    }

    pub(crate) fn layout(&self) -> &Type {
        &self.shape.layout
    }

    pub(crate) fn has_shape(&self, shape: &Arc<Shape>) -> bool {
        Arc::ptr_eq(&self.shape, shape)
    }

    /// Its bytes, padding included.
    pub fn bytes(&self) -> &[u8] {
        self.storage.bytes()
    }

    /// Its bytes, to be written.
    ///
    /// # Safety
    /// Pointers in what is written are vouched for as in [`Ptr::new`].
    #[allow(unsafe_code)]
    pub unsafe fn bytes_mut(&mut self) -> &mut [u8] {
        self.storage.bytes_mut()
    }

    /// Its address.
    pub fn as_ptr(&self) -> *const u8 {
        self.storage.as_ptr()
    }

    /// Its address, to be written through.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.storage.as_mut_ptr()
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
        let spot = Spot::find(self.ctype(), path)?;
        spot.read(self.bytes())
    }

    /// Writes the member `path`; numbers are converted where they fit.
    ///
    /// # Errors
    /// A name or index that the type does not have; a value that does not fit.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<(), Error> {
        let spot = Spot::find(self.ctype(), path)?;
        spot.write(self.storage.bytes_mut(), &value.into())
    }
}

fn has_pointer(layout: &Type) -> bool {
    let pointer = Scalar::Pointer;
    !layout.for_each_leaf(host::MODEL, &mut |leaf| leaf.scalar != pointer)
}

/// A member's place.
struct Spot {
    ctype: CType,
    place: Place,
    /// Whether other members share its memory.
    in_union: bool,
}

impl Spot {
    fn find(ctype: &CType, path: &str) -> Result<Spot, Error> {
        let start = Place::Bytes(callsmith_arch::Size::ZERO);
        let mut spot = Spot { ctype: ctype.clone(), place: start, in_union: false };
        let mut rest = path;
        while !rest.is_empty() {
            let missing =
                |part: &str| Error::from(ErrorKind::NoField { ty: ctype.to_string(), field: part.into() });
            if let Some(after) = rest.strip_prefix('[') {
                let (index, after) = after.split_once(']').ok_or_else(|| missing(rest))?;
                let index = index.trim().parse::<u64>().map_err(|_| missing(index))?;
                spot = spot.element(index).ok_or_else(|| missing(&format!("[{index}]")))?;
                rest = after;
            } else {
                let name = rest.strip_prefix('.').unwrap_or(rest);
                let end = name.find(['.', '[']).unwrap_or(name.len());
                let (name, after) = name.split_at(end);
                spot = spot.member(name)?.ok_or_else(|| missing(name))?;
                rest = after;
            }
        }
        Ok(spot)
    }

    fn offset(&self) -> u64 {
        match self.place {
            Place::Bytes(offset) => offset.bytes(),
            Place::Bits { first, .. } => first / 8,
        }
    }

    /// A place inside this one.
    fn inner(&self, ctype: CType, place: Place) -> Option<Spot> {
        let outer = self.offset();
        let place = match place {
            Place::Bytes(offset) => {
                Place::Bytes(callsmith_arch::Size::new(offset.bytes().checked_add(outer)?)?)
            }
            Place::Bits { first, width } => {
                Place::Bits { first: first.checked_add(outer.checked_mul(8)?)?, width }
            }
        };
        let union = match self.ctype.resolved().kind() {
            Kind::Record(record) => record.kind() == RecordKind::Union,
            _ => false,
        };
        Some(Spot { ctype, place, in_union: self.in_union || union })
    }

    fn element(&self, index: u64) -> Option<Spot> {
        let (element, len) = match self.ctype.resolved().kind() {
            Kind::Array { element, len } => (element, len.unwrap_or(0)),
            Kind::Vector { lane, bytes } => {
                let size = lane.size(host::MODEL).ok()?.bytes();
                (lane, bytes.checked_div(size)?)
            }
            Kind::Complex(part) => (CType::from(part), 2),
            _ => return None,
        };
        let size = element.size(host::MODEL).ok()?;
        let place = Place::Bytes(size.checked_mul(index)?);
        if index >= len { None } else { self.inner(element, place) }
    }

    /// The member `name`, also where it is in an unnamed struct or union.
    fn member(&self, name: &str) -> Result<Option<Spot>, Error> {
        for Field { name: given, ty, place } in fields(&self.ctype)? {
            let field = self.inner(ty, place);
            match (given, field) {
                (Some(given), Some(field)) if given == name => return Ok(Some(field)),
                (None, Some(field)) => {
                    if let Some(inner) = field.member(name)? {
                        return Ok(Some(inner));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn layout(&self) -> Result<Type, Error> {
        let wrong = |why: String| ErrorKind::Type { ty: self.ctype.to_string(), why };
        let layout = self.ctype.lower(host::MODEL).map_err(|error| wrong(error.to_string()))?;
        Ok(layout.ok_or_else(|| wrong("void has no values".into()))?)
    }

    /// The bytes of this place in `all`.
    fn range(&self, layout: &Type) -> std::ops::Range<usize> {
        let start = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        let len = usize::try_from(layout.size(host::MODEL).bytes()).unwrap_or(usize::MAX);
        start..start.saturating_add(len)
    }

    fn read(&self, all: &[u8]) -> Result<Value, Error> {
        let layout = self.layout()?;
        if let (Place::Bits { first, width }, Type::Scalar(scalar)) = (self.place, &layout) {
            return Ok(bits::read(all, first, width, *scalar));
        }
        if self.in_union && has_pointer(&layout) {
            let why =
                "a pointer in a union may be a number that another member wrote: read the bytes instead"
                    .into();
            return Err(ErrorKind::Type { ty: self.ctype.to_string(), why }.into());
        }
        let bytes = all.get(self.range(&layout)).unwrap_or_default();
        match scalar_value(&layout, bytes) {
            Some(value) => Ok(value),
            None => {
                let mut data = Data::new(&self.ctype)?;
                data.fill_from(bytes)?;
                Ok(data.into())
            }
        }
    }

    fn write(&self, all: &mut [u8], value: &Value) -> Result<(), Error> {
        let layout = self.layout()?;
        let unfit = |why| {
            let wanted = self.ctype.to_string();
            Error::from(ErrorKind::Value { wanted, given: value.describe(), why })
        };
        let value = to_type(value, &layout).map_err(unfit)?;
        if let (Place::Bits { first, width }, Type::Scalar(scalar)) = (self.place, &layout) {
            return bits::write(all, first, width, *scalar, &value).map_err(|why| unfit(Some(why)));
        }
        if let Some(bytes) = all.get_mut(self.range(&layout)) {
            store(&value, bytes);
        }
        Ok(())
    }
}

fn fields(ctype: &CType) -> Result<Vec<Field>, Error> {
    let fields = ctype.resolved().fields(host::MODEL);
    let fields = fields.map_err(|error| ErrorKind::Type { ty: ctype.to_string(), why: error.to_string() })?;
    Ok(fields.unwrap_or_default())
}

/// The scalar that these bytes are, where there is a variant for it.
fn scalar_value(layout: &Type, bytes: &[u8]) -> Option<Value> {
    macro_rules! number {
        ($rust:ty) => {
            Some(<$rust>::from_le_bytes(bytes.try_into().ok()?).into())
        };
    }
    let Type::Scalar(scalar) = layout else { return None };
    match scalar {
        Scalar::Bool => Some(Value::Bool(bytes.first().is_some_and(|byte| *byte != 0))),
        Scalar::I8 => number!(i8),
        Scalar::U8 => number!(u8),
        Scalar::I16 => number!(i16),
        Scalar::U16 => number!(u16),
        Scalar::I32 => number!(i32),
        Scalar::U32 => number!(u32),
        Scalar::I64 => number!(i64),
        Scalar::U64 => number!(u64),
        Scalar::I128 => number!(i128),
        Scalar::U128 => number!(u128),
        Scalar::Float(Float::F32) => number!(f32),
        Scalar::Float(Float::F64) => number!(f64),
        Scalar::Float(Float::X87) => {
            let significant: [u8; 10] = bytes.get(..10)?.try_into().ok()?;
            Some(LongDouble::from_bytes(significant).into())
        }
        Scalar::Pointer => {
            let address = usize::from_le_bytes(bytes.try_into().ok()?);
            Some(Value::Pointer(Ptr::exposed(address)))
        }
        Scalar::Float(Float::F16 | Float::F128) => None,
    }
}

/// Writes a value of exactly this many bytes.
fn store(value: &Value, bytes: &mut [u8]) {
    fn put(bytes: &mut [u8], from: &[u8]) {
        let len = bytes.len().min(from.len());
        bytes[..len].copy_from_slice(&from[..len]);
    }
    match value {
        Value::Void => {}
        Value::Bool(x) => put(bytes, &[u8::from(*x)]),
        Value::I8(x) => put(bytes, &x.to_le_bytes()),
        Value::U8(x) => put(bytes, &x.to_le_bytes()),
        Value::I16(x) => put(bytes, &x.to_le_bytes()),
        Value::U16(x) => put(bytes, &x.to_le_bytes()),
        Value::I32(x) => put(bytes, &x.to_le_bytes()),
        Value::U32(x) => put(bytes, &x.to_le_bytes()),
        Value::I64(x) => put(bytes, &x.to_le_bytes()),
        Value::U64(x) => put(bytes, &x.to_le_bytes()),
        Value::I128(x) => put(bytes, &x.to_le_bytes()),
        Value::U128(x) => put(bytes, &x.to_le_bytes()),
        Value::F32(x) => put(bytes, &x.to_le_bytes()),
        Value::F64(x) => put(bytes, &x.to_le_bytes()),
        Value::LongDouble(x) => put(bytes, &x.to_bytes()),
        Value::Pointer(x) => put(bytes, &x.as_ptr().expose_provenance().to_le_bytes()),
        Value::Data(data) => put(bytes, data.bytes()),
    }
}

impl Clone for Data {
    fn clone(&self) -> Data {
        let mut copy = Data::of_shape(&self.shape);
        copy.storage.bytes_mut().copy_from_slice(self.bytes());
        copy
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Data) -> bool {
        self.shape.layout == other.shape.layout && self.bytes() == other.bytes()
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
        match Spot::find(self.ctype(), "") {
            Ok(spot) => show(&spot, self.bytes(), f),
            Err(error) => write!(f, "{error}"),
        }
    }
}

fn show(spot: &Spot, all: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match spot.ctype.resolved().kind() {
        Kind::Record(_) => {
            f.write_str("{")?;
            let mut separator = "";
            for Field { name, ty, place } in fields(&spot.ctype).map_err(|_| fmt::Error)? {
                let padding = name.is_none() && matches!(place, Place::Bits { .. });
                let Some(inner) = spot.inner(ty, place).filter(|_| !padding) else { continue };
                f.write_str(separator)?;
                if let Some(name) = name {
                    write!(f, ".{name} = ")?;
                }
                show(&inner, all, f)?;
                separator = ", ";
            }
            f.write_str("}")
        }
        Kind::Array { .. } | Kind::Vector { .. } | Kind::Complex(_) => {
            f.write_str("{")?;
            for index in 0.. {
                let Some(inner) = spot.element(index) else { break };
                f.write_str(if index == 0 { "" } else { ", " })?;
                show(&inner, all, f)?;
            }
            f.write_str("}")
        }
        _ => match spot.layout().and_then(|layout| Ok((spot.read(all)?, layout))) {
            Ok((Value::Data(data), _)) => {
                data.bytes().iter().rev().try_fold((), |(), byte| write!(f, "{byte:02x}"))
            }
            Ok((value, _)) => write!(f, "{value}"),
            Err(error) => write!(f, "{error}"),
        },
    }
}
