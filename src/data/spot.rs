//! Places inside of C data: found by path, read and written as values.

use super::convert::to_type;
use super::scalar::{scalar_value, store, turn_around};
use super::{Data, Ptr, Value, bits};
use crate::ctype::{ByteOrder, CType, Field, Kind, RecordType};
use crate::error::{Error, ErrorKind};
use crate::host;
use callsmith_arch::Size;
use callsmith_arch::layout::{Place, RecordKind, Scalar, Type};
use std::marker::PhantomData;
use std::ops::Range;

/// A member's place.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) ctype: CType,
    place: Place,
    /// Whether a pointer here may be a number that somebody wrote: in a union, in bytes of unknown origin.
    doubtful: bool,
    /// The order of the bytes of scalars here.
    order: ByteOrder,
    /// Where the memory ends, if nothing stands behind this place in it: a flexible array goes on to there.
    end: Option<u64>,
    /// A pointer may be read here, which is its thread's own.
    pointers: PhantomData<Ptr>,
}

impl Spot {
    /// The whole of a value of type `ctype` in `len` bytes of memory.
    pub(super) fn whole(ctype: &CType, doubtful: bool, len: usize) -> Spot {
        Spot {
            ctype: ctype.clone(),
            place: Place::Bytes(Size::ZERO),
            doubtful,
            order: ByteOrder::Little,
            end: u64::try_from(len).ok(),
            pointers: PhantomData,
        }
    }

    /// The member `path` of this place: names joined by dots, `[n]` for elements.
    pub(super) fn find(&self, path: &str) -> Result<Spot, Error> {
        let mut spot = self.clone();
        let mut rest = path;
        while !rest.is_empty() {
            let ctype = spot.ctype.clone();
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

    /// How many elements an array, a vector or a complex number has; for a flexible array, as many as there is room for.
    pub(super) fn len(&self) -> u64 {
        let count = |element: &CType, bytes: u64| {
            element.size(host::MODEL).ok().and_then(|size| bytes.checked_div(size.bytes())).unwrap_or(0)
        };
        match self.ctype.resolved().kind() {
            Kind::Array { len: Some(len), .. } => len,
            Kind::Array { element, len: None } => {
                count(&element, self.end.unwrap_or(0).saturating_sub(self.offset()))
            }
            Kind::Vector { lane, bytes } => count(&lane, bytes),
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

    /// Whether scalars here are not in the host's byte order.
    pub(super) fn is_turned(&self) -> bool {
        self.order == ByteOrder::Big
    }

    /// Whether C may be pointed here: at no bit-field, nothing turned around, no pointer that may be any number.
    pub(super) fn is_referable(&self) -> bool {
        let vouched = self.layout().is_ok_and(|layout| self.vouch(&layout).is_ok());
        vouched && !self.is_bits() && !self.is_turned()
    }

    /// Whether this is a bit-field, which has no address.
    pub(super) fn is_bits(&self) -> bool {
        matches!(self.place, Place::Bits { .. })
    }

    /// The struct or union that this is.
    fn record(&self) -> Option<RecordType> {
        if let Kind::Record(record) = self.ctype.resolved().kind() { Some(record) } else { None }
    }

    /// A place inside this one. `last`: nothing stands behind it in this one.
    pub(super) fn inner(&self, ctype: CType, place: Place, last: bool) -> Option<Spot> {
        let outer = self.offset();
        let place = match place {
            Place::Bytes(offset) => Place::Bytes(Size::new(offset.bytes().checked_add(outer)?)?),
            Place::Bits { first, width } => {
                Place::Bits { first: first.checked_add(outer.checked_mul(8)?)?, width }
            }
        };
        let record = self.record();
        let union = record.as_ref().is_some_and(|record| record.kind() == RecordKind::Union);
        // Each record has its own order; elements have that of the whole.
        let order = record.map_or(self.order, |record| record.byte_order().unwrap_or(ByteOrder::Little));
        Some(Spot {
            ctype,
            place,
            doubtful: self.doubtful || union,
            order,
            end: self.end.filter(|_| last && !union),
            pointers: PhantomData,
        })
    }

    pub(super) fn element(&self, index: u64) -> Option<Spot> {
        let element = self.ctype.element()?;
        let place = Place::Bytes(element.size(host::MODEL).ok()?.checked_mul(index)?);
        if index >= self.len() { None } else { self.inner(element, place, false) }
    }

    /// Elements of an array, as an array.
    pub(super) fn elements(&self, range: &Range<u64>) -> Option<Spot> {
        let Kind::Array { element, .. } = self.ctype.resolved().kind() else { return None };
        let count = range.end.checked_sub(range.start)?;
        let place = Place::Bytes(element.size(host::MODEL).ok()?.checked_mul(range.start)?);
        if range.end > self.len() {
            return None;
        }
        self.inner(CType::array_of(&element, count), place, false)
    }

    /// What an initialiser's values go to, in order: elements, or members without padding bits, of a union the first.
    pub(super) fn parts(&self) -> Result<Box<dyn Iterator<Item = Spot> + '_>, Error> {
        let Some(record) = self.record() else {
            return Ok(Box::new((0..self.len()).map_while(|index| self.element(index))));
        };
        let fields = fields(&self.ctype)?;
        let named = fields.into_iter().filter(|field| field.name.is_some() || !field.is_bit_field());
        let limit = if record.kind() == RecordKind::Union { 1 } else { usize::MAX };
        Ok(Box::new(named.take(limit).filter_map(|Field { ty, place, .. }| self.inner(ty, place, false))))
    }

    /// The member `name`, also where it is in an unnamed struct or union.
    fn member(&self, name: &str) -> Result<Option<Spot>, Error> {
        let fields = fields(&self.ctype)?;
        let count = fields.len();
        for (index, Field { name: given, ty, place }) in fields.into_iter().enumerate() {
            let field = self.inner(ty, place, index + 1 == count);
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

    /// The bytes of this place in `all`; of a bit-field those that it touches, in which no other member but bit-fields is.
    pub(super) fn range(&self, layout: &Type) -> Range<usize> {
        let (start, end) = match self.place {
            Place::Bytes(offset) => {
                (offset.bytes(), offset.bytes().saturating_add(layout.size(host::MODEL).bytes()))
            }
            Place::Bits { first, width } => (first / 8, first.saturating_add(width.into()).div_ceil(8)),
        };
        let number = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        number(start)..number(end)
    }

    /// Whether safe code may write any bytes here: where no pointer would be made of them.
    pub(super) fn is_free(&self, layout: &Type) -> bool {
        self.doubtful || !layout.has(Scalar::Pointer)
    }

    /// Refuses to give out pointers that may be any number.
    pub(super) fn vouch(&self, layout: &Type) -> Result<(), Error> {
        if !self.doubtful || !layout.has(Scalar::Pointer) {
            return Ok(());
        }
        let why =
            "a pointer in a union, or in bytes of unknown origin, may be any number: read the bytes instead"
                .into();
        Err(ErrorKind::Type { ty: self.ctype.to_string(), why }.into())
    }

    pub(super) fn read(&self, all: &[u8]) -> Result<Value, Error> {
        let layout = self.layout()?;
        self.vouch(&layout)?;
        self.read_as(all, &layout)
    }

    /// The pointer here, whoever vouches for it.
    pub(super) fn pointer(&self, all: &[u8]) -> Result<Ptr, Error> {
        match self.read_as(all, &self.layout()?)? {
            Value::Pointer(pointer) => Ok(pointer),
            other => Err(ErrorKind::Value {
                wanted: "a pointer".into(),
                given: format!("{other} ({})", self.ctype),
                why: None,
            }
            .into()),
        }
    }

    fn read_as(&self, all: &[u8], layout: &Type) -> Result<Value, Error> {
        if let (Place::Bits { first, width }, Type::Scalar(scalar)) = (self.place, layout) {
            return Ok(bits::read(all, first, width, *scalar, self.order));
        }
        let bytes = all.get(self.range(layout)).unwrap_or_default();
        let turned = (self.order == ByteOrder::Big).then(|| {
            let mut bytes = bytes.to_vec();
            turn_around(layout, &mut bytes);
            bytes
        });
        let bytes = turned.as_deref().unwrap_or(bytes);
        match scalar_value(layout, bytes) {
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
        if let Value::Data(data) = value
            && data.ctype().has_big_endian() != self.ctype.has_big_endian()
        {
            return Err(unfit(Some("its byte order is another".into())));
        }
        let value = to_type(value, &layout).map_err(unfit)?;
        if let (Place::Bits { first, width }, Type::Scalar(scalar)) = (self.place, &layout) {
            return bits::write(all, first, width, *scalar, self.order, &value)
                .map_err(|why| unfit(Some(why)));
        }
        if let Some(bytes) = all.get_mut(self.range(&layout)) {
            store(&value, bytes);
            if self.order == ByteOrder::Big {
                turn_around(&layout, bytes);
            }
        }
        Ok(())
    }
}

/// The type of the member `path` of a value of type `ctype`.
pub(crate) fn type_at(ctype: &CType, path: &str) -> Option<CType> {
    Some(Spot::whole(ctype, true, usize::MAX).find(path).ok()?.ctype)
}

pub(super) fn fields(ctype: &CType) -> Result<Vec<Field>, Error> {
    let fields = ctype.resolved().fields(host::MODEL);
    let fields = fields.map_err(|error| ErrorKind::Type { ty: ctype.to_string(), why: error.to_string() })?;
    Ok(fields.unwrap_or_default())
}
