//! What `c_struct!`, `c_union!`, `c_enum!` and `opaque!` expand to calls of.
#![allow(unsafe_code)]

use super::scalar::for_each_pointer;
use super::{CRepr, Data, Value, unfit};
use crate::ctype::{CType, Kind};
use crate::error::Error;
use crate::host;
use callsmith_arch::Align;
use callsmith_arch::layout::{Member, Place, Record, RecordAttrs, RecordKind, Type};
use std::mem::MaybeUninit;

/// A Rust struct or union on its way to a layout: its members, and where rustc has put them.
pub struct Layout {
    name: &'static str,
    attrs: RecordAttrs,
    members: Vec<Member>,
    /// The first bit and the number of bits of each, 0 for what is no bit-field.
    places: Vec<(u64, u16)>,
}

impl Layout {
    /// Without members. `pack` and `align` are 0 where nothing is said of them.
    pub fn new(name: &'static str, kind: RecordKind, pack: u64, align: u64) -> Layout {
        let mut attrs = RecordAttrs::new(kind);
        attrs.pack = Align::new(pack);
        attrs.align = Align::new(align);
        Layout { name, attrs, members: Vec::new(), places: Vec::new() }
    }

    /// Another member, of the type `T`, at `offset`; with widths, as many bit-fields in a `T`.
    pub fn member<T: CRepr>(&mut self, offset: usize, widths: &[u16]) {
        let mut first = offset as u64 * 8;
        if widths.is_empty() {
            self.members.push(Member::new(T::ty()));
            self.places.push((first, 0));
        }
        for width in widths {
            self.members.push(Member::bits(T::ty(), (*width).into()));
            self.places.push((first, *width));
            first += u64::from(*width);
        }
    }

    /// The layout, if C has the same.
    ///
    /// # Panics
    /// If rustc laid it out as C does not: a member type whose `CRepr` is wrong, or bit-fields that C puts elsewhere.
    pub fn finish<T>(self) -> Type {
        let Layout { name, attrs, members, places } = self;
        let record = Record::new(host::MODEL, attrs, &members);
        let record = record.unwrap_or_else(|error| panic!("{name} has no layout in C: {error}"));
        let same = record.size.bytes() == size_of::<T>() as u64
            && record.align.bytes() == align_of::<T>() as u64
            && record.fields.iter().zip(places).all(|(field, place)| match field.place {
                Place::Bytes(offset) => place == (offset.bytes() * 8, 0),
                Place::Bits { first, width } => place == (first, width),
            });
        assert!(same, "{name} is laid out otherwise in Rust than in C");
        record.into()
    }
}

/// Integers that bit-fields can be in.
pub trait BitStorage: CRepr {
    /// The `width` bits from bit `start` on, with their sign if the type has one.
    fn bits(self, start: u32, width: u32) -> Self;

    /// The same integer with the low `width` bits of `value` there.
    fn with_bits(self, start: u32, width: u32, value: Self) -> Self;
}

macro_rules! storage {
    ($($ty:ty),*) => {$(
        impl BitStorage for $ty {
            #[inline]
            fn bits(self, start: u32, width: u32) -> $ty {
                // Out of the top, where the sign is, and down again.
                (self << (<$ty>::BITS - width - start)) >> (<$ty>::BITS - width)
            }

            #[inline]
            fn with_bits(self, start: u32, width: u32, value: $ty) -> $ty {
                let all: $ty = !0;
                let mask = if width >= <$ty>::BITS { all } else { !(all << width) };
                self & !(mask << start) | (value & mask) << start
            }
        }
    )*};
}

storage! { i8, u8, i16, u16, i32, u32, i64, u64 }

/// A bit-field of a struct: of the member that it is in, its own name, its width.
pub type Bits = (&'static str, &'static str, u16);

/// Where the bit-field `name` of `member`, which has `bits` bits, starts in it.
///
/// # Panics
/// When the program is compiled: bit-fields that do not fit into their member.
pub const fn start_of(all: &[Bits], member: &str, name: &str, bits: u32) -> u32 {
    let mut start = 0;
    let mut index = 0;
    while index < all.len() {
        let (of, this, width) = all[index];
        if same(of, member) {
            let end = start + width as u32;
            assert!(width > 0 && end <= bits, "bit-fields of more bits than their member has, or of none");
            if same(this, name) {
                return start;
            }
            start = end;
        }
        index += 1;
    }
    start
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    one.len() == other.len()
}

/// A struct or union as a value of the type `c`; `Void`, which fits nothing, where it is not of that type.
pub fn struct_value<T: CRepr>(native: &T, c: Option<&CType>) -> Value {
    c.and_then(|c| data_of(native, c)).map_or(Value::Void, Value::Data)
}

/// A struct or union as data of the type `c`, if it is of that type.
pub(super) fn data_of<T: CRepr>(native: &T, c: &CType) -> Option<Data> {
    let data = Some(c).filter(|c| T::is(c)).and_then(|c| Data::new(c).ok());
    // An array of a type stands for that type too, where it is pointed at.
    let mut data = data.filter(|data| data.bytes().len() == size_of::<T>())?;
    // SAFETY: `T` has the representation of the data's type, and pointers in it are `Ptr`s, which are vouched for.
    unsafe { copy_initialised(native, data.bytes_mut()) };
    Some(data)
}

/// Copies a value's bytes. What is uninitialised in it, padding and what a union's member leaves free, becomes any bytes.
fn copy_initialised<T: CRepr>(native: &T, bytes: &mut [u8]) {
    let len = bytes.len().min(size_of::<T>());
    let start = bytes.as_mut_ptr();
    // SAFETY: as many bytes as both have. The empty assembly may write all memory that it can reach for all that the
    // compiler knows, so behind it every byte has a value, which is what the slice promises. (Miri, which has no
    // assembly, says so where that is needed.)
    unsafe {
        std::ptr::from_ref(native).cast::<MaybeUninit<u8>>().copy_to_nonoverlapping(start.cast(), len);
        #[cfg(not(miri))]
        std::arch::asm!("/* {0} */", in(reg) start, options(nostack, preserves_flags));
    }
    // As numbers in those bytes the pointers will be found again.
    for_each_pointer(&T::ty(), 0, &mut |offset| {
        // SAFETY: a pointer is there, in no union, so it is initialised.
        let pointer =
            unsafe { std::ptr::from_ref(native).byte_add(offset).cast::<*const ()>().read_unaligned() };
        pointer.expose_provenance();
    });
}

/// A struct or union from a value: from data of its type.
///
/// # Errors
/// Anything else.
pub fn struct_from<T: CRepr>(value: Value) -> Result<T, Error> {
    match &value {
        Value::Data(data) => data.view().read(),
        _ => Err(unfit(std::any::type_name::<T>(), &value)),
    }
}

/// Whether `c` is an integer or enumeration of as many bytes as `T`, signed or not.
pub fn is_enum<T>(c: &CType) -> bool {
    let integer = matches!(c.resolved().kind(), Kind::Integer(_) | Kind::Enum(_));
    integer && c.size(host::MODEL).is_ok_and(|size| size.bytes() == size_of::<T>() as u64)
}

/// Whether `c` is a struct or union with this tag, or a typedef of this name.
pub fn is_named(c: &CType, name: &str) -> bool {
    match c.kind() {
        Kind::Typedef { name: typedef, target, .. } => typedef == name || is_named(&target, name),
        Kind::Record(record) => record.tag() == Some(name),
        _ => false,
    }
}
