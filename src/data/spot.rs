//! Places inside of C data: found by path, read and written as values.

use super::convert::to_type;
use super::{Data, LongDouble, Ptr, Value, bits};
use crate::ctype::{CType, Field, Kind};
use crate::error::{Error, ErrorKind};
use crate::host;
use callsmith_arch::Size;
use callsmith_arch::layout::{Float, Place, RecordKind, Scalar, Type};
use std::fmt;

pub(super) fn has_pointer(layout: &Type) -> bool {
    let pointer = Scalar::Pointer;
    !layout.for_each_leaf(host::MODEL, &mut |leaf| leaf.scalar != pointer)
}

/// A member's place.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) ctype: CType,
    place: Place,
    /// Whether a pointer here may be a number that somebody wrote: in a union, in bytes of unknown origin.
    doubtful: bool,
}

impl Spot {
    /// The whole of a value of type `ctype`.
    pub(super) fn whole(ctype: &CType, doubtful: bool) -> Spot {
        Spot { ctype: ctype.clone(), place: Place::Bytes(Size::ZERO), doubtful }
    }

    /// The member `path` of this place: names joined by dots, `[n]` for elements.
    pub(super) fn find(&self, path: &str) -> Result<Spot, Error> {
        let ctype = &self.ctype;
        let mut spot = self.clone();
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

    /// How many elements an array, a vector or a complex number has.
    pub(super) fn len(&self) -> u64 {
        match self.ctype.resolved().kind() {
            Kind::Array { len, .. } => len.unwrap_or(0),
            Kind::Vector { lane, bytes } => {
                lane.size(host::MODEL).ok().and_then(|size| bytes.checked_div(size.bytes())).unwrap_or(0)
            }
            Kind::Complex(_) => 2,
            _ => 0,
        }
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
            Place::Bytes(offset) => Place::Bytes(Size::new(offset.bytes().checked_add(outer)?)?),
            Place::Bits { first, width } => {
                Place::Bits { first: first.checked_add(outer.checked_mul(8)?)?, width }
            }
        };
        let union = match self.ctype.resolved().kind() {
            Kind::Record(record) => record.kind() == RecordKind::Union,
            _ => false,
        };
        Some(Spot { ctype, place, doubtful: self.doubtful || union })
    }

    pub(super) fn element(&self, index: u64) -> Option<Spot> {
        let element = match self.ctype.resolved().kind() {
            Kind::Array { element, .. } => element,
            Kind::Vector { lane, .. } => lane,
            Kind::Complex(part) => CType::from(part),
            _ => return None,
        };
        let size = element.size(host::MODEL).ok()?;
        let place = Place::Bytes(size.checked_mul(index)?);
        if index >= self.len() { None } else { self.inner(element, place) }
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

    pub(super) fn layout(&self) -> Result<Type, Error> {
        let wrong = |why: String| ErrorKind::Type { ty: self.ctype.to_string(), why };
        let layout = self.ctype.lower(host::MODEL).map_err(|error| wrong(error.to_string()))?;
        Ok(layout.ok_or_else(|| wrong("void has no values".into()))?)
    }

    /// The bytes of this place in `all`.
    pub(super) fn range(&self, layout: &Type) -> std::ops::Range<usize> {
        let start = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        let len = usize::try_from(layout.size(host::MODEL).bytes()).unwrap_or(usize::MAX);
        start..start.saturating_add(len)
    }

    pub(super) fn read(&self, all: &[u8]) -> Result<Value, Error> {
        let layout = self.layout()?;
        if let (Place::Bits { first, width }, Type::Scalar(scalar)) = (self.place, &layout) {
            return Ok(bits::read(all, first, width, *scalar));
        }
        if self.doubtful && has_pointer(&layout) {
            let why =
                "a pointer in a union, or in bytes of unknown origin, may be any number: read the bytes instead"
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

    pub(super) fn write(&self, all: &mut [u8], value: &Value) -> Result<(), Error> {
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

pub(super) fn fields(ctype: &CType) -> Result<Vec<Field>, Error> {
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

pub(super) fn show(spot: &Spot, all: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
