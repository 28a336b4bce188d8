//! Windows' last error: taken with a call's result, before anything else can change it; and ctypes' copy of it.
//!
//! Between the function's return and the look at it stands nothing that asks the system for anything but memory, which
//! leaves it alone; a thread-local variable, which does not, is read before the call.

use super::{Args, Around, Function, Manner, Ret};
use crate::data::Value;
use crate::error::Error;
use crate::sys;
use std::cell::Cell;
use std::fmt;
use std::io;

/// What a function of Windows left as its thread's last error; 0 if nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LastError(pub u32);

impl LastError {
    /// As an [`io::Error`], which has the system's text (ctypes' `WinError`, `FormatError`); `None` where the function left
    /// nothing.
    pub fn error(self) -> Option<io::Error> {
        (self.0 != 0).then(|| io::Error::from_raw_os_error(self.0.cast_signed()))
    }
}

impl fmt::Debug for LastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error() {
            Some(error) => write!(f, "{error}"),
            None => f.write_str("no error"),
        }
    }
}

thread_local! {
    /// This thread's copy, as ctypes has it.
    static COPY: Cell<u32> = const { Cell::new(0) };
}

/// This thread's copy of the last error, which [`swapping_last_error`] exchanges with the real one.
pub fn get_last_error() -> u32 {
    COPY.get()
}

/// Sets this thread's copy of the last error, and gives what it was.
pub fn set_last_error(value: u32) -> u32 {
    COPY.replace(value)
}

impl Function {
    /// As [`Function::call`], with what the function left as the last error: that is cleared before the call and read right
    /// after it.
    ///
    /// ```
    /// use callsmith::{Library, Ptr};
    ///
    /// let kernel32 = Library::open("kernel32")?;
    /// // SAFETY: as Microsoft's documentation has it.
    /// let load = unsafe { kernel32.function("void *WINAPI LoadLibraryA(const char *name)")? };
    /// let (library, last) = load.call_last_error::<_, Ptr>((c"no such library",))?;
    /// assert!(library.is_null());
    /// assert_eq!(last.0, 126); // ERROR_MOD_NOT_FOUND
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Function::call`].
    #[inline(always)]
    pub fn call_last_error<A: Args, R: Ret>(&self, arguments: A) -> Result<(R, LastError), Error> {
        self.call_inside(arguments.ready(), Taking)
    }

    /// [`Function::call_last_error`] for values of run-time types.
    ///
    /// # Errors
    /// As for [`Function::call_values`].
    pub fn call_values_last_error(&self, arguments: &[Value]) -> Result<(Value, LastError), Error> {
        Taking.run_fallible(|| self.call_values_taking(arguments, Taking::TAKES))
    }
}

/// Clears the last error, and reads what the call leaves.
struct Taking;

impl Around for Taking {
    type With<R> = (R, LastError);
    const TAKES: Manner = Manner { last_error: true, ..Manner::PLAIN };

    #[inline(always)]
    fn run<R>(self, call: impl FnOnce() -> R) -> (R, LastError) {
        sys::set_last_error(0);
        let result = call();
        (result, LastError(sys::last_error()))
    }

    #[inline(always)]
    fn run_fallible<R>(self, call: impl FnOnce() -> Result<R, Error>) -> Result<(R, LastError), Error> {
        let (result, last) = self.run(call);
        Ok((result?, last))
    }
}

/// Runs `body` with this thread's copy of the last error ([`get_last_error`], [`set_last_error`]) exchanged with the real
/// one before and after: what ctypes does with `use_last_error=True`, around a call and in a callback.
///
/// C finds the copy where nothing is prepared on the way: the first call at its place may clear the last error before it.
pub fn swapping_last_error<T>(body: impl FnOnce() -> T) -> T {
    /// Puts the real one back, also when `body` panics.
    struct Swapped(u32);

    impl Drop for Swapped {
        fn drop(&mut self) {
            // First of all: to look for the copy may change it.
            let left = sys::last_error();
            COPY.set(left);
            sys::set_last_error(self.0);
        }
    }

    let real = sys::last_error();
    let copy = COPY.get();
    let _swapped = Swapped(real);
    sys::set_last_error(copy);
    body()
}
