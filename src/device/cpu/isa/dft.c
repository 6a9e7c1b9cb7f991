/* Small two-dimensional real Fourier transforms of LANES images at once, straight-line for each size. Formulas: Cooley and
 * Tukey 1965; radix 3 and 5 after Winograd 1978. */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/vec.h"

enum { LINE = 16 }; /* floats of a cache line: the next vectors of a spectrum's row lie there */
enum { GROUP = CPU_DFT_CHANNELS / LANES };

#define TAU 6.283185307179586

/* One copy of each straight-line piece: inlined into its callers the nine sizes would be four times the code. */
#define STRAIGHT static __attribute__((noinline))

INLINE void butterfly2(vec *r, vec *i, int s) {
    vec ar = r[0], ai = i[0], br = r[s], bi = i[s];
    r[0] = ar + br, i[0] = ai + bi;
    r[s] = ar - br, i[s] = ai - bi;
}

INLINE void butterfly3(vec *r, vec *i, int s) {
    const float h = 0.86602540378443865f;
    vec sr = r[s] + r[2 * s], si = i[s] + i[2 * s];
    vec dr = (r[s] - r[2 * s]) * h, di = (i[s] - i[2 * s]) * h;
    vec mr = r[0] - sr * 0.5f, mi = i[0] - si * 0.5f;
    r[0] += sr, i[0] += si;
    r[s] = mr + di, i[s] = mi - dr;
    r[2 * s] = mr - di, i[2 * s] = mi + dr;
}

INLINE void butterfly4(vec *r, vec *i, int s) {
    vec sr = r[0] + r[2 * s], si = i[0] + i[2 * s], tr = r[0] - r[2 * s], ti = i[0] - i[2 * s];
    vec ur = r[s] + r[3 * s], ui = i[s] + i[3 * s], vr = r[s] - r[3 * s], vi = i[s] - i[3 * s];
    r[0] = sr + ur, i[0] = si + ui;
    r[s] = tr + vi, i[s] = ti - vr;
    r[2 * s] = sr - ur, i[2 * s] = si - ui;
    r[3 * s] = tr - vi, i[3 * s] = ti + vr;
}

INLINE void butterfly5(vec *r, vec *i, int s) {
    const float c = 0.55901699437494745f, s1 = 0.95105651629515353f, s2 = 0.58778525229247314f;
    vec ar = r[s] + r[4 * s], ai = i[s] + i[4 * s], br = r[2 * s] + r[3 * s], bi = i[2 * s] + i[3 * s];
    vec cr = r[s] - r[4 * s], ci = i[s] - i[4 * s], dr = r[2 * s] - r[3 * s], di = i[2 * s] - i[3 * s];
    vec tr = ar + br, ti = ai + bi, ur = (ar - br) * c, ui = (ai - bi) * c;
    vec mr = r[0] - tr * 0.25f, mi = i[0] - ti * 0.25f;
    r[0] += tr, i[0] += ti;
    vec pr = mr + ur, pi = mi + ui, qr = mr - ur, qi = mi - ui;
    vec er = cr * s1 + dr * s2, ei = ci * s1 + di * s2, fr = cr * s2 - dr * s1, fi = ci * s2 - di * s1;
    r[s] = pr + ei, i[s] = pi - er;
    r[2 * s] = qr + fi, i[2 * s] = qi - fr;
    r[3 * s] = qr - fi, i[3 * s] = qi + fr;
    r[4 * s] = pr - ei, i[4 * s] = pi + er;
}

/* A butterfly of elements 0, s, 2s, ..., then output q times exp(-2 pi i q b / n); all arguments are constants where it
 * is used, so the factors fold. */
INLINE void dft_butterfly(int radix, vec *r, vec *i, int s, int n, int b) {
    if (radix == 2) butterfly2(r, i, s);
    if (radix == 3) butterfly3(r, i, s);
    if (radix == 4) butterfly4(r, i, s);
    if (radix == 5) butterfly5(r, i, s);
#pragma GCC unroll 8
    for (int q = 1; q < radix; q++) {
        int k = q * b % n;
        vec x = r[q * s], y = i[q * s];
        if (k == 0) continue;
        if (4 * k == n) {
            r[q * s] = y, i[q * s] = -x;
            continue;
        }
        float c = (float)__builtin_cos(TAU * k / n), d = (float)__builtin_sin(TAU * k / n);
        r[q * s] = x * c + y * d;
        i[q * s] = y * c - x * d;
    }
}

INLINE void put(const struct cpu_conv_patch *g, float *at, vec x) {
    if (g->stream)
        vec_stream(at, x);
    else
        vec_store(at, x);
}

#define DFT_N 6
#define RADIX1 3
#define RADIX2 2
#define RADIX3 1
#include "device/cpu/isa/dft_template.h"
#define DFT_N 8
#define RADIX1 4
#define RADIX2 2
#define RADIX3 1
#include "device/cpu/isa/dft_template.h"
#define DFT_N 9
#define RADIX1 3
#define RADIX2 3
#define RADIX3 1
#include "device/cpu/isa/dft_template.h"
#define DFT_N 10
#define RADIX1 5
#define RADIX2 2
#define RADIX3 1
#include "device/cpu/isa/dft_template.h"
#define DFT_N 12
#define RADIX1 4
#define RADIX2 3
#define RADIX3 1
#include "device/cpu/isa/dft_template.h"
#define DFT_N 15
#define RADIX1 5
#define RADIX2 3
#define RADIX3 1
#include "device/cpu/isa/dft_template.h"
#define DFT_N 16
#define RADIX1 4
#define RADIX2 4
#define RADIX3 1
#include "device/cpu/isa/dft_template.h"
#define DFT_N 18
#define RADIX1 3
#define RADIX2 3
#define RADIX3 2
#include "device/cpu/isa/dft_template.h"
#define DFT_N 20
#define RADIX1 5
#define RADIX2 4
#define RADIX3 1
#include "device/cpu/isa/dft_template.h"

#define SIZE(n)                                                                                                        \
    { n, n % 2 ? (n * n + 1) / 2 : (n * n + 4) / 2, forward##n, inverse##n }
const struct cpu_dft CPU_SYMBOL(dft)[] = {SIZE(6),  SIZE(8),  SIZE(9),  SIZE(10), SIZE(12),
                                          SIZE(15), SIZE(16), SIZE(18), SIZE(20), {0}};
