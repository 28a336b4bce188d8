//! What instruction fetches see of code that was written as data.
//!
//! On x86 they see it without help: the processor keeps its caches coherent, and the change of a page's protection or
//! place makes every processor that runs this process drop what it knew of the page. On AArch64 they do not. Code there
//! goes from the data cache to where instructions are fetched from (the point of unification), line by line, and whatever
//! an instruction cache has of those addresses goes away (Arm ARM, B2.4.4 "Concurrent modification and execution of
//! instructions", D7.5.10 "Cache maintenance instructions").
//!
//! # Safety
//!
//! The instructions read memory that the caller vouches for, and write none.
#![allow(unsafe_code)]

cfg_if::cfg_if! {
    if #[cfg(target_arch = "aarch64")] {
        use std::arch::asm;

        /// Has instruction fetches from `len` bytes at `start` find what was written there.
        ///
        /// # Safety
        ///
        /// The bytes are mapped and readable.
        pub(super) unsafe fn make_visible(start: *const u8, len: usize) {
            let [start, end] = [start.addr(), start.addr() + len];
            let cache_type: usize;
            // SAFETY: CTR_EL0 is readable; Linux emulates it where it is not.
            unsafe { asm!("mrs {}, ctr_el0", out(reg) cache_type, options(nomem, nostack, preserves_flags)) };
            // In words, as powers of two: IminLine and DminLine.
            let line = |field: usize| 4 << (cache_type >> field & 15);
            let lines = |size: usize| (start & !(size - 1)..end).step_by(size);
            // IDC, DIC: what this processor need not be asked for.
            let [clean, invalidate] = [28, 29].map(|bit| cache_type >> bit & 1 == 0);
            // SAFETY: the caller's promise; a line that is part of the bytes is readable as they are.
            unsafe {
                if clean {
                    for address in lines(line(16)) {
                        asm!("dc cvau, {}", in(reg) address, options(nostack, preserves_flags));
                    }
                }
                // What was written is there before anything is invalidated, so that nothing old is fetched again.
                asm!("dsb ish", options(nostack, preserves_flags));
                if invalidate {
                    for address in lines(line(0)) {
                        asm!("ic ivau, {}", in(reg) address, options(nostack, preserves_flags));
                    }
                    asm!("dsb ish", options(nostack, preserves_flags));
                }
                asm!("isb", options(nostack, preserves_flags));
            }
        }

        /// Has every thread of the process drop instructions that it fetched before: a processor may have fetched ahead
        /// from where there was no code yet, and only a context synchronisation event of its own makes it fetch again.
        pub(super) fn synchronise_threads() {
            // linux/membarrier.h
            const SYNC_CORE: libc::c_int = 1 << 5;
            const REGISTER_SYNC_CORE: libc::c_int = 1 << 6;
            // SAFETY: asks for interrupts of processors that run this process; takes no address.
            let membarrier = |command: libc::c_int| unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) };
            // A process registers once; asking first costs the first publication a call, and no state here. A kernel
            // older than 4.16 has no such command. There the exchange of the pages has to do: it invalidates the
            // addresses' translations in every processor, before anybody learns that there is code.
            if membarrier(SYNC_CORE) != 0 && membarrier(REGISTER_SYNC_CORE) == 0 {
                membarrier(SYNC_CORE);
            }
        }
    } else {
        /// Has instruction fetches from `len` bytes at `start` find what was written there: they do.
        ///
        /// # Safety
        ///
        /// The bytes are mapped and readable.
        pub(super) unsafe fn make_visible(_start: *const u8, _len: usize) {}

        /// Has every thread of the process drop instructions that it fetched before: the exchange of pages did.
        pub(super) fn synchronise_threads() {}
    }
}
