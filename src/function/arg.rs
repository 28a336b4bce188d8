//! Rust types as arguments.
#![allow(unsafe_code)]

use crate::ctype::{CType, Kind};
use crate::data::{
    CRepr, CharBuffer, LongDouble, Pointee, Ptr, Value, WideBuffer, WideChar, is_promoted, laid_out_as,
};
use callsmith_arch::layout::{Scalar, Type};
use std::ffi::CStr;
use std::mem::MaybeUninit;

/// A Rust type that may be an argument: numbers, [`Ptr`], references, slices, `&CStr`, `c_struct!` types.
///
/// Raw pointers are not among them: safe code can make them out of nothing.
///
/// # Safety
/// For a parameter of a C type that [`Arg::is`] accepts, [`Arg::Native`] must be what `extern "C"` code expects there,
/// if [`Arg::DIRECT`], and its memory what a stub expects in any case.
pub unsafe trait Arg {
    /// What C receives.
    type Native: Copy;

    /// Whether rustc passes [`Arg::Native`] to `extern "C"` functions as C compilers do.
    const DIRECT: bool = true;

    /// Whether a slot holds the native value, not its address.
    const IN_SLOT: bool = size_of::<Self::Native>() <= 8;

    /// Whether [`Arg::value`] looks at the value itself and gives [`Value::Void`] where it does not fit, while [`Arg::is`]
    /// never holds.
    const CHECKS_ITSELF: bool = false;

    /// Whether it relies on what the parameter's declaration says of memory, so that it is for parameters of functions
    /// alone: their declarations were vouched for.
    const PROMISED: bool = false;

    /// Whether a parameter of type `c` takes this type without conversion.
    fn is(c: &CType) -> bool;

    /// The type of such an argument behind a `...`; `None` where C promotes it to another (C11 6.5.2.2p6).
    fn variadic() -> Option<Type>;

    /// This argument for C. References give their addresses, which C may use until the call returns.
    ///
    /// ```compile_fail,E0133
    /// use callsmith::{Arg, Ptr};
    ///
    /// let pointer: Ptr = {
    ///     let number = 5;
    ///     Arg::native(&number)
    /// }; // to nothing
    /// ```
    ///
    /// # Safety
    /// The result is used only as long as the argument would be valid: it does not say how long that is.
    unsafe fn native(self) -> Self::Native;

    /// This argument as a value, to be converted to the parameter's type `c`.
    ///
    /// # Safety
    /// As for [`Arg::native`]; and the value goes only to what is declared as `c`.
    unsafe fn value(native: Self::Native, c: Option<&CType>) -> Value;
}

/// A type of one's own as an argument: what ctypes asks for its `_as_parameter_`. Every [`Arg`] is one.
///
/// ```
/// use callsmith::{IntoArg, Library};
///
/// struct Bottles(i32);
///
/// impl IntoArg for &Bottles {
///     type Arg = i32;
///
///     fn into_arg(self) -> i32 {
///         self.0
///     }
/// }
///
/// // SAFETY: this is libc's prototype.
/// let abs = unsafe { Library::this_process().function("int abs(int)")? };
/// let bottles: i32 = abs.call((&Bottles(-42),))?;
/// assert_eq!(bottles, 42);
/// # Ok::<(), callsmith::Error>(())
/// ```
pub trait IntoArg {
    /// Whether [`IntoArg::into_arg`] is anything but the argument itself.
    #[doc(hidden)]
    const CONVERTS: bool = true;

    /// What C is given in its place.
    type Arg: Arg;

    /// The argument in its place.
    fn into_arg(self) -> Self::Arg;
}

impl<A: Arg> IntoArg for A {
    const CONVERTS: bool = false;
    type Arg = A;

    #[inline(always)]
    fn into_arg(self) -> A {
        self
    }
}

/// What a slot holds for `native`.
#[inline(always)]
pub(super) fn slot<A: Arg>(native: &A::Native) -> MaybeUninit<u64> {
    let mut slot = MaybeUninit::<u64>::uninit();
    if A::IN_SLOT {
        // SAFETY: at most 8 bytes, by the constant's meaning; the rest of a slot is nobody's.
        unsafe { slot.as_mut_ptr().cast::<A::Native>().write_unaligned(*native) }
    } else {
        slot.write(std::ptr::from_ref(native).expose_provenance() as u64);
    }
    slot
}

macro_rules! numbers {
    ($direct:expr, $in_slot:expr => $($rust:ty),*) => {$(
        // SAFETY: a number is passed as itself.
        unsafe impl Arg for $rust {
            type Native = $rust;
            const DIRECT: bool = $direct;
            const IN_SLOT: bool = $in_slot;

            fn is(c: &CType) -> bool {
                laid_out_as(c, &<$rust>::ty())
            }

            fn variadic() -> Option<Type> {
                Some(<$rust>::ty()).filter(|ty| !is_promoted(ty))
            }

            #[inline(always)]
            unsafe fn native(self) -> $rust {
                self
            }

            unsafe fn value(native: $rust, _: Option<&CType>) -> Value {
                native.into()
            }
        }
    )*};
}

numbers! { true, true => bool, i8, u8, i16, u16, i32, u32, i64, u64, isize, usize, f32, f64 }
// rustc passes 128-bit integers by its own rules on some targets, and has no `long double` at all.
numbers! { false, false => i128, u128, LongDouble }

/// The pointee of a pointer type.
fn pointee(c: &CType) -> Option<CType> {
    match c.resolved().kind() {
        Kind::Pointer(pointee) => Some(pointee),
        _ => None,
    }
}

/// Whether C may read a `T`, or write it too (`mutable`), through a parameter of type `c`.
fn points_at<T: Pointee>(c: &CType, mutable: bool) -> bool {
    pointee(c).is_some_and(|target| {
        let fits = matches!(target.resolved().kind(), Kind::Void) || T::is(&target);
        fits && (mutable || target.qualifiers().is_const)
    })
}

macro_rules! pointers {
    ($([$($generics:tt)*] $rust:ty, $target:ty, $mutable:expr, $this:ident => $address:expr;)*) => {$(
        // SAFETY: an address, of memory that the reference keeps valid while C runs; written only where it is mutable.
        unsafe impl<$($generics)*> Arg for $rust {
            type Native = Ptr;

            fn is(c: &CType) -> bool {
                points_at::<$target>(c, $mutable)
            }

            fn variadic() -> Option<Type> {
                Some(Type::Scalar(Scalar::Pointer))
            }

            #[inline(always)]
            unsafe fn native(self) -> Ptr {
                let $this = self;
                // SAFETY: see above; what C does with it is what the signature's author promised.
                unsafe { Ptr::new($address.cast()) }
            }

            unsafe fn value(native: Ptr, _: Option<&CType>) -> Value {
                Value::Pointer(native)
            }
        }
    )*};
}

pointers! {
    ['a, T: CRepr] &'a T, T, false, this => std::ptr::from_ref(this);
    ['a, T: CRepr] &'a mut T, T, true, this => std::ptr::from_mut(this).cast_const();
    ['a, T: CRepr] &'a [T], T, false, this => this.as_ptr();
    ['a, T: CRepr] &'a mut [T], T, true, this => this.as_mut_ptr().cast_const();
    ['a] &'a CStr, i8, false, this => this.as_ptr();
    ['a, T: CRepr] Option<&'a T>, T, false, this => this.map_or(std::ptr::null(), std::ptr::from_ref);
    ['a, T: CRepr] Option<&'a mut T>, T, true, this => this.map_or(std::ptr::null(), |x| std::ptr::from_mut(x).cast_const());
    ['a] &'a CharBuffer, i8, false, this => this.raw().as_ptr();
    ['a] &'a mut CharBuffer, i8, true, this => this.raw_mut().as_mut_ptr().cast_const();
    ['a] &'a WideBuffer, WideChar, false, this => this.raw().as_ptr();
    ['a] &'a mut WideBuffer, WideChar, true, this => this.raw_mut().as_mut_ptr().cast_const();
    ['a] Option<&'a CStr>, i8, false, this => this.map_or(std::ptr::null(), CStr::as_ptr);
    [T: Pointee] Ptr<T>, T, true, this => this.as_ptr().cast_const();
}

/// NULL, for a pointer to anything: ctypes' `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Null;

// SAFETY: NULL is a pointer of every type.
unsafe impl Arg for Null {
    type Native = Ptr;

    fn is(c: &CType) -> bool {
        pointee(c).is_some()
    }

    fn variadic() -> Option<Type> {
        Some(Type::Scalar(Scalar::Pointer))
    }

    #[inline(always)]
    unsafe fn native(self) -> Ptr {
        Ptr::NULL
    }

    unsafe fn value(native: Ptr, _: Option<&CType>) -> Value {
        Value::Pointer(native)
    }
}
