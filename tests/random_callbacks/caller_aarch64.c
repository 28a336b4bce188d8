
/* The registers of AArch64. The return address is in one of them, so the callback finds its stack arguments where they
   are. */

#define HIDDEN __attribute__((visibility("hidden")))

/* x19 to x29, the stack pointer, the control register of floating point; then the low halves of v8 to v15. */
struct registers {
    unsigned long general[14];
    unsigned long vectors[8];
};
HIDDEN struct registers saved, filled, found;
HIDDEN void *checked_target, *checked_return;

void checked_aapcs64(void);

#define ADDRESS(of) "adrp x9, " #of "\n add x9, x9, :lo12:" #of "\n"
#define GENERAL(op)                                                                                                    \
    #op " x19, x20, [x9]\n " #op " x21, x22, [x9, 16]\n " #op " x23, x24, [x9, 32]\n " #op " x25, x26, [x9, 48]\n "    \
    #op " x27, x28, [x9, 64]\n"
#define VECTORS(op)                                                                                                    \
    #op " d8, d9, [x9, 112]\n " #op " d10, d11, [x9, 128]\n " #op " d12, d13, [x9, 144]\n " #op " d14, d15, [x9, 160]\n"
#define REST "mov x10, sp\n mrs x11, fpcr\n str x29, [x9, 80]\n stp x10, x11, [x9, 88]\n"

__asm__(".pushsection .text\n .globl checked_aapcs64\n .hidden checked_aapcs64\n .type checked_aapcs64, %function\n"
        "checked_aapcs64:\n hint 34\n"
        ADDRESS(checked_return) "str x30, [x9]\n"
        ADDRESS(saved) GENERAL(stp) VECTORS(stp) REST
        ADDRESS(filled) GENERAL(ldp) VECTORS(ldp) "ldr x29, [x9, 80]\n"
        ADDRESS(checked_target) "ldr x16, [x9]\n"
        /* Scratch: nobody may rely on it. */
        "mov x9, 0xbad0\n movk x9, 0xbad0, lsl 16\n movk x9, 0xbad0, lsl 48\n mov x10, x9\n mov x11, x9\n mov x12, x9\n"
        "mov x13, x9\n mov x14, x9\n mov x15, x9\n mov x17, x9\n dup v16.2d, x9\n dup v17.2d, x9\n dup v31.2d, x9\n"
        "blr x16\n"
        ADDRESS(found) GENERAL(stp) VECTORS(stp) REST
        ADDRESS(saved) GENERAL(ldp) VECTORS(ldp) "ldr x29, [x9, 80]\n ldr x10, [x9, 88]\n mov sp, x10\n"
        ADDRESS(checked_return) "ldr x30, [x9]\n ret\n"
        ".size checked_aapcs64, .-checked_aapcs64\n .popsection\n");

/* How many registers are not what they should be. */
static unsigned changed_registers(void) {
    unsigned changed = 0;
    for (unsigned at = 0; at < 11; at++)
        changed += found.general[at] != filled.general[at];
    for (unsigned at = 11; at < 13; at++)
        changed += found.general[at] != saved.general[at];
    for (unsigned at = 0; at < 8; at++)
        changed += found.vectors[at] != filled.vectors[at];
    return changed;
}

/* The constraint for a register of doubles. */
#define VECTOR "w"
