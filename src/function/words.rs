//! Values that need no thought: each of its parameter's very type, each in one word, and so is the result.
#![allow(unsafe_code)]

use crate::data::{Tag, Value};
use crate::engine::{Bound, Returns, Slot};
use std::mem::MaybeUninit;

/// Up to this many slots are laid out without a thought to stack use.
pub(super) const FEW: usize = 16;

/// Slots to be filled.
pub(super) type FewSlots = [Slot; FEW];

/// None of them filled.
pub(super) const NO_SLOTS: FewSlots = [const { MaybeUninit::uninit() }; FEW];

/// What such values are.
#[derive(Clone, Copy)]
pub(super) struct Words {
    /// How many arguments; more than any slice has, where a parameter or the result is no word.
    pub(super) count: usize,
    /// Their variants.
    tags: [Tag; FEW],
    /// Whether it is `void f(void)` of the process's own convention.
    pub(super) nothing: bool,
    /// The result's variant.
    result: Tag,
    /// Whether the result comes back in the vector register.
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
        Words { count, tags, nothing: false, result, in_float: bound.returns() == Returns::Float }
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

    /// Calls, and makes a value of the result.
    ///
    /// # Safety
    /// The slots hold `count` arguments of the parameters' types, and the function is bound to the stub for these.
    #[inline(always)]
    pub(super) unsafe fn call(&self, bound: &Bound, slots: *const Slot) -> Value {
        // SAFETY: the caller's promise; the result's register is a word of its variant.
        unsafe {
            let word = if self.in_float { bound.float(slots).to_bits() } else { bound.word(slots) };
            Value::from_word(self.result, word)
        }
    }
}
