//! C function pointers that take their arguments as a tuple: the direct call that the others are compared with.
#![allow(unsafe_code)]

use callsmith::Ptr;
use std::ffi::c_void;

/// A C function pointer of the argument types `A`.
pub(super) trait Direct<A>: Copy + 'static {
    /// What it gives back.
    type Result;

    /// Calls it.
    fn call(self, arguments: A) -> Self::Result;

    /// Its address.
    fn address(self) -> *const c_void;
}

macro_rules! pointers {
    ($(($($name:ident $value:ident)*))*) => {$(
        #[allow(non_snake_case)]
        impl<$($name: 'static,)* R: 'static> Direct<($($name,)*)> for extern "C" fn($($name),*) -> R {
            type Result = R;

            #[inline(always)]
            fn call(self, ($($value,)*): ($($name,)*)) -> R {
                self($($value),*)
            }

            fn address(self) -> *const c_void {
                self as *const c_void
            }
        }
    )*};
}

pointers! {
    ()
    (A a)
    (A a B b)
    (A a B b C c)
    (A a B b C c D d E e F f)
    (A a B b C c D d E e F f G g H h)
    (A a B b C c D d E e F f G g H h I i J j K k L l M m N n)
}

/// A pointer to [`variadic`](super::callees::variadic) as what it is called as.
#[derive(Clone, Copy)]
pub(super) struct Variadic(unsafe extern "C" fn(Ptr, ...) -> i32);

impl Variadic {
    /// `callee` seen as a variadic function.
    pub(super) fn new(callee: extern "C" fn(Ptr, i32, f64, Ptr) -> i32) -> Variadic {
        // SAFETY: a pointer to a function is one, of whatever type.
        Variadic(unsafe {
            std::mem::transmute::<
                extern "C" fn(Ptr, i32, f64, Ptr) -> i32,
                unsafe extern "C" fn(Ptr, ...) -> i32,
            >(callee)
        })
    }
}

impl Direct<(Ptr, i32, f64, Ptr)> for Variadic {
    type Result = i32;

    #[inline(always)]
    fn call(self, (text, n, x, more): (Ptr, i32, f64, Ptr)) -> i32 {
        // SAFETY: the host's ABI passes these as it passes them to the callee's own type.
        unsafe { (self.0)(text, n, x, more) }
    }

    fn address(self) -> *const c_void {
        self.0 as *const c_void
    }
}
