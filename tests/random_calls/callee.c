
/* A parameter is the callee's own: it may write to it. */
static __attribute__((noinline)) void scribble(void *parameter, unsigned long size) {
    __builtin_memset(parameter, 0xdb, size);
    __asm__ volatile("" : : "r"(parameter) : "memory");
}

