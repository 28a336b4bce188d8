//! Memory whose type is known at run time, as arguments: by reference where the parameter is a pointer to its type, as C's
//! `&` and ctypes' `byref`; by value where it is the type itself.
#![allow(unsafe_code)]

use super::Arg;
use crate::ctype::{CType, Kind};
use crate::data::{Data, Linked, Ptr, Value, View, ViewMut};
use crate::host;
use callsmith_arch::layout::{Scalar, Type};
use std::ptr::from_ref;

/// Whether a parameter that points at `target` may be given the address of a `given`: of that very type, of an array of
/// such, or of anything for `void *`.
fn points_at(target: &CType, given: &CType, mutable: bool) -> bool {
    if !mutable && !target.qualifiers().is_const {
        return false;
    }
    if matches!(target.resolved().kind(), Kind::Void) {
        return true;
    }
    let element = match given.resolved().kind() {
        Kind::Array { element, .. } => Some(element),
        _ => None,
    };
    same(target, given) || element.is_some_and(|element| same(target, &element))
}

/// Whether memory of one is memory of the other: laid out alike, in the same byte order. Where it holds pointers, what they
/// point at must be the same too, functions among it: what was put there was compared with the type that is `given`.
fn same(wanted: &CType, given: &CType) -> bool {
    let (Ok(Some(layout)), Ok(Some(other))) = (wanted.lower(host::MODEL), given.lower(host::MODEL)) else {
        return false;
    };
    layout == other
        && wanted.has_big_endian() == given.has_big_endian()
        && (!layout.has(Scalar::Pointer) || wanted.takes_objects_of(given))
}

/// Borrowed memory on its way to C.
#[derive(Clone, Copy)]
pub struct Reference<'a> {
    /// What is there; `None` for what must not be pointed at: bit-fields, doubtful pointers, the other byte order.
    ctype: Option<&'a CType>,
    address: *const u8,
    mutable: bool,
}

impl Reference<'_> {
    /// Whether C may look for a `target` here, as far as alignment goes: a view's memory may be anywhere.
    fn is_aligned_for(self, target: &CType) -> bool {
        let align = target.align(host::MODEL).map_or(1, |align| align.bytes());
        usize::try_from(align).is_ok_and(|align| self.address.addr().is_multiple_of(align))
    }

    /// The value for a parameter of type `c`, `Void` where the memory fits it in no way. Behind a `...`, where no type says,
    /// its address.
    fn value_for(self, c: Option<&CType>) -> Value {
        let Some(given) = self.ctype else { return Value::Void };
        // SAFETY: the memory is borrowed while C runs, alone if it is mutable; what C does with it is what the signature's
        // author promised.
        let reference = || Value::Pointer(unsafe { Ptr::new(self.address.cast()) });
        let Some(c) = c else { return reference() };
        if let Some(target) = c.pointee().filter(|target| points_at(target, given, self.mutable)) {
            return if self.is_aligned_for(&target) { reference() } else { Value::Void };
        }
        if !same(c, given) {
            return Value::Void;
        }
        // SAFETY: initialised memory of this type, which nobody writes before C runs; the copy goes nowhere but to C.
        let copy = unsafe { View::at_address(given, self.address) }.and_then(|view| view.value());
        copy.unwrap_or(Value::Void)
    }
}

macro_rules! memory {
    ($([$($lifetime:lifetime),*] $rust:ty, $this:ident => $mutable:expr, $parts:expr;)*) => {$(
        // SAFETY: an address, given only where the parameter takes one of such memory, which is borrowed while C runs; or
        // a copy.
        unsafe impl<$($lifetime),*> Arg for $rust {
            type Native = Reference<'a>;
            const DIRECT: bool = false;
            const CHECKS_ITSELF: bool = true;

            /// Not known from the Rust type: every call looks at the memory's.
            fn is(_: &CType) -> bool {
                false
            }

            /// Not known from the Rust type whether there is anything to point at.
            fn variadic() -> Option<Type> {
                None
            }

            unsafe fn native(self) -> Reference<'a> {
                let $this = self;
                let (ctype, address): (Option<*const CType>, *const u8) = $parts;
                // SAFETY: a handle beside the memory, and borrowed as long.
                let ctype = ctype.map(|ctype| unsafe { &*ctype });
                Reference { ctype, address, mutable: $mutable }
            }

            unsafe fn value(native: Reference<'a>, c: Option<&CType>) -> Value {
                native.value_for(c)
            }
        }
    )*};
}

memory! {
    ['a] &'a Data, this => false, (Some(from_ref(this.ctype())), this.as_ptr());
    ['a] &'a mut Data, this => true, (Some(from_ref(this.ctype())), this.as_mut_ptr().cast_const());
    ['a, 'b] &'a Linked<'b>, this => false, (Some(from_ref(this.data().ctype())), this.data().as_ptr());
    ['a, 'b] &'a mut Linked<'b>, this => true, {
        (Some(from_ref(this.data().ctype())), this.data_mut().as_mut_ptr().cast_const())
    };
    ['a, 'b] &'a View<'b>, this => false, (this.referable().map(from_ref), this.as_ptr());
    // The address first: a view has its type in itself, and its memory elsewhere; data the other way round.
    ['a, 'b] &'a mut ViewMut<'b>, this => true, {
        let address = this.as_mut_ptr().cast_const();
        (this.referable().map(from_ref), address)
    };
}
