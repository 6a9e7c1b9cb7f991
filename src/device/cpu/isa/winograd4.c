/* The transforms of Winograd's minimal filtering F(4 x 4, 3 x 3) over the points 0, 1, -1, 2, -2, infinity (Lavin and
 * Gray 2016), LANES channels at once, and those of its transpose F(3 x 3, 4 x 4), which shares the input's. */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/patch.h"
#include "device/cpu/isa/vec.h"

enum { N = 6 };

/* The points 1, -1 and 2, -2, each two from what even and odd positions have there. */
INLINE void put_pairs(vec *t, int step, vec a, vec b, vec c, vec d) {
    t[step] = a + b;
    t[2 * step] = a - b;
    t[3 * step] = c + d;
    t[4 * step] = c - d;
}

/* One axis: t[i * step] for i < 6 from in[i * step] of the input (6), of the kernel (3), of the output's gradient (4). */
INLINE void input_axis(const vec *in, vec *t, int step) {
    vec d0 = in[0], d1 = in[step], d2 = in[2 * step], d3 = in[3 * step], d4 = in[4 * step], d5 = in[5 * step];
    vec u = d4 - d2 * 4.0f, v = d3 - d1 * 4.0f, p = d4 - d2, q = (d3 - d1) * 2.0f;
    t[0] = d0 * 4.0f - d2 * 5.0f + d4;
    put_pairs(t, step, u, v, p, q);
    t[5 * step] = d1 * 4.0f - d3 * 5.0f + d5;
}

INLINE void kernel_axis(const vec *in, vec *t, int step) {
    vec w0 = in[0], w1 = in[step], w2 = in[2 * step];
    vec a = (w0 + w2) * (-1.0f / 6), b = w1 * (-1.0f / 6), c = w0 * (1.0f / 24) + w2 * (1.0f / 6), d = w1 * (1.0f / 12);
    t[0] = w0 * 0.25f;
    put_pairs(t, step, a, b, c, d);
    t[5 * step] = w2;
}

INLINE void gradient_axis(const vec *in, vec *t, int step) {
    vec y0 = in[0], y1 = in[step], y2 = in[2 * step], y3 = in[3 * step];
    vec a = (y0 + y2) * (-1.0f / 6), b = (y1 + y3) * (-1.0f / 6);
    vec c = y0 * (1.0f / 24) + y2 * (1.0f / 6), d = y1 * (1.0f / 12) + y3 * (1.0f / 3);
    t[0] = y0 * 0.25f;
    put_pairs(t, step, a, b, c, d);
    t[5 * step] = y3;
}

/* One axis back: the 4 outputs, and the 3 of a kernel's gradient. */
INLINE void output_axis(const vec *m, vec *y, int step) {
    vec s = m[step] + m[2 * step], d = m[step] - m[2 * step];
    vec p = m[3 * step] + m[4 * step], q = m[3 * step] - m[4 * step];
    y[0] = m[0] + s + p;
    y[step] = d + q * 2.0f;
    y[2 * step] = s + p * 4.0f;
    y[3 * step] = d + q * 8.0f + m[5 * step];
}

INLINE void taps_axis(const vec *m, vec *y, int step) {
    vec s = m[step] + m[2 * step], d = m[step] - m[2 * step];
    vec p = m[3 * step] + m[4 * step], q = m[3 * step] - m[4 * step];
    y[0] = m[0] + s + p;
    y[step] = d + q * 2.0f;
    y[2 * step] = s + p * 4.0f + m[5 * step];
}

typedef void axis_fn(const vec *in, vec *out, int step);

/* The patch in columns of N. */
INLINE void load_patch(const struct cpu_conv_patch *g, int size, vec *d) {
#pragma GCC unroll 6
    for (int y = 0; y < size; y++)
#pragma GCC unroll 6
        for (int x = 0; x < size; x++) d[y * N + x] = patch_read(g, y, x);
}

INLINE void expand(const struct cpu_conv_patch *g, int size, axis_fn *axis, float *out, int64_t stride) {
    vec d[N * N], t[N * N];
    load_patch(g, size, d);
#pragma GCC unroll 6
    for (int x = 0; x < size; x++) axis(d + x, t + x, N);
#pragma GCC unroll 6
    for (int y = 0; y < N; y++) {
        axis(t + y * N, d + y * N, 1);
#pragma GCC unroll 6
        for (int x = 0; x < N; x++) vec_store(out + (y * N + x) * stride, d[y * N + x]);
    }
}

INLINE void contract(const struct cpu_conv_patch *g, int size, axis_fn *axis, const float *in, int64_t stride) {
    vec m[N * N], t[N * N];
#pragma GCC unroll 6
    for (int y = 0; y < N; y++) {
#pragma GCC unroll 6
        for (int x = 0; x < N; x++) m[y * N + x] = vec_load(in + (y * N + x) * stride);
        axis(m + y * N, t + y * N, 1);
    }
#pragma GCC unroll 6
    for (int x = 0; x < size; x++) axis(t + x, m + x, N);
    for (int y = g->top; y < g->bottom; y++)
        for (int x = g->left; x < g->right; x++) patch_write(g, y, x, m[y * N + x]);
}

static void input(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    expand(g, 6, input_axis, out, stride);
}
static void kernel(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    expand(g, 3, kernel_axis, out, stride);
}
static void gradient(const struct cpu_conv_patch *g, float *out, int64_t stride) {
    expand(g, 4, gradient_axis, out, stride);
}
static void output(const struct cpu_conv_patch *g, const float *in, int64_t stride) {
    contract(g, 4, output_axis, in, stride);
}
static void taps(const struct cpu_conv_patch *g, const float *in, int64_t stride) {
    contract(g, 3, taps_axis, in, stride);
}

const struct cpu_winograd CPU_SYMBOL(winograd4) = {
    .tile = 4, .points = N * N, .input = input, .kernel = kernel, .gradient = gradient, .output = output, .taps = taps};
