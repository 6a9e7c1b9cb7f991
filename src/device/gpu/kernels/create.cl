/* Tensors out of nothing: each element depends on its index alone. */

#ifdef FULL
KERNEL(full)(GLOBAL T *y, i64 y_at, T value, i64 n) {
    const i64 i = INDEX;
    if (i < n) y[y_at + i] = value;
}
#endif

#ifdef ARANGE
KERNEL(arange)(GLOBAL T *y, i64 y_at, STEP start, STEP step, i64 n) {
    const i64 i = INDEX;
    if (i < n) y[y_at + i] = (T)(start + step * (STEP)i);
}
#endif

#ifdef RANDOM
/* Philox4x32-10: Salmon et al. 2011. */
#define PHILOX(c0, c1, c2, c3, k0, k1)                                                                                 \
    {                                                                                                                  \
        u32 k0_ = (k0), k1_ = (k1);                                                                                    \
        for (int r_ = 0; r_ < 10; r_++) {                                                                              \
            const u32 a_ = HIGH_PRODUCT(0xD2511F53u, c0), b_ = HIGH_PRODUCT(0xCD9E8D57u, c2);                          \
            const u32 al_ = 0xD2511F53u * c0, bl_ = 0xCD9E8D57u * c2;                                                  \
            c0 = b_ ^ c1 ^ k0_;                                                                                        \
            c1 = bl_;                                                                                                  \
            c2 = a_ ^ c3 ^ k1_;                                                                                        \
            c3 = al_;                                                                                                  \
            k0_ += 0x9E3779B9u;                                                                                        \
            k1_ += 0xBB67AE85u;                                                                                        \
        }                                                                                                              \
    }

DEVFN u32 floored(i64 a) {
    const i64 m = 0x7FFFFFFEL, r = a % m;
    return (u32)(r < 0 ? r + m : r);
}

/* rng_stateless and rng_unit of base/rng.h: a thread draws a block of four. */
KERNEL(random_uniform)(GLOBAL f32 *y, i64 y_at, const GLOBAL i64 *seed, i64 seed_at, i64 n) {
    const i64 block = INDEX;
    if (4 * block >= n) return;
    u32 m0 = floored(seed[seed_at]), m1 = 0, m2 = floored(seed[seed_at + 1]), m3 = 0;
    PHILOX(m0, m1, m2, m3, 0x3EC8F720u, 0x02461E29u)
    u32 word[4];
    u32 c0 = (u32)block, c1 = (u32)((u64)block >> 32), c2 = m2, c3 = m3;
    PHILOX(c0, c1, c2, c3, m0, m1)
    word[0] = c0, word[1] = c1, word[2] = c2, word[3] = c3;
    for (int k = 0; k < 4; k++)
        if (4 * block + k < n) y[y_at + 4 * block + k] = AS_F32((word[k] & 0x7FFFFFu) | 0x3F800000u) - 1.0f;
}
#endif
