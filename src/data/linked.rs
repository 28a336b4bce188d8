//! C data whose pointers point at borrowed memory.
#![allow(unsafe_code)]

use super::{Data, Value, View};
use crate::ctype::CType;
use crate::error::{Error, ErrorKind};
use crate::function::Arg;
use std::fmt;
use std::marker::PhantomData;

/// C data with pointers to Rust memory, which is borrowed as long as this lives: ctypes' assignment of an array to a
/// pointer field, without the rule that somebody has to keep the array alive.
///
/// Pointers in it cannot be read as values, for these would outlive the memory. C gets it as an argument: by reference, or
/// by value.
///
/// ```
/// use callsmith::{Linked, decl, host};
///
/// let bar = decl::parse_type("struct { int count; int *values; }", host::MODEL)?;
/// let mut array = [1, 2, 3];
/// let mut bar = Linked::new(&bar)?;
/// bar.set("values", &mut array[..])?;
/// bar.set("count", 3)?;
/// let error = bar.set("values", &mut [0i8; 4][..]).unwrap_err().to_string();
/// assert_eq!(error, "wanted int *, given &mut [i8]");
/// # Ok::<(), callsmith::Error>(())
/// ```
///
/// ```compile_fail,E0597
/// # use callsmith::{Linked, decl, host};
/// # let bar = decl::parse_type("struct { int count; int *values; }", host::MODEL).unwrap();
/// let mut bar = Linked::new(&bar).unwrap();
/// {
///     let mut array = [1, 2, 3];
///     bar.set("values", &mut array[..]).unwrap();
/// }
/// println!("{bar}"); // the array is gone
/// ```
pub struct Linked<'a> {
    data: Data,
    borrowed: PhantomData<&'a mut ()>,
}

impl<'a> Linked<'a> {
    /// A zeroed value of type `ctype`.
    ///
    /// # Errors
    /// As for [`Data::new`].
    pub fn new(ctype: &CType) -> Result<Linked<'a>, Error> {
        Data::new(ctype).map(Linked::from)
    }

    /// Writes the member `path`: with whatever a parameter of its type would take, references and slices among them. But
    /// for callbacks whose parameters rely on the declaration, for nobody vouched for that of a member:
    ///
    /// ```compile_fail,E0080
    /// use callsmith::{Callback, Copied, Linked, decl, host};
    ///
    /// let table = decl::parse_type("struct { void (*f)(int *__counted_by(1000)); }", host::MODEL).unwrap();
    /// let callback = Callback::<fn(Copied<i32, 1000>)>::new(|_: Copied<i32, 1000>| ()).unwrap();
    /// Linked::new(&table).unwrap().set("f", &callback).unwrap();
    /// ```
    ///
    /// # Errors
    /// A name or index that the type does not have; a value that does not fit.
    pub fn set<A: Arg + 'a>(&mut self, path: &str, value: A) -> Result<(), Error> {
        const { assert!(!A::PROMISED, "a callback that relies on its declaration is for parameters alone") };
        let mut member = self.data.at_mut(path)?;
        let ctype = member.ctype().clone();
        let unfit = || {
            let given = std::any::type_name::<A>().to_owned();
            Error::from(ErrorKind::Value { wanted: ctype.to_string(), given, why: None })
        };
        // SAFETY: it is written to this member, and what it refers to is borrowed as long as this lives.
        let value = match unsafe { A::value(value.native(), Some(&ctype)) } {
            Value::Void => return Err(unfit()),
            Value::Pointer(_) if !A::CHECKS_ITSELF && !A::is(&ctype) => return Err(unfit()),
            value => value,
        };
        member.write(value)
    }

    /// The value of the member `path`.
    ///
    /// # Errors
    /// As for [`Data::get`]; a pointer.
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        self.view().get(path)
    }

    /// This value, to be read by member. Pointers cannot be read, but with [`View::contents`] followed.
    pub fn view(&self) -> View<'_> {
        self.data.doubtful_view()
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    pub(crate) fn data_mut(&mut self) -> &mut Data {
        &mut self.data
    }
}

impl From<Data> for Linked<'_> {
    fn from(data: Data) -> Self {
        Linked { data, borrowed: PhantomData }
    }
}

impl fmt::Display for Linked<'_> {
    /// As a C initialiser.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.data, f)
    }
}

impl fmt::Debug for Linked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.data, f)
    }
}
