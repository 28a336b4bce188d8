//! Faults: one in a stub ends its run instead of the process, one in a growing stack gives the stack another page.
//!
//! # Safety
//!
//! The handler uses atomics, `mprotect` and `sigaction` only, all of which a signal handler may. It changes where
//! execution goes on only while a stub runs, when there is a place to go.
#![allow(unsafe_code)]

use super::machine;
use std::fmt;
use std::io::Error;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Bytes in a page, as far as these tests know.
pub(crate) const PAGE: usize = 4096;

/// Room for the signal's frame with the largest vector registers.
const ALTERNATE_STACK: usize = 1 << 16;

static ACTIVE: AtomicBool = AtomicBool::new(false);
static FAULT_ADDRESS: AtomicU64 = AtomicU64::new(0);
static FAULT_IP: AtomicU64 = AtomicU64::new(0);
/// The stack that grows on demand: where it starts, and the page that should be touched next.
static GROWING_START: AtomicUsize = AtomicUsize::new(usize::MAX);
static GROWING_PAGE: AtomicUsize = AtomicUsize::new(0);

/// A fault in a stub.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    /// The address that it read or wrote.
    address: u64,
    /// The instruction.
    pub(crate) ip: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a fault at {:#x} by the instruction at {:#x}", self.address, self.ip)
    }
}

/// The handler, installed until this is dropped.
pub(crate) struct Faults {
    old: libc::sigaction,
    old_stack: libc::stack_t,
    _stack: Vec<u8>,
}

impl Faults {
    /// Installs the handler for the process, and a stack for it on this thread.
    pub(crate) fn catch() -> Faults {
        let mut stack = vec![0; ALTERNATE_STACK];
        // SAFETY: integers, addresses and sets of bits, for which zeros are values.
        let (mut action, mut old, mut old_stack): (libc::sigaction, libc::sigaction, libc::stack_t) =
            unsafe { (zeroed(), zeroed(), zeroed()) };
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let new_stack = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
        // SAFETY: `stack` lives until the old stack is back; `on_fault` is a handler with SA_SIGINFO's parameters.
        let failed = unsafe {
            libc::sigaltstack(&new_stack, &mut old_stack) | libc::sigaction(libc::SIGSEGV, &action, &mut old)
        };
        assert_eq!(failed, 0, "{}", Error::last_os_error());
        Faults { old, old_stack, _stack: stack }
    }

    /// Runs `body`, in which a stub may fault.
    pub(crate) fn during(&self, body: impl FnOnce()) -> Option<Fault> {
        FAULT_IP.store(0, Relaxed);
        ACTIVE.store(true, Relaxed);
        body();
        ACTIVE.store(false, Relaxed);
        let (address, ip) = (FAULT_ADDRESS.load(Relaxed), FAULT_IP.load(Relaxed));
        (ip != 0).then_some(Fault { address, ip })
    }

    /// From now on the inaccessible memory `start..end` is a stack: a touch of its highest inaccessible page makes that
    /// page accessible. A touch further down is a fault.
    pub(crate) fn grow(&self, start: usize, end: usize) {
        GROWING_START.store(start, Relaxed);
        GROWING_PAGE.store(end - PAGE, Relaxed);
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.grow(usize::MAX, PAGE);
        // SAFETY: what was installed before.
        unsafe {
            libc::sigaction(libc::SIGSEGV, &self.old, null_mut());
            libc::sigaltstack(&self.old_stack, null_mut());
        }
    }
}

extern "C" fn on_fault(_signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes both to a handler with SA_SIGINFO.
    let (address, context) =
        unsafe { ((*info).si_addr() as usize, &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext) };
    let page = address / PAGE * PAGE;
    if page >= GROWING_START.load(Relaxed) && page == GROWING_PAGE.load(Relaxed) {
        GROWING_PAGE.store(page - PAGE, Relaxed);
        // SAFETY: a page of the memory that was given to `grow`.
        unsafe { libc::mprotect(page as *mut libc::c_void, PAGE, libc::PROT_READ | libc::PROT_WRITE) };
    } else if ACTIVE.swap(false, Relaxed) {
        FAULT_ADDRESS.store(address as u64, Relaxed);
        FAULT_IP.store(machine::go_on_at(context, machine::recovery()), Relaxed);
    } else {
        // Not a stub's: the instruction faults again, and the process ends as it would have.
        // SAFETY: zeros are the default action.
        unsafe { libc::sigaction(libc::SIGSEGV, &zeroed(), null_mut()) };
    }
}
