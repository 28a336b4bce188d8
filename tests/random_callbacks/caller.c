
/* What callers do beside calling: they have something to lose.

   At -O2 gcc holds their own values in the registers that a callee keeps. And between a caller and the callback may stand
   a piece of assembly, which fills those registers, calls on, and writes down what became of them: in a file for each
   instruction set, which stands before this one. */

/* How many kept values or registers were lost. */
unsigned lost;

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
    if (checked)
        lost += changed_registers();
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
    op(6, unsigned long, "r", salt + 77) op(7, unsigned long, "r", salt + 88) op(8, double, VECTOR, salt + 99)         \
    op(9, double, VECTOR, salt + 111) op(10, double, VECTOR, salt + 222) op(11, double, VECTOR, salt + 333)            \
    op(12, double, VECTOR, salt + 444) op(13, double, VECTOR, salt + 555) op(14, double, VECTOR, salt + 666)           \
    op(15, double, VECTOR, salt + 777) op(16, double, VECTOR, salt + 888) op(17, double, VECTOR, salt + 999)           \
    op(18, double, VECTOR, salt + 1111)
#define HOLD_VALUES EACH(HOLD)
#define LOOK_AT_VALUES EACH(STILL)

