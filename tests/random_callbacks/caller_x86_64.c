/* The registers of x86-64. The assembly takes the return address off the stack, so that the callback finds its stack
   arguments where they are. */

#define HIDDEN __attribute__((visibility("hidden")))

/* General registers, the control words of SSE and x87, the flags, the stack pointer; then vectors. */
struct registers {
    unsigned long long general[12];
    unsigned char vectors[10][16];
};
HIDDEN struct registers saved, filled, found;
HIDDEN void *checked_target, *checked_return;

void checked_sysv(void);
void checked_ms(void);

#define GENERAL(op)                                                                                                    \
    op(rbx, 0) op(rbp, 8) op(r12, 16) op(r13, 24) op(r14, 32) op(r15, 40)
#define GENERAL_MS(op) op(rdi, 48) op(rsi, 56)
#define VECTORS(op)                                                                                                    \
    op(xmm6, 96) op(xmm7, 112) op(xmm8, 128) op(xmm9, 144) op(xmm10, 160) op(xmm11, 176) op(xmm12, 192)                \
    op(xmm13, 208) op(xmm14, 224) op(xmm15, 240)
#define TO(where, move, name, at) #move " %" #name ", " #where "+" #at "(%rip)\n"
#define FROM(where, move, name, at) #move " " #where "+" #at "(%rip), %" #name "\n"
#define SAVE(name, at) TO(saved, movq, name, at)
#define FILL_IN(name, at) FROM(filled, movq, name, at)
#define LOOK(name, at) TO(found, movq, name, at)
#define RESTORE(name, at) FROM(saved, movq, name, at)
#define SAVE_VECTOR(name, at) TO(saved, movups, name, at)
#define FILL_VECTOR(name, at) FROM(filled, movups, name, at)
#define LOOK_VECTOR(name, at) TO(found, movups, name, at)
#define RESTORE_VECTOR(name, at) FROM(saved, movups, name, at)
#define CONTROL(where) "stmxcsr " #where "+64(%rip)\n fnstcw " #where "+72(%rip)\n"
#define FLAGS(where) "pushfq\n popq " #where "+80(%rip)\n"

#ifdef __ELF__
#define BEGIN(name) ".pushsection .text\n .globl " #name "\n .hidden " #name "\n .type " #name ", @function\n" #name ":\n"
#define END(name) ".size " #name ", .-" #name "\n .popsection\n"
#else
#define BEGIN(name) ".text\n .globl " #name "\n" #name ":\n"
#define END(name)
#endif

#define CHECKED(name, gp, vector)                                                                                      \
    __asm__(BEGIN(name)                                                                                                \
            "endbr64\n popq checked_return(%rip)\n" gp(SAVE) vector(SAVE_VECTOR) CONTROL(saved) FLAGS(saved)           \
            SAVE(rsp, 88) gp(FILL_IN) vector(FILL_VECTOR)                                                              \
            /* Scratch: nobody may rely on it. */                                                                      \
            "movabsq $0xbad0bad0bad0bad0, %rax\n movq %rax, %r10\n movq %rax, %r11\n"                                  \
            "call *checked_target(%rip)\n"                                                                             \
            gp(LOOK) vector(LOOK_VECTOR) LOOK(rsp, 88) RESTORE(rsp, 88) CONTROL(found) FLAGS(found)                    \
            gp(RESTORE) vector(RESTORE_VECTOR)                                                                         \
            "pushq checked_return(%rip)\n ret\n" END(name));
#define NONE(op)
#define BOTH(op) GENERAL(op) GENERAL_MS(op)
CHECKED(checked_sysv, GENERAL, NONE)
CHECKED(checked_ms, BOTH, VECTORS)

/* How many registers are not what they should be. */
static unsigned changed_registers(void) {
    unsigned changed = 0;
    for (unsigned at = 0; at < 8; at++)
        changed += found.general[at] != filled.general[at];
    /* The control bits of MXCSR: its status bits are anybody's. */
    changed += ((found.general[8] ^ saved.general[8]) & 0xffc0) != 0;
    changed += (unsigned short)found.general[9] != (unsigned short)saved.general[9];
    /* The direction flag. */
    changed += (found.general[10] & 0x400) != 0;
    changed += found.general[11] != saved.general[11];
    changed += __builtin_memcmp(found.vectors, filled.vectors, sizeof found.vectors) != 0;
    return changed;
}

/* The constraint for a register of doubles. */
#define VECTOR "x"
