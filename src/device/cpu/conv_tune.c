/* Measuring the algorithms of a convolution. Invariant: nothing of the caller's is read or written but the geometry. */
#include "device/cpu/conv_tune.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "device/cpu/tuned.h"

enum { RUNS = 5 };
static const double SECONDS = 0.2; /* an algorithm, about */
static const double HOPELESS = 20; /* times the least estimate: not worth a measurement */

struct trial {
    struct cpu *cpu;
    const struct cpu_conv *g;
    enum cpu_conv_pass pass;
    float *operand[3];
};

static enum status make_operands(struct trial *t, struct err *e) {
    const struct cpu_conv *g = t->g;
    const int64_t x = g->n * g->h * g->w * g->c, k = cpu_conv_width(g) * g->o, y = g->n * g->oh * g->ow * g->o;
    const int64_t size[3][3] = {{x, k, y}, {y, k, x}, {x, y, k}};
    for (int i = 0; i < 3; i++) {
        const size_t bytes = (size_t)size[t->pass][i] * dtype_size(g->dtype);
        if (!(t->operand[i] = mem_block_alloc(bytes ? bytes : 1, e))) return e->status;
        for (size_t b = 0; b < bytes / sizeof(float); b++) t->operand[i][b] = (float)(b % 17) - 8;
    }
    return OK;
}

static void free_operands(struct trial *t) {
    for (int i = 0; i < 3; i++) mem_block_free(t->operand[i]);
}

/* The least time of some runs after a first one, in seconds. */
static enum status measure(const struct trial *t, const struct cpu_conv_algorithm *a, double *best, struct err *e) {
    const size_t bytes = a->workspace ? a->workspace(t->cpu, t->g, t->pass) : 0;
    void *space = mem_block_alloc(bytes ? bytes : 1, e);
    const double stop = clock_now() + SECONDS;
    *best = INFINITY;
    for (int run = 0; space && run <= RUNS && (run < 2 || clock_now() < stop); run++) {
        const double start = clock_now();
        if (a->pass[t->pass](t->cpu, t->g, t->operand[0], t->operand[1], t->operand[2], space, e)) break;
        const double took = clock_now() - start;
        if (run > 0 && took < *best) *best = took;
    }
    mem_block_free(space);
    return e->status;
}

/* "fft 6.62 ms" after what stands there already. */
static void put_time(struct buf *out, const char *name, double seconds) {
    buf_printf(out, "%s%s %.3g ms", out->len ? ", " : "", name, seconds * 1e3);
}

static enum status measure_all(const struct trial *t, const struct cpu_conv_algorithm *estimated,
                               const struct cpu_conv_algorithm **fastest, struct buf *times, struct err *e) {
    const double least = estimated->cost(t->cpu, t->g, t->pass);
    double best = INFINITY, seconds;
    for (int i = 0; cpu_conv_algorithms[i]; i++) {
        const struct cpu_conv_algorithm *a = cpu_conv_algorithms[i];
        if (!a->supports(t->g, t->pass) || a->cost(t->cpu, t->g, t->pass) > HOPELESS * least) continue;
        if (measure(t, a, &seconds, e)) return e->status;
        put_time(times, a->name, seconds);
        if (seconds < best) best = seconds, *fastest = a;
    }
    return OK;
}

enum status cpu_conv_tune(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, struct buf *out,
                          struct err *e) {
    struct trial t = {.cpu = c, .g = g, .pass = pass};
    struct buf times = {0};
    const struct cpu_conv_algorithm *estimated = cpu_conv_estimate(c, g, pass), *fastest = estimated;
    if (cpu_tuned_find(c, g, pass) || cpu_conv_is_empty(g)) return OK;
    if (make_operands(&t, e) == OK && measure_all(&t, estimated, &fastest, &times, e) == OK &&
        cpu_tuned_add(c, g, pass, fastest, e) == OK)
        buf_printf(out, "%s%s (%s)\n", fastest->name, fastest == estimated ? ", as estimated" : "", buf_text(&times));
    free_operands(&t);
    buf_free(&times);
    return e->status;
}
