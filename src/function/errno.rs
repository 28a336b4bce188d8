//! `errno`: taken with a call's result, before anything else can change it; and ctypes' copy of it, for those who port.

use super::contract::Contract;
use super::{Args, Around, Function, Manner, Ret};
use crate::data::Value;
use crate::error::Error;
use crate::sys;
use std::cell::Cell;
use std::fmt;
use std::io;

/// What a C function left in `errno`; 0 if nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// As an [`io::Error`], which has the system's text; `None` where the function left nothing.
    pub fn error(self) -> Option<io::Error> {
        (self.0 != 0).then(|| sys::errno_error(self.0))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error() {
            Some(error) => write!(f, "{error}"),
            None => f.write_str("no error"),
        }
    }
}

thread_local! {
    /// This thread's copy, as ctypes has it.
    static COPY: Cell<i32> = const { Cell::new(0) };

    /// Where this thread's `errno` is, once that was asked for: to ask in every call would cost what it costs to keep the
    /// arguments meanwhile.
    static PLACE: Cell<*mut i32> = const { Cell::new(std::ptr::null_mut()) };
}

/// This thread's copy of `errno`, which [`Function::call_swapping_errno`] exchanges with the real one.
pub fn get_errno() -> i32 {
    COPY.get()
}

/// Sets this thread's copy of `errno`, and gives what it was.
pub fn set_errno(value: i32) -> i32 {
    COPY.replace(value)
}

impl Function {
    /// As [`Function::call`], with what the function left in `errno`: that is cleared before the call and read right after
    /// it.
    ///
    /// ```ignore-windows
    /// use callsmith::Library;
    ///
    /// let libc = Library::this_process();
    /// // SAFETY: this is libc's prototype.
    /// let open = unsafe { libc.function("int open(const char *path, int flags, ...)")? };
    /// let (file, errno) = open.call_errno::<_, i32>((c"/no/such/file", 0))?;
    /// assert_eq!(file, -1);
    /// assert_eq!(errno.error().map(|error| error.kind()), Some(std::io::ErrorKind::NotFound));
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Function::call`].
    #[inline(always)]
    pub fn call_errno<A: Args, R: Ret>(&self, arguments: A) -> Result<(R, Errno), Error> {
        let place = PLACE.get();
        if place.is_null() {
            return self.call_errno_first(Contract::of::<A::Ready, R>(), arguments.ready().apart());
        }
        if A::CONVERTS {
            // What that does is not the function's doing.
            return self.call_inside(arguments.ready(), TakingErrno(place));
        }
        self.call_inside(arguments, TakingErrno(place))
    }

    /// [`Function::call_errno`], before this thread knows where its `errno` is.
    #[cold]
    #[inline(never)]
    fn call_errno_first<A: Args, R: Ret>(
        &self,
        contract: &'static Contract,
        arguments: A,
    ) -> Result<(R, Errno), Error> {
        TakingErrno::found().run_fallible(|| self.call_by_contract(contract, arguments, TakingErrno::TAKES))
    }

    /// [`Function::call_errno`] for values of run-time types.
    ///
    /// # Errors
    /// As for [`Function::call_values`].
    pub fn call_values_errno(&self, arguments: &[Value]) -> Result<(Value, Errno), Error> {
        TakingErrno::found().run_fallible(|| self.call_values_taking(arguments, TakingErrno::TAKES))
    }

    /// As [`Function::call`], with this thread's copy of `errno` ([`get_errno`], [`set_errno`]) exchanged with the real one
    /// before the call and after it: what ctypes does with `use_errno=True`.
    ///
    /// # Errors
    /// As for [`Function::call`].
    pub fn call_swapping_errno<A: Args, R: Ret>(&self, arguments: A) -> Result<R, Error> {
        let arguments = arguments.ready();
        swapping_errno(|| self.call(arguments))
    }
}

/// Clears the `errno` here, which is this thread's, and reads what the call leaves in it.
///
/// Nothing behind the C function asks the system for anything; freeing memory keeps `errno` (POSIX.1-2024, free).
struct TakingErrno(*mut i32);

impl TakingErrno {
    /// This thread's.
    fn found() -> TakingErrno {
        let place = sys::errno_location();
        PLACE.set(place);
        TakingErrno(place)
    }
}

#[allow(unsafe_code)]
impl Around for TakingErrno {
    type With<R> = (R, Errno);
    const TAKES: Manner = Manner { errno: true, ..Manner::PLAIN };

    #[inline(always)]
    fn run<R>(self, call: impl FnOnce() -> R) -> (R, Errno) {
        // SAFETY: this thread's own, on which the call begins and ends.
        unsafe { self.0.write(0) };
        let result = call();
        // SAFETY: as above.
        (result, Errno(unsafe { self.0.read() }))
    }

    #[inline(always)]
    fn run_fallible<R>(self, call: impl FnOnce() -> Result<R, Error>) -> Result<(R, Errno), Error> {
        let (result, errno) = self.run(call);
        Ok((result?, errno))
    }
}

/// Runs `body` with this thread's copy of `errno` ([`get_errno`], [`set_errno`]) exchanged with the real one before and
/// after: what ctypes does around a callback whose type has `use_errno=True`. Outside of `body`, C finds its `errno` as it
/// left it.
///
/// ```
/// use callsmith::{Callback, get_errno, set_errno, swapping_errno};
///
/// let callback: Callback<fn(i32) -> i32> =
///     Callback::new(|code| swapping_errno(|| set_errno(code)))?;
/// # drop(callback);
/// # Ok::<(), callsmith::Error>(())
/// ```
#[allow(unsafe_code)]
pub fn swapping_errno<T>(body: impl FnOnce() -> T) -> T {
    /// Exchanges the two, also when `body` panics.
    struct Swapped(*mut i32);

    impl Swapped {
        fn swap(&self) {
            // SAFETY: this thread's own, which it never leaves.
            unsafe { self.0.write(COPY.replace(self.0.read())) };
        }
    }

    impl Drop for Swapped {
        fn drop(&mut self) {
            self.swap();
        }
    }

    let swapped = Swapped(sys::errno_location());
    swapped.swap();
    body()
}
