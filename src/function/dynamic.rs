//! Calls with values whose types are known at run time.
#![allow(unsafe_code)]

use super::Function;
use super::contract::Contract;
use super::inner::{Expected, Inner, sign};
use super::tail::Key;
use crate::data::{Data, Tag, Value, promoted, to_type};
use crate::engine::{self, Bound, Returns, Slot};
use crate::error::Error;
use callsmith_arch::layout::{Float, Scalar, Type};
use std::mem::MaybeUninit;

/// Up to this many slots are laid out without a thought to stack use.
const FEW: usize = 16;

impl Function {
    /// [`Function::call`], where a type differs from its parameter's: numbers are converted, pointers must fit as they
    /// are.
    #[cold]
    pub(super) fn call_converting(&self, values: &[Value], contract: &Contract) -> Result<Value, Error> {
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
        self.call_values(values)
    }
}

impl Inner {
    #[inline]
    pub(super) fn call_values(&self, bound: &Bound, values: &[Value]) -> Result<Value, Error> {
        let count = self.params.len();
        if values.len() != count || count > FEW || self.prototype.variadic {
            return self.call_unusual(bound, values);
        }
        let mut slots = [const { Slot::uninit() }; FEW];
        for ((slot, value), expected) in slots.iter_mut().zip(values).zip(&self.params) {
            match as_it_is(value, expected) {
                Some(word) => *slot = word,
                None => return self.call_converted(bound, values),
            }
        }
        // SAFETY: as many slots are filled as there are parameters, each with a value of its type.
        Ok(unsafe { self.finish(bound, slots.as_ptr()) })
    }

    /// Variadic, many, or too few arguments.
    #[cold]
    fn call_unusual(&self, bound: &Bound, values: &[Value]) -> Result<Value, Error> {
        let fixed = self.params.len();
        if values.len() < fixed || (values.len() > fixed && !self.prototype.variadic) {
            return Err(self.wrong_count(values.len()));
        }
        if !self.prototype.variadic {
            return self.call_converted(bound, values);
        }
        let (head, tail) = values.split_at(fixed);
        let mut all = head.to_vec();
        all.extend(tail.iter().map(promoted));
        let bound = self.bound_for(bound, &all[fixed..])?;
        self.call_converted(&bound, &all)
    }

    /// The function bound to the stub for these values behind the fixed parameters.
    fn bound_for(&self, bound: &Bound, tail: &[Value]) -> Result<Bound, Error> {
        if let Some(known) = self.tails.of_values(tail) {
            return Ok(*known);
        }
        let mut types = Vec::with_capacity(tail.len());
        for (index, value) in tail.iter().enumerate() {
            let number = self.params.len() + index;
            types.push(type_of(value).ok_or_else(|| self.wrong_argument(number, value.describe(), None))?);
        }
        let bound = self.bind_tail(bound, &types)?;
        // Data is one variant for many types: its stub is looked up each time.
        if tail.iter().all(|value| value.tag() != Tag::Data) {
            self.tails.add(Key::Values(tail.iter().map(Value::tag).collect()), bound);
        }
        Ok(bound)
    }

    /// The function bound to the stub for these types behind the fixed parameters.
    pub(super) fn bind_tail(&self, bound: &Bound, tail: &[Type]) -> Result<Bound, Error> {
        let signature = sign(&self.prototype, tail)?;
        let stub = engine::stub_of(signature, || self.name().to_owned())?;
        Ok(Bound::new(bound.target(), stub))
    }

    /// Converts what does not fit as it is, then calls.
    #[cold]
    fn call_converted(&self, bound: &Bound, values: &[Value]) -> Result<Value, Error> {
        let mut fitting = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let converted = match self.stub.signature.params().get(index) {
                Some(ty) => {
                    to_type(value, ty).map_err(|why| self.wrong_argument(index, value.describe(), why))?
                }
                None => value.clone(),
            };
            fitting.push(converted);
        }
        let slots: Vec<Slot> = fitting.iter().map(slot_of).collect();
        // SAFETY: each slot holds a value of its parameter's type, or the address of one in `fitting`.
        Ok(unsafe { self.finish(bound, slots.as_ptr()) })
    }

    /// Calls, and makes a value of the result.
    ///
    /// # Safety
    /// The slots are the arguments of the bound signature.
    #[inline(always)]
    unsafe fn finish(&self, bound: &Bound, slots: *const Slot) -> Value {
        let tag = self.result.tag;
        // SAFETY: the caller's promise; a result whose tag is a word comes back in the register that `returns` says.
        unsafe {
            match bound.returns() {
                Returns::Word if tag.is_word() => match tag {
                    // Only the low 8 bits are the value (psABI 3.2.3), and all but 0 counts as true.
                    Tag::Bool => Value::Bool(bound.word(slots) & 0xff != 0),
                    _ => Value::from_word(tag, bound.word(slots)),
                },
                Returns::Float if tag.is_word() => Value::from_word(tag, bound.float(slots).to_bits()),
                Returns::Nothing if tag == Tag::Void => {
                    bound.word(slots);
                    Value::Void
                }
                Returns::Nothing | Returns::Word | Returns::Float | Returns::Memory => {
                    self.finish_wide(bound, slots)
                }
            }
        }
    }

    /// [`Inner::finish`] for results that are no word.
    ///
    /// # Safety
    /// As for `finish`.
    unsafe fn finish_wide(&self, bound: &Bound, slots: *const Slot) -> Value {
        // SAFETY: the caller's promise; each place has its result's size and alignment.
        unsafe {
            match (&self.result.shape, self.result.tag) {
                (Some(shape), _) => {
                    let mut data = Box::new(Data::of_shape(shape));
                    bound.store(slots, data.as_mut_ptr().cast(), data.bytes().len());
                    Value::Data(data)
                }
                (None, Tag::I128) => Value::I128(stored(bound, slots)),
                (None, Tag::U128) => Value::U128(stored(bound, slots)),
                (None, _) => Value::LongDouble(stored(bound, slots)),
            }
        }
    }
}

/// What a slot holds for `value`, if that needs no conversion.
#[inline(always)]
fn as_it_is(value: &Value, expected: &Expected) -> Option<Slot> {
    if value.tag() != expected.tag {
        return None;
    }
    if expected.tag.is_word() {
        return Some(value.word());
    }
    match (value, &expected.shape) {
        (Value::Data(data), Some(shape)) if !data.has_shape(shape) => None,
        (_, _) => Some(slot_of(value)),
    }
}

/// What a slot holds for a value of its parameter's type.
#[inline]
fn slot_of(value: &Value) -> Slot {
    let address: *const u8 = match value {
        Value::Data(data) => match data.scalar_word() {
            Some(word) => return Slot::new(word),
            None => data.as_ptr(),
        },
        Value::I128(x) => std::ptr::from_ref(x).cast(),
        Value::U128(x) => std::ptr::from_ref(x).cast(),
        Value::LongDouble(x) => std::ptr::from_ref(x).cast(),
        Value::Void
        | Value::Bool(_)
        | Value::I8(_)
        | Value::U8(_)
        | Value::I16(_)
        | Value::U16(_)
        | Value::I32(_)
        | Value::U32(_)
        | Value::I64(_)
        | Value::U64(_)
        | Value::F32(_)
        | Value::F64(_)
        | Value::Pointer(_) => return value.word(),
    };
    Slot::new(address.expose_provenance() as u64)
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
        Value::LongDouble(_) => Scalar::Float(Float::X87),
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
