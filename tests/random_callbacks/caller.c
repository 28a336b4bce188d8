
/* What callers do beside calling: they have something to lose.

   At -O2 gcc holds their own values in the registers that a callee keeps. And between a caller and the callback may stand
   a piece of assembly, which fills those registers, calls on, and writes down what became of them. It takes the return
   address off the stack, so that the callback finds its stack arguments where they are. */

#define HIDDEN __attribute__((visibility("hidden")))

/* How many kept values or registers were lost. */
unsigned lost;

/* General registers, the control words of SSE and x87, the flags, the stack pointer; then vectors. */
struct registers {
    unsigned long general[12];
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

#define CHECKED(name, gp, vector)                                                                                      \
    __asm__(".pushsection .text\n .globl " #name "\n .hidden " #name "\n .type " #name ", @function\n" #name ":\n"     \
            "endbr64\n popq checked_return(%rip)\n" gp(SAVE) vector(SAVE_VECTOR) CONTROL(saved) FLAGS(saved)           \
            SAVE(rsp, 88) gp(FILL_IN) vector(FILL_VECTOR)                                                              \
            /* Scratch: nobody may rely on it. */                                                                      \
            "movabsq $0xbad0bad0bad0bad0, %rax\n movq %rax, %r10\n movq %rax, %r11\n"                                  \
            "call *checked_target(%rip)\n"                                                                             \
            gp(LOOK) vector(LOOK_VECTOR) LOOK(rsp, 88) RESTORE(rsp, 88) CONTROL(found) FLAGS(found)                    \
            gp(RESTORE) vector(RESTORE_VECTOR)                                                                         \
            "pushq checked_return(%rip)\n ret\n .size " #name ", .-" #name "\n .popsection\n");
#define NONE(op)
#define BOTH(op) GENERAL(op) GENERAL_MS(op)
CHECKED(checked_sysv, GENERAL, NONE)
CHECKED(checked_ms, BOTH, VECTORS)

/* What to call to reach the function, by way of the assembly or straight. */
static __attribute__((noinline)) void *way_to(void *function, void (*checked)(void)) {
    if (!checked)
        return function;
    for (unsigned at = 0; at < sizeof filled; at++)
        ((byte *)&filled)[at] = (byte)(at * 7 + 1);
    __builtin_memcpy(&found, &filled, sizeof found);
    checked_target = function;
    return (void *)checked;
}

/* After a call by way of the assembly. */
static __attribute__((noinline)) void look_at_registers(int checked) {
    if (!checked)
        return;
    for (unsigned at = 0; at < 8; at++)
        lost += found.general[at] != filled.general[at];
    /* The control bits of MXCSR: its status bits are anybody's. */
    lost += ((found.general[8] ^ saved.general[8]) & 0xffc0) != 0;
    lost += (unsigned short)found.general[9] != (unsigned short)saved.general[9];
    /* The direction flag. */
    lost += (found.general[10] & 0x400) != 0;
    lost += found.general[11] != saved.general[11];
    lost += __builtin_memcmp(found.vectors, filled.vectors, sizeof found.vectors) != 0;
}

/* Eight integers and eleven doubles, which gcc knows nothing about. */
#define HOLD(n, type, constraint, seed)                                                                                \
    type held_##n = (type)(seed);                                                                                      \
    __asm__ volatile("" : "+" constraint(held_##n));
#define STILL(n, type, constraint, seed)                                                                               \
    __asm__ volatile("" : "+" constraint(held_##n));                                                                   \
    lost += held_##n != (type)(seed);
#define EACH(op)                                                                                                       \
    op(0, unsigned long, "r", salt + 11) op(1, unsigned long, "r", salt + 22) op(2, unsigned long, "r", salt + 33)     \
    op(3, unsigned long, "r", salt + 44) op(4, unsigned long, "r", salt + 55) op(5, unsigned long, "r", salt + 66)     \
    op(6, unsigned long, "r", salt + 77) op(7, unsigned long, "r", salt + 88) op(8, double, "x", salt + 99)            \
    op(9, double, "x", salt + 111) op(10, double, "x", salt + 222) op(11, double, "x", salt + 333)                     \
    op(12, double, "x", salt + 444) op(13, double, "x", salt + 555) op(14, double, "x", salt + 666)                    \
    op(15, double, "x", salt + 777) op(16, double, "x", salt + 888) op(17, double, "x", salt + 999)                    \
    op(18, double, "x", salt + 1111)
#define HOLD_VALUES EACH(HOLD)
#define LOOK_AT_VALUES EACH(STILL)

