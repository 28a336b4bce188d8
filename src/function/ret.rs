//! Rust types as results.
#![allow(unsafe_code)]

use crate::ctype::{CType, Kind};
use crate::data::{CRepr, LongDouble, Pointee, Ptr, Value, laid_out_as, to_rust, unfit};
use crate::engine::{Bound, Returns, Slot};
use crate::error::Error;
use crate::sys;
use callsmith_arch::layout::{Scalar, Type};
use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;

/// A Rust type that may be a result, or a parameter of a callback: `()`, numbers, [`Ptr`], raw pointers, `c_struct!` types.
/// And copies of what a pointer points at, where the declaration says what is there: `Option<CString>` of a string (`const
/// char *__null_terminated getenv(const char *)`), [`Copied`] of elements.
///
/// # Safety
/// For a result of a C type that [`Ret::is`] accepts, [`Ret::Native`] must be what `extern "C"` code gives back.
pub unsafe trait Ret: Sized {
    /// What C gives back.
    type Native: Copy;

    /// Whether rustc takes [`Ret::Native`] from `extern "C"` functions as C compilers give it.
    const DIRECT: bool = true;

    /// Whether it relies on what the declaration says of memory, and not only on C's word for the pointer.
    const PROMISED: bool = false;

    /// Whether a result of type `c` can be taken as this type without conversion.
    fn is(c: &CType) -> bool;

    /// The C type that this type is; `None` for `void`.
    fn ty() -> Option<Type>;

    /// The result, from what C gave back.
    ///
    /// # Safety
    /// It is a value of a C type that [`Ret::is`] accepts, with all that its declaration says of it.
    unsafe fn from_native(native: Self::Native) -> Self;

    /// The result, from a value of another type that may fit.
    ///
    /// # Errors
    /// It does not fit.
    fn from_value(value: Value) -> Result<Self, Error>;
}

/// A Rust type that may be given to C by value: a [`Ret`] that safe code cannot make out of nothing, so no raw pointer.
///
/// # Safety
/// As for [`Ret`], the other way.
pub unsafe trait Give: Ret {
    /// The value for C.
    fn give(self) -> Self::Native;
}

/// Calls through a stub and takes the result as `R`.
///
/// # Safety
/// The slots are the function's arguments, and `R` is accepted by its result type.
#[inline(always)]
pub(super) unsafe fn through_slots<R: Ret>(bound: &Bound, slots: *const Slot) -> R {
    let mut native = MaybeUninit::<R::Native>::uninit();
    // SAFETY: the caller's promise; `native` has room for the result, whose type `R` stands for.
    unsafe {
        match bound.returns() {
            Returns::Memory => bound.memory(slots, native.as_mut_ptr().cast()),
            Returns::Float | Returns::Single => write_prefix(&mut native, bound.float(slots)),
            Returns::Nothing | Returns::Word => write_prefix(&mut native, bound.word(slots)),
        }
        R::from_native(native.assume_init())
    }
}

/// Writes the first bytes of `register`, as many as `to` has.
fn write_prefix<T: Copy, N: Copy>(to: &mut MaybeUninit<N>, register: T) {
    let bytes = size_of::<N>().min(size_of::<T>());
    // SAFETY: as many bytes as both have.
    unsafe {
        std::ptr::from_ref(&register).cast::<u8>().copy_to_nonoverlapping(to.as_mut_ptr().cast(), bytes);
    }
}

// SAFETY: nothing is taken.
unsafe impl Ret for () {
    type Native = ();

    fn is(c: &CType) -> bool {
        matches!(c.resolved().kind(), Kind::Void)
    }

    fn ty() -> Option<Type> {
        None
    }

    #[inline(always)]
    unsafe fn from_native((): ()) {}

    fn from_value(_: Value) -> Result<(), Error> {
        Ok(())
    }
}

// SAFETY: nothing is given.
unsafe impl Give for () {
    fn give(self) {}
}

macro_rules! numbers {
    ($direct:expr => $($rust:ty),*) => {$(
        // SAFETY: a number is given back as itself.
        unsafe impl Ret for $rust {
            type Native = $rust;
            const DIRECT: bool = $direct;

            fn is(c: &CType) -> bool {
                laid_out_as(c, &<$rust as CRepr>::ty())
            }

            fn ty() -> Option<Type> {
                Some(<$rust as CRepr>::ty())
            }

            #[inline(always)]
            unsafe fn from_native(native: $rust) -> $rust {
                native
            }

            fn from_value(value: Value) -> Result<$rust, Error> {
                to_rust(value)
            }
        }

        // SAFETY: as above.
        unsafe impl Give for $rust {
            #[inline(always)]
            fn give(self) -> $rust {
                self
            }
        }
    )*};
}

numbers! { true => i8, u8, i16, u16, i32, u32, i64, u64, isize, usize, f32, f64 }
numbers! { false => i128, u128, LongDouble }

// SAFETY: a byte; C's `_Bool` in a register is 0 or 1 in its low 8 bits (psABI 3.2.3), anything else counts as true.
unsafe impl Ret for bool {
    type Native = u8;

    fn is(c: &CType) -> bool {
        laid_out_as(c, &<bool as CRepr>::ty())
    }

    fn ty() -> Option<Type> {
        Some(<bool as CRepr>::ty())
    }

    #[inline(always)]
    unsafe fn from_native(native: u8) -> bool {
        native != 0
    }

    fn from_value(value: Value) -> Result<bool, Error> {
        value.try_into()
    }
}

// SAFETY: 0 or 1, as C has it.
unsafe impl Give for bool {
    #[inline(always)]
    fn give(self) -> u8 {
        self.into()
    }
}

/// Whether `c` points at a `T`, or at anything where `T` is `c_void`.
fn points_at<T: Pointee>(c: &CType) -> bool {
    match c.resolved().kind() {
        Kind::Pointer(pointee) => T::is(&pointee),
        _ => false,
    }
}

// SAFETY: an address that C gave back.
unsafe impl<T: Pointee> Ret for Ptr<T> {
    type Native = Ptr<T>;

    fn is(c: &CType) -> bool {
        points_at::<T>(c)
    }

    fn ty() -> Option<Type> {
        Some(Type::Scalar(Scalar::Pointer))
    }

    #[inline(always)]
    unsafe fn from_native(native: Ptr<T>) -> Ptr<T> {
        native
    }

    /// No conversion: a pointer to something else is not a pointer to this.
    fn from_value(value: Value) -> Result<Ptr<T>, Error> {
        Err(unfit(std::any::type_name::<Ptr<T>>(), &value))
    }
}

// SAFETY: an address that somebody vouched for.
unsafe impl<T: Pointee> Give for Ptr<T> {
    #[inline(always)]
    fn give(self) -> Ptr<T> {
        self
    }
}

// SAFETY: an address, or NULL; the declaration says that a string is there, and whoever made the function that it is true.
unsafe impl Ret for Option<CString> {
    type Native = Ptr<c_char>;
    const PROMISED: bool = true;

    fn is(c: &CType) -> bool {
        c.is_string()
    }

    fn ty() -> Option<Type> {
        Some(Type::Scalar(Scalar::Pointer))
    }

    #[inline]
    unsafe fn from_native(native: Ptr<c_char>) -> Option<CString> {
        if native.is_null() {
            return None;
        }
        let errno = sys::errno_location();
        // SAFETY: a string, see above, that C has just given back; and this thread's `errno`, which an allocation may
        // change, while whoever takes it with the result is to find the function's.
        unsafe {
            let left = errno.read();
            let copy = CStr::from_ptr(native.as_ptr()).to_owned();
            errno.write(left);
            Some(copy)
        }
    }

    /// As for [`Ptr`].
    fn from_value(value: Value) -> Result<Option<CString>, Error> {
        Err(unfit("Option<CString>", &value))
    }
}

/// The first `N` elements of what C points at: a copy, where the declaration says that they are there, with Clang's word
/// `__counted_by`.
///
/// ```
/// use callsmith::{Callback, Copied, Library};
///
/// let declaration = "void qsort(int *base, size_t n, size_t size,
///     int (*compare)(const int *__counted_by(1), const int *__counted_by(1)))";
/// // SAFETY: qsort's prototype, which gives pointers to elements, and the lengths below match.
/// let qsort = unsafe { Library::this_process().function(declaration)? };
/// let compare = Callback::<fn(Copied<i32, 1>, Copied<i32, 1>) -> i32>::new(
///     |Copied([a]): Copied<i32, 1>, Copied([b]): Copied<i32, 1>| a.cmp(&b) as i32,
/// )?;
/// let mut numbers = [5, 1, 7, 33, 99];
/// qsort.call::<_, ()>((&mut numbers[..], 5, 4, &compare))?;
/// assert_eq!(numbers, [1, 5, 7, 33, 99]);
/// # Ok::<(), callsmith::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied<T, const N: usize>(pub [T; N]);

// SAFETY: an address; the declaration says that so many elements are there, and whoever made the function that it is true.
unsafe impl<T: CRepr, const N: usize> Ret for Copied<T, N> {
    type Native = Ptr<T>;
    const PROMISED: bool = true;

    fn is(c: &CType) -> bool {
        let enough = c.counted_by().is_some_and(|count| count >= N as u64);
        enough && c.pointee().is_some_and(|element| T::is(&element))
    }

    fn ty() -> Option<Type> {
        Some(Type::Scalar(Scalar::Pointer))
    }

    #[inline]
    unsafe fn from_native(native: Ptr<T>) -> Copied<T, N> {
        // SAFETY: as many elements, see above.
        Copied(unsafe { native.as_ptr().cast::<[T; N]>().read_unaligned() })
    }

    /// As for [`Ptr`].
    fn from_value(value: Value) -> Result<Copied<T, N>, Error> {
        Err(unfit(std::any::type_name::<Copied<T, N>>(), &value))
    }
}

macro_rules! raw_pointers {
    ($($pointer:ty),*) => {$(
        // SAFETY: an address; whoever reads through it vouches for that.
        unsafe impl<T: Pointee> Ret for $pointer {
            type Native = $pointer;

            fn is(c: &CType) -> bool {
                points_at::<T>(c)
            }

            fn ty() -> Option<Type> {
                Some(Type::Scalar(Scalar::Pointer))
            }

            #[inline(always)]
            unsafe fn from_native(native: $pointer) -> $pointer {
                native
            }

            /// As for [`Ptr`].
            fn from_value(value: Value) -> Result<$pointer, Error> {
                Err(unfit(std::any::type_name::<$pointer>(), &value))
            }
        }
    )*};
}

raw_pointers! { *const T, *mut T }
