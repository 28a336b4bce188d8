/* What the functions of one batch share: they compare what arrives with its pattern, and write down what differs. */

typedef unsigned char byte;

/* As wide as any bit-field. */
#ifdef __SIZEOF_INT128__
typedef unsigned __int128 wide_int;
#else
typedef unsigned long long wide_int;
#endif

enum kind { BITS, BOOL, F16, F32, F64, X87, F128 };

struct mismatch {
    unsigned field, size;
    byte got[16];
};

/* The test sets salt and clears the counts before each call. */
unsigned salt, calls, mismatch_count;
struct mismatch mismatches[64];

/* The pattern: field number and byte number, a normal number where the kind is a floating-point one. */
static void pattern(unsigned field, enum kind kind, unsigned size, byte *out) {
    for (unsigned at = 0; at < size; at++)
        out[at] = (byte)((field << 4 | at) ^ field >> 4 ^ salt);
    switch (kind) {
    case BITS: break;
    case BOOL: out[0] = (out[0] ^ out[0] >> 4) & 1; break;
    case F16: out[1] = (out[1] & 0x83) | 0x38; break;
    case F32: out[3] = (out[3] & 0x80) | 0x3f; break;
    case F64: out[7] = (out[7] & 0x80) | 0x3f; break;
    case X87: out[9] = (out[9] & 0x80) | 0x3f; out[7] |= 0x80; break;
    case F128: out[15] = (out[15] & 0x80) | 0x3f; break;
    }
}

static void report(unsigned field, unsigned size, const void *got) {
    if (mismatch_count < sizeof mismatches / sizeof *mismatches) {
        struct mismatch *mismatch = &mismatches[mismatch_count];
        mismatch->field = field;
        mismatch->size = size;
        __builtin_memcpy(mismatch->got, got, size);
    }
    mismatch_count++;
}

static __attribute__((noinline)) void check(unsigned field, enum kind kind, unsigned size, const void *got) {
    byte wanted[16];
    if (kind == X87)
        size = 10;
    pattern(field, kind, size, wanted);
    if (__builtin_memcmp(got, wanted, size) != 0)
        report(field, size, got);
}

static __attribute__((noinline)) void fill(unsigned field, enum kind kind, unsigned size, void *out) {
    byte wanted[16];
    pattern(field, kind, size, wanted);
    __builtin_memcpy(out, wanted, kind == X87 ? 10 : size);
}

static __attribute__((noinline)) void fill_bits(unsigned field, enum kind kind, unsigned width, wide_int *out) {
    pattern(field, kind, sizeof *out, (byte *)out);
    if (kind == BOOL)
        *out &= 1;
    else if (width < 8 * sizeof *out)
        *out &= ((wide_int)1 << width) - 1;
}

static __attribute__((noinline)) void check_bits(unsigned field, enum kind kind, unsigned width, wide_int *got) {
    wide_int wanted;
    if (width < 8 * sizeof *got)
        *got &= ((wide_int)1 << width) - 1;
    fill_bits(field, kind, width, &wanted);
    if (*got != wanted)
        report(field, (width + 7) / 8, got);
}

#define CHECK(field, kind, type, place) { type value = place; check(field, kind, sizeof value, &value); }
#define CHECK_BITS(field, kind, width, place) \
    { wide_int value = (wide_int)(place); check_bits(field, kind, width, &value); }
#define FILL(field, kind, type, place) { type value; fill(field, kind, sizeof value, &value); place = value; }
#define FILL_BITS(field, kind, width, place) \
    { wide_int value; fill_bits(field, kind, width, &value); place = value; }

/* gcc does not give the x87's registers back, which arguments or a result in MMX's have taken. */
#ifdef __i386__
#define LEAVE_MMX __builtin_ia32_emms();
#else
#define LEAVE_MMX
#endif
