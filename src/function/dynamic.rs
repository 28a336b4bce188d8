//! Calls with values whose types are known at run time.
#![allow(unsafe_code)]

use super::args::Args;
use super::contract::Contract;
use super::inner::Inner;
use super::route::{Key, Route, Way};
use super::words::{FEW, FewSlots, NO_SLOTS, Words, address_slot};
use super::{Function, Manner};
use crate::data::{Data, LongDouble, Tag, Value, promoted, to_type};
use crate::engine::{Bound, Returns, Slot};
use crate::error::Error;
use crate::host;
use callsmith_arch::layout::{Float, Scalar, Type};
use std::borrow::Cow;
use std::mem::MaybeUninit;

impl Function {
    /// That the pointers among `values`, and the one that comes back, are what the function's are.
    #[cold]
    pub(super) fn check_pointers(&self, values: &[Value], contract: &Contract) -> Result<(), Error> {
        let params = &self.inner.prototype.params;
        for (index, ((value, check), param)) in values.iter().zip(contract.params).zip(params).enumerate() {
            let pointer = value.tag() == Tag::Pointer && !check.checks_itself;
            if (pointer && !(check.is)(&param.ty)) || (value.tag() == Tag::Void && check.checks_itself) {
                return Err(self.inner.wrong_argument(index, (check.rust)().into(), None));
            }
        }
        if self.inner.result.tag == Tag::Pointer && !(contract.result.is)(&self.inner.prototype.result) {
            return Err(self.inner.wrong_result(contract));
        }
        Ok(())
    }

    /// [`Function::call_values`], where the caller `takes` with the result what the function's manner might.
    pub(super) fn call_values_taking(&self, values: &[Value], takes: Manner) -> Result<Value, Error> {
        match self.inner.manner {
            Manner::PLAIN => self.call_values(values),
            manner => self.inner.call_specially(&self.bound, values, manner.without(takes)),
        }
    }
}

impl Function {
    /// Calls with values of run-time types.
    ///
    /// Numbers are converted where they fit; what follows the fixed parameters of a variadic function is promoted as in
    /// C. Data is known at sight where it was made by [`Function::argument`], or of the very same type after the function was.
    ///
    /// # Errors
    /// A wrong number of arguments; a value of a type that does not fit, or a number out of range.
    #[inline(always)]
    pub fn call_values(&self, arguments: &[Value]) -> Result<Value, Error> {
        let mut slots = NO_SLOTS;
        // SAFETY: there are as many arguments as `words` has; and that says something of this function's own signature.
        unsafe {
            if arguments.len() == self.words.count {
                if self.words.nothing {
                    // Nothing goes in, nothing comes out, and rustc can call it.
                    ().direct::<()>(self.bound.target());
                    return Ok(Value::Void);
                }
                if self.words.fill(&mut slots, arguments) {
                    return Ok(self.words.call(&self.bound, slots.as_ptr()));
                }
            } else if arguments.len() == self.words.with_data
                && self.words.fill_data(&mut slots, arguments, &self.inner.shapes)
            {
                if !self.words.stored {
                    return self.call_for_register(slots.as_ptr());
                }
                let bytes = self.words.call_for_bytes(&self.bound, slots.as_ptr());
                return Ok(Value::Data(Data::of_small(self.words.shape(), bytes)));
            }
        }
        self.inner.call_values(&self.bound, arguments)
    }

    /// Calls with data, for a result in one register.
    ///
    /// # Safety
    /// The slots are the arguments that [`Words::fill_data`] takes.
    #[inline(never)]
    unsafe fn call_for_register(&self, slots: *const Slot) -> Result<Value, Error> {
        // SAFETY: the caller's promise.
        unsafe { self.words.call_for_register(&self.bound, slots) }
    }
}

impl Inner {
    /// What values call the function, bound to its own stub, without further thought.
    pub(super) fn words(&self, bound: &Bound) -> Words {
        let mut words = Words::of(&self.params, &self.result, bound);
        if self.special {
            // Each tail has its own; and what is done around calls is done elsewhere.
            (words.count, words.with_data) = (usize::MAX, usize::MAX);
        }
        let signature = &self.stub.signature;
        words.nothing = words.count == 0 && self.result.tag == Tag::Void && signature.abi() == host::ABI;
        words
    }

    /// Calls with values that are not all words: data among them, most likely, or a variadic tail.
    #[inline(never)]
    fn call_values(&self, bound: &Bound, values: &[Value]) -> Result<Value, Error> {
        if self.special {
            return self.call_specially(bound, values, self.manner);
        }
        let mut slots = NO_SLOTS;
        if !self.fill(&mut slots, values) {
            return self.call_converted(bound, values);
        }
        // SAFETY: as many slots are filled as there are parameters, each with a value of its type.
        unsafe { self.finish(bound, slots.as_ptr()) }
    }

    /// Calls a variadic function, or one around whose calls something is done.
    pub(super) fn call_specially(
        &self,
        bound: &Bound,
        values: &[Value],
        manner: Manner,
    ) -> Result<Value, Error> {
        if !manner.is_plain() {
            let name = self.name();
            return manner.around(name, || self.call_specially(bound, values, Manner::PLAIN));
        }
        let mut slots = NO_SLOTS;
        match self.routes.of_words(values, &mut slots) {
            // SAFETY: the slots were filled with arguments of the types that the stub is for.
            Some((words, bound)) => Ok(unsafe { words.call(bound, slots.as_ptr()) }),
            None => self.call_converted(bound, values),
        }
    }

    /// Fills a slot for each parameter, if there are as many values, each a word or data of its parameter's very type.
    #[inline(always)]
    fn fill(&self, slots: &mut FewSlots, values: &[Value]) -> bool {
        if values.len() != self.params.len() || values.len() > FEW {
            return false;
        }
        for ((slot, value), expected) in slots.iter_mut().zip(values).zip(&self.params) {
            if value.tag() != expected.tag {
                return false;
            }
            *slot = match value {
                word if word.tag().is_word() => word.word(),
                Value::Data(data)
                    if expected.shape.is_some_and(|shape| data.is_shape(shape)) && !data.is_scalar() =>
                {
                    address_slot(data.as_ptr())
                }
                _ => return false,
            }
        }
        true
    }

    /// Checks the count, converts what does not fit as it is, then calls.
    #[cold]
    fn call_converted(&self, bound: &Bound, values: &[Value]) -> Result<Value, Error> {
        let fitting = self.fitting(values)?;
        let bound = if self.prototype.variadic { self.bound_for(bound, &fitting)? } else { *bound };
        let slots: Vec<Slot> = fitting.iter().map(|value| slot_of(value)).collect();
        // SAFETY: each slot holds a value of its parameter's type, or the address of one that `fitting` keeps.
        unsafe { self.finish(&bound, slots.as_ptr()) }
    }

    /// The values, checked in number and converted to the parameters' types.
    pub(super) fn fitting<'v>(&self, values: &'v [Value]) -> Result<Vec<Cow<'v, Value>>, Error> {
        let fixed = self.params.len();
        if values.len() < fixed || (values.len() > fixed && !self.prototype.variadic) {
            return Err(self.wrong_count(values.len()));
        }
        let mut fitting = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let converted = match self.stub.signature.params().get(index) {
                Some(ty) if matches!(value, Value::Data(data) if data.layout() == ty) => {
                    self.same_order(index, value)?;
                    Cow::Borrowed(value)
                }
                Some(ty) => {
                    let fits = to_type(value, ty);
                    Cow::Owned(fits.map_err(|why| self.wrong_argument(index, value.describe(), why))?)
                }
                None => promoted(value),
            };
            fitting.push(converted);
        }
        Ok(fitting)
    }

    /// Refuses data whose numbers have their bytes in another order than the parameter's.
    fn same_order(&self, index: usize, value: &Value) -> Result<(), Error> {
        let (Value::Data(data), Some(param)) = (value, self.prototype.params.get(index)) else {
            return Ok(());
        };
        if data.ctype().has_big_endian() == param.ty.has_big_endian() {
            return Ok(());
        }
        Err(self.wrong_argument(index, value.describe(), Some("its byte order is another".into())))
    }

    /// The function bound to the stub for these values, the fixed parameters' included.
    fn bound_for(&self, bound: &Bound, values: &[Cow<Value>]) -> Result<Bound, Error> {
        let tags = values.iter().map(|value| value.tag());
        if let Some(known) = self.routes.of_tags(tags.clone()) {
            return Ok(known.bound);
        }
        let tail = values.iter().enumerate().skip(self.params.len());
        let types = tail.map(|(index, value)| {
            type_of(value).ok_or_else(|| self.wrong_argument(index, value.describe(), None))
        });
        let bound = self.bind_tail(bound, &types.collect::<Result<Vec<_>, Error>>()?)?;
        // Data is one variant for many types: its stub is looked up each time.
        if values.iter().all(|value| value.tag() != Tag::Data) {
            let words = Words::new(tags.clone(), self.result.tag, &bound);
            self.routes.add(Key::Values(tags.collect(), words), Route { way: Way::Slots, bound });
        }
        Ok(bound)
    }

    /// Calls, and makes a value of the result. Cannot fail: it is a `Result` so that data is made where it stays.
    ///
    /// # Safety
    /// The slots are the arguments of the bound signature.
    #[inline(always)]
    unsafe fn finish(&self, bound: &Bound, slots: *const Slot) -> Result<Value, Error> {
        let Some(shape) = self.result.shape else {
            // SAFETY: the caller's promise.
            return Ok(unsafe { self.finish_scalar(bound, slots) });
        };
        let mut result = Ok(Value::Data(Data::of_shape(shape)));
        if let Ok(Value::Data(data)) = &mut result {
            // SAFETY: the caller's promise; the data has the result's size and alignment.
            unsafe { bound.store(slots, data.as_mut_ptr().cast(), self.result.size) };
        }
        result
    }

    /// [`Inner::finish`] for results that are no data.
    ///
    /// # Safety
    /// As for `finish`.
    #[inline(never)]
    unsafe fn finish_scalar(&self, bound: &Bound, slots: *const Slot) -> Value {
        // SAFETY: the caller's promise; a word comes back in the register that `returns` says.
        unsafe {
            match self.result.tag {
                // Only the low 8 bits are the value (psABI 3.2.3), and all but 0 counts as true.
                Tag::Bool => Value::Bool(bound.word(slots) & 0xff != 0),
                Tag::I128 => Value::I128(stored(bound, slots)),
                Tag::U128 => Value::U128(stored(bound, slots)),
                Tag::LongDouble => Value::LongDouble(stored(bound, slots)),
                word if bound.returns().is_float() => Value::from_word(word, bound.float(slots).to_bits()),
                // A _Float16, where there are no vector registers for results.
                word if bound.returns() == Returns::Memory => {
                    Value::from_word(word, bound.float(slots).to_bits())
                }
                word => Value::from_word(word, bound.word(slots)),
            }
        }
    }
}

/// What a slot holds for a value of its parameter's type.
#[inline(always)]
pub(super) fn slot_of(value: &Value) -> Slot {
    match value {
        word if word.tag().is_word() => word.word(),
        Value::Data(data) => match data.scalar_word() {
            Some(word) => Slot::new(word),
            None => address_slot(data.as_ptr()),
        },
        // The others lie where their content is.
        other => address_slot(other.content()),
    }
}

/// The type of a value that no parameter describes.
fn type_of(value: &Value) -> Option<Type> {
    let scalar = match value {
        Value::I32(_) => Scalar::I32,
        Value::U32(_) => Scalar::U32,
        Value::I64(_) => Scalar::I64,
        Value::U64(_) => Scalar::U64,
        Value::I128(_) => Scalar::I128,
        Value::U128(_) => Scalar::U128,
        Value::F64(_) => Scalar::Float(Float::F64),
        Value::LongDouble(_) => Scalar::Float(LongDouble::FORMAT),
        Value::Pointer(_) => Scalar::Pointer,
        Value::Data(data) => return Some(data.layout().clone()),
        // `void` has no value; the others are promoted before.
        Value::Void
        | Value::Bool(_)
        | Value::I8(_)
        | Value::U8(_)
        | Value::I16(_)
        | Value::U16(_)
        | Value::F32(_) => {
            return None;
        }
    };
    Some(scalar.into())
}

/// # Safety
/// The slots are the arguments of the bound signature, whose result is a `T` that is stored by the stub.
unsafe fn stored<T>(bound: &Bound, slots: *const Slot) -> T {
    let mut result = MaybeUninit::<T>::zeroed();
    // SAFETY: the caller's promise; the zeros stand for a long double's padding.
    unsafe {
        bound.store(slots, result.as_mut_ptr().cast(), size_of::<T>());
        result.assume_init()
    }
}
