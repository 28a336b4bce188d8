//! Adapters: the code that all dynamic callbacks of one signature share.

use super::code_memory::{CodeMemory, CodePtr};
use super::stub_table::{Stub, StubTable};
use crate::error::{Error, ErrorKind};
use crate::host;
use callsmith_arch::isa;

/// The adapter of `stub`'s signature, of a callback called `name` in messages. Made when it is first asked for.
pub(crate) fn adapter_of(stub: &'static Stub, name: impl Fn() -> String) -> Result<CodePtr, Error> {
    if let Some(adapter) = stub.adapter.get() {
        return Ok(*adapter);
    }
    // One at a time, and no fork in the middle: its child would wait for a thread that it does not have.
    let _turn = StubTable::global().take_turn();
    if let Some(adapter) = stub.adapter.get() {
        return Ok(*adapter);
    }
    let code = isa::adapter(&stub.plan, host::ABI)
        .map_err(|source| ErrorKind::Signature { function: name(), source })?;
    let published = CodeMemory::global().publish(&code);
    let adapter = published.map_err(|source| ErrorKind::Code { function: name(), source: source.into() })?;
    Ok(*stub.adapter.get_or_init(|| adapter))
}
