//! Rust function types as signatures of callbacks, and the functions that thunks and adapters enter.
//!
//! # Safety
//!
//! An entry function is given to a thunk whose signature is its own, with a context of its own type: [`super::make`] puts
//! the three together.
#![allow(unsafe_code)]

use super::context::{Context, Inside};
use super::guard::Guard;
use super::panics::OnPanic;
use super::stop;
use super::typed::is_for;
use crate::ctype::{CType, Convention, Kind};
use crate::data::Pointee;
use crate::function::{Check, Contract, Give, Ret};
use crate::host;
use callsmith_arch::Abi;
use callsmith_arch::layout::Type;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A function type such as `fn(i32, Ptr) -> f64`: what a [`Callback`](super::Callback) is to C.
///
/// # Safety
/// Implemented here for functions of up to 12 parameters, and nowhere else.
pub unsafe trait Signature: Copy + 'static {
    /// The parameters.
    type Args;

    /// The result.
    type Result: Give;

    /// By which convention C calls it.
    #[doc(hidden)]
    const ABI: Abi;

    /// What C types these are.
    #[doc(hidden)]
    const CONTRACT: &'static Contract;

    /// Whether rustc passes every one to and from `extern "C"` functions as C compilers do, where the ABI is the process's.
    #[doc(hidden)]
    const DIRECT: bool;

    /// Whether a parameter relies on what the declaration says of memory: [`Ret::PROMISED`].
    #[doc(hidden)]
    const PROMISED: bool;

    /// The parameters' types, laid out.
    #[doc(hidden)]
    fn params() -> Vec<Type>;

    /// The function that a thunk enters, with the context behind the parameters.
    #[doc(hidden)]
    fn entry<E: Entry<Self::Args, Self::Result>>() -> *const c_void;

    /// The same, for panics that go through C.
    #[doc(hidden)]
    fn unwinding_entry<E: Entry<Self::Args, Self::Result>>() -> *const c_void;

    /// The function that an adapter calls, with the context, pointers to the parameters and room for the result.
    #[doc(hidden)]
    fn handler<E: Entry<Self::Args, Self::Result>>() -> *const c_void;
}

macro_rules! conventions {
    ($($(#[$attr:meta])* $name:ident = $abi:expr;)*) => {$(
        $(#[$attr])*
        #[derive(Clone, Copy)]
        pub struct $name<S>(PhantomData<S>);

        // SAFETY: the same parameters and result.
        unsafe impl<S: Signature> Signature for $name<S> {
            type Args = S::Args;
            type Result = S::Result;
            const ABI: Abi = $abi;
            const CONTRACT: &'static Contract = S::CONTRACT;
            const DIRECT: bool = S::DIRECT;
            const PROMISED: bool = S::PROMISED;

            fn params() -> Vec<Type> {
                S::params()
            }

            fn entry<E: Entry<S::Args, S::Result>>() -> *const c_void {
                S::entry::<E>()
            }

            fn unwinding_entry<E: Entry<S::Args, S::Result>>() -> *const c_void {
                S::unwinding_entry::<E>()
            }

            fn handler<E: Entry<S::Args, S::Result>>() -> *const c_void {
                S::handler::<E>()
            }
        }
    )*};
}

conventions! {
    /// A [`Signature`] by the convention of System V on x86-64, whatever the process's own: `SysV64<fn(i32) -> f64>`.
    SysV64 = Abi::SysV64;
    /// A [`Signature`] by the convention of Windows on x86-64 (`__attribute__((ms_abi))`), whatever the process's own.
    Win64 = Abi::Win64;
    /// A [`Signature`] by `__stdcall`, the convention of callbacks of Windows' API (`CALLBACK`): on 32-bit x86 one of its
    /// own, elsewhere the process's.
    Stdcall = match Convention::Stdcall.abi(host::ABI) {
        Some(abi) => abi,
        None => host::ABI,
    };
}

/// How a call goes in, and out with a result for C.
#[doc(hidden)]
pub trait Entry<A, R: Give> {
    /// # Safety
    /// `context` is what the thunk was made with.
    unsafe fn enter(context: *mut c_void, args: A) -> R::Native;
}

/// A closure that is called with a tuple.
pub trait Run<A, R>: Sized {
    /// # Safety
    /// The caller is inside, and alone there if the closure is `FnMut` or `FnOnce`.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    unsafe fn run<P>(context: &Context<Self, P>, args: A) -> R;
}

/// An `Fn`.
pub struct Shared<F>(pub(super) F);

/// An `FnMut`.
pub struct Mutable<F>(pub(super) F);

/// An `FnOnce`, until it is called.
pub struct Once<F>(pub(super) Option<F>);

/// A closure without content: there is no context to look into, nor anything to drop.
pub struct Bare<F>(PhantomData<F>);

/// A closure in its context.
pub(super) struct Guarded<W, G, P>(PhantomData<(W, G, P)>);

impl<A, R: Give, W: Run<A, R>, G: Guard, P: OnPanic<R>> Entry<A, R> for Guarded<W, G, P> {
    #[inline(always)]
    unsafe fn enter(context: *mut c_void, args: A) -> R::Native {
        // SAFETY: the caller's promise: the context is of this type, and alive or resting.
        unsafe {
            let context = &*context.cast::<Context<W, P>>();
            Inside::<W, P, G>::run(context, || context.panic.run(|| W::run(context, args)).give())
        }
    }
}

/// What Rust calls a closure that takes these parameters.
trait Apply<A, R> {
    fn apply(&self, args: A) -> R;
}

impl<A, R: Give, F: Apply<A, R>> Entry<A, R> for Bare<F> {
    #[inline(always)]
    unsafe fn enter(_: *mut c_void, args: A) -> R::Native {
        debug_assert!(size_of::<F>() == 0 && !std::mem::needs_drop::<F>());
        // SAFETY: a value of no size is nowhere in particular; one was given up for this callback.
        unsafe { NonNull::<F>::dangling().as_ref() }.apply(args).give()
    }
}

macro_rules! signatures {
    ($(($($name:ident $value:ident $index:tt)*))*) => {$(
        impl<$($name,)* R, F: Fn($($name),*) -> R> Apply<($($name,)*), R> for F {
            #[inline(always)]
            fn apply(&self, ($($value,)*): ($($name,)*)) -> R {
                self($($value),*)
            }
        }

        impl<$($name,)* R, F: Fn($($name),*) -> R> Run<($($name,)*), R> for Shared<F> {
            #[inline(always)]
            unsafe fn run<P>(context: &Context<Self, P>, ($($value,)*): ($($name,)*)) -> R {
                // SAFETY: the caller is inside.
                unsafe { context.closure() }.0($($value),*)
            }
        }

        impl<$($name,)* R, F: FnMut($($name),*) -> R> Run<($($name,)*), R> for Mutable<F> {
            #[inline(always)]
            unsafe fn run<P>(context: &Context<Self, P>, ($($value,)*): ($($name,)*)) -> R {
                // SAFETY: the caller is inside, and alone.
                unsafe { context.closure_mut() }.0($($value),*)
            }
        }

        impl<$($name,)* R, F: FnOnce($($name),*) -> R> Run<($($name,)*), R> for Once<F> {
            #[inline(always)]
            unsafe fn run<P>(context: &Context<Self, P>, ($($value,)*): ($($name,)*)) -> R {
                // SAFETY: the caller is inside, and alone.
                match unsafe { context.closure_mut() }.0.take() {
                    Some(closure) => closure($($value),*),
                    None => stop::twice(&context.header),
                }
            }
        }

        // SAFETY: a function of this very signature; nothing can be done with it but to give its address to C.
        unsafe impl<$($name: Ret + 'static,)* R: Give + 'static> Pointee for fn($($name),*) -> R {
            fn is(c: &CType) -> bool {
                matches!(c.resolved().kind(), Kind::Function(_)) && is_for::<Self>(c)
            }
        }

        // SAFETY: each parameter and the result is a type that rustc passes as C does, or `DIRECT` says otherwise.
        unsafe impl<$($name: Ret + 'static,)* R: Give + 'static> Signature for fn($($name),*) -> R {
            type Args = ($($name,)*);
            type Result = R;
            const ABI: Abi = host::ABI;
            const CONTRACT: &'static Contract = &Contract {
                params: &[$(Check { is: $name::is, variadic: || None, checks_itself: false, rust: std::any::type_name::<$name> }),*],
                result: Check { is: R::is, variadic: || None, checks_itself: false, rust: std::any::type_name::<R> },
            };
            const DIRECT: bool = R::DIRECT $(&& $name::DIRECT)*;
            const PROMISED: bool = false $(|| $name::PROMISED)*;

            fn params() -> Vec<Type> {
                let params: Vec<Option<Type>> = vec![$($name::ty()),*];
                params.into_iter().flatten().collect()
            }

            fn entry<E: Entry<Self::Args, R>>() -> *const c_void {
                /// # Safety
                /// Entered by a thunk of this signature.
                unsafe extern "C" fn entry<$($name: Ret,)* R: Give, E: Entry<($($name,)*), R>>(
                    $($value: $name::Native,)* context: *mut c_void,
                ) -> R::Native {
                    // SAFETY: the thunk's promise.
                    unsafe { E::enter(context, ($($name::from_native($value),)*)) }
                }
                entry::<$($name,)* R, E> as unsafe extern "C" fn($($name::Native,)* *mut c_void) -> R::Native as *const c_void
            }

            fn unwinding_entry<E: Entry<Self::Args, R>>() -> *const c_void {
                /// # Safety
                /// Entered by a thunk of this signature.
                unsafe extern "C-unwind" fn entry<$($name: Ret,)* R: Give, E: Entry<($($name,)*), R>>(
                    $($value: $name::Native,)* context: *mut c_void,
                ) -> R::Native {
                    // SAFETY: the thunk's promise.
                    unsafe { E::enter(context, ($($name::from_native($value),)*)) }
                }
                entry::<$($name,)* R, E> as unsafe extern "C-unwind" fn($($name::Native,)* *mut c_void) -> R::Native
                    as *const c_void
            }

            fn handler<E: Entry<Self::Args, R>>() -> *const c_void {
                /// # Safety
                /// Called by an adapter of this signature.
                #[allow(unused_variables)]
                unsafe extern "C" fn handler<$($name: Ret,)* R: Give, E: Entry<($($name,)*), R>>(
                    context: *mut c_void, args: *const *const c_void, result: *mut c_void,
                ) {
                    // SAFETY: the adapter's promise: a pointer for each parameter, and room for the result.
                    unsafe {
                        let args = ($($name::from_native((*args.add($index)).cast::<$name::Native>().read_unaligned()),)*);
                        let given = E::enter(context, args);
                        if size_of::<R::Native>() > 0 {
                            result.cast::<R::Native>().write_unaligned(given);
                        }
                    }
                }
                handler::<$($name,)* R, E> as unsafe extern "C" fn(_, _, _) as *const c_void
            }
        }
    )*};
}

signatures! {
    ()
    (A a 0)
    (A a 0 B b 1)
    (A a 0 B b 1 C c 2)
    (A a 0 B b 1 C c 2 D d 3)
    (A a 0 B b 1 C c 2 D d 3 G e 4)
    (A a 0 B b 1 C c 2 D d 3 G e 4 H f 5)
    (A a 0 B b 1 C c 2 D d 3 G e 4 H f 5 I g 6)
    (A a 0 B b 1 C c 2 D d 3 G e 4 H f 5 I g 6 J h 7)
    (A a 0 B b 1 C c 2 D d 3 G e 4 H f 5 I g 6 J h 7 K i 8)
    (A a 0 B b 1 C c 2 D d 3 G e 4 H f 5 I g 6 J h 7 K i 8 L j 9)
    (A a 0 B b 1 C c 2 D d 3 G e 4 H f 5 I g 6 J h 7 K i 8 L j 9 M k 10)
    (A a 0 B b 1 C c 2 D d 3 G e 4 H f 5 I g 6 J h 7 K i 8 L j 9 M k 10 N l 11)
}
