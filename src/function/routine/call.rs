//! Calls of a routine.
#![allow(unsafe_code)]

use super::super::arg::{Arg, IntoArg};
use super::{Direction, Outcome, Output, Parameter, Routine, Which};
use crate::ctype::CType;
use crate::data::{Data, Value};
use crate::error::{Error, ErrorKind};
use std::any::type_name;
use std::marker::PhantomData;

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
    /// A call of `routine`, nothing being given yet.
    pub(super) fn new(routine: &'a Routine) -> Call<'a> {
        let given = routine.params.iter().map(|_| None).collect();
        Call { routine, given, tail: Vec::new(), error: None, borrowed: PhantomData }
    }

    /// The next input that nothing was given for yet, as [`Function::call`](crate::Function::call) takes it; behind the last of them, in a
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

    fn give<A: IntoArg<Arg: 'a>>(&mut self, index: usize, value: A) -> Result<(), Error> {
        let (routine, param) = (self.routine, &self.routine.params[index]);
        // SAFETY: it is given to this parameter, in this call, which borrows what the value does.
        let value = unsafe { converted(value, Some(&routine.given_type(index))) };
        let mut value = value.ok_or_else(|| routine.wrong(index, type_name::<A>(), None))?;
        // What the caller's pointers point at may not outlive the call: they go to C, and to nobody else.
        let borrows = value.holds_pointer();
        if borrows && param.direction == Direction::InOut {
            let why = "what comes back might outlive what it points at".into();
            return Err(routine.wrong(index, value.describe(), Some(why)));
        }
        if let Some(convert) = param.convert.as_ref().filter(|_| !borrows) {
            let given = value.describe();
            value = convert(value).map_err(|error| routine.wrong(index, given, Some(error.to_string())))?;
        }
        self.given[index] = Some(value);
        Ok(())
    }

    fn append<A: IntoArg<Arg: 'a>>(&mut self, value: A) -> Result<(), Error> {
        let prototype = self.routine.function.prototype();
        let given = self.given.len() + self.tail.len();
        if !prototype.variadic {
            let outputs =
                self.routine.params.iter().filter(|param| param.direction == Direction::Out).count();
            let wanted = (prototype.params.len() - outputs).to_string();
            let given = given - outputs + 1;
            return Err(ErrorKind::ArgumentCount { function: prototype.to_string(), wanted, given }.into());
        }
        // SAFETY: as for parameters.
        let value = unsafe { converted(value, None) };
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
                let ctype = &routine.param(index).ty;
                // SAFETY: it stays where it is until the call returns.
                values[index] = unsafe { <&mut Data as Arg>::value(output.native(), Some(ctype)) };
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
///
/// # Safety
/// As for [`Arg::value`].
pub(super) unsafe fn converted<A: IntoArg>(value: A, c: Option<&CType>) -> Option<Value> {
    // SAFETY: the caller's promise.
    let value = unsafe { <A::Arg as Arg>::value(value.into_arg().native(), c) };
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
