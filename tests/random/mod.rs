//! Random signatures between C made by gcc and code made by callsmith, for tests of both directions.
//!
//! Every scalar of a signature, bit-fields too, carries a pattern made of its number and the run's salt; padding is
//! dirty. A batch of cases is one C file, compiled at -O0 and at -O2, and one child process, so that a crash has a name.
//! What fails is made smaller before it is told.
//!
//! Every test crate compiles this for itself and uses its own part.
#![allow(dead_code)]

pub(crate) mod case;
pub(crate) mod gcc;
pub(crate) mod judge;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod spots;
pub(crate) mod subject;
pub(crate) mod values;

use crate::support::rng::Rng;
use callsmith::Error;
use case::{Case, Name};
use subject::Subject;

/// Who calls whom.
pub(crate) trait Direction: Sized {
    /// What is tested, in a word or two.
    const WHAT: &'static str;

    /// The case of this name.
    fn case(name: &Name) -> Case;

    /// The C for one case, behind [`runtime.c`](../runtime.c).
    fn source(subject: &Subject, out: &mut String);

    /// What all C files begin with, besides.
    fn prelude() -> &'static str;

    /// In the child process: opens a batch's library.
    ///
    /// # Errors
    /// As the loader has it.
    fn open(library: &str) -> Result<Self, Error>;

    /// Makes all calls of a case. `progress` is told which one comes next.
    ///
    /// # Errors
    /// What went wrong.
    fn run(&mut self, subject: Subject, rng: &mut Rng, progress: &dyn Fn(&str)) -> Result<(), String>;
}

/// The numbered case of this name, number `number` of its batch.
pub(crate) fn subject<D: Direction>(name: &Name, number: usize) -> Subject {
    Subject::new(D::case(name), name.rng(), number)
}
