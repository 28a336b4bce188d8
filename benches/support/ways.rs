//! The ways of calling, each one function of one block of memory: what the caller keeps, then the result.
//!
//! All are treated alike: the function's address, the `Function` and the arguments in the form that the way wants lie
//! in the block, made beforehand; the result is stored there. None is inlined into the loop that repeats it.

use super::libffi::{Call, Libffi};
use super::{Outcome, Row};
use callsmith::{Errno, Error, Function, Invoker, Slot, Value};
use std::arch::asm;
use std::ffi::c_void;
use std::fmt::Debug;

/// The ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A C function pointer.
    Direct,
    /// [`callsmith::Typed::call`].
    Typed,
    /// [`Function::call`].
    Tuple,
    /// [`Function::call_errno`].
    Errno,
    /// [`Function::call_values`].
    Values,
    /// [`Invoker::invoke`].
    Gather,
    /// [`Function::invoke_slots`], or [`Function::invoke_slots_into`] where the result is in no single register.
    Slots,
    /// libffi's `ffi_call`.
    Libffi,
    /// libffi's `ffi_call_plan_invoke`.
    LibffiPlan,
}

impl Way {
    /// Every way.
    pub(crate) const ALL: [Way; 9] = [
        Way::Direct,
        Way::Typed,
        Way::Tuple,
        Way::Errno,
        Way::Values,
        Way::Gather,
        Way::Slots,
        Way::Libffi,
        Way::LibffiPlan,
    ];

    /// What the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Way::Direct => "C function pointer",
            Way::Typed => "`typed`",
            Way::Tuple => "`call`",
            Way::Errno => "`call_errno`",
            Way::Values => "`call_values`",
            Way::Gather => "`invoke`",
            Way::Slots => "`invoke_slots`",
            Way::Libffi => "libffi's `ffi_call`",
            Way::LibffiPlan => "libffi's call plan",
        }
    }
}

/// What a way works on.
#[repr(C)]
pub(crate) struct Block<C, A, R> {
    result: R,
    callee: C,
    args: A,
}

/// A way of calling a row's callee, with its block.
pub(crate) struct Prepared<B> {
    /// Makes one call. The block comes third: there it is where stubs want the result's address, and no way has to move
    /// it out of the way of the function's address.
    pub(crate) call: fn(usize, usize, &mut B),
    /// Its block.
    pub(crate) block: B,
}

/// Keeps a call from becoming the last jump of its way, which would spare some ways instructions and not others.
#[inline(always)]
fn returned() {
    // SAFETY: no instruction.
    unsafe { asm!("", options(nostack, preserves_flags)) }
}

#[cold]
fn failed<T: Debug>(result: Result<T, Error>) -> ! {
    panic!("{result:?}")
}

/// A call through a C function pointer.
pub(crate) fn direct<R: Row>() -> Prepared<Block<R::Callee, R::Args, R::Result>> {
    #[inline(never)]
    fn call<R: Row>(_: usize, _: usize, block: &mut Block<R::Callee, R::Args, R::Result>) {
        // SAFETY: the row's own callee.
        block.result = unsafe { R::direct(block.callee, &block.args) };
        returned();
    }
    Prepared {
        call: call::<R>,
        block: Block { callee: R::callee(), args: R::args(), result: R::Result::ZERO },
    }
}

/// [`Typed::call`], or that of its variadic sister.
pub(crate) fn typed<R: Row>() -> Prepared<Block<R::Typed, R::Args, R::Result>> {
    #[inline(never)]
    fn call<R: Row>(_: usize, _: usize, block: &mut Block<R::Typed, R::Args, R::Result>) {
        block.result = R::call_typed(&block.callee, block.args);
        returned();
    }
    Prepared {
        call: call::<R>,
        block: Block { callee: R::typed(), args: R::args(), result: R::Result::ZERO },
    }
}

/// [`Function::call`].
pub(crate) fn tuple<R: Row>() -> Prepared<Block<Function, R::Args, R::Result>> {
    #[inline(never)]
    fn call<R: Row>(_: usize, _: usize, block: &mut Block<Function, R::Args, R::Result>) {
        match block.callee.call(block.args) {
            Ok(result) => block.result = result,
            Err(error) => failed::<()>(Err(error)),
        }
        returned();
    }
    Prepared {
        call: call::<R>,
        block: Block { callee: R::function(), args: R::args(), result: R::Result::ZERO },
    }
}

/// [`Function::call_errno`].
pub(crate) fn errno<R: Row>() -> Prepared<Block<Function, R::Args, (R::Result, Errno)>> {
    #[inline(never)]
    fn call<R: Row>(_: usize, _: usize, block: &mut Block<Function, R::Args, (R::Result, Errno)>) {
        match block.callee.call_errno(block.args) {
            Ok(result) => block.result = result,
            Err(error) => failed::<()>(Err(error)),
        }
        returned();
    }
    let result = (R::Result::ZERO, Errno(0));
    Prepared { call: call::<R>, block: Block { callee: R::function(), args: R::args(), result } }
}

/// [`Function::call_values`].
pub(crate) fn values<R: Row>() -> Prepared<Block<Function, Vec<Value>, R::Result>> {
    #[inline(never)]
    fn call<R: Row>(_: usize, _: usize, block: &mut Block<Function, Vec<Value>, R::Result>) {
        let result = block.callee.call_values(&block.args);
        match result.as_ref().ok().and_then(R::Result::of_value) {
            Some(result) => block.result = result,
            None => failed(result),
        }
        returned();
    }
    let callee = R::function();
    let args = R::args();
    let each = R::each(&args).into_iter().enumerate();
    let args = each.map(|(index, arg)| arg.value(&callee, index)).collect();
    Prepared { call: call::<R>, block: Block { callee, args, result: R::Result::ZERO } }
}

/// Arguments that pointers or slots point at: they stay where they are.
fn settled<R: Row>() -> &'static R::Args {
    Box::leak(Box::new(R::args()))
}

/// [`Invoker::invoke`].
pub(crate) fn gather<R: Row>() -> Prepared<Block<Invoker, Vec<*const c_void>, R::Result>> {
    #[inline(never)]
    fn call<R: Row>(_: usize, _: usize, block: &mut Block<Invoker, Vec<*const c_void>, R::Result>) {
        // SAFETY: pointers to the row's arguments, and room for its result.
        unsafe { block.callee.invoke(block.args.as_ptr(), (&raw mut block.result).cast()) };
        returned();
    }
    let args = R::each(settled::<R>()).into_iter().map(|arg| arg.address()).collect();
    let callee = R::function_with_tail().invoker().expect("memory for code");
    Prepared { call: call::<R>, block: Block { callee, args, result: R::Result::ZERO } }
}

/// [`Function::invoke_slots`], or [`Function::invoke_slots_into`] where the result is in no single register.
pub(crate) fn slots<R: Row>() -> Prepared<Block<Function, Vec<Slot>, R::Result>> {
    #[inline(never)]
    fn call<R: Row>(_: usize, _: usize, block: &mut Block<Function, Vec<Slot>, R::Result>) {
        // SAFETY: the row's arguments as slots, and its result's type.
        unsafe { R::Result::by_slots(&block.callee, block.args.as_ptr(), &raw mut block.result) };
        returned();
    }
    let args = R::each(settled::<R>()).into_iter().map(|arg| arg.slot()).collect();
    Prepared {
        call: call::<R>,
        block: Block { callee: R::function_with_tail(), args, result: R::Result::ZERO },
    }
}

/// What libffi needs: `ffi_call` and a cif, or `ffi_call_plan_invoke` and a plan.
#[derive(Clone, Copy)]
pub(crate) struct FfiCallee {
    call: Call,
    prepared: *mut c_void,
    address: *const c_void,
}

/// The result's memory: libffi widens small integers to a register.
type FfiBlock = Block<FfiCallee, Vec<*const c_void>, [u64; 4]>;

/// libffi's `ffi_call`.
pub(crate) fn libffi<R: Row>(ffi: &Libffi) -> Prepared<FfiBlock> {
    let cif = Box::leak(Box::new(ffi.prepare::<R>()));
    by_libffi::<R>(ffi.call(), std::ptr::from_mut(cif).cast())
}

/// libffi's `ffi_call_plan_invoke`, where this libffi has it.
pub(crate) fn libffi_plan<R: Row>(ffi: &Libffi) -> Option<Prepared<FfiBlock>> {
    let (invoke, plan) = ffi.plan(Box::leak(Box::new(ffi.prepare::<R>())))?;
    Some(by_libffi::<R>(invoke, plan))
}

fn by_libffi<R: Row>(call: Call, prepared: *mut c_void) -> Prepared<FfiBlock> {
    #[inline(never)]
    fn call_it(_: usize, _: usize, block: &mut FfiBlock) {
        let FfiCallee { call, prepared, address } = block.callee;
        // SAFETY: the row's signature, prepared; pointers to its arguments, and room for its result.
        unsafe { call(prepared, address, block.result.as_mut_ptr().cast(), block.args.as_ptr()) };
        returned();
    }
    let args = R::each(settled::<R>()).into_iter().map(|arg| arg.address()).collect();
    let callee = FfiCallee { call, prepared, address: R::address() };
    Prepared { call: call_it, block: Block { callee, args, result: [0; 4] } }
}

/// Nothing: what is not to be counted.
pub(crate) fn empty() -> Prepared<()> {
    #[inline(never)]
    fn call(_: usize, _: usize, (): &mut ()) {
        returned();
    }
    Prepared { call, block: () }
}

impl<C, A, R: Copy> Block<C, A, R> {
    /// The result of the last call.
    pub(crate) fn result(&self) -> R {
        self.result
    }
}
