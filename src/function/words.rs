//! Values that need no thought: each of its parameter's very type, a word or data that lies in the value itself, and the
//! result too.
#![allow(unsafe_code)]

use super::inner::Expected;
use crate::data::{Data, Shape, Small, Tag, Value};
use crate::engine::{Bound, Returns, Slot};
use crate::error::Error;
use callsmith_arch::layout::Type;
use std::mem::MaybeUninit;
use std::ptr;

/// Up to this many slots are laid out without a thought to stack use.
pub(super) const FEW: usize = 16;

/// Slots to be filled.
pub(super) type FewSlots = [Slot; FEW];

/// None of them filled.
pub(super) const NO_SLOTS: FewSlots = [const { MaybeUninit::uninit() }; FEW];

/// What such values are.
#[derive(Clone, Copy)]
pub(super) struct Words {
    /// How many arguments, where they and the result are all words; else more than any slice has.
    pub(super) count: usize,
    /// How many arguments, where there is small data among them or as the result; else more than any slice has.
    pub(super) with_data: usize,
    /// Their variants.
    tags: [Tag; FEW],
    /// Whether it is `void f(void)` of the process's own convention.
    pub(super) nothing: bool,
    /// Whether the result is small data that the stub stores.
    pub(super) stored: bool,
    /// The result's variant.
    result: Tag,
    /// Its shape, where it is data.
    result_shape: Option<&'static Shape>,
    /// Whether it comes back in the vector register.
    in_float: bool,
}

impl Words {
    /// Of the calls whose arguments have these variants, of a function bound to the stub for them.
    pub(super) fn new(arguments: impl ExactSizeIterator<Item = Tag>, result: Tag, bound: &Bound) -> Words {
        let mut count = arguments.len();
        let mut tags = [Tag::Void; FEW];
        // Of a `_Bool`'s register only a part is the value.
        let mut fit = count <= FEW && result.is_word() && result != Tag::Bool;
        for (place, tag) in tags.iter_mut().zip(arguments) {
            *place = tag;
            fit &= tag.is_word();
        }
        if !fit || bound.returns() == Returns::Memory {
            count = usize::MAX;
        }
        let in_float = bound.returns().is_float();
        Words {
            count,
            with_data: usize::MAX,
            tags,
            nothing: false,
            stored: false,
            result,
            result_shape: None,
            in_float,
        }
    }

    /// Those of a function with these parameters and this result.
    pub(super) fn of(params: &[Expected], result: &Expected, bound: &Bound) -> Words {
        let mut words = Words::new(params.iter().map(|param| param.tag), result.tag, bound);
        let small = |expected: &Expected| {
            let is_scalar = |shape: &Shape| matches!(shape.layout(), Type::Scalar(_));
            expected.shape.is_some_and(|shape| shape.is_small() && !is_scalar(shape))
        };
        let fits = |expected: &Expected| expected.tag.is_word() || small(expected);
        let stored = bound.returns() == Returns::Memory;
        // As for words; and what has no bytes has no register.
        let result_fits =
            fits(result) && result.tag != Tag::Bool && (result.size > 0 || result.tag == Tag::Void);
        if words.count == usize::MAX && params.len() <= FEW && result_fits && params.iter().all(fits) {
            (words.with_data, words.stored, words.result_shape) = (params.len(), stored, result.shape);
        }
        words
    }

    /// Fills a slot for each argument, if each is of its parameter's very type.
    ///
    /// # Safety
    /// There are `count` arguments.
    #[inline(always)]
    pub(super) unsafe fn fill(&self, slots: &mut FewSlots, arguments: &[Value]) -> bool {
        if let [value] = arguments {
            // One needs no loop.
            slots[0] = value.word();
            return value.tag() == self.tags[0];
        }
        for (index, value) in arguments.iter().enumerate() {
            // SAFETY: `count` is at most FEW where there can be as many arguments.
            let (slot, tag) = unsafe { (slots.get_unchecked_mut(index), *self.tags.get_unchecked(index)) };
            if value.tag() != tag {
                return false;
            }
            *slot = value.word();
        }
        true
    }

    /// As [`Words::fill`], where there may be small data among the arguments.
    ///
    /// # Safety
    /// There are `with_data` arguments, and `shapes` are the parameters'.
    #[inline(always)]
    pub(super) unsafe fn fill_data(
        &self,
        slots: &mut FewSlots,
        arguments: &[Value],
        shapes: &[Option<&'static Shape>; FEW],
    ) -> bool {
        let mut fill = |index: usize, value: &Value| {
            // SAFETY: `with_data` is at most FEW where there can be as many arguments.
            let (slot, tag, shape) = unsafe {
                (
                    slots.get_unchecked_mut(index),
                    *self.tags.get_unchecked(index),
                    *shapes.get_unchecked(index),
                )
            };
            if value.tag() != tag {
                return false;
            }
            *slot = match value {
                // Null is nobody's shape where the tag is that of data.
                Value::Data(data) if address_of(data.small()) == address_of(shape) => {
                    address_slot(data.as_small_ptr())
                }
                Value::Data(_) => return false,
                word => word.word(),
            };
            true
        };
        match arguments {
            // Few need no loop.
            [a] => fill(0, a),
            [a, b] => fill(0, a) && fill(1, b),
            all => all.iter().enumerate().all(|(index, value)| fill(index, value)),
        }
    }

    /// Calls, and makes a value of the result, which is a word.
    ///
    /// # Safety
    /// The slots hold `count` arguments of the parameters' types, and the function is bound to the stub for these.
    #[inline(always)]
    pub(super) unsafe fn call(&self, bound: &Bound, slots: *const Slot) -> Value {
        // SAFETY: the caller's promise; the result's register is a word of its variant.
        unsafe {
            let word = self.register(bound, slots);
            Value::from_word(read_late(&self.result), word)
        }
    }

    /// As [`Words::call`], where the result is `stored`: its bytes.
    ///
    /// # Safety
    /// As for `call`, with the `with_data` arguments.
    #[inline(always)]
    pub(super) unsafe fn call_for_bytes(&self, bound: &Bound, slots: *const Slot) -> Small {
        // SAFETY: the caller's promise; the bytes have the size of the result.
        Small::filled(|bytes| unsafe { bound.memory(slots, bytes.cast()) })
    }

    /// As [`Words::call`], where the result is a word or data in one register. Cannot fail: it is a `Result` so that the
    /// value is made where it stays.
    ///
    /// # Safety
    /// As for `call`, with the `with_data` arguments.
    #[inline(always)]
    pub(super) unsafe fn call_for_register(&self, bound: &Bound, slots: *const Slot) -> Result<Value, Error> {
        // SAFETY: the caller's promise; the result's register is a word of its variant.
        unsafe {
            let register = self.register(bound, slots);
            match read_late(&self.result_shape) {
                None => Ok(Value::from_word(self.result, register)),
                Some(shape) => Ok(Value::Data(Data::of_small(shape, Small::of_word(register)))),
            }
        }
    }

    /// The shape of the result.
    ///
    /// # Safety
    /// It is `stored`.
    #[inline(always)]
    pub(super) unsafe fn shape(&self) -> &'static Shape {
        // SAFETY: what is stored has a shape, which was put there with it.
        unsafe { read_late(&self.result_shape).unwrap_unchecked() }
    }

    /// Calls, and gives the register back that the result is in.
    ///
    /// # Safety
    /// As for `call`.
    #[inline(always)]
    unsafe fn register(&self, bound: &Bound, slots: *const Slot) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { if self.in_float { bound.float(slots).to_bits() } else { bound.word(slots) } }
    }
}

/// Reads what could have been read before the call: rustc would do so, and keep it in a register that has to be saved.
#[inline(always)]
fn read_late<T: Copy>(place: &T) -> T {
    // SAFETY: a reference.
    unsafe { ptr::from_ref(place).read_volatile() }
}

/// A slot for what is not a word: its address.
#[inline(always)]
pub(super) fn address_slot(address: *const u8) -> Slot {
    Slot::new(address.expose_provenance() as u64)
}

/// For a comparison in one instruction.
#[inline(always)]
fn address_of(shape: Option<&'static Shape>) -> *const Shape {
    shape.map_or(ptr::null(), ptr::from_ref)
}
