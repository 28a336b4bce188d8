//! What both benches measure: rows (signatures with a callee compiled in) and ways (of calling).
//!
//! # Safety
//! Each callee has exactly the prototype that its row declares, and does nothing but arithmetic.
#![allow(dead_code)] // each bench uses its own part

pub(crate) mod libffi;
pub(crate) mod rows;
pub(crate) mod ways;

use callsmith::ctype::CType;
use callsmith::decl::parse_prototype;
use callsmith::host::MODEL;
use callsmith::{Args, Function, Ptr, Ret, Slot, Value};
use libffi::{FfiType, Libffi};
use std::ffi::{c_char, c_long, c_void};
use std::fmt::Debug;

/// A signature, a callee compiled in, and arguments for it.
pub(crate) trait Row {
    /// The signature, for the table.
    const TITLE: &'static str;
    /// The signature in C; of a variadic function, as one call sees it.
    const PROTOTYPE: &'static str;
    /// How many parameters are declared, where the function is variadic.
    const FIXED: Option<usize>;
    /// What a call may cost.
    const LIMITS: Limits;
    /// The C function pointer type.
    type Callee: Copy;
    /// The argument types, as a tuple.
    type Args: Args + Copy + 'static;
    /// The result type.
    type Result: Outcome;
    /// The checked function.
    type Typed;

    /// The callee.
    fn callee() -> Self::Callee;
    /// Its address.
    fn address() -> *const c_void;
    /// The arguments.
    fn args() -> Self::Args;
    /// The arguments one by one.
    fn each(args: &Self::Args) -> Vec<&dyn Sample>;

    /// What rustc makes of a call through a C function pointer.
    ///
    /// # Safety
    /// `callee` is what [`Row::callee`] gave.
    unsafe fn direct(callee: Self::Callee, args: &Self::Args) -> Self::Result;

    /// The checked function.
    fn typed() -> Self::Typed;
    /// Calls it.
    fn call_typed(typed: &Self::Typed, args: Self::Args) -> Self::Result;

    /// The callee as a run-time function.
    fn function() -> Function {
        let mut prototype = parse_prototype(Self::PROTOTYPE, MODEL).expect("a prototype");
        if let Some(fixed) = Self::FIXED {
            prototype.params.truncate(fixed);
            prototype.variadic = true;
        }
        // SAFETY: the row's prototype is its callee's.
        unsafe { Function::from_address(Self::address(), prototype) }.expect("a function")
    }

    /// The same, for calls by pointers or slots alone: of a variadic function, for this one tail.
    fn function_with_tail() -> Function {
        let function = Self::function();
        let Some(fixed) = Self::FIXED else { return function };
        let all = parse_prototype(Self::PROTOTYPE, MODEL).expect("a prototype").params;
        let tail: Vec<CType> = all.into_iter().skip(fixed).map(|param| param.ty).collect();
        function.with_tail(&tail).expect("a tail")
    }
}

/// What calls may cost, in instructions.
pub(crate) struct Limits {
    /// How much more than the direct call `invoke_slots` may cost.
    pub(crate) slots: u64,
    /// How much more than the direct call `invoke` may cost.
    pub(crate) gather: u64,
}

/// A type of an argument.
pub(crate) trait Sample {
    /// Where it is.
    fn address(&self) -> *const c_void;
    /// As a slot.
    fn slot(&self) -> Slot;
    /// As argument `index` of `function`.
    fn value(&self, function: &Function, index: usize) -> Value;
    /// Its type for libffi.
    fn ffi_type(&self, ffi: &Libffi) -> *mut FfiType;
}

/// A type of a result.
pub(crate) trait Outcome: Ret + Copy + PartialEq + Debug {
    /// Any value, to be overwritten.
    const ZERO: Self;
    /// Out of the value that `call_values` gave.
    fn of_value(value: &Value) -> Option<Self>;
    /// By `invoke_slots`, or `invoke_slots_into` for results that are in no single register.
    ///
    /// # Safety
    /// As for those.
    unsafe fn by_slots(function: &Function, slots: *const Slot, result: *mut Self);
    /// Its type for libffi.
    fn ffi_type(ffi: &Libffi) -> *mut FfiType;
}

macro_rules! numbers {
    ($($rust:ty => $ffi:literal),*) => {$(
        impl Sample for $rust {
            fn address(&self) -> *const c_void {
                std::ptr::from_ref(self).cast()
            }

            fn slot(&self) -> Slot {
                let mut slot = Slot::new(0);
                // SAFETY: at most 8 bytes.
                unsafe { slot.as_mut_ptr().cast::<$rust>().write(*self) };
                slot
            }

            fn value(&self, _: &Function, _: usize) -> Value {
                (*self).into()
            }

            fn ffi_type(&self, ffi: &Libffi) -> *mut FfiType {
                ffi.basic($ffi)
            }
        }
    )*};
}

numbers! {
    i8 => "sint8", u8 => "uint8", i16 => "sint16", i32 => "sint32", i64 => "sint64", f32 => "float", f64 => "double",
    Ptr => "pointer"
}

impl Sample for Ptr<c_char> {
    fn address(&self) -> *const c_void {
        std::ptr::from_ref(self).cast()
    }

    fn slot(&self) -> Slot {
        self.erase().slot()
    }

    fn value(&self, _: &Function, _: usize) -> Value {
        self.erase().into()
    }

    fn ffi_type(&self, ffi: &Libffi) -> *mut FfiType {
        ffi.basic("pointer")
    }
}

macro_rules! structs {
    ($($rust:ident { $($field:ident: $ffi:expr),* })*) => {$(
        impl Sample for $rust {
            fn address(&self) -> *const c_void {
                std::ptr::from_ref(self).cast()
            }

            fn slot(&self) -> Slot {
                Slot::new(self.address().expose_provenance() as u64)
            }

            fn value(&self, function: &Function, index: usize) -> Value {
                let mut data = function.argument(index).expect("a struct parameter");
                // SAFETY: the parameter's struct type; no pointer is in it.
                unsafe { data.as_mut_ptr().cast::<$rust>().write(*self) };
                data.into()
            }

            fn ffi_type(&self, ffi: &Libffi) -> *mut FfiType {
                <$rust as Outcome>::ffi_type(ffi)
            }
        }

        impl Outcome for $rust {
            const ZERO: $rust = $rust { $($field: 0 as _),* };

            #[inline(always)]
            fn of_value(value: &Value) -> Option<$rust> {
                match value {
                    // SAFETY: the result's struct type.
                    Value::Data(data) => Some(unsafe { data.as_ptr().cast::<$rust>().read() }),
                    _ => None,
                }
            }

            #[inline(always)]
            unsafe fn by_slots(function: &Function, slots: *const Slot, result: *mut $rust) {
                // SAFETY: the caller's promise.
                unsafe { function.invoke_slots_into(slots, result.cast()) }
            }

            fn ffi_type(ffi: &Libffi) -> *mut FfiType {
                ffi.structure(&[$($ffi),*])
            }
        }
    )*};
}

use rows::{Mixed, Pair, Singles, Triple};

/// `long`, as libffi has it.
const LONG: &str = if size_of::<c_long>() == 8 { "sint64" } else { "sint32" };

structs! {
    Pair { x: "double", y: "double" }
    Triple { x: LONG, y: LONG, z: LONG }
    Mixed { n: LONG, x: "double" }
    Singles { x: "float", y: "float", z: "float" }
}

macro_rules! outcomes {
    ($($rust:ty, $variant:ident, $register:ty, $raw:ident => $from:expr, $ffi:literal;)*) => {$(
        impl Outcome for $rust {
            const ZERO: $rust = 0 as $rust;

            #[inline(always)]
            fn of_value(value: &Value) -> Option<$rust> {
                match value {
                    Value::$variant(x) => Some(*x),
                    _ => None,
                }
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // the low bytes are the result
            unsafe fn by_slots(function: &Function, slots: *const Slot, result: *mut $rust) {
                // SAFETY: the caller's promise.
                unsafe {
                    let $raw = function.invoke_slots::<$register>(slots);
                    result.write($from);
                }
            }

            fn ffi_type(ffi: &Libffi) -> *mut FfiType {
                ffi.basic($ffi)
            }
        }
    )*};
}

outcomes! {
    i32, I32, u64, raw => raw as i32, "sint32";
    i64, I64, u64, raw => raw as i64, "sint64";
    f64, F64, f64, raw => raw, "double";
}

impl Outcome for () {
    const ZERO: () = ();

    #[inline(always)]
    fn of_value(value: &Value) -> Option<()> {
        match value {
            Value::Void => Some(()),
            _ => None,
        }
    }

    #[inline(always)]
    unsafe fn by_slots(function: &Function, slots: *const Slot, _: *mut ()) {
        // SAFETY: the caller's promise.
        unsafe { function.invoke_slots::<()>(slots) }
    }

    fn ffi_type(ffi: &Libffi) -> *mut FfiType {
        ffi.basic("void")
    }
}
