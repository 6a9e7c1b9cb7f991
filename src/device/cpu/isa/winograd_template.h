/* The transforms of F(TILE x TILE, 3 x 3), TILE 6 or 8, for LANES channels at once: included once for each, with A defined.
 *
 * A correlation is the transpose of a product of polynomials, and that is found from its residues modulo x, x - 1, x + 1,
 * x - A, x + A, x - 1/A, x + 1/A, at infinity, and for TILE 8 modulo x^2 + 1: at each point one product takes the place of
 * TAPS. Those modulo x^2 + 1 are complex, and take three (Karatsuba). In formulas, for one axis (o: point by point),
 *   y = E_TILE' [(S E_3 w) o (B x)],  dw = E_3' S [(B x) o (E_TILE dy)],
 * where E_k takes k coefficients to their residues, B is the interpolation's transpose, and S a diagonal of scales.
 *
 * Winograd 1980, "Arithmetic Complexity of Computations"; that a factor x^2 + 1 keeps so many points accurate: Barabasz and
 * Gregg 2019, "Winograd Convolution for DNNs: Beyond Linear Polynomials". */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/patch.h"
#include "device/cpu/isa/vec.h"

enum { TAPS = 3, N = TILE + TAPS - 1, IMAGINARY = TILE == 8, P = N + IMAGINARY };

#define AA (A * A)
#define SUM (AA + 1 / AA)

/* S: what is left of the interpolation when B's rows are scaled to the numbers in input_axis(), E's as in evaluate(). */
#if TILE == 8
#define AT_ONE (1 / (4 * (2 - SUM)))
#define AT_INVERSE (1 / (2 / AA * (1 / (AA * AA) - 1) * (1 / AA - AA)))
#define AT_I (1 / (2 * SUM + 4))
#define AT_IMAGINARY AT_I, AT_I, -AT_I,
#else
#define AT_ONE (1 / (2 * (2 - SUM)))
#define AT_INVERSE (1 / (2 / AA * (1 / AA - 1) * (1 / AA - AA)))
#define AT_IMAGINARY
#endif
#define AT_A (A * AT_INVERSE)
static const float scales[P] = {1, AT_ONE, AT_ONE, AT_A, -AT_A, AT_INVERSE, AT_INVERSE, AT_IMAGINARY 1};

INLINE vec plus(vec a, double s, vec b) { /* a + s b */
    return vec_fma(b, vec_set1((float)s), a);
}

/* The points 1, -1; A, -A; 1/A, -1/A, each two from what even and odd positions have there; at A, a + s b. */
INLINE void put_pairs(vec *t, int to, const vec one[2], vec a, double s, vec b, const vec inverse[2]) {
    t[to] = one[0] + one[1];
    t[2 * to] = one[0] - one[1];
    t[3 * to] = plus(a, s, b);
    t[4 * to] = plus(a, -s, b);
    t[5 * to] = plus(inverse[0], 1 / A, inverse[1]);
    t[6 * to] = plus(inverse[0], -1 / A, inverse[1]);
}

/* B, one axis: the points t[i] of the positions d[i], each this many vectors apart. */
INLINE void input_axis(const vec *d, vec *t, int from, int to) {
    vec one[2], a[2], inverse[2], rest[2];
#if TILE == 8
    vec i[2];
#pragma GCC unroll 2
    for (int odd = 0; odd < 2; odd++) { /* positions 2, 4, 6, 8; and 1, 3, 5, 7 */
        const vec *x = d + (odd ? 1 : 2) * from;
        const vec x1 = x[0], x2 = x[2 * from], x3 = x[4 * from], x4 = x[6 * from], u = x4 - x2, v = x3 - x1;
        one[odd] = plus(x4 + x1, 1 - SUM, x3 + x2);
        a[odd] = plus(u, -1 / AA, v);
        inverse[odd] = plus(u, -AA, v);
        i[odd] = plus(x4 - x1, -1 - SUM, x3 - x2);
        rest[odd] = odd ? u : v;
    }
    t[0] = plus(d[0] - d[8 * from], SUM, rest[0]);
    t[10 * to] = plus(d[9 * from] - d[from], -SUM, rest[1]);
    t[7 * to] = i[0] + i[1];
    t[8 * to] = i[1] - i[0];
    t[9 * to] = i[1];
#else
#pragma GCC unroll 2
    for (int odd = 0; odd < 2; odd++) { /* positions 2, 4, 6; and 1, 3, 5 */
        const vec *x = d + (odd ? 1 : 2) * from;
        const vec x1 = x[0], x2 = x[2 * from], x3 = x[4 * from];
        one[odd] = plus(x3 + x1, -SUM, x2);
        a[odd] = plus(x3 - x2, 1 / AA, x1 - x2);
        inverse[odd] = plus(x3 - x2, AA, x1 - x2);
        rest[odd] = odd ? x3 - x2 : x2 - x1;
    }
    t[0] = plus(d[0] - d[6 * from], 1 + SUM, rest[0]);
    t[7 * to] = plus(d[7 * from] - d[from], -1 - SUM, rest[1]);
#endif
    put_pairs(t, to, one, a[0], A, a[1], inverse);
}

/* E_k: the values of the coefficients y[i], i < k. At A they are divided by its highest power, and at -A by minus that (k
 * even) or that (k odd), so that none is larger than the sum and what underflows counts little. */
INLINE void evaluate(const vec *y, vec *t, int k, int from, int to) {
    vec one[2], i[2], a[2], inverse[2];
#pragma GCC unroll 2
    for (int odd = 0; odd < 2; odd++) {
        const int last = k - 1 - (k - 1 - odd) % 2;
        vec first = y[odd * from], other = odd + 2 < k ? y[(odd + 2) * from] : vec_zero();
#pragma GCC unroll 8
        for (int j = odd + 4; j < k; j += 4) first += y[j * from];
#pragma GCC unroll 8
        for (int j = odd + 6; j < k; j += 4) other += y[j * from];
        one[odd] = first + other, i[odd] = first - other;
        a[odd] = y[odd * from], inverse[odd] = y[last * from];
#pragma GCC unroll 8
        for (int j = 2; j < k - odd; j += 2) {
            a[odd] = plus(y[(odd + j) * from], 1 / AA, a[odd]);
            inverse[odd] = plus(y[(last - j) * from], 1 / AA, inverse[odd]);
        }
    }
    const int high = (k - 1) % 2;
    t[0] = y[0];
    put_pairs(t, to, one, a[high], 1 / A, a[1 - high], inverse);
    if (IMAGINARY) t[7 * to] = i[0], t[8 * to] = i[1], t[9 * to] = i[0] + i[1];
    t[(P - 1) * to] = y[(k - 1) * from];
}

/* E_k', its transpose. */
INLINE void collect(const vec *t, vec *y, int k, int from, int to) {
    const vec one[2] = {t[from] + t[2 * from], t[from] - t[2 * from]};
    const vec a[2] = {t[3 * from] + t[4 * from], t[3 * from] - t[4 * from]};
    const vec inverse[2] = {t[5 * from] + t[6 * from], t[5 * from] - t[6 * from]};
    vec i[2] = {vec_zero(), vec_zero()};
    if (IMAGINARY) i[0] = t[7 * from] + t[9 * from], i[1] = t[8 * from] + t[9 * from];
    double up = 1, down = 1;
#pragma GCC unroll 8
    for (int j = 1; j < k; j++) up /= A;
#pragma GCC unroll 8
    for (int j = 0; j < k; j++, up *= A, down /= A) {
        vec x = one[j % 2];
        if (IMAGINARY) x = j % 4 < 2 ? x + i[j % 2] : x - i[j % 2];
        y[j * to] = plus(plus(x, up, a[(k - 1 - j) % 2]), down, inverse[j % 2]);
    }
    y[0] += t[0];
    y[(k - 1) * to] += t[(P - 1) * from];
}

static void input(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    vec t[P * N];
    for (int x = 0; x < N; x++) {
        vec d[N];
#pragma GCC unroll 10
        for (int y = 0; y < N; y++) d[y] = patch_read(g, y, x);
        input_axis(d, t + x, 1, N);
    }
    for (int y = 0; y < P; y++) {
        vec r[P];
        input_axis(t + y * N, r, 1, 1);
#pragma GCC unroll 11
        for (int x = 0; x < P; x++) vec_store(out + (y * P + x) * stride, r[x]);
    }
}

/* k x k coefficients to their values, those of a kernel scaled; and back. */
INLINE void expand(const struct cpu_conv_patch *g, int k, float *out, int64_t stride) {
    vec t[P * TILE];
    for (int x = 0; x < k; x++) {
        vec d[TILE];
#pragma GCC unroll 8
        for (int y = 0; y < k; y++) d[y] = patch_read(g, y, x);
        evaluate(d, t + x, k, 1, TILE);
    }
    for (int y = 0; y < P; y++) {
        vec r[P];
        evaluate(t + y * TILE, r, k, 1, 1);
#pragma GCC unroll 11
        for (int x = 0; x < P; x++)
            vec_store(out + (y * P + x) * stride, r[x] * (k == TAPS ? scales[y] * scales[x] : 1.0f));
    }
}

INLINE void contract(const struct cpu_conv_patch *g, int k, const float *in, int64_t stride) {
    vec t[TILE * P];
    for (int x = 0; x < P; x++) {
        vec m[P];
#pragma GCC unroll 11
        for (int y = 0; y < P; y++)
            m[y] = vec_load(in + (y * P + x) * stride) * (k == TAPS ? scales[y] * scales[x] : 1.0f);
        collect(m, t + x, k, 1, P);
    }
    for (int y = g->top; y < g->bottom; y++) {
        vec r[TILE];
        collect(t + y * P, r, k, 1, 1);
#pragma GCC unroll 8
        for (int x = 0; x < k; x++)
            if (x >= g->left && x < g->right) patch_write(g, y, x, r[x]);
    }
}

static void kernel(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    expand(g, TAPS, out, stride);
}
static void gradient(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    expand(g, TILE, out, stride);
}
static void output(const struct cpu_conv_patch *g, const float *in, int64_t stride) {
    contract(g, TILE, in, stride);
}
static void taps(const struct cpu_conv_patch *g, const float *in, int64_t stride) {
    contract(g, TAPS, in, stride);
}
