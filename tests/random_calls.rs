//! Random signatures: callees made by gcc at -O0 and -O2 check what arrives, and what they give back is checked here.
//!
//! Each signature is called by pointers, by slots and by values, on x86-64 SysV64 and, through `ms_abi`,
//! Win64, on 32-bit x86 cdecl, stdcall, fastcall and thiscall. Every scalar in it,
//! bit-fields too, carries a pattern made of its number; padding is dirty; values end or start at pages that nobody may
//! touch; callees write to their parameters.
//!
//! `CALLSMITH_COUNT` is the number of signatures, `CALLSMITH_SEED` repeats a run (without it, one seed serves always),
//! `CALLSMITH_CASE` repeats one case by the name that a failure prints.

mod random;
mod support;

#[path = "random_calls"]
mod random_calls {
    pub(crate) mod callee;
    pub(crate) mod caller;
    pub(crate) mod guarded;
}

use callsmith::arch::Abi;
use callsmith::arch::abi::{Aapcs64, X86Call};
use random::{judge, run};
use random_calls::caller::Caller;

#[test]
fn sysv64() {
    run::run::<Caller>(Abi::SysV64);
}

#[test]
fn win64() {
    run::run::<Caller>(Abi::Win64);
}

#[test]
fn aapcs64() {
    run::run::<Caller>(Abi::Aapcs64(Aapcs64::Linux));
}

#[test]
fn cdecl() {
    run::run::<Caller>(run::x86(X86Call::Cdecl));
}

#[test]
fn stdcall() {
    run::run::<Caller>(run::x86(X86Call::Stdcall));
}

#[test]
fn fastcall() {
    run::run::<Caller>(run::x86(X86Call::Fastcall));
}

#[test]
fn thiscall() {
    run::run::<Caller>(run::x86(X86Call::Thiscall));
}

#[test]
#[ignore = "the process that the others start"]
fn child() {
    judge::child::<Caller>();
}

#[test]
fn one_case() {
    run::one_case::<Caller>();
}
