//! Classification, psABI 3.2.3: "The size of each argument gets rounded up to eightbytes." The numbers are the
//! document's.
//!
//! MEMORY is no [`Class`] but the error of a classification, since rule 5(a) makes the whole value memory.

use super::rule;
use crate::layout::{Float, Place, Record, RecordKind, Scalar, Type};
use crate::plan::Rule;

static LARGE: Rule = rule("MEMORY", "1. larger than eight eightbytes");
static UNALIGNED: Rule = rule("MEMORY", "1. contains unaligned fields");
static X87_SHARED: Rule = rule("MEMORY", "4(e) an eightbyte of class X87 shared with another class");
static LONE_X87UP: Rule = rule("MEMORY", "5(b) X87UP is not preceded by X87");
static ONE_DOUBLE: Rule =
    Rule { class: "MEMORY", section: "gcc, clang", text: "a vector of one double is no __m64" };
static NO_VECTOR: Rule = rule("MEMORY", "5(c) exceeds two eightbytes and is not one vector");

/// The classes of an eightbyte.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "NO_CLASS is the document's name")]
pub(super) enum Class {
    Integer,
    Sse,
    SseUp,
    X87,
    X87Up,
    ComplexX87,
    NoClass,
}

/// The whole value has class MEMORY, for this reason.
pub(super) struct Memory(pub(super) &'static Rule);

/// A value of at most eight eightbytes, and their classes.
pub(super) struct Eightbytes {
    pub(super) classes: [Class; 8],
    /// The value's size in bytes.
    pub(super) size: u32,
}

/// "The basic types are assigned their natural classes": that of the first eightbyte, and of those after it.
pub(super) const fn natural_classes(scalar: Scalar) -> (Class, Class) {
    match scalar {
        // "Arguments of types […] _Bool, char, short, int, long, long long, and pointers are in the INTEGER class."
        Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 => {
            (Class::Integer, Class::NoClass)
        }
        Scalar::I32 | Scalar::U32 | Scalar::I64 | Scalar::U64 | Scalar::Pointer => {
            (Class::Integer, Class::NoClass)
        }
        // "__int128 is treated as if it were implemented as […] struct { long low, high; }."
        Scalar::I128 | Scalar::U128 => (Class::Integer, Class::Integer),
        Scalar::Float(float) => match float {
            // "Arguments of types _Float16, float, double, _Decimal32, _Decimal64 and __m64 are in class SSE."
            // "Arguments of types __float128, _Decimal128 and __m128 are split into two halves": SSE and SSEUP.
            Float::F16 | Float::F32 | Float::F64 | Float::F128 => (Class::Sse, Class::SseUp),
            // "The 64-bit mantissa of arguments of type long double belongs to class X87, the 16-bit exponent plus
            // 6 bytes of padding belongs to class X87UP."
            Float::X87 => (Class::X87, Class::X87Up),
        },
    }
}

/// 4. "The resulting class is calculated according to the classes of the fields in the eightbyte."
fn merge(a: Class, b: Class) -> Result<Class, Memory> {
    use Class::{ComplexX87, Integer, NoClass, Sse, SseUp, X87, X87Up};
    match (a, b) {
        // (a) "If both classes are equal, this is the resulting class."
        (a, b) if a == b => Ok(a),
        // (b) "If one of the classes is NO_CLASS, the resulting class is the other class."
        (NoClass, other) | (other, NoClass) => Ok(other),
        // (c) "If one of the classes is MEMORY, the result is the MEMORY class": has happened as an error.
        // (d) "If one of the classes is INTEGER, the result is the INTEGER."
        (Integer, _) | (_, Integer) => Ok(Integer),
        // (e) "If one of the classes is X87, X87UP, COMPLEX_X87 class, MEMORY is used as class."
        (X87 | X87Up | ComplexX87, _) | (_, X87 | X87Up | ComplexX87) => Err(Memory(&X87_SHARED)),
        // (f) "Otherwise class SSE is used."
        (Sse | SseUp, Sse | SseUp) => Ok(Sse),
    }
}

impl Eightbytes {
    /// The classes of the value's eightbytes, each with its offset.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Class)> {
        let count = self.size.div_ceil(8);
        (0..count).zip(&self.classes).map(|(index, &class)| (8 * index, class))
    }

    /// Classification of a value of `size` bytes.
    pub(super) fn classify(ty: &Type, size: u32) -> Result<Eightbytes, Memory> {
        // 1. "If the size of an object is larger than eight eightbytes […] it has class MEMORY."
        if size > 64 {
            return Err(Memory(&LARGE));
        }
        // 3. "Each eightbyte gets initialized to class NO_CLASS."
        let mut eightbytes = Eightbytes { classes: [Class::NoClass; 8], size };
        match ty {
            // "The basic types are assigned their natural classes": nothing to merge, nothing to clean up.
            Type::Scalar(scalar) => {
                let (first, rest) = natural_classes(*scalar);
                eightbytes.classes[0] = first;
                eightbytes.classes[1] = rest;
            }
            // "A variable of type complex long double is classified as type COMPLEX_X87."
            Type::Complex(Float::X87) => eightbytes.classes[0] = Class::ComplexX87,
            Type::Complex(_) | Type::Vector(_) | Type::Array(_) => {
                eightbytes.field(ty, 0)?;
                eightbytes.clean_up(0, size.into())?;
            }
            Type::Record(record) => {
                eightbytes.members(record, 0)?;
                eightbytes.clean_up(0, size.into())?;
            }
        }
        Ok(eightbytes)
    }

    /// 4. "Each field of an object is classified recursively so that always two fields are considered."
    fn field(&mut self, ty: &Type, offset: u64) -> Result<(), Memory> {
        let size = ty.size(super::MODEL).bytes();
        match ty {
            Type::Scalar(scalar) => self.basic(offset, size, natural_classes(*scalar)),
            // Not in the document: of the vectors of 8 bytes, gcc and clang have that of one double in memory.
            Type::Vector(vector) if vector.lane == Scalar::Float(Float::F64) && size == 8 => {
                Err(Memory(&ONE_DOUBLE))
            }
            // "__m256 [is] split into four eightbyte chunks. The least significant one belongs to class SSE and all
            // the others to class SSEUP." __m64, __m128 and __m512 likewise.
            Type::Vector(_) => self.basic(offset, size, (Class::Sse, Class::SseUp)),
            // "Arguments of complex T […] are treated as if they are implemented as […] struct { T real; T imag; }."
            Type::Complex(float) => [0, size / 2].into_iter().try_for_each(|part| {
                self.basic(offset + part, size / 2, natural_classes(Scalar::Float(*float)))
            }),
            Type::Array(array) => {
                let stride = array.element.size(super::MODEL).bytes();
                let len = size.checked_div(stride).unwrap_or(0);
                (0..len).try_for_each(|index| self.field(&array.element, offset + index * stride))
            }
            // "Recursively": the cleanup too, as gcc and clang have it, before the record meets its neighbours.
            Type::Record(record) => {
                let mut inner = Eightbytes { classes: [Class::NoClass; 8], size: self.size };
                inner.members(record, offset)?;
                inner.clean_up(offset, size)?;
                for (class, other) in self.classes.iter_mut().zip(inner.classes) {
                    *class = merge(*class, other)?;
                }
                Ok(())
            }
        }
    }

    /// The fields of a record that starts at `offset`.
    fn members(&mut self, record: &Record, offset: u64) -> Result<(), Memory> {
        record.fields.iter().try_for_each(|field| match field.place {
            Place::Bytes(at) => self.field(&field.ty, offset + at.bytes()),
            // Not in the document: in a union, gcc has a bit-field as an integer of the fewest bytes that hold it, which
            // can be unaligned.
            Place::Bits { first: 0, width } if record.kind == RecordKind::Union => {
                let size = u64::from(width).div_ceil(8).next_power_of_two();
                self.basic(offset, size, (Class::Integer, Class::Integer))
            }
            // Not in the document: in a struct, gcc has bit-fields as INTEGER, aligned or not, with a name or without.
            Place::Bits { first, width } => {
                let bytes = (first % 8 + u64::from(width)).div_ceil(8);
                self.touch(offset + first / 8, bytes, (Class::Integer, Class::Integer))
            }
        })
    }

    /// A field of a basic type, whose alignment on x86-64 is its size.
    fn basic(&mut self, offset: u64, size: u64, classes: (Class, Class)) -> Result<(), Memory> {
        // 1. "[…] or it contains unaligned fields, it has class MEMORY."
        if !offset.is_multiple_of(size) {
            return Err(Memory(&UNALIGNED));
        }
        self.touch(offset, size, classes)
    }

    /// Merges a class into the first eightbyte that these bytes touch, and another into those after it.
    fn touch(&mut self, offset: u64, size: u64, (first, rest): (Class, Class)) -> Result<(), Memory> {
        let touched = eightbyte(offset)..eightbyte(offset + size + 7);
        let mut class = first;
        for merged in self.classes.get_mut(touched).unwrap_or_default() {
            *merged = merge(*merged, class)?;
            class = rest;
        }
        Ok(())
    }

    /// 5. "Then a post merger cleanup is done": of the eightbytes of an aggregate of `size` bytes at `offset`.
    fn clean_up(&mut self, offset: u64, size: u64) -> Result<(), Memory> {
        let own = eightbyte(offset)..eightbyte(offset + size + 7);
        let wide = size > 16;
        let mut before = Class::NoClass;
        let mut of_vector = Class::Sse;
        for class in self.classes.get_mut(own).unwrap_or_default() {
            // (b) "If X87UP is not preceded by X87, the whole argument is passed in memory."
            if *class == Class::X87Up && before != Class::X87 {
                return Err(Memory(&LONE_X87UP));
            }
            // (c) "If the size of the aggregate exceeds two eightbytes and the first eightbyte isn't SSE or any other
            // eightbyte isn't SSEUP, the whole argument is passed in memory."
            if wide && *class != of_vector {
                return Err(Memory(&NO_VECTOR));
            }
            of_vector = Class::SseUp;
            // (d) "If SSEUP is not preceded by SSE or SSEUP, it is converted to SSE."
            if *class == Class::SseUp && !matches!(before, Class::Sse | Class::SseUp) {
                *class = Class::Sse;
            }
            before = *class;
        }
        Ok(())
    }
}

/// The number of the eightbyte that a byte is in.
fn eightbyte(offset: u64) -> usize {
    usize::try_from(offset / 8).unwrap_or(usize::MAX)
}
