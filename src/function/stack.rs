//! Calls that look at what a callee pops.
#![allow(unsafe_code)]

use super::contract::Contract;
use super::dynamic::slot_of;
use super::{Args, Function, Ret};
use crate::data::{Data, LongDouble, Tag, Value};
use crate::engine::{Slot, StackCheck, checked_of};
use crate::error::{Error, ErrorKind};
use std::fmt;

/// A [`Function`] of which each call checks that the stack pointer came back as the convention says. Made by
/// [`Function::stack_checked`].
pub struct StackChecked {
    function: Function,
    /// `None` where there is nothing to check.
    check: Option<StackCheck>,
}

impl Function {
    /// This function, with a check for prototypes that are not its own: on 32-bit x86 a callee of `stdcall` and its like takes
    /// its arguments off the stack, and where these are others than were passed, that is found out, as ctypes does it. It
    /// is a help in writing declarations, not one against undefined behaviour: by then the function has run.
    ///
    /// Elsewhere, and for variadic functions, callers pop, and there is nothing to check. Each time this makes code that
    /// stays until the process ends: keep what it gives.
    ///
    /// # Errors
    /// No memory for code.
    pub fn stack_checked(&self) -> Result<StackChecked, Error> {
        let inner = &self.inner;
        let check =
            if inner.prototype.variadic { None } else { checked_of(inner.stub, || inner.name().into())? };
        Ok(StackChecked { function: self.clone(), check })
    }
}

impl StackChecked {
    /// [`Function::call`], and the check.
    ///
    /// # Errors
    /// As for `call`; [`ErrorKind::Stack`], where the function popped another number of bytes than it should.
    pub fn call<A: Args, R: Ret>(&self, arguments: A) -> Result<R, Error> {
        if self.check.is_none() {
            return self.function.call(arguments);
        }
        let contract = Contract::of::<A, R>();
        self.function.call_by_values(contract, arguments, |values| self.call_values(values))
    }

    /// [`Function::call_values`], and the check.
    ///
    /// # Errors
    /// As for `call_values`; [`ErrorKind::Stack`], where the function popped another number of bytes than it should.
    pub fn call_values(&self, arguments: &[Value]) -> Result<Value, Error> {
        let Some(check) = self.check else { return self.function.call_values(arguments) };
        let inner = &self.function.inner;
        inner.manner.around(inner.name(), || self.call_checked(check, arguments))
    }

    fn call_checked(&self, check: StackCheck, arguments: &[Value]) -> Result<Value, Error> {
        let inner = &self.function.inner;
        let fitting = inner.fitting(arguments)?;
        let slots: Vec<Slot> = fitting.iter().map(|value| slot_of(value)).collect();
        let mut room = vec![0u64; 1 + inner.result_size().div_ceil(8).max(1)];
        // SAFETY: each slot holds a value of its parameter's type, or the address of one that `fitting` keeps; the code is for
        // this signature.
        let popped = unsafe { check.call(self.function.bound.target(), slots.as_ptr(), &mut room) };
        let wanted = i64::from(check.pops);
        if popped != wanted {
            let function = inner.prototype.to_string();
            return Err(ErrorKind::Stack { function, wanted, popped }.into());
        }
        // SAFETY: the result lies behind the first word.
        Ok(unsafe { result(&self.function, room.as_ptr().wrapping_add(1)) })
    }

    /// The function without the check.
    pub fn function(&self) -> &Function {
        &self.function
    }
}

/// The value of the function's result.
///
/// # Safety
/// One lies at `at`, in whole words.
unsafe fn result(function: &Function, at: *const u64) -> Value {
    let expected = &function.inner.result;
    if let Some(shape) = expected.shape {
        let mut data = Data::of_shape(shape);
        // SAFETY: the caller's promise; the data has the type's size.
        unsafe { at.cast::<u8>().copy_to_nonoverlapping(data.as_mut_ptr(), expected.size) };
        return Value::Data(data);
    }
    // SAFETY: the caller's promise; the wide ones have as many words.
    unsafe {
        match expected.tag {
            Tag::Bool => Value::Bool(at.cast::<u8>().read() != 0),
            Tag::I128 => Value::I128(at.cast::<i128>().read_unaligned()),
            Tag::U128 => Value::U128(at.cast::<u128>().read_unaligned()),
            Tag::LongDouble => {
                Value::LongDouble(LongDouble::from_bytes(at.cast::<[u8; LongDouble::SIGNIFICANT]>().read()))
            }
            word => Value::from_word(word, at.read()),
        }
    }
}

impl fmt::Debug for StackChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.function.fmt(f)
    }
}
