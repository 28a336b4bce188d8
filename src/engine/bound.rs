//! A target bound to its stub: the moment of the call.
//!
//! # Safety
//! The functions here jump to generated code. That the code fits the signature is the emitter's promise; that the
//! signature fits the target is that of whoever made the [`Bound`]. Code that ends in a jump is nowhere on the stack, so
//! that a callback's panic can come back through it.
#![allow(unsafe_code)]

use super::code_memory::CodePtr;
use super::on_request::{StackCheck, gather_of};
use super::stub_table::Stub;
use crate::error::Error;
use crate::host;
use callsmith_arch::CallPlan;
use callsmith_arch::plan::{Location, ResultPlan};
use std::ffi::c_void;
use std::mem::{MaybeUninit, transmute};
use std::ptr::NonNull;

/// An 8-byte slot: a scalar in its low bytes, or an aggregate's address.
pub type Slot = MaybeUninit<u64>;

/// How a `slots` stub gives its result back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    /// Not at all.
    Nothing,
    /// In the first integer result register.
    Word,
    /// In the first vector result register; on 32-bit x86, a `double` on the x87 stack.
    Float,
    /// A `float` on the x87 stack.
    Single,
    /// Stored through the result pointer.
    Memory,
}

impl Returns {
    /// That of calls by this plan.
    pub(crate) fn of(plan: &CallPlan) -> Returns {
        match (&plan.result, plan.result_register()) {
            (ResultPlan::None, _) => Returns::Nothing,
            (_, Some(Location::Gp(_))) => Returns::Word,
            (_, Some(Location::Vector(_))) => Returns::Float,
            (_, Some(Location::X87(_))) if plan.result_size == 4 => Returns::Single,
            (_, Some(Location::X87(_))) => Returns::Float,
            (ResultPlan::Direct(_) | ResultPlan::Hidden { .. }, _) => Returns::Memory,
        }
    }

    /// Whether [`Bound::float`] gives the result.
    #[inline(always)]
    pub(crate) fn is_float(self) -> bool {
        self == Returns::Float || (host::FLOATS_ON_X87 && self == Returns::Single)
    }
}

/// A function's address with the stub of its signature.
#[derive(Clone, Copy)]
pub struct Bound {
    target: NonNull<c_void>,
    /// The stub's, here so that a call has to look for nothing.
    slots: CodePtr,
    returns: Returns,
    stub: &'static Stub,
}

// SAFETY: code that is never written again, and a target that may be called from any thread, as whoever made the
// `Function` promised.
unsafe impl Send for Bound {}
// SAFETY: as above.
unsafe impl Sync for Bound {}

impl Bound {
    pub(crate) fn new(target: NonNull<c_void>, stub: &'static Stub) -> Bound {
        Bound { target, slots: stub.slots, returns: stub.returns, stub }
    }

    /// What the function is bound to.
    pub(crate) fn stub(&self) -> &'static Stub {
        self.stub
    }

    /// The function, called `name` in messages, bound to the code that takes pointers.
    ///
    /// # Errors
    /// No memory for code.
    pub(crate) fn gather(&self, name: impl Fn() -> String) -> Result<Gather, Error> {
        Ok(Gather { target: self.target, code: gather_of(self.stub, name)? })
    }

    #[inline(always)]
    pub(crate) fn target(&self) -> NonNull<c_void> {
        self.target
    }

    #[inline(always)]
    pub(crate) fn returns(&self) -> Returns {
        self.returns
    }

    /// Calls with arguments in slots; gives back the result register.
    ///
    /// # Safety
    /// The signature is the target's; the slots are its arguments; [`Bound::returns`] is `Nothing` or `Word`.
    #[inline(always)]
    pub(crate) unsafe fn word(&self, slots: *const Slot) -> u64 {
        // SAFETY: published code of this shape.
        let stub: unsafe extern "C-unwind" fn(*mut c_void, *const Slot) -> u64 =
            unsafe { transmute(self.slots) };
        // SAFETY: the caller's promise.
        unsafe { stub(self.target.as_ptr(), slots) }
    }

    /// As [`Bound::word`], for `Float` and `Single`, and for a `_Float16` in `Memory`: the low 8 bytes of the register that
    /// the number would be in by itself.
    ///
    /// # Safety
    /// As for [`Bound::word`], with one of these.
    #[inline(always)]
    pub(crate) unsafe fn float(&self, slots: *const Slot) -> f64 {
        if host::FLOATS_ON_X87 && self.returns != Returns::Float {
            // SAFETY: the caller's promise.
            return unsafe { self.narrow_float(slots) };
        }
        // SAFETY: published code of this shape.
        let stub: unsafe extern "C-unwind" fn(*mut c_void, *const Slot) -> f64 =
            unsafe { transmute(self.slots) };
        // SAFETY: the caller's promise.
        unsafe { stub(self.target.as_ptr(), slots) }
    }

    /// [`Bound::float`], for all but `Float`.
    ///
    /// # Safety
    /// As for `float`.
    unsafe fn narrow_float(&self, slots: *const Slot) -> f64 {
        let mut bits = 0u64;
        // SAFETY: the caller's promise; a stub of a `float` is published code of this shape, and `bits` has room for more.
        unsafe {
            if self.returns == Returns::Single {
                let stub: unsafe extern "C-unwind" fn(*mut c_void, *const Slot) -> f32 =
                    transmute(self.slots);
                bits = stub(self.target.as_ptr(), slots).to_bits().into();
            } else {
                self.memory(slots, (&raw mut bits).cast());
            }
        }
        f64::from_bits(bits)
    }

    /// As [`Bound::word`], for `Memory`: the result is stored at `result`.
    ///
    /// # Safety
    /// As for [`Bound::word`], with `Memory`; `result` is writable, and large and aligned enough for the result.
    #[inline(always)]
    pub(crate) unsafe fn memory(&self, slots: *const Slot, result: *mut c_void) {
        // SAFETY: published code of this shape.
        let stub: unsafe extern "C-unwind" fn(*mut c_void, *const Slot, *mut c_void) =
            unsafe { transmute(self.slots) };
        // SAFETY: the caller's promise.
        unsafe { stub(self.target.as_ptr(), slots, result) }
    }

    /// As [`Bound::word`], for a result of any kind and `size` bytes, which is stored at `result`.
    ///
    /// # Safety
    /// The signature is the target's, the slots are its arguments; `result` is writable, and large and aligned enough
    /// for the result.
    #[inline(always)]
    pub(crate) unsafe fn store(&self, slots: *const Slot, result: *mut c_void, size: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.returns {
                Returns::Memory => self.memory(slots, result),
                Returns::Nothing | Returns::Word | Returns::Float | Returns::Single => {
                    self.store_register(slots, result, size);
                }
            }
        }
    }

    /// [`Bound::store`], for all but `Memory`.
    ///
    /// # Safety
    /// As for `store`.
    #[inline(never)]
    unsafe fn store_register(&self, slots: *const Slot, result: *mut c_void, size: usize) {
        // SAFETY: the caller's promise.
        let register = unsafe {
            match self.returns {
                Returns::Float | Returns::Single => self.float(slots).to_bits(),
                Returns::Nothing | Returns::Word | Returns::Memory => self.word(slots),
            }
        };
        let bytes = register.to_le_bytes();
        // SAFETY: the caller's promise, and a register has no more than its 8 bytes. The usual sizes take one store each.
        unsafe {
            match size {
                8 => result.cast::<[u8; 8]>().write(bytes),
                4 => result.cast::<[u8; 4]>().write(*bytes.as_ptr().cast()),
                _ => bytes.as_ptr().copy_to_nonoverlapping(result.cast(), size.min(bytes.len())),
            }
        }
    }
}

/// A function's address with the code that takes pointers to its arguments.
#[derive(Clone, Copy)]
pub(crate) struct Gather {
    target: NonNull<c_void>,
    code: CodePtr,
}

// SAFETY: as for `Bound`.
unsafe impl Send for Gather {}
// SAFETY: as for `Bound`.
unsafe impl Sync for Gather {}

impl Gather {
    /// Calls; the result is stored at `result`, exactly its size.
    ///
    /// # Safety
    /// The signature is the target's; `arguments` points at that many pointers, each to a value of its parameter's
    /// type; `result` is writable, large and aligned enough for the result, or anything where there is none.
    #[inline(always)]
    pub(crate) unsafe fn call(&self, arguments: *const *const c_void, result: *mut c_void) {
        // SAFETY: published code of this shape.
        let stub: unsafe extern "C-unwind" fn(*mut c_void, *const *const c_void, *mut c_void) =
            unsafe { transmute(self.code) };
        // SAFETY: the caller's promise.
        unsafe { stub(self.target.as_ptr(), arguments, result) }
    }
}

impl StackCheck {
    /// Calls `target` with arguments in slots; the result is stored in `room`, behind the first word. Gives how many bytes
    /// the function popped.
    ///
    /// # Safety
    /// The signature is the target's, but for how much it pops; the slots are its arguments; behind the first word there is
    /// room for the result.
    pub(crate) unsafe fn call(&self, target: NonNull<c_void>, slots: *const Slot, room: &mut [u64]) -> i64 {
        let result = room.as_mut_ptr().wrapping_add(1).cast::<c_void>();
        // SAFETY: published code of this shape; the rest is the caller's promise.
        unsafe {
            let stub: unsafe extern "C-unwind" fn(*mut c_void, *const Slot, *mut c_void) =
                transmute(self.code);
            stub(target.as_ptr(), slots, result);
        }
        let [before, after] = [room[0] & 0xffff_ffff, room[0] >> 32].map(u64::cast_signed);
        after - before
    }
}
