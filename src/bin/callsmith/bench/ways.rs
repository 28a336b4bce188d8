//! The ways to call one function, each as a loop of its own.
//!
//! # Safety
//! Each callee has the prototype that its case declares; `typed` checks the Rust types against it.
#![allow(unsafe_code)]

use super::bare::Bare;
use super::direct::Direct;
use super::libffi::Libffi;
use callsmith::ctype::CType;
use callsmith::{Args, Error, Function, Ret, decl, host};
use std::hint::black_box;

/// A way to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    Typed,
    InvokeSlots,
    Invoke,
    Call,
    CallValues,
    FfiPlan,
    FfiCall,
}

impl Way {
    /// All, the cheapest first.
    pub(super) const ALL: [Way; 8] = [
        Way::Direct,
        Way::Typed,
        Way::InvokeSlots,
        Way::Invoke,
        Way::Call,
        Way::CallValues,
        Way::FfiPlan,
        Way::FfiCall,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Way::Direct => "direct",
            Way::Typed => "typed",
            Way::InvokeSlots => "invoke_slots",
            Way::Invoke => "invoke",
            Way::Call => "call",
            Way::CallValues => "call_values",
            Way::FfiPlan => "ffi plan",
            Way::FfiCall => "ffi_call",
        }
    }
}

/// Makes this many calls.
pub(super) type Calls = Box<dyn Fn(u32)>;

/// A signature, and the ways to call a function of it.
pub(super) struct Case {
    pub(super) signature: String,
    pub(super) ways: Vec<(Way, Calls)>,
}

/// The case of calling `callee`, which `declaration` declares (of a variadic function: as one call sees it, `fixed` of its
/// parameters being before the `...`), with `arguments`.
pub(super) fn case<A, C>(
    signature: &str,
    declaration: &str,
    fixed: Option<usize>,
    callee: C,
    arguments: A,
    libffi: Option<&Libffi>,
) -> Result<Case, Error>
where
    A: Args + Copy + 'static,
    C: Direct<A>,
    C::Result: Ret + 'static,
{
    let mut prototype = decl::parse_prototype(declaration, host::MODEL)?;
    let types: Vec<CType> = prototype.params.iter().map(|param| param.ty.clone()).collect();
    prototype.params.truncate(fixed.unwrap_or(types.len()));
    prototype.variadic = fixed.is_some();
    // SAFETY: the declaration is the callee's.
    let function = unsafe { Function::from_address(callee.address(), prototype)? };
    // SAFETY: they refer to nothing that ever ends.
    let values = unsafe { arguments.values(&function.prototype().params) }.as_ref().to_vec();
    let mut ways = static_ways(&function, callee, arguments)?;
    ways.extend(Bare::new(&function, &types, &values)?.ways(libffi)?);
    ways.push((
        Way::CallValues,
        repeated(move || drop(black_box(function.call_values(black_box(&values[..]))))),
    ));
    Ok(Case { signature: signature.to_owned(), ways })
}

/// A loop of `call`.
pub(super) fn repeated(call: impl Fn() + 'static) -> Calls {
    Box::new(move |count| (0..count).for_each(|_| call()))
}

/// The ways whose Rust types are known here.
fn static_ways<A, C>(function: &Function, callee: C, arguments: A) -> Result<Vec<(Way, Calls)>, Error>
where
    A: Args + Copy + 'static,
    C: Direct<A>,
    C::Result: Ret + 'static,
{
    let typed = if function.prototype().variadic {
        let typed = function.typed_variadic::<A, C::Result>()?;
        repeated(move || drop(black_box(typed.call(*black_box(&arguments)))))
    } else {
        let typed = function.typed::<A, C::Result>()?;
        repeated(move || drop(black_box(typed.call(*black_box(&arguments)))))
    };
    let checked = function.clone();
    checked.call::<A, C::Result>(arguments)?;
    // What the optimiser sees through is no call.
    let callee = black_box(callee);
    Ok(vec![
        (Way::Direct, repeated(move || drop(black_box(callee.call(*black_box(&arguments)))))),
        (Way::Typed, typed),
        (Way::Call, repeated(move || drop(black_box(checked.call::<A, C::Result>(*black_box(&arguments)))))),
    ])
}
