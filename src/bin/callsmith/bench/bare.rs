//! The ways that check nothing, which runtimes use: by pointers, by slots, and libffi's two.
//!
//! # Safety
//! Pointers and slots are made for the signature that the calls have, from values that have passed
//! [`Function::call_values`]; the results are compared with what that gave.
#![allow(unsafe_code)]

use super::libffi::Libffi;
use super::ways::{Calls, Way, repeated};
use callsmith::arch::CallPlan;
use callsmith::arch::plan::{ArgPlan, Location, ResultPlan};
use callsmith::ctype::CType;
use callsmith::{Data, Error, ErrorKind, Function, Register, Slot, Value};
use std::cell::Cell;
use std::ffi::c_void;
use std::hint::black_box;

/// A function with its arguments where runtimes keep them. They live as long as the program.
pub(super) struct Bare {
    function: Function,
    plan: CallPlan,
    pointers: &'static [*const c_void],
    slots: &'static [Slot],
    /// What a call gives back.
    expected: Vec<u8>,
}

impl Bare {
    /// Calls of `function` with `values` of these types.
    pub(super) fn new(function: &Function, types: &[CType], values: &[Value]) -> Result<Bare, Error> {
        let prototype = function.prototype();
        let tail = types.get(prototype.params.len()..).unwrap_or_default();
        let expected = match function.call_values(values)? {
            Value::Void => Vec::new(),
            result => stored(&prototype.result, result)?.bytes().to_vec(),
        };
        let function = if prototype.variadic { function.with_tail(tail)? } else { function.clone() };
        let plan = function.plan()?;
        let values = types.iter().zip(values).map(|(ty, value)| stored(ty, value.clone()));
        let values: &'static [Data] = values.collect::<Result<Vec<_>, _>>()?.leak();
        let pointers: Vec<*const c_void> = values.iter().map(|data| data.as_ptr().cast()).collect();
        let slots: Vec<Slot> = values.iter().zip(&plan.args).map(slot).collect();
        Ok(Bare { function, plan, pointers: pointers.leak(), slots: slots.leak(), expected })
    }

    /// The ways, each tried once.
    pub(super) fn ways(&self, libffi: Option<&Libffi>) -> Result<Vec<(Way, Calls)>, Error> {
        let (invoker, arguments, result) = (self.function.invoker()?, self.pointers, room());
        // SAFETY: pointers to the arguments, and room for the result.
        let invoke = repeated(move || unsafe { invoker.invoke(black_box(arguments.as_ptr()), result) });
        let mut ways = vec![self.tried(Way::Invoke, invoke, result)?, (Way::InvokeSlots, self.by_slots())];
        if let Some(prepared) = libffi.and_then(|libffi| libffi.prepare(self.function.signature())) {
            let (target, result, array) = (self.function.address(), room(), self.for_libffi());
            // SAFETY: as above, and prepared for the same signature.
            let call = repeated(move || unsafe { prepared.call(target, black_box(array.fresh()), result) });
            ways.push(self.tried(Way::FfiCall, call, result)?);
            if let Some(plan) = prepared.plan {
                let (result, array) = (room(), self.for_libffi());
                // SAFETY: as above.
                let invoke =
                    repeated(move || unsafe { plan.invoke(target, black_box(array.fresh()), result) });
                ways.push(self.tried(Way::FfiPlan, invoke, result)?);
            }
        }
        Ok(ways)
    }

    fn for_libffi(&self) -> FfiArray {
        let large = self.plan.args.iter().position(|arg| arg.size > 16);
        let array: &'static [Cell<*const c_void>] =
            self.pointers.iter().copied().map(Cell::new).collect::<Vec<_>>().leak();
        FfiArray { array, large: large.map(|index| (index, self.pointers[index])) }
    }

    /// A way whose calls leave the right result at `result`.
    fn tried(&self, way: Way, calls: Calls, result: *const c_void) -> Result<(Way, Calls), Error> {
        calls(1);
        // SAFETY: this is a room, and no call is under way.
        let bytes = unsafe { std::slice::from_raw_parts(result.cast::<u8>(), self.expected.len()) };
        if bytes == self.expected {
            return Ok((way, calls));
        }
        let why = Some(format!("{} gives other bytes than call_values", way.name()));
        let (wanted, given) = (format!("{:02x?}", self.expected), format!("{bytes:02x?}"));
        Err(ErrorKind::Value { wanted, given, why }.into())
    }

    /// `invoke_slots`, by the register that the result is in.
    fn by_slots(&self) -> Calls {
        let (function, slots, result) = (self.function.clone(), self.slots, room());
        match self.plan.result_register() {
            Some(Location::Gp(_)) => by_register::<u64>(function, slots),
            Some(Location::Vector(_)) => by_register::<f64>(function, slots),
            _ if self.plan.result == ResultPlan::None => by_register::<()>(function, slots),
            // SAFETY: a slot for each argument, and room for the result.
            _ => repeated(move || unsafe { function.invoke_slots_into(black_box(slots.as_ptr()), result) }),
        }
    }
}

/// Pointers to arguments, which libffi may overwrite (3.4 does): it puts the address of its own copy there for a struct
/// of more than 16 bytes. No case has two of those.
struct FfiArray {
    array: &'static [Cell<*const c_void>],
    large: Option<(usize, *const c_void)>,
}

impl FfiArray {
    /// The array, as it was made.
    #[inline(always)]
    fn fresh(&self) -> *const *const c_void {
        if let Some((index, pointer)) = self.large {
            self.array[index].set(pointer);
        }
        self.array.as_ptr().cast()
    }
}

fn by_register<R: Register + 'static>(function: Function, slots: &'static [Slot]) -> Calls {
    // SAFETY: a slot for each argument, and the result's register.
    repeated(move || drop(black_box(unsafe { function.invoke_slots::<R>(black_box(slots.as_ptr())) })))
}

/// Room for a result: those here have at most 24 bytes, libffi writes no fewer than 8, and none is aligned to more than
/// 8.
fn room() -> *mut c_void {
    Box::leak(Box::new([0u64; 8])).as_mut_ptr().cast()
}

/// `value` in memory, as a `ty`.
fn stored(ty: &CType, value: Value) -> Result<Data, Error> {
    let mut data = Data::new(ty)?;
    data.set("", value)?;
    Ok(data)
}

/// A value in its slot, or its address.
fn slot((data, plan): (&Data, &ArgPlan)) -> Slot {
    let address = data.as_ptr().expose_provenance() as u64;
    let mut word = [0; 8];
    match word.get_mut(..data.bytes().len()).filter(|_| plan.in_slot) {
        Some(start) => start.copy_from_slice(data.bytes()),
        None => word = address.to_le_bytes(),
    }
    Slot::new(u64::from_le_bytes(word))
}
