//! What a Rust call site takes a function for, as one address that can be compared in one instruction.

use super::arg::{Arg, IntoArg};
use super::args::Args;
use super::ret::Ret;
use crate::ctype::{CType, Prototype};
use callsmith_arch::layout::Type;

/// What a C type must be, to be taken as a Rust type without conversion.
pub struct Check {
    /// Whether a parameter or result of this type is so.
    pub(crate) is: fn(&CType) -> bool,
    /// The C type that the Rust type has where no parameter says; `None` where C would promote it.
    pub(crate) variadic: fn() -> Option<Type>,
    /// Whether the value is looked at instead, in every call.
    pub(crate) checks_itself: bool,
    /// The Rust type's name, for messages.
    pub(crate) rust: fn() -> &'static str,
}

impl Check {
    /// That of an argument.
    pub(super) const fn of<A: IntoArg>() -> Check {
        Check {
            is: <A::Arg as Arg>::is,
            variadic: <A::Arg as Arg>::variadic,
            checks_itself: <A::Arg as Arg>::CHECKS_ITSELF,
            rust: std::any::type_name::<A>,
        }
    }
}

/// The Rust types of a call's arguments and result.
///
/// Two call sites with one contract (by address) make the same checks, so a check made for one holds for the other.
#[repr(align(16))] // `callback::make` keeps a code in an address's low bits
pub struct Contract {
    pub(crate) params: &'static [Check],
    pub(crate) result: Check,
}

impl Contract {
    #[inline(always)]
    pub(super) fn of<A: Args, R: Ret>() -> &'static Contract {
        const {
            let result =
                Check { is: R::is, variadic: || None, checks_itself: false, rust: std::any::type_name::<R> };
            &Contract { params: A::CHECKS, result }
        }
    }

    /// Whether `prototype`'s parameters and result are exactly what this contract takes them for; and if so, the types
    /// of the variadic arguments.
    pub(crate) fn holds(&self, prototype: &Prototype) -> Option<Vec<Type>> {
        let (params, tail) = self.params.split_at_checked(prototype.params.len())?;
        let fits = (prototype.variadic || tail.is_empty())
            && params.iter().zip(&prototype.params).all(|(check, param)| (check.is)(&param.ty))
            && (self.result.is)(&prototype.result);
        if fits { tail.iter().map(|check| (check.variadic)()).collect() } else { None }
    }
}
