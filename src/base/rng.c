/* Keras's random numbers. Invariant: a word depends on its stream and index alone. Products are rounded before sums: this
 * file must not be compiled with FMA contraction. */
#include "base/rng.h"

#include <math.h>
#include <string.h>

/* ---- MT19937 ------------------------------------------------------------------------------------------------------ */

enum { N = 624, M = 397 };

/* init_by_array with the one-word key [seed]. */
void rng_mt_seed(struct rng_mt *m, uint32_t seed) {
    uint32_t *s = m->word;
    s[0] = 19650218;
    for (uint32_t k = 1; k < N; k++) s[k] = 1812433253u * (s[k - 1] ^ s[k - 1] >> 30) + k;
    uint32_t i = 1;
    for (int k = 0; k < N; k++) {
        s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * 1664525u) + seed;
        if (++i == N) s[0] = s[N - 1], i = 1;
    }
    for (int k = 0; k < N - 1; k++) {
        s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * 1566083941u) - i;
        if (++i == N) s[0] = s[N - 1], i = 1;
    }
    s[0] = 0x80000000;
    m->next = N;
}

static void twist(uint32_t *s) {
    for (int i = 0; i < N; i++) {
        uint32_t y = (s[i] & 0x80000000) | (s[(i + 1) % N] & 0x7fffffff);
        s[i] = s[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0df : 0);
    }
}

uint32_t rng_mt_next(struct rng_mt *m) {
    if (m->next >= N) {
        twist(m->word);
        m->next = 0;
    }
    uint32_t y = m->word[m->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return y ^ y >> 18;
}

uint64_t rng_mt_keras_seed(struct rng_mt *m) {
    uint32_t r;
    do r = rng_mt_next(m) >> 2;
    while (r >= 1000000000);
    return (uint64_t)r + 1;
}

/* ---- Philox4x32-10 ------------------------------------------------------------------------------------------------ */

static inline void philox(uint32_t c[4], uint32_t k0, uint32_t k1) {
    for (int i = 0; i < 10; i++) {
        uint64_t p = (uint64_t)0xD2511F53 * c[0], q = (uint64_t)0xCD9E8D57 * c[2];
        uint32_t c1 = c[1], c3 = c[3];
        c[0] = (uint32_t)(q >> 32) ^ c1 ^ k0;
        c[1] = (uint32_t)q;
        c[2] = (uint32_t)(p >> 32) ^ c3 ^ k1;
        c[3] = (uint32_t)p;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
}

static int64_t floored(int64_t a, int64_t m) {
    return a % m < 0 ? a % m + m : a % m;
}

struct rng_philox rng_stateless(int64_t a, int64_t t) {
    const int64_t modulus = ((int64_t)1 << 31) - 2;
    uint32_t m[4] = {(uint32_t)floored(a, modulus), 0, (uint32_t)floored(t, modulus), 0};
    philox(m, 0x3EC8F720, 0x02461E29);
    return (struct rng_philox){.counter = {0, 0, m[2], m[3]}, .key = {m[0], m[1]}};
}

struct rng_philox rng_stateful(int64_t seed, int64_t op) {
    const int64_t modulus = ((int64_t)1 << 31) - 1;
    uint32_t s = (uint32_t)floored(seed, modulus), o = (uint32_t)floored(op, modulus);
    if (s == 0 && o == 0) o = (uint32_t)modulus;
    return (struct rng_philox){.counter = {0, 0, o, 0}, .key = {s, 0}};
}

void rng_block(const struct rng_philox *p, uint64_t block, uint32_t out[4]) {
    uint64_t low = ((uint64_t)p->counter[1] << 32 | p->counter[0]) + block;
    out[0] = (uint32_t)low;
    out[1] = (uint32_t)(low >> 32);
    out[2] = p->counter[2];
    out[3] = p->counter[3];
    philox(out, p->key[0], p->key[1]);
}

/* ---- numbers from words ------------------------------------------------------------------------------------------- */

static inline float unit(uint32_t word) {
    uint32_t bits = (word & 0x7fffff) | 0x3f800000;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x - 1.0f;
}

void rng_unit(const struct rng_philox *p, uint64_t first, int64_t n, float *out) {
    uint32_t w[4];
    for (int64_t i = 0; i < n; i++) {
        uint64_t word = first + (uint64_t)i;
        if (i == 0 || word % 4 == 0) rng_block(p, word / 4, w);
        out[i] = unit(w[word % 4]);
    }
}

void rng_uniform(const struct rng_philox *p, int64_t n, double low, double high, float *out) {
    float lo = (float)low, d = (float)high - lo;
    rng_unit(p, 0, n, out);
    for (int64_t i = 0; i < n; i++) {
        float scaled = out[i] * d;
        out[i] = scaled + lo;
    }
}

/* Box and Muller 1958: two words make two numbers, the sine first. */
static void normal_pair(uint32_t x0, uint32_t x1, float out[2]) {
    const double two_pi = 6.283185307179586476925286766559;
    float u = unit(x0), v = (float)(two_pi * (double)unit(x1));
    if (u < 1e-7f) u = 1e-7f;
    float r = sqrtf(-2.0f * logf(u));
    out[0] = sinf(v) * r;
    out[1] = cosf(v) * r;
}

static float scaled(float z, double mean, double deviation) {
    float product = z * (float)deviation;
    return product + (float)mean;
}

void rng_normal(const struct rng_philox *p, int64_t n, double mean, double deviation, float *out) {
    for (int64_t i = 0; i < n; i += 4) {
        uint32_t w[4];
        float z[4];
        rng_block(p, (uint64_t)i / 4, w);
        normal_pair(w[0], w[1], z);
        normal_pair(w[2], w[3], z + 2);
        for (int k = 0; k < 4 && i + k < n; k++) out[i + k] = scaled(z[k], mean, deviation);
    }
}

/* Four numbers from the blocks of group g, rejecting what lies two deviations off. */
static void truncated_group(const struct rng_philox *p, uint64_t g, float z[4]) {
    int kept = 0;
    for (uint64_t b = 0; kept < 4; b++) {
        uint32_t w[4];
        rng_block(p, 256 * g + b, w);
        for (int pair = 0; pair < 2 && kept < 4; pair++) {
            float two[2];
            normal_pair(w[2 * pair], w[2 * pair + 1], two);
            for (int k = 0; k < 2 && kept < 4; k++)
                if (fabsf(two[k]) < 2.0f) z[kept++] = two[k];
        }
    }
}

void rng_truncated_normal(const struct rng_philox *p, int64_t n, double mean, double deviation, float *out) {
    for (int64_t i = 0; i < n; i += 4) {
        float z[4];
        truncated_group(p, (uint64_t)i / 4, z);
        for (int k = 0; k < 4 && i + k < n; k++) out[i + k] = scaled(z[k], mean, deviation);
    }
}

void rng_integers32(const struct rng_philox *p, int64_t n, int32_t low, int32_t high, int32_t *out) {
    uint32_t range = (uint32_t)high - (uint32_t)low, w[4];
    for (int64_t i = 0; i < n; i++) {
        if (i % 4 == 0) rng_block(p, (uint64_t)i / 4, w);
        out[i] = (int32_t)((uint32_t)low + w[i % 4] % range);
    }
}

void rng_integers64(const struct rng_philox *p, int64_t n, int64_t low, int64_t high, int64_t *out) {
    uint64_t range = (uint64_t)high - (uint64_t)low;
    uint32_t w[4];
    for (int64_t i = 0; i < n; i++) {
        if (i % 2 == 0) rng_block(p, (uint64_t)i / 2, w);
        uint64_t word = w[i % 2 * 2] | (uint64_t)w[i % 2 * 2 + 1] << 32;
        out[i] = (int64_t)((uint64_t)low + word % range);
    }
}

void rng_permutation(const struct rng_philox *p, int64_t n, int64_t *out) {
    uint32_t w[4];
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = 0; i + 1 < n; i++) {
        if (i % 4 == 0) rng_block(p, (uint64_t)i / 4, w);
        int64_t j = i + (int64_t)(w[i % 4] % (uint64_t)(n - i)), t = out[i];
        out[i] = out[j];
        out[j] = t;
    }
}
