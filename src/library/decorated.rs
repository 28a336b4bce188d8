//! The names under which 32-bit Windows exports functions whose convention is not C's.

use crate::ctype::Prototype;
use crate::function::abi_of;
use crate::host;
use callsmith_arch::Abi;
use callsmith_arch::abi::{X86Call, X86Flavour};

/// The names that compilers give `symbol`, a function of this prototype, beside its own ("Decorated names", Microsoft Learn):
/// `_f@8` for `__stdcall`, which gcc exports as `f@8`; `@f@8` for `__fastcall`. The number is that of its arguments' bytes.
pub(super) fn names(symbol: &str, prototype: &Prototype) -> Vec<String> {
    let Ok(Abi::X86(call, X86Flavour::Mingw | X86Flavour::Msvc)) = abi_of(prototype.convention, String::new)
    else {
        return Vec::new();
    };
    let sizes = prototype.params.iter().map(|param| Some(param.ty.size(host::MODEL).ok()?.bytes()));
    let Some(bytes) = sizes.map(|size| size?.checked_next_multiple_of(4)).sum::<Option<u64>>() else {
        return Vec::new();
    };
    match call {
        X86Call::Stdcall => vec![format!("_{symbol}@{bytes}"), format!("{symbol}@{bytes}")],
        X86Call::Fastcall => vec![format!("@{symbol}@{bytes}")],
        X86Call::Cdecl | X86Call::Thiscall => Vec::new(),
    }
}
