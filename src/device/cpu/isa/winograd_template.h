/* The transforms of F(TILE x TILE, 3 x 3), TILE 6 or 8, for LANES channels at once: included once for each, with A defined.
 *
 * A correlation is the transpose of a product of polynomials, and that is found from its residues modulo x, x - 1, x + 1,
 * x - A, x + A, x - 1/A, x + 1/A, at infinity, and for TILE 8 modulo x^2 + 1: at each real point one product takes the place
 * of TAPS. In formulas, for one axis (o: residue by residue),
 *   y = E_TILE' [(S E_3 w) o (B x)],  dw = E_3' S [(B x) o (E_TILE dy)],
 * where E_k takes k coefficients to their residues, B is the interpolation's transpose, and S a diagonal of scales.
 * A residue modulo x^2 + 1 is complex, and takes three products (Karatsuba). Where it is one on both axes, modulo x^2 + 1 and
 * y^2 + 1, it is two complex numbers, those where y is x and where y is -x: six products instead of Karatsuba's nine.
 *
 * Winograd 1980, "Arithmetic Complexity of Computations"; that a factor x^2 + 1 keeps so many points accurate: Barabasz and
 * Gregg 2019, "Winograd Convolution for DNNs: Beyond Linear Polynomials". */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/patch.h"
#include "device/cpu/isa/vec.h"

/* Residues of an axis: REAL of them, then the two parts of the complex one. */
enum { TAPS = 3, N = TILE + TAPS - 1, REAL = 8, COMPLEX = N > REAL };

/* Where a transform's numbers begin: REAL x REAL, three for each real row, three for each real column, the last six. */
enum {
    ROWS = REAL * REAL,
    COLUMNS = ROWS + 3 * REAL,
    FIELDS = COLUMNS + 3 * REAL,
    POINTS = COMPLEX ? FIELDS + 6 : ROWS
};

#define AA (A * A)
#define SUM (AA + 1 / AA)

/* S: what is left of the interpolation when B's rows are scaled to the numbers in input_axis(), E's as in evaluate(). */
#if TILE == 8
#define AT_ONE (1 / (4 * (2 - SUM)))
#define AT_INVERSE (1 / (2 / AA * (1 / (AA * AA) - 1) * (1 / AA - AA)))
#define AT_I (1 / (2 * SUM + 4))
#define AT_COMPLEX , AT_I, AT_I
#else
#define AT_ONE (1 / (2 * (2 - SUM)))
#define AT_INVERSE (1 / (2 / AA * (1 / AA - 1) * (1 / AA - AA)))
#define AT_COMPLEX
#endif
#define AT_A (A * AT_INVERSE)
static const float scales[N] = {1, AT_ONE, AT_ONE, AT_A, -AT_A, AT_INVERSE, AT_INVERSE, 1 AT_COMPLEX};

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

/* B, one axis: the residues t[i] of the positions d[i], each this many vectors apart. */
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
    t[7 * to] = plus(d[9 * from] - d[from], -SUM, rest[1]);
    t[8 * to] = i[0], t[9 * to] = i[1];
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
    t[7 * to] = y[(k - 1) * from];
    if (COMPLEX) t[8 * to] = i[0], t[9 * to] = i[1];
}

/* E_k', its transpose. */
INLINE void collect(const vec *t, vec *y, int k, int from, int to) {
    const vec one[2] = {t[from] + t[2 * from], t[from] - t[2 * from]};
    const vec a[2] = {t[3 * from] + t[4 * from], t[3 * from] - t[4 * from]};
    const vec inverse[2] = {t[5 * from] + t[6 * from], t[5 * from] - t[6 * from]};
    double up = 1, down = 1;
#pragma GCC unroll 8
    for (int j = 1; j < k; j++) up /= A;
#pragma GCC unroll 8
    for (int j = 0; j < k; j++, up *= A, down /= A) {
        vec x = one[j % 2];
        if (COMPLEX) x = j % 4 < 2 ? x + t[(8 + j % 2) * from] : x - t[(8 + j % 2) * from];
        y[j * to] = plus(plus(x, up, a[(k - 1 - j) % 2]), down, inverse[j % 2]);
    }
    y[0] += t[0];
    y[(k - 1) * to] += t[7 * from];
}

/* ---- both axes ---------------------------------------------------------------------------------------------------- */

/* What is transformed: TAPS coefficients, with their scales; TILE of them; or, with B, N positions. */
enum side { KERNEL = TAPS, OUTPUTS = TILE, INPUTS = N };

INLINE void axis(enum side side, const vec *d, vec *t, int from, int to) {
    if (side == INPUTS)
        input_axis(d, t, from, to);
    else
        evaluate(d, t, (int)side, from, to);
}

INLINE vec scaled(enum side side, vec x, int row, int column) {
    if (side == KERNEL) x *= scales[row] * scales[column];
    return x;
}

/* A complex number's three factors; S has a minus at the third one. */
INLINE void put_three(enum side side, vec re, vec im, float *out, int64_t stride) {
    vec first = re, second = im, third = re + im;
    if (side == INPUTS) first = re + im, second = im - re, third = im;
    if (side == KERNEL) third = -third;
    vec_store(out, first);
    vec_store(out + stride, second);
    vec_store(out + 2 * stride, third);
}

INLINE void take_three(enum side side, const float *in, int64_t stride, vec *re, vec *im) {
    vec third = vec_load(in + 2 * stride);
    if (side == KERNEL) third = -third;
    *re = vec_load(in) + third;
    *im = vec_load(in + stride) + third;
}

/* Both fields' numbers from the parts of (p[0] + p[1] x) + (q[0] + q[1] x) y; of them S takes half. */
INLINE void put_fields(enum side side, const vec *p, const vec *q, float *out, int64_t stride) {
    const float half = side == KERNEL ? 0.5f : 1;
    put_three(side, (p[0] - q[1]) * half, (p[1] + q[0]) * half, out, stride);
    put_three(side, (p[0] + q[1]) * half, (q[0] - p[1]) * half, out + 3 * stride, stride);
}

INLINE void take_fields(enum side side, const float *in, int64_t stride, vec *p, vec *q) {
    const float half = side == KERNEL ? 0.5f : 1;
    vec re[2], im[2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        take_three(side, in + 3 * i * stride, stride, &re[i], &im[i]);
        re[i] *= half, im[i] *= half;
    }
    p[0] = re[0] + re[1], p[1] = im[0] - im[1];
    q[0] = im[0] + im[1], q[1] = re[1] - re[0];
}

/* One row of residues. */
INLINE void row_axis(enum side side, const vec *t, int row, vec *r) {
    axis(side, t, r, 1, 1);
#pragma GCC unroll 10
    for (int x = 0; x < N; x++) r[x] = scaled(side, r[x], row, x);
}

INLINE void expand(enum side side, const struct cpu_conv_patch *g, float *out, int64_t stride) {
    vec t[N * N];
    for (int x = 0; x < (int)side; x++) {
        vec d[N];
#pragma GCC unroll 10
        for (int y = 0; y < (int)side; y++) d[y] = patch_read(g, y, x);
        axis(side, d, t + x, 1, N);
    }
    for (int y = 0; y < REAL; y++) {
        vec r[N];
        row_axis(side, t + y * N, y, r);
#pragma GCC unroll 8
        for (int x = 0; x < REAL; x++) vec_store(out + (y * REAL + x) * stride, r[x]);
        if (COMPLEX) put_three(side, r[N - 2], r[N - 1], out + (ROWS + 3 * y) * stride, stride);
    }
    if (!COMPLEX) return;
    vec p[N], q[N];
    row_axis(side, t + (N - 2) * N, N - 2, p);
    row_axis(side, t + (N - 1) * N, N - 1, q);
#pragma GCC unroll 8
    for (int x = 0; x < REAL; x++) put_three(side, p[x], q[x], out + (COLUMNS + 3 * x) * stride, stride);
    put_fields(side, p + N - 2, q + N - 2, out + FIELDS * stride, stride);
}

/* One column of residues, to the coefficients. */
INLINE void column_axis(enum side side, vec *m, int column, vec *y) {
#pragma GCC unroll 10
    for (int i = 0; i < N; i++) m[i] = scaled(side, m[i], i, column);
    collect(m, y, (int)side, 1, N);
}

INLINE void contract(enum side side, const struct cpu_conv_patch *g, const float *in, int64_t stride) {
    vec t[TILE * N];
    for (int x = 0; x < REAL; x++) {
        vec m[N];
#pragma GCC unroll 8
        for (int y = 0; y < REAL; y++) m[y] = vec_load(in + (y * REAL + x) * stride);
        if (COMPLEX) take_three(side, in + (COLUMNS + 3 * x) * stride, stride, &m[N - 2], &m[N - 1]);
        column_axis(side, m, x, t + x);
    }
    if (COMPLEX) {
        vec p[N], q[N], a[2], b[2];
#pragma GCC unroll 8
        for (int y = 0; y < REAL; y++) take_three(side, in + (ROWS + 3 * y) * stride, stride, &p[y], &q[y]);
        take_fields(side, in + FIELDS * stride, stride, a, b);
        p[N - 2] = a[0], p[N - 1] = b[0], q[N - 2] = a[1], q[N - 1] = b[1];
        column_axis(side, p, N - 2, t + N - 2);
        column_axis(side, q, N - 1, t + N - 1);
    }
    for (int y = g->top; y < g->bottom; y++) {
        vec r[TILE];
        collect(t + y * N, r, (int)side, 1, 1);
#pragma GCC unroll 8
        for (int x = 0; x < (int)side; x++)
            if (x >= g->left && x < g->right) patch_write(g, y, x, r[x]);
    }
}

static void input(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    expand(INPUTS, g, out, stride);
}
static void kernel(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    expand(KERNEL, g, out, stride);
}
static void gradient(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    expand(OUTPUTS, g, out, stride);
}
static void output(const struct cpu_conv_patch *g, const float *in, int64_t stride) {
    contract(OUTPUTS, g, in, stride);
}
static void taps(const struct cpu_conv_patch *g, const float *in, int64_t stride) {
    contract(KERNEL, g, in, stride);
}
