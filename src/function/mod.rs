//! Functions: an address, a signature and its stub, and the ways to call it.

mod arg;
mod args;
mod by_reference;
mod contract;
mod dynamic;
mod errno;
mod hresult;
mod inner;
mod invoker;
#[cfg(windows)]
mod last_error;
mod manner;
mod method;
mod ret;
mod route;
mod routine;
mod stack;
mod typed;
mod words;

pub use arg::{Arg, IntoArg, Null};
pub use args::Args;
pub use contract::{Check, Contract};
pub use errno::{Errno, get_errno, set_errno, swapping_errno};
pub(crate) use hresult::HRESULT;
pub use hresult::HResult;
pub(crate) use inner::{Expected, abi_of, prepare_all, sign};
pub use invoker::Invoker;
#[cfg(windows)]
pub use last_error::{LastError, get_last_error, set_last_error, swapping_last_error};
pub(crate) use manner::Manner;
pub use ret::{Copied, Give, Ret};
pub use routine::{Call, Outcome, Output, Routine, Which};
pub use stack::StackChecked;
pub use typed::{Typed, TypedVariadic};

use crate::ctype::{CType, Prototype};
use crate::data::{Data, Ptr, Value, is_promoted};
use crate::engine::{Bound, Slot};
use crate::error::{Error, ErrorKind};
use crate::host;
use crate::library::Handle;
use callsmith_arch::{CallPlan, Signature};
use inner::Inner;
use route::{Key, Route, Way};
use std::ffi::c_void;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use words::Words;

/// A C function that can be called.
///
/// Five ways, from the safest to the barest; all go through code made for the signature, or straight to the function:
///
/// | | arguments | checked | for |
/// |---|---|---|---|
/// | [`call`](Function::call) | a tuple of Rust types, converted where they differ and fit | each call (one comparison) | programs |
/// | [`call_values`](Function::call_values) | [`Value`]s | each call | REPLs, scripting |
/// | [`typed`](Function::typed) | a tuple of exactly the Rust types | once | hot loops |
/// | [`invoker`](Function::invoker) | pointers to values | never | runtimes, libffi's shape |
/// | [`invoke_slots`](Function::invoke_slots) | 8-byte slots | never | runtimes |
///
/// # What a safe call relies on
/// Whoever made the `Function` promised, in an `unsafe` block, what `safe fn` in an `unsafe extern` block promises: the
/// prototype is the function's own, and the function may be called from any thread with every argument that safe code
/// can give for these types: any number, any reference or slice of the pointee's type (mutable where it is not
/// `const`), any [`Ptr`], which is null, vouched for, or came from C, and in a [`Value`] or a struct may point at something else. A
/// result that is declared `__null_terminated` is NULL or a string, until this thread calls C again; one that is declared
/// `__counted_by(n)` points at `n` elements; and so with what callbacks are given. A `_Bool` in a struct that C gives back
/// is 0 or 1. For a `void *` the pointee may be anything, also what not every byte is a value of, such as a `bool`; in a
/// union a pointer may be any number. A function that asks for more, such as a length that matches a buffer, is to be
/// wrapped in a Rust function that sees to it.
///
/// The library stays loaded as long as a function taken from it lives.
#[repr(C)] // in this order, `call` finds the addresses that it needs without computing others
pub struct Function {
    /// The contract of the first call site that may call straight; null before.
    straight: AtomicPtr<Contract>,
    /// The same for [`Way::StraightVariadic`].
    straight_variadic: AtomicPtr<Contract>,
    inner: Arc<Inner>,
    bound: Bound,
    words: Words,
}

#[allow(unsafe_code)]
impl Function {
    /// The function at `address`.
    ///
    /// # Errors
    /// A signature that cannot be called in this process, or no memory for code. A NULL address.
    ///
    /// # Safety
    /// `address` is a function of this prototype, for as long as the result and its clones live; and see
    /// [what a safe call relies on](Function#what-a-safe-call-relies-on).
    pub unsafe fn from_address(
        address: *const c_void,
        prototype: impl Into<Prototype>,
    ) -> Result<Function, Error> {
        // SAFETY: the caller's promise.
        unsafe { Function::new(address, prototype.into(), None) }
    }

    /// The function that C gave a pointer to: as a result (`Ptr<fn(i32) -> i32>`), in a struct, through memory. `c` is the
    /// pointer's type as declared, such as that of the member that it was found in.
    ///
    /// # Errors
    /// A type that is no pointer to a function; and as for [`Function::from_address`], a NULL pointer among them.
    ///
    /// # Safety
    /// As for [`Function::from_address`], with the prototype in `c`.
    pub unsafe fn from_pointer(pointer: Ptr, c: &CType) -> Result<Function, Error> {
        let prototype = c.prototype().ok_or_else(|| ErrorKind::Type {
            ty: c.to_string(),
            why: "it is no pointer to a function".into(),
        })?;
        // SAFETY: the caller's promise.
        unsafe { Function::from_address(pointer.as_ptr(), prototype) }
    }

    /// # Safety
    /// As for [`Function::from_address`], for as long as `library` is open.
    pub(crate) unsafe fn new(
        address: *const c_void,
        prototype: Prototype,
        library: Option<Arc<Handle>>,
    ) -> Result<Function, Error> {
        let inner = Inner::new(prototype, library)?;
        let target = NonNull::new(address.cast_mut()).ok_or_else(|| inner.null_target())?;
        let bound = Bound::new(target, inner.stub);
        Ok(Function::of(bound, Arc::new(inner)))
    }

    fn of(bound: Bound, inner: Arc<Inner>) -> Function {
        let words = inner.words(&bound);
        let [straight, straight_variadic] = [const { AtomicPtr::new(ptr::null_mut()) }; 2];
        Function { bound, words, straight, straight_variadic, inner }
    }

    /// Calls with a tuple of Rust values.
    ///
    /// Where each is exactly its parameter's type, this is one comparison and the call. Otherwise numbers are converted
    /// where they fit. What follows the fixed parameters of a variadic function is promoted as in C.
    ///
    /// # Errors
    /// A wrong number of arguments; an argument or result of a type that does not fit, or a number out of range.
    #[inline(always)]
    pub fn call<A: Args, R: Ret>(&self, arguments: A) -> Result<R, Error> {
        self.call_inside(arguments, Plain)
    }

    /// [`Function::call`], inside of what `around` does.
    #[inline(always)]
    fn call_inside<A: Args, R: Ret, W: Around>(&self, arguments: A, around: W) -> Result<W::With<R>, Error> {
        let contract = Contract::of::<A, R>();
        if A::DIRECT && R::DIRECT {
            // SAFETY: the contract was found to hold, and rustc to be able to make the call in this way.
            unsafe {
                if ptr::eq(self.straight.load(Ordering::Relaxed), contract) {
                    return Ok(around.run(|| arguments.direct(self.bound.target())));
                }
                if ptr::eq(self.straight_variadic.load(Ordering::Relaxed), contract) {
                    return Ok(around.run(|| arguments.direct_variadic(self.bound.target())));
                }
            }
        }
        let arguments = arguments.apart();
        around.run_fallible(|| self.call_by_contract(contract, arguments, W::TAKES))
    }

    /// [`Function::call`] from any but the first call site. Out of line: beside it, the straight ways would need a stack
    /// frame.
    #[inline(never)]
    fn call_by_contract<A: Args, R: Ret>(
        &self,
        contract: &'static Contract,
        arguments: A,
        takes: Manner,
    ) -> Result<R, Error> {
        let known = match self.inner.routes.of_contract(contract) {
            Some(known) => Some(*known),
            None => self.agree(contract, A::DIRECT && R::DIRECT)?,
        };
        if let Some(Route { way, bound }) = known {
            // SAFETY: the contract was found to hold for this route.
            return Ok(unsafe {
                match way {
                    Way::Straight => arguments.direct(bound.target()),
                    Way::StraightVariadic => arguments.direct_variadic(bound.target()),
                    Way::Slots => arguments.by_slots(&bound),
                }
            });
        }
        self.call_by_values(contract, arguments, |values| self.call_values_taking(values, takes))
    }

    /// [`Function::call`], where a type differs from its parameter's, or `call` wants values: numbers are converted, pointers
    /// must fit as they are.
    fn call_by_values<A: Args, R: Ret>(
        &self,
        contract: &'static Contract,
        arguments: A,
        call: impl FnOnce(&[Value]) -> Result<Value, Error>,
    ) -> Result<R, Error> {
        // SAFETY: for the parameters of this call, before the end of which nothing ends that they refer to.
        let values = unsafe { arguments.values(&self.inner.prototype.params) };
        self.check_pointers(values.as_ref(), contract)?;
        let result = call(values.as_ref())?;
        if let Value::Pointer(pointer) = &result {
            // SAFETY: `check_pointers` has found that `R` stands for this pointer type, so this is what C gave back.
            return Ok(unsafe {
                R::from_native(ptr::from_ref(pointer).cast::<R::Native>().read_unaligned())
            });
        }
        R::from_value(result).map_err(|_| self.inner.wrong_result(contract))
    }

    /// Finds out whether `contract` holds, and remembers its route if so. What is done around calls is done around
    /// those of values.
    #[cold]
    fn agree(&self, contract: &'static Contract, direct: bool) -> Result<Option<Route>, Error> {
        if !self.inner.manner.is_plain() {
            return Ok(None);
        }
        let Some(tail) = contract.holds(&self.inner.prototype) else { return Ok(None) };
        let route = self.inner.route(&self.bound, direct, &tail)?;
        self.inner.routes.add(Key::Contract(contract), route);
        let first = match route.way {
            Way::Straight => &self.straight,
            Way::StraightVariadic => &self.straight_variadic,
            Way::Slots => return Ok(Some(route)),
        };
        // The first call site keeps its place: two that took it from each other would slow each other down.
        let contract = ptr::from_ref(contract).cast_mut();
        let _ = first.compare_exchange(ptr::null_mut(), contract, Ordering::Relaxed, Ordering::Relaxed);
        Ok(Some(route))
    }

    /// This function as one that takes exactly `A` and gives back `R`: checked here, and never again.
    ///
    /// # Errors
    /// A type that is not exactly the parameter's or the result's; a variadic function, or one whose convention rustc does
    /// not speak; one whose library has options for what is done around every call.
    pub fn typed<A: Args, R: Ret>(&self) -> Result<Typed<A, R>, Error> {
        Typed::new(self)
    }

    /// [`Function::typed`] of a variadic function, for calls with one tail.
    ///
    /// # Errors
    /// As for [`Function::typed`]; a type that C promotes, behind the `...`; a function that is not variadic.
    pub fn typed_variadic<A: Args, R: Ret>(&self) -> Result<TypedVariadic<A, R>, Error> {
        Typed::new(self)
    }

    /// This variadic function with arguments of these types behind the fixed ones, for [`Function::invoker`] and
    /// [`Function::invoke_slots`]; the other ways find the types out themselves.
    ///
    /// # Errors
    /// A function that is not variadic; a type that C promotes to another (C11 6.5.2.2p6), or that has no layout.
    pub fn with_tail(&self, tail: &[CType]) -> Result<Function, Error> {
        let fixed = self.inner.prototype.params.len();
        if !self.inner.prototype.variadic {
            return Err(self.inner.wrong_count(fixed + tail.len()));
        }
        let lower = |(index, ty): (usize, &CType)| match ty.lower(host::MODEL) {
            Ok(Some(lowered)) if !is_promoted(&lowered) => Ok(lowered),
            Ok(_) => {
                Err(self.inner.wrong_argument(fixed + index, ty.to_string(), Some("C promotes it".into())))
            }
            Err(error) => {
                Err(self.inner.wrong_argument(fixed + index, ty.to_string(), Some(error.to_string())))
            }
        };
        let types = tail.iter().enumerate().map(lower).collect::<Result<Vec<_>, Error>>()?;
        let bound = self.inner.bind_tail(&self.bound, &types)?;
        Ok(Function::of(bound, Arc::clone(&self.inner)))
    }

    /// This function for calls with pointers to the arguments' values. The code for them is made when a function of the
    /// signature is first asked for it. What its library's options have done around calls is not done around these.
    ///
    /// A variadic function is called with its fixed parameters; see [`Function::with_tail`] for more.
    ///
    /// # Errors
    /// No memory for code.
    pub fn invoker(&self) -> Result<Invoker, Error> {
        Invoker::new(self)
    }

    /// Calls with one 8-byte slot for each parameter: a number or pointer of at most 8 bytes in its low bytes (the rest
    /// is not read), or else the value's address. The result is that register which the function left it in. What its
    /// library's options have done around calls is not done around this.
    ///
    /// # Safety
    /// `slots` points at as many slots; the result's C type is a number or pointer of at most 8 bytes, or `void`, and
    /// `R` its register: [`u64`] for integers and pointers, [`f64`] for floating point, `()` for nothing. And the
    /// function may be called with these values.
    #[inline(always)]
    pub unsafe fn invoke_slots<R: Register>(&self, slots: *const Slot) -> R {
        // SAFETY: the caller's promise.
        unsafe { R::call(&self.bound, slots) }
    }

    /// As [`Function::invoke_slots`], for a result of any type, which is stored at `result`.
    ///
    /// # Safety
    /// As for [`Function::invoke_slots`], and `result` as for [`Invoker::invoke`].
    #[inline(always)]
    pub unsafe fn invoke_slots_into(&self, slots: *const Slot, result: *mut c_void) {
        // SAFETY: the caller's promise.
        unsafe { self.bound.store(slots, result, self.inner.result_size()) }
    }

    /// The function's name, as declared.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// Its prototype.
    pub fn prototype(&self) -> &Prototype {
        &self.inner.prototype
    }

    /// Its signature: what the engine knows of it. With the tail's types, where it is from [`Function::with_tail`].
    pub fn signature(&self) -> &Signature {
        &self.bound.stub().signature
    }

    /// Where its calling convention wants every byte. Planned anew at each call of this: the function itself needs no
    /// plan any more.
    ///
    /// # Errors
    /// Those of making a function of this signature; so none here.
    pub fn plan(&self) -> Result<CallPlan, Error> {
        self.bound.stub().plan().map_err(|source| self.inner.wrong_signature(source))
    }

    /// Its address.
    pub fn address(&self) -> *const c_void {
        self.bound.target().as_ptr()
    }
}

/// What is done before and after a call.
trait Around {
    /// The result with what was found after the call.
    type With<R>;

    /// What a function's [`Manner`] need not do, because it is done here.
    const TAKES: Manner;

    /// Calls.
    fn run<R>(self, call: impl FnOnce() -> R) -> Self::With<R>;

    /// Calls what may fail.
    fn run_fallible<R>(self, call: impl FnOnce() -> Result<R, Error>) -> Result<Self::With<R>, Error>;
}

/// Nothing is done.
struct Plain;

impl Around for Plain {
    type With<R> = R;
    const TAKES: Manner = Manner::PLAIN;

    #[inline(always)]
    fn run<R>(self, call: impl FnOnce() -> R) -> R {
        call()
    }

    #[inline(always)]
    fn run_fallible<R>(self, call: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
        call()
    }
}

/// A register that [`Function::invoke_slots`] gives a result back in.
pub trait Register: sealed::Sealed + Sized {
    /// # Safety
    /// As for [`Function::invoke_slots`].
    #[doc(hidden)]
    #[allow(unsafe_code)]
    unsafe fn call(bound: &Bound, slots: *const Slot) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u64 {}
    impl Sealed for f64 {}
    impl Sealed for () {}
}

#[allow(unsafe_code)]
impl Register for u64 {
    #[inline(always)]
    unsafe fn call(bound: &Bound, slots: *const Slot) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { bound.word(slots) }
    }
}

#[allow(unsafe_code)]
impl Register for f64 {
    #[inline(always)]
    unsafe fn call(bound: &Bound, slots: *const Slot) -> f64 {
        // SAFETY: the caller's promise.
        unsafe { bound.float(slots) }
    }
}

#[allow(unsafe_code)]
impl Register for () {
    #[inline(always)]
    unsafe fn call(bound: &Bound, slots: *const Slot) {
        // SAFETY: the caller's promise.
        unsafe { bound.word(slots) };
    }
}

impl Clone for Function {
    fn clone(&self) -> Function {
        Function::of(self.bound, Arc::clone(&self.inner))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:p}", self.inner.prototype, self.address())
    }
}

impl Function {
    /// Zeroed memory of the type of parameter `index` (counted from 0), to be filled in and given to
    /// [`Function::call_values`], which then knows it at sight.
    ///
    /// # Errors
    /// No such parameter, or one whose values are no [`Value::Data`].
    pub fn argument(&self, index: usize) -> Result<Data, Error> {
        self.inner.argument(index)
    }
}
