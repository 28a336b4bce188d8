//! `errno`: taken with a call's result, before anything else can change it; and ctypes' copy of it, for those who port.

use super::{Args, Function, Ret};
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
        (self.0 != 0).then(|| io::Error::from_raw_os_error(self.0))
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
    /// ```
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
    #[inline]
    pub fn call_errno<A: Args, R: Ret>(&self, arguments: A) -> Result<(R, Errno), Error> {
        sys::set_errno(0);
        let result = self.call(arguments);
        // Nothing behind the C function asks the system for anything; freeing memory keeps `errno` (POSIX.1-2024, free).
        let errno = Errno(sys::errno());
        result.map(|result| (result, errno))
    }

    /// [`Function::call_errno`] for values of run-time types.
    ///
    /// # Errors
    /// As for [`Function::call_values`].
    pub fn call_values_errno(&self, arguments: &[Value]) -> Result<(Value, Errno), Error> {
        sys::set_errno(0);
        let result = self.call_values(arguments);
        let errno = Errno(sys::errno());
        result.map(|result| (result, errno))
    }

    /// As [`Function::call`], with this thread's copy of `errno` ([`get_errno`], [`set_errno`]) exchanged with the real one
    /// before the call and after it: what ctypes does with `use_errno=True`.
    ///
    /// # Errors
    /// As for [`Function::call`].
    pub fn call_swapping_errno<A: Args, R: Ret>(&self, arguments: A) -> Result<R, Error> {
        let real = sys::errno();
        sys::set_errno(COPY.get());
        let result = self.call(arguments);
        COPY.set(sys::errno());
        sys::set_errno(real);
        result
    }
}
