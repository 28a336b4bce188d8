//! Tuples of Rust types as argument lists.
#![allow(unsafe_code)]

use super::arg::{Arg, IntoArg, slot};
use super::contract::Check;
use super::ret::{Ret, through_slots};
use crate::ctype::Param;
use crate::data::Value;
use crate::engine::{Bound, Slot};
use std::ffi::c_void;
use std::mem::transmute;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, compiler_fence};

/// A tuple of up to 16 arguments: [`Arg`]s, or what becomes one ([`IntoArg`]).
///
/// # Safety
/// As for [`Arg`], for each element. Implemented here for tuples, and nowhere else.
pub unsafe trait Args: Sized {
    /// How many.
    const COUNT: usize;

    /// Whether rustc passes every one to `extern "C"` functions as C compilers do.
    const DIRECT: bool;

    /// Whether [`Args::ready`] runs code of a program's types.
    #[doc(hidden)]
    const CONVERTS: bool;

    /// The same, each as what C is given in its place ([`IntoArg`]).
    type Ready: Args;

    /// The arguments as values, to be converted.
    type Values: AsRef<[Value]>;

    /// What each parameter must be to take its argument without conversion.
    const CHECKS: &'static [Check];

    /// The arguments as values, for these parameters.
    ///
    /// # Safety
    /// As for [`Arg::value`].
    unsafe fn values(self, params: &[Param]) -> Self::Values;

    /// Asks each what C is given in its place: that runs code of its type.
    fn ready(self) -> Self::Ready;

    /// The same, in memory of its own. What is passed on out of line this way does not keep the original from being
    /// in registers.
    fn apart(self) -> Self;

    /// Calls `target` as `extern "C-unwind"` code: a callback behind it may let a panic through.
    ///
    /// # Safety
    /// `target` is a function of the process's own convention, of parameters that take these arguments without
    /// conversion and a result that `R` accepts; [`Args::DIRECT`] and [`Ret::DIRECT`] hold.
    unsafe fn direct<R: Ret>(self, target: NonNull<c_void>) -> R;

    /// Calls `target` as variadic `extern "C-unwind"` code whose declared parameter is the first.
    ///
    /// # Safety
    /// As for [`Args::direct`], of a variadic function with at least one declared parameter. Where it has more, they
    /// pass as if they stood behind the `...`.
    unsafe fn direct_variadic<R: Ret>(self, target: NonNull<c_void>) -> R;

    /// Calls through a stub.
    ///
    /// # Safety
    /// The stub is of the target's signature, whose parameters take these arguments without conversion, and whose
    /// result `R` accepts.
    unsafe fn by_slots<R: Ret>(self, bound: &Bound) -> R;
}

/// A variadic function of these arguments, the first of them declared. Without any there is no such function in C11, and
/// no call that could ask for it.
macro_rules! variadic {
    () => { unsafe extern "C-unwind" fn() -> R::Native };
    ($first:ident $($name:ident)*) => { unsafe extern "C-unwind" fn(<$first::Arg as Arg>::Native, ...) -> R::Native };
}

macro_rules! tuples {
    ($(($count:literal $($name:ident $value:ident)*))*) => {$(
        // SAFETY: each element is an `Arg`.
        #[allow(non_snake_case, unused_variables, unused_mut, unused_unsafe, clippy::unused_unit)]
        unsafe impl<$($name: IntoArg),*> Args for ($($name,)*) {
            const COUNT: usize = $count;
            const DIRECT: bool = true $(&& <$name::Arg as Arg>::DIRECT)*;
            const CONVERTS: bool = false $(|| $name::CONVERTS)*;
            type Ready = ($($name::Arg,)*);
            type Values = [Value; $count];

            const CHECKS: &'static [Check] = &[$(Check::of::<$name>()),*];

            unsafe fn values(self, params: &[Param]) -> [Value; $count] {
                let ($($value,)*) = self;
                let mut types = params.iter().map(|param| &param.ty);
                // SAFETY: the caller's promise.
                unsafe { [$(<$name::Arg as Arg>::value($value.into_arg().native(), types.next())),*] }
            }

            #[inline(always)]
            fn ready(self) -> Self::Ready {
                let ($($value,)*) = self;
                ($($value.into_arg(),)*)
            }

            #[inline(always)]
            fn apart(self) -> Self {
                let ($($value,)*) = self;
                ($($value,)*)
            }

            #[inline(always)]
            unsafe fn direct<R: Ret>(self, target: NonNull<c_void>) -> R {
                let ($($value,)*) = self;
                // SAFETY: the caller's promise.
                unsafe {
                    let target: unsafe extern "C-unwind" fn($(<$name::Arg as Arg>::Native),*) -> R::Native = transmute(target);
                    R::from_native(target($($value.into_arg().native()),*))
                }
            }

            #[inline(always)]
            unsafe fn direct_variadic<R: Ret>(self, target: NonNull<c_void>) -> R {
                let ($($value,)*) = self;
                // SAFETY: the caller's promise.
                unsafe {
                    let target: variadic!($($name)*) = transmute(target);
                    // LLVM (22, at least) takes a variadic and another call of one address with the same operands for the
                    // same call, and makes one of two branches. The fences, which are no instructions, keep it from that.
                    compiler_fence(Ordering::SeqCst);
                    let native = target($($value.into_arg().native()),*);
                    compiler_fence(Ordering::SeqCst);
                    R::from_native(native)
                }
            }

            #[inline(always)]
            unsafe fn by_slots<R: Ret>(self, bound: &Bound) -> R {
                let ($($value,)*) = self;
                // SAFETY: what they refer to is borrowed until the call returns.
                $(let $value = unsafe { $value.into_arg().native() };)*
                let slots: [Slot; $count] = [$(slot::<$name::Arg>(&$value)),*];
                // SAFETY: the caller's promise; what the slots point at lives in this frame.
                unsafe { through_slots(bound, slots.as_ptr()) }
            }
        }
    )*};
}

tuples! {
    (0)
    (1 A a)
    (2 A a B b)
    (3 A a B b C c)
    (4 A a B b C c D d)
    (5 A a B b C c D d E e)
    (6 A a B b C c D d E e F f)
    (7 A a B b C c D d E e F f G g)
    (8 A a B b C c D d E e F f G g H h)
    (9 A a B b C c D d E e F f G g H h I i)
    (10 A a B b C c D d E e F f G g H h I i J j)
    (11 A a B b C c D d E e F f G g H h I i J j K k)
    (12 A a B b C c D d E e F f G g H h I i J j K k L l)
    (13 A a B b C c D d E e F f G g H h I i J j K k L l M m)
    (14 A a B b C c D d E e F f G g H h I i J j K k L l M m N n)
    (15 A a B b C c D d E e F f G g H h I i J j K k L l M m N n O o)
    (16 A a B b C c D d E e F f G g H h I i J j K k L l M m N n O o P p)
}
