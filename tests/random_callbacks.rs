//! Random signatures, the other way round: C callers made by gcc at -O0 and -O2 call callbacks, which check what arrives;
//! what they give back is checked in C.
//!
//! Each signature is a callback over bare memory and one over values, on x86-64 SysV64 and, through `ms_abi`,
//! Win64, on 32-bit x86 cdecl, stdcall, fastcall and thiscall. Callers hold
//! values in registers across the call, and call a second time through a piece of assembly that fills every register which
//! the convention preserves, and looks at them again.
//!
//! `CALLSMITH_COUNT`, `CALLSMITH_SEED` and `CALLSMITH_CASE` are as for `random_calls`.

mod random;
mod support;

#[path = "random_callbacks"]
mod random_callbacks {
    pub(crate) mod callback;
    pub(crate) mod caller;
}

use callsmith::arch::Abi;
use callsmith::arch::abi::{Aapcs64, X86Call};
use random::{judge, run};
use random_callbacks::callback::Callback;

#[test]
fn sysv64() {
    run::run::<Callback>(Abi::SysV64);
}

#[test]
fn win64() {
    run::run::<Callback>(Abi::Win64);
}

#[test]
fn aapcs64() {
    run::run::<Callback>(Abi::Aapcs64(Aapcs64::Linux));
}

#[test]
fn cdecl() {
    run::run::<Callback>(run::x86(X86Call::Cdecl));
}

#[test]
fn stdcall() {
    run::run::<Callback>(run::x86(X86Call::Stdcall));
}

#[test]
fn fastcall() {
    run::run::<Callback>(run::x86(X86Call::Fastcall));
}

#[test]
fn thiscall() {
    run::run::<Callback>(run::x86(X86Call::Thiscall));
}

#[test]
#[ignore = "the process that the others start"]
fn child() {
    judge::child::<Callback>();
}

#[test]
fn one_case() {
    run::one_case::<Callback>();
}
