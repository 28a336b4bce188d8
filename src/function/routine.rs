//! Functions whose parameters have directions, names and defaults, and whose results are checked: what ctypes' `paramflags`
//! and `errcheck` are for.

use super::Function;
use super::arg::{Arg, IntoArg};
use super::errno::Errno;
use crate::ctype::{CType, Param};
use crate::data::{CRepr, Data, Value, to_rust};
use crate::error::{Error, ErrorKind};
use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;

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

/// A parameter, by its declared name or by its number from 1.
#[derive(Clone, Copy, Debug)]
pub enum Which<'n> {
    /// Its name.
    Name(&'n str),
    /// Its number, from 1.
    Number(usize),
}

impl<'n> From<&'n str> for Which<'n> {
    fn from(name: &'n str) -> Which<'n> {
        Which::Name(name)
    }
}

impl From<usize> for Which<'_> {
    fn from(number: usize) -> Self {
        Which::Number(number)
    }
}

impl fmt::Display for Which<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Name(name) => f.write_str(name),
            Which::Number(number) => write!(f, "{number}"),
        }
    }
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
    /// is there afterwards comes back in the [`Outcome`].
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
        if converted(value.clone(), Some(&ctype)).is_none() {
            return Err(self.wrong(index, type_name::<A>(), None));
        }
        let make = move || converted(value.clone(), Some(&ctype)).unwrap_or(Value::Void);
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
    /// `from_param`. Pointers go by unseen, for what they point at may not outlive the call.
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
        let given = self.params.iter().map(|_| None).collect();
        Call { routine: self, given, tail: Vec::new(), error: None, borrowed: PhantomData }
    }
}

/// A call of a [`Routine`], its arguments being given.
pub struct Call<'a> {
    routine: &'a Routine,
    /// What was given for each parameter.
    given: Vec<Option<Value>>,
    /// What was given behind the `...`.
    tail: Vec<Value>,
    /// What was wrong first.
    error: Option<Error>,
    /// What the arguments refer to.
    borrowed: PhantomData<&'a mut ()>,
}

impl<'a> Call<'a> {
    /// The next input that nothing was given for yet, as [`Function::call`] takes it; behind the last of them, in a
    /// variadic function, an argument of the tail.
    pub fn arg<A: IntoArg<Arg: 'a>>(mut self, value: A) -> Call<'a> {
        let params = self.routine.params.iter().zip(&self.given);
        let next = params
            .into_iter()
            .position(|(param, given)| param.direction != Direction::Out && given.is_none());
        let given = match next {
            Some(index) => self.give(index, value),
            None => self.append(value),
        };
        self.error = self.error.or(given.err());
        self
    }

    /// The input of this name or number.
    pub fn named<'n, A: IntoArg<Arg: 'a>>(mut self, which: impl Into<Which<'n>>, value: A) -> Call<'a> {
        let given = self.routine.index(which.into()).and_then(|index| match &self.given[index] {
            Some(_) => Err(self.routine.wrong(index, "two arguments", None)),
            None if self.routine.params[index].direction == Direction::Out => {
                Err(self.routine.wrong(index, type_name::<A>(), Some("it is an output".into())))
            }
            None => self.give(index, value),
        });
        self.error = self.error.or(given.err());
        self
    }

    fn give<A: IntoArg>(&mut self, index: usize, value: A) -> Result<(), Error> {
        let (routine, param) = (self.routine, &self.routine.params[index]);
        let value = converted(value, Some(&routine.given_type(index)));
        let mut value = value.ok_or_else(|| routine.wrong(index, type_name::<A>(), None))?;
        if let Some(convert) = param.convert.as_ref().filter(|_| !matches!(value, Value::Pointer(_))) {
            let given = value.describe();
            value = convert(value).map_err(|error| routine.wrong(index, given, Some(error.to_string())))?;
        }
        self.given[index] = Some(value);
        Ok(())
    }

    fn append<A: IntoArg>(&mut self, value: A) -> Result<(), Error> {
        let prototype = self.routine.function.prototype();
        let given = self.given.len() + self.tail.len();
        if !prototype.variadic {
            let outputs =
                self.routine.params.iter().filter(|param| param.direction == Direction::Out).count();
            let wanted = (prototype.params.len() - outputs).to_string();
            let given = given - outputs + 1;
            return Err(ErrorKind::ArgumentCount { function: prototype.to_string(), wanted, given }.into());
        }
        let value = converted(value, None);
        self.tail.push(value.ok_or_else(|| self.routine.wrong(given, type_name::<A>(), None))?);
        Ok(())
    }

    /// Calls.
    ///
    /// # Errors
    /// An argument that is missing, given twice, of no parameter, or does not fit; what a check made of the outcome.
    pub fn run(self) -> Result<Outcome, Error> {
        let Call { routine, given, tail, error, .. } = self;
        if let Some(error) = error {
            return Err(error);
        }
        let mut values = Vec::with_capacity(given.len() + tail.len());
        let mut outputs: Vec<Option<Data>> = Vec::with_capacity(given.len());
        for (index, given) in given.into_iter().enumerate() {
            let (value, output) = routine.prepare(index, given)?;
            values.push(value);
            outputs.push(output);
        }
        // From here on the outputs stay where they are.
        for (index, output) in outputs.iter_mut().enumerate() {
            if let Some(output) = output {
                values[index] = <&mut Data as Arg>::value(output.native(), Some(&routine.param(index).ty));
            }
        }
        values.extend(tail);
        let (result, errno) = if routine.errno {
            let (result, errno) = routine.function.call_values_errno(&values)?;
            (result, Some(errno))
        } else {
            (routine.function.call_values(&values)?, None)
        };
        let outputs = outputs.iter().enumerate().filter_map(|(index, output)| {
            let name = routine.param(index).name.clone();
            Some(output.as_ref()?.get("").map(|value| Output { number: index + 1, name, value }))
        });
        let outputs = outputs.collect::<Result<_, _>>()?;
        let outcome = Outcome { function: routine.function.name().into(), result, outputs, errno };
        match &routine.check {
            None => Ok(outcome),
            Some(check) => {
                let function = routine.function.name().into();
                check(outcome).map_err(|source| ErrorKind::Check { function, source }.into())
            }
        }
    }
}

impl Routine {
    /// What parameter `index` is given, `Void` for the address of an output; and that output.
    fn prepare(&self, index: usize, given: Option<Value>) -> Result<(Value, Option<Data>), Error> {
        let Parameter { direction, default, .. } = &self.params[index];
        let given = given.or_else(|| default.as_ref().map(|default| default()));
        let target = || self.param(index).ty.pointee().unwrap_or_else(CType::void);
        match (direction, given) {
            (Direction::In, Some(value)) => Ok((value, None)),
            (Direction::Out, _) => Ok((Value::Void, Some(Data::new(&target())?))),
            (Direction::InOut, Some(value)) => {
                let mut data = Data::new(&target())?;
                let given = value.describe();
                data.set("", value).map_err(|error| self.wrong(index, given, Some(error.to_string())))?;
                Ok((Value::Void, Some(data)))
            }
            (Direction::In | Direction::InOut, None) => Err(self.wrong(index, "nothing", None)),
        }
    }
}

/// `value` for a parameter of type `c`, where it fits as far as pointers go.
fn converted<A: IntoArg>(value: A, c: Option<&CType>) -> Option<Value> {
    let value = <A::Arg as Arg>::value(value.into_arg().native(), c);
    match value {
        Value::Void => None,
        Value::Pointer(_)
            if !<A::Arg as Arg>::CHECKS_ITSELF && c.is_some_and(|c| !<A::Arg as Arg>::is(c)) =>
        {
            None
        }
        value => Some(value),
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    function: String,
    result: Value,
    outputs: Vec<Output>,
    errno: Option<Errno>,
}

/// The value of an output parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The parameter's number, from 1.
    pub number: usize,
    /// Its name, where the declaration gives one.
    pub name: Option<String>,
    /// What the function left there.
    pub value: Value,
}

impl Outcome {
    /// The function's name.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// What the function returned.
    pub fn value(&self) -> &Value {
        &self.result
    }

    /// This outcome, with another result.
    pub fn with_value(mut self, value: impl Into<Value>) -> Outcome {
        self.result = value.into();
        self
    }

    /// What the function returned, as a Rust number.
    ///
    /// # Errors
    /// What is no number of that type.
    pub fn result<T>(&self) -> Result<T, Error>
    where
        T: CRepr + TryFrom<Value, Error = Error>,
    {
        to_rust(self.result.clone())
    }

    /// The outputs, in order of the parameters.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The value of an output as a Rust number.
    ///
    /// # Errors
    /// No such output; what is no number of that type.
    pub fn output<'n, T>(&self, which: impl Into<Which<'n>>) -> Result<T, Error>
    where
        T: CRepr + TryFrom<Value, Error = Error>,
    {
        let which = which.into();
        let output = self.outputs.iter().find(|output| match which {
            Which::Name(name) => output.name.as_deref() == Some(name),
            Which::Number(number) => output.number == number,
        });
        let missing =
            || ErrorKind::NoParameter { function: self.function.clone(), parameter: which.to_string() };
        to_rust(output.ok_or_else(missing)?.value.clone())
    }

    /// What the function left in `errno`, if that was asked for.
    pub fn errno(&self) -> Option<Errno> {
        self.errno
    }

    /// What ctypes makes of a call: the outputs, if there are any, and otherwise the result alone.
    pub fn into_values(self) -> Vec<Value> {
        if self.outputs.is_empty() {
            return vec![self.result];
        }
        self.outputs.into_iter().map(|output| output.value).collect()
    }
}

impl fmt::Debug for Routine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.function, f)
    }
}
