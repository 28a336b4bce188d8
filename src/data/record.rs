//! What `c_struct!` and `opaque!` expand to calls of.
#![allow(unsafe_code)]

use super::{CRepr, Data, Value, unfit};
use crate::ctype::{CType, Kind};
use crate::error::Error;
use crate::host;
use callsmith_arch::layout::{Member, Place, Record, RecordAttrs, RecordKind, Type};
use std::mem::MaybeUninit;

/// The layout of a Rust struct with these members at these offsets, `size` and `align`.
///
/// # Panics
/// If rustc laid it out as C does not: a member type whose `CRepr` is wrong.
pub fn c_struct(name: &str, members: &[(Type, usize)], size: usize, align: usize) -> Type {
    let attrs =
        RecordAttrs { kind: RecordKind::Struct, packed: false, align: None, pack: None, bit_fields: None };
    let plain = |ty: &Type| Member { ty: ty.clone(), bits: None, padding: false, packed: false, align: None };
    let plain: Vec<Member> = members.iter().map(|(ty, _)| plain(ty)).collect();
    let record = Record::new(host::MODEL, attrs, &plain);
    let record = record.unwrap_or_else(|error| panic!("{name} has no layout in C: {error}"));
    let same = record.size.bytes() == size as u64
        && record.align.bytes() == align as u64
        && record.fields.iter().zip(members).all(|(field, (_, offset))| match field.place {
            Place::Bytes(place) => place.bytes() == *offset as u64,
            Place::Bits { .. } => false,
        });
    assert!(same, "{name} is laid out otherwise in Rust than in C");
    record.into()
}

/// A struct as a value of the type `c`; `Void`, which fits nothing, where it is not of that type.
pub fn struct_value<T: CRepr>(native: &T, c: Option<&CType>) -> Value {
    let data = c.filter(|c| T::is(c)).and_then(|c| Data::new(c).ok());
    let Some(mut data) = data else { return Value::Void };
    // SAFETY: `T` has the representation of the data's type, and pointers in it are `Ptr`s, which are vouched for.
    unsafe { copy_initialised(native, data.bytes_mut()) };
    data.into()
}

/// Copies a value's bytes. What is uninitialised in it, padding and what a union's member leaves free, becomes any bytes.
fn copy_initialised<T: Copy>(native: &T, bytes: &mut [u8]) {
    let len = bytes.len().min(size_of::<T>());
    let start = bytes.as_mut_ptr();
    // SAFETY: as many bytes as both have. The empty assembly may write all memory that it can reach for all that the
    // compiler knows, so behind it every byte has a value, which is what the slice promises.
    unsafe {
        std::ptr::from_ref(native).cast::<MaybeUninit<u8>>().copy_to_nonoverlapping(start.cast(), len);
        std::arch::asm!("/* {0} */", in(reg) start, options(nostack, preserves_flags));
    }
}

/// A struct from a value of another type: never.
pub fn struct_from<T>(value: Value) -> Result<T, Error> {
    Err(unfit(std::any::type_name::<T>(), &value))
}

/// Whether `c` is a struct or union with this tag, or a typedef of this name.
pub fn is_named(c: &CType, name: &str) -> bool {
    match c.kind() {
        Kind::Typedef { name: typedef, target, .. } => typedef == name || is_named(&target, name),
        Kind::Record(record) => record.tag() == Some(name),
        _ => false,
    }
}
