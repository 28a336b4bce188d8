//! Functions whose parameters have directions, names and defaults, and whose results are checked: what ctypes' `paramflags`
//! and `errcheck` are for.
#![allow(unsafe_code)]

mod call;
mod outcome;
mod which;

pub use call::Call;
pub use outcome::{Outcome, Output};
pub use which::Which;

use super::Function;
use super::arg::IntoArg;
use crate::ctype::{CType, Param};
use crate::data::{Data, Value};
use crate::error::{Error, ErrorKind};
use call::converted;
use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;

/// An error of a program's own.
type Cause = Box<dyn StdError + Send + Sync>;
type Make = Box<dyn Fn() -> Value + Send + Sync>;
type Convert = Box<dyn Fn(Value) -> Result<Value, Cause> + Send + Sync>;
type Check = Box<dyn Fn(Outcome) -> Result<Outcome, Cause> + Send + Sync>;

/// A [`Function`] whose parameters may be given by name, have defaults, or be outputs that come back as values, and whose
/// results may be checked.
///
/// ```ignore-windows
/// use callsmith::{Library, Routine};
///
/// let libm = Library::open("libm.so.6")?;
/// // SAFETY: this is libm's prototype.
/// let modf = unsafe { libm.function("double modf(double x, double *whole)")? };
/// let modf = Routine::new(modf).output("whole")?;
/// let outcome = modf.call().named("x", 3.75).run()?;
/// assert_eq!(outcome.result::<f64>()?, 0.75);
/// assert_eq!(outcome.output::<f64>("whole")?, 3.0);
/// # Ok::<(), callsmith::Error>(())
/// ```
pub struct Routine {
    function: Function,
    params: Vec<Parameter>,
    check: Option<Check>,
    errno: bool,
}

/// What is said of a parameter.
#[derive(Default)]
struct Parameter {
    direction: Direction,
    default: Option<Make>,
    convert: Option<Convert>,
}

/// Who gives a parameter's value. What is not given by the caller is a pointer to the C code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Direction {
    #[default]
    In,
    Out,
    InOut,
}

impl Routine {
    /// `function`, all of whose parameters are inputs without defaults.
    pub fn new(function: Function) -> Routine {
        let params = function.prototype().params.iter().map(|_| Parameter::default()).collect();
        Routine { function, params, check: None, errno: false }
    }

    /// The function.
    pub fn function(&self) -> &Function {
        &self.function
    }

    fn index(&self, which: Which<'_>) -> Result<usize, Error> {
        let params = &self.function.prototype().params;
        let index = match which {
            Which::Name(name) => params.iter().position(|param| param.name.as_deref() == Some(name)),
            Which::Number(number) => number.checked_sub(1).filter(|index| *index < params.len()),
        };
        let missing = || ErrorKind::NoParameter {
            function: self.function.prototype().to_string(),
            parameter: which.to_string(),
        };
        Ok(index.ok_or_else(missing)?)
    }

    fn param(&self, index: usize) -> &Param {
        &self.function.prototype().params[index]
    }

    fn wrong(&self, index: usize, given: impl Into<String>, why: Option<String>) -> Error {
        self.function.inner.wrong_argument(index, given.into(), why)
    }

    fn direct(mut self, which: Which<'_>, direction: Direction) -> Result<Routine, Error> {
        let index = self.index(which)?;
        let target = self.param(index).ty.pointee();
        let why = match target {
            None => Some("an output is written through a pointer".into()),
            Some(target) if target.qualifiers().is_const => Some("it points at what is const".into()),
            Some(target) => Data::new(&target).err().map(|error| error.to_string()),
        };
        if why.is_some() {
            return Err(self.wrong(index, "an output", why));
        }
        self.params[index].direction = direction;
        Ok(self)
    }

    /// Makes a parameter an output: the function is given a pointer to a zeroed value, which comes back in the [`Outcome`].
    ///
    /// # Errors
    /// No such parameter; one that is not a pointer to one value that may be written.
    pub fn output<'n>(self, which: impl Into<Which<'n>>) -> Result<Routine, Error> {
        self.direct(which.into(), Direction::Out)
    }

    /// Makes a parameter an input and an output: the caller gives a value, the function is given a pointer to it, and what
    /// is there afterwards comes back in the [`Outcome`]. A value that holds pointers cannot be given: they might outlive
    /// what they point at.
    ///
    /// # Errors
    /// As for [`Routine::output`].
    pub fn in_out<'n>(self, which: impl Into<Which<'n>>) -> Result<Routine, Error> {
        self.direct(which.into(), Direction::InOut)
    }

    /// Gives a parameter the value that it has where the caller gives none: a number, a static string,
    /// [`Null`](super::Null).
    ///
    /// # Errors
    /// No such parameter; a value of a type that does not fit. That a number is in range is found out in the call.
    pub fn default<'n, A>(mut self, which: impl Into<Which<'n>>, value: A) -> Result<Routine, Error>
    where
        A: IntoArg + Clone + Send + Sync + 'static,
    {
        let index = self.index(which.into())?;
        let ctype = self.given_type(index);
        // SAFETY: thrown away.
        if unsafe { converted(value.clone(), Some(&ctype)) }.is_none() {
            return Err(self.wrong(index, type_name::<A>(), None));
        }
        // SAFETY: it is given to this parameter, and refers to nothing that ever ends.
        let make = move || unsafe { converted(value.clone(), Some(&ctype)) }.unwrap_or(Value::Void);
        self.params[index].default = Some(Box::new(make));
        Ok(self)
    }

    /// The type of what a caller gives for a parameter.
    fn given_type(&self, index: usize) -> CType {
        let ctype = &self.param(index).ty;
        let target = ctype.pointee().filter(|_| self.params[index].direction == Direction::InOut);
        target.unwrap_or_else(|| ctype.clone())
    }

    /// Has `convert` look at what the caller gives for a parameter, and give what the function gets, or an error: ctypes'
    /// `from_param`. Pointers, and data that holds some, go by unseen, for what they point at may not outlive the call.
    ///
    /// # Errors
    /// No such parameter.
    pub fn convert<'n>(
        mut self,
        which: impl Into<Which<'n>>,
        convert: impl Fn(Value) -> Result<Value, Cause> + Send + Sync + 'static,
    ) -> Result<Routine, Error> {
        let index = self.index(which.into())?;
        self.params[index].convert = Some(Box::new(convert));
        Ok(self)
    }

    /// Has `check` look at what every call comes to, and give it back, or something else, or an error: ctypes' `errcheck`.
    ///
    /// ```ignore-windows
    /// use callsmith::{Library, Routine};
    ///
    /// // SAFETY: this is libc's prototype.
    /// let close = unsafe { Library::this_process().function("int close(int fd)")? };
    /// let close = Routine::new(close).with_errno().check(|outcome| match outcome.errno().and_then(|errno| errno.error()) {
    ///     Some(error) => Err(error.into()),
    ///     None => Ok(outcome),
    /// });
    /// let error = close.call().arg(-1).run().unwrap_err();
    /// assert_eq!(error.to_string(), "close failed: Bad file descriptor (os error 9)");
    /// # Ok::<(), callsmith::Error>(())
    /// ```
    pub fn check(
        mut self,
        check: impl Fn(Outcome) -> Result<Outcome, Cause> + Send + Sync + 'static,
    ) -> Routine {
        self.check = Some(Box::new(check));
        self
    }

    /// Takes `errno` with every call, as [`Function::call_errno`].
    pub fn with_errno(mut self) -> Routine {
        self.errno = true;
        self
    }

    /// Begins a call.
    pub fn call(&self) -> Call<'_> {
        Call::new(self)
    }
}

impl fmt::Debug for Routine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.function, f)
    }
}
