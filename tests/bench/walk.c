/* Convolutions of 200 random shapes: in each pass the algorithm that the cost model chooses beside im2col with OpenBLAS.
 * Prints how their times compare, and the shapes where the choice costs more than it should. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "device/cpu/conv.h"
#include "device/cpu/cpu.h"
#include "device/device.h"

enum { SHAPES = 200, ROUNDS = 3, MAX_RATIOS = 3 * SHAPES };

static const double LIMIT = 1.2; /* slower than im2col by this factor is a cliff */

static unsigned state = 200;

static int64_t draw(int64_t low, int64_t high) {
    state = state * 1664525u + 1013904223u;
    return low + (int64_t)((state >> 8) % (unsigned)(high - low + 1));
}

/* Mostly what networks have: 3x3, stride 1, no groups; 1e5 to 4e9 operations. */
static struct cpu_conv draw_shape(void) {
    static const int64_t kernels[] = {1, 2, 3, 3, 3, 3, 4, 5, 5, 7};
    struct cpu_conv g;
    do {
        const int64_t k = kernels[draw(0, 9)], stride = draw(0, 4) ? 1 : 2, dilation = draw(0, 9) ? 1 : 2;
        g = (struct cpu_conv){.dtype = DT_FLOAT32, .n = draw(1, 128), .h = draw(1, 64), .c = draw(1, 256), .kh = k};
        g.kw = draw(0, 9) ? k : draw(1, 5);
        g.w = draw(0, 4) ? g.h : draw(1, 64);
        g.o = draw(1, 256);
        g.groups = 1;
        if (!draw(0, 9)) g.groups = 2, g.c *= 2, g.o *= 2;
        for (int d = 0; d < 2; d++) {
            g.stride[d] = stride;
            g.dilation[d] = dilation;
            g.before[d] = draw(0, 1) * (k / 2);
        }
        g.oh = (g.h + 2 * g.before[0] - (g.kh - 1) * dilation - 1) / stride + 1;
        g.ow = (g.w + 2 * g.before[1] - (g.kw - 1) * dilation - 1) / stride + 1;
    } while (g.oh < 1 || g.ow < 1 || cpu_conv_flops(&g) < 1e5 || cpu_conv_flops(&g) > 4e9);
    return g;
}

static float *numbers(int64_t n) {
    float *x = mem_block_alloc((size_t)n * sizeof *x, NULL);
    for (int64_t i = 0; x && i < n; i++) x[i] = (float)(i % 17) - 8;
    return x;
}

/* Seconds of one call; the operands are as large as any pass wants them. */
static double seconds(struct cpu *c, const struct cpu_conv *g, const struct cpu_conv_algorithm *a,
                      enum cpu_conv_pass pass, float *const operand[3]) {
    struct err e = {0};
    const size_t bytes = a->workspace ? a->workspace(c, g, pass) : 0;
    void *space = mem_block_alloc(bytes ? bytes : 1, &e);
    const double start = clock_now();
    if (e.status || a->pass[pass](c, g, operand[0], operand[1], operand[2], space, &e)) {
        fprintf(stderr, "walk: %s\n", e.text);
        exit(1);
    }
    const double took = clock_now() - start;
    mem_block_free(space);
    return took;
}

/* The chosen algorithm's time over im2col's: the best of some rounds, in turn. */
static double compare(struct cpu *c, const struct cpu_conv *g, const struct cpu_conv_algorithm *chosen,
                      const struct cpu_conv_algorithm *im2col, enum cpu_conv_pass pass, float *const operand[3]) {
    double best[2] = {1e9, 1e9};
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2; i++) {
            const double took = seconds(c, g, i ? im2col : chosen, pass, operand);
            if (took < best[i]) best[i] = took;
        }
    return best[0] / best[1];
}

static void describe(const struct cpu_conv *g, const char *pass, const char *algorithm, double ratio) {
    printf("  %.2f x im2col: %s, %s: n=%lld %lldx%lldx%lld, kernel %lldx%lld -> %lld, stride %lld, dilation %lld, "
           "groups %lld\n",
           ratio, algorithm, pass, (long long)g->n, (long long)g->h, (long long)g->w, (long long)g->c, (long long)g->kh,
           (long long)g->kw, (long long)g->o, (long long)g->stride[0], (long long)g->dilation[0], (long long)g->groups);
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All three passes of one shape; returns how many ratios it added. */
static int walk(struct cpu *c, const struct cpu_conv *g, double *ratio, int *cliffs) {
    static const char *const pass_name[] = {"forward", "gradient of the input", "gradient of the kernel"};
    const struct cpu_conv_algorithm *im2col = cpu_conv_find("im2col");
    const int64_t x = g->n * g->h * g->w * g->c, k = g->kh * g->kw * g->c * g->o, y = g->n * g->oh * g->ow * g->o;
    int n = 0;
    for (enum cpu_conv_pass pass = CPU_CONV_FORWARD; pass <= CPU_CONV_GRAD_KERNEL; pass++) {
        const struct cpu_conv_algorithm *chosen = cpu_conv_choose(c, g, pass);
        if (chosen == im2col) continue;
        const int64_t size[3][3] = {{x, k, y}, {y, k, x}, {x, y, k}};
        float *operand[3];
        for (int i = 0; i < 3; i++) operand[i] = numbers(size[pass][i]);
        const double r = compare(c, g, chosen, im2col, pass, operand);
        for (int i = 0; i < 3; i++) mem_block_free(operand[i]);
        ratio[n++] = r;
        if (r <= LIMIT) continue;
        ++*cliffs;
        describe(g, pass_name[pass], chosen->name, r);
    }
    return n;
}

int main(void) {
    static double ratio[MAX_RATIOS];
    struct err e = {0};
    struct device *d;
    int n = 0, cliffs = 0;
    if (device_open("cpu", 0, &d, &e)) {
        fprintf(stderr, "walk: %s\n", e.text);
        return 1;
    }
    for (int i = 0; i < SHAPES; i++) {
        const struct cpu_conv g = draw_shape();
        n += walk((struct cpu *)d, &g, ratio + n, &cliffs);
    }
    double sum = 0;
    for (int i = 0; i < n; i++) sum += log(ratio[i]);
    qsort(ratio, (size_t)n, sizeof *ratio, by_size);
    printf("convolution, %d random shapes: another algorithm than im2col in %d of %d passes; its time over im2col's: "
           "quartiles %.2f %.2f %.2f, largest %.2f; above %.1f: %d; all passes together %.3f\n",
           SHAPES, n, 3 * SHAPES, ratio[n / 4], ratio[n / 2], ratio[3 * n / 4], ratio[n - 1], LIMIT, cliffs,
           exp(sum / (3 * SHAPES)));
    d->driver->close(d);
    return 0;
}
