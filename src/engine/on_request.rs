//! Code of a signature that is made when it is first asked for: most signatures never need it.

use super::code_memory::{CodeMemory, CodePtr};
use super::stub_table::{Stub, StubTable};
use crate::error::{Error, ErrorKind};
use crate::host;
use callsmith_arch::isa::{self, Shape};
use callsmith_arch::{self as arch, CallPlan};
use std::sync::OnceLock;

/// The code of `stub`'s signature that takes its arguments from an array of pointers, for a function called `name` in
/// messages.
pub(crate) fn gather_of(stub: &'static Stub, name: impl Fn() -> String) -> Result<CodePtr, Error> {
    made(&stub.gather, stub, name, |plan| isa::stub(plan, Shape::Gather, host::ABI))
}

/// The code that all dynamic callbacks of `stub`'s signature share, for a callback called `name` in messages.
pub(crate) fn adapter_of(stub: &'static Stub, name: impl Fn() -> String) -> Result<CodePtr, Error> {
    made(&stub.adapter, stub, name, |plan| isa::adapter(plan, host::ABI))
}

/// New code for `stub`'s signature that looks at the stack pointer after the call, for a function called `name` in messages;
/// `None` where there is nothing to look for.
pub(crate) fn checked_of(
    stub: &'static Stub,
    name: impl Fn() -> String,
) -> Result<Option<StackCheck>, Error> {
    let planned = |source| Error::from(ErrorKind::Signature { function: name(), source });
    let plan = stub.plan().map_err(planned)?;
    let Some(code) = isa::checked_stub(&plan, host::ABI).map_err(planned)? else { return Ok(None) };
    let _turn = StubTable::global().take_turn();
    let published = CodeMemory::global().publish(&code);
    let code = published.map_err(|source| ErrorKind::Code { function: name(), source: source.into() })?;
    Ok(Some(StackCheck { code, pops: plan.callee_pops }))
}

/// Code that looks at the stack pointer after a call, and what it should find.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackCheck {
    pub(super) code: CodePtr,
    /// How many bytes the callee pops.
    pub(crate) pops: u32,
}

/// The code in `place`, which is one of `stub`'s: that which is there, or else what `emit` makes.
fn made(
    place: &OnceLock<CodePtr>,
    stub: &Stub,
    name: impl Fn() -> String,
    emit: impl Fn(&CallPlan) -> Result<Vec<u8>, arch::Error>,
) -> Result<CodePtr, Error> {
    if let Some(code) = place.get() {
        return Ok(*code);
    }
    // One at a time, and no fork in the middle: its child would wait for a thread that it does not have.
    let _turn = StubTable::global().take_turn();
    if let Some(code) = place.get() {
        return Ok(*code);
    }
    let code = stub.plan().and_then(|plan| emit(&plan));
    let code = code.map_err(|source| ErrorKind::Signature { function: name(), source })?;
    let published = CodeMemory::global().publish(&code);
    let published =
        published.map_err(|source| ErrorKind::Code { function: name(), source: source.into() })?;
    Ok(*place.get_or_init(|| published))
}
