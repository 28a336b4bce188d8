/* The registers of 32-bit x86. The assembly takes the return address off the stack, so that the callback finds its stack
   arguments where they are, and looks at how many of them it popped. */

#define HIDDEN __attribute__((visibility("hidden")))

/* ebx, ebp, esi, edi, the control words of SSE and x87, the flags, the stack pointer. */
struct registers {
    unsigned long general[8];
};
/* In assembly with an underscore, on every system. */
#define NAMED(name) name __asm__("_" #name)
HIDDEN struct registers NAMED(saved), NAMED(filled), NAMED(found);
HIDDEN void *NAMED(checked_target), *NAMED(checked_return);
/* What the callback has to pop. Set before each call. */
HIDDEN unsigned long NAMED(expected_pops);

void checked_x86(void) __asm__("_checked_x86");

#define GENERAL(op) op(ebx, 0) op(ebp, 4) op(esi, 8) op(edi, 12)
#define SAVE(name, at) "movl %" #name ", _saved+" #at "\n"
#define FILL_IN(name, at) "movl _filled+" #at ", %" #name "\n"
#define LOOK(name, at) "movl %" #name ", _found+" #at "\n"
#define RESTORE(name, at) "movl _saved+" #at ", %" #name "\n"
#define REST(where) "stmxcsr _" #where "+16\n fnstcw _" #where "+20\n pushfl\n popl _" #where "+24\n"

/* ecx may hold an argument, edx too; eax holds one in no convention here, and nobody may rely on it. */
#ifdef __ELF__
#define BEGIN ".pushsection .text\n .globl _checked_x86\n .hidden _checked_x86\n .type _checked_x86, @function\n _checked_x86:\n"
#define END ".size _checked_x86, .-_checked_x86\n .popsection\n"
#else
#define BEGIN ".text\n .globl _checked_x86\n _checked_x86:\n"
#define END
#endif

__asm__(BEGIN
        "endbr32\n popl _checked_return\n" GENERAL(SAVE) REST(saved) SAVE(esp, 28) GENERAL(FILL_IN)
        "movl $0xbad0bad0, %eax\n"
        "call *_checked_target\n"
        GENERAL(LOOK) LOOK(esp, 28) REST(found) GENERAL(RESTORE)
        "movl _saved+28, %esp\n addl _expected_pops, %esp\n pushl _checked_return\n ret\n"
        END);

/* How many registers are not what they should be. */
static unsigned changed_registers(void) {
    unsigned changed = 0;
    for (unsigned at = 0; at < 4; at++)
        changed += found.general[at] != filled.general[at];
    /* The control bits of MXCSR: its status bits are anybody's. */
    changed += ((found.general[4] ^ saved.general[4]) & 0xffc0) != 0;
    changed += (unsigned short)found.general[5] != (unsigned short)saved.general[5];
    /* The direction flag. */
    changed += (found.general[6] & 0x400) != 0;
    changed += found.general[7] != saved.general[7] + expected_pops;
    return changed;
}

/* The constraint for a register of doubles. */
#define VECTOR "x"

