/* Reductions over any axes: sum, prod, mean, max, min, any, all. The input is seen as alternating groups of kept and
 * reduced dimensions; each step reduces one group, or cuts a long one into segments whose partial results the next step
 * reduces. Invariant: steps and segments depend on the shape alone, so one thread computes the same bits as many. */
#include <math.h>
#include <string.h>

#include "device/cpu/cpu.h"

enum {
    SEGMENT = 1 << 14, /* elements that one unit of work reduces, about */
    COLUMNS = 1024,    /* columns a unit reduces at once, so that the accumulators stay in L1 */
    NARROW = 64,       /* fewer columns than this: several rows are walked as one */
    MAX_STEPS = TENSOR_MAX_RANK * 4,
};

/* (a, r, k) -> (a, nsegment, k), each of `segment` rows but the last. */
struct step {
    int64_t a, r, k, segment, nsegment;
};

struct plan {
    int nstep;
    struct step step[MAX_STEPS];
    int64_t most; /* elements of the largest intermediate */
};

static struct step make_step(int64_t a, int64_t r, int64_t k) {
    const int64_t width = k < COLUMNS ? k : COLUMNS;
    const int64_t segment = SEGMENT / width > 1 ? SEGMENT / width : 2;
    return (struct step){a, r, k, segment, (r + segment - 1) / segment};
}

/* Sizes of the groups, kept and reduced in turn; returns how many. */
static int groups(const struct shape *s, const struct op_axes *axes, int64_t *size, bool *reduced) {
    bool is_reduced[TENSOR_MAX_RANK] = {0};
    for (int i = 0; i < axes->n; i++) is_reduced[axes->axis[i]] = true;
    int n = 0;
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] == 1) continue;
        if (n == 0 || reduced[n - 1] != is_reduced[d]) {
            size[n] = 1;
            reduced[n++] = is_reduced[d];
        }
        size[n - 1] *= s->dim[d];
    }
    return n;
}

static void make_plan(const struct op_call *call, struct plan *p) {
    int64_t size[TENSOR_MAX_RANK], k = 1, a = tensor_size(call->in[0]);
    bool reduced[TENSOR_MAX_RANK];
    *p = (struct plan){0};
    for (int i = groups(&call->in[0]->shape, &call->attrs->axes, size, reduced) - 1; i >= 0; i--) {
        a /= size[i];
        if (!reduced[i]) {
            k *= size[i];
            continue;
        }
        int64_t r = size[i];
        do {
            const struct step s = make_step(a, r, k);
            p->step[p->nstep++] = s;
            r = s.nsegment;
            if (a * r * k > p->most) p->most = a * r * k;
        } while (r > 1);
    }
    if (p->nstep > 0) return;
    p->step[p->nstep++] = make_step(1, 1, k);
    p->most = k;
}

/* ---- one step ----------------------------------------------------------------------------------------------------- */

struct run {
    const struct cpu_reduction *how;
    enum dtype in_dtype, acc;
    struct step step;
    int64_t tiles; /* of columns */
    const char *in;
    char *out;
};

/* r rows of k < NARROW columns, that many at a time as fill NARROW columns. */
static void reduce_narrow(const struct run *w, int64_t r, int64_t k, const char *in, void *out) {
    const int64_t together = NARROW / k, wide = r / together, rest = r - wide * together;
    _Alignas(64) char partial[(NARROW + NARROW) * 8];
    const size_t acc = dtype_size(w->acc), size = dtype_size(w->in_dtype);
    w->how->columns[w->in_dtype](wide, together * k, together * k, in, partial);
    if (rest > 0)
        w->how->columns[w->in_dtype](rest, k, k, in + (size_t)(wide * together * k) * size,
                                     partial + (size_t)(together * k) * acc);
    w->how->columns[w->acc](together + (rest > 0), k, k, partial, out);
}

/* Unit u: one segment of rows, one tile of columns. */
static void reduce_unit(const struct run *w, int64_t u) {
    const struct step *s = &w->step;
    const size_t size = dtype_size(w->in_dtype), acc = dtype_size(w->acc);
    const int64_t tile = u % w->tiles, segment = u / w->tiles % s->nsegment, a = u / w->tiles / s->nsegment;
    const int64_t first = segment * s->segment, left = s->r - first, r = left < s->segment ? left : s->segment;
    const int64_t column = tile * COLUMNS, k = s->k - column < COLUMNS ? s->k - column : COLUMNS;
    const char *in = w->in + (size_t)((a * s->r + first) * s->k + column) * size;
    char *out = w->out + (size_t)((a * s->nsegment + segment) * s->k + column) * acc;
    if (s->k == 1)
        w->how->row[w->in_dtype](r, in, out);
    else if (s->k > 0 && s->k < NARROW / 2 && r >= NARROW)
        reduce_narrow(w, r, s->k, in, out);
    else
        w->how->columns[w->in_dtype](r, k, s->k, in, out);
}

static void reduce_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    for (int64_t u = begin; u < end; u++) reduce_unit(arg, u);
}

static enum status run_step(struct cpu *c, struct run *w, struct err *e) {
    const struct step *s = &w->step;
    w->tiles = (s->k + COLUMNS - 1) / COLUMNS;
    const int64_t units = s->a * s->nsegment * w->tiles;
    const int64_t rows = s->r < s->segment ? s->r : s->segment, columns = s->k < COLUMNS ? s->k : COLUMNS;
    const int64_t grain = SEGMENT / (rows * columns);
    return threads_for(c->threads, units, grain > 1 ? grain : 1, reduce_chunk, w, e);
}

/* ---- the kernel --------------------------------------------------------------------------------------------------- */

struct finish {
    const struct cpu *cpu;
    enum dtype acc, out_dtype;
    const char *in;
    char *out;
    double count; /* not 0: divide by it */
};

static void finish_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct finish *f = arg;
    const void *from = f->in + (size_t)begin * dtype_size(f->acc);
    void *to = f->out + (size_t)begin * dtype_size(f->out_dtype);
    if (f->count == 0) {
        f->cpu->isa->cast[f->acc][f->out_dtype](end - begin, to, &from, NULL);
        return;
    }
    for (int64_t i = 0; i < end - begin; i++) {
        const double sum = f->acc == DT_INT64 ? (double)((const int64_t *)from)[i] : ((const double *)from)[i];
        if (f->out_dtype == DT_FLOAT32)
            ((float *)to)[i] = (float)(sum / f->count);
        else
            ((double *)to)[i] = sum / f->count;
    }
}

static const struct cpu_reduction *find(const struct cpu *c, const char *op) {
    const struct cpu_reduction *r = c->isa->reductions;
    while (r->op && strcmp(r->op, op) != 0) r++;
    return r;
}

static enum status fill_empty(struct cpu *c, const struct cpu_reduction *how, const struct tensor *out) {
    const void *value = &how->empty;
    char *to = tensor_data(out);
    for (int64_t i = 0; i < tensor_size(out); i++)
        c->isa->cast[DT_FLOAT64][out->dtype](1, to + (size_t)i * dtype_size(out->dtype), &value, NULL);
    return OK;
}

/* A copy of a strided input, and two places between which the steps go to and fro. */
static size_t workspace(const struct cpu *c, const struct op_call *call) {
    struct plan p;
    if (tensor_size(call->in[0]) == 0) return 0;
    make_plan(call, &p);
    const size_t acc = dtype_size(find(c, call->op->name)->acc[call->in[0]->dtype]);
    return cpu_contiguous_bytes(call->in[0]) + 2 * (((size_t)p.most * acc + 63) / 64 * 64);
}

static enum status run(struct cpu *c, const struct op_call *call, void *space, struct err *e) {
    const struct tensor *in = call->in[0], *out = call->out[0];
    const struct cpu_reduction *how = find(c, call->op->name);
    if (tensor_size(in) == 0) return fill_empty(c, how, out);
    struct plan p;
    make_plan(call, &p);
    struct run w = {.how = how, .in_dtype = in->dtype, .acc = how->acc[in->dtype]};
    const void *from;
    enum status s = cpu_contiguous(c, in, space, &from, e);
    char *place[2] = {(char *)space + cpu_contiguous_bytes(in), NULL};
    place[1] = place[0] + ((size_t)p.most * dtype_size(w.acc) + 63) / 64 * 64;
    for (int i = 0; i < p.nstep && s == OK; i++) {
        w.step = p.step[i];
        w.in = from;
        w.out = place[i % 2];
        s = run_step(c, &w, e);
        from = w.out;
        w.in_dtype = w.acc;
    }
    if (s != OK) return s;
    struct finish f = {.cpu = c, .acc = w.acc, .out_dtype = out->dtype, .in = from, .out = tensor_data(out)};
    if (strcmp(call->op->name, "mean") == 0) f.count = (double)tensor_size(in) / (double)tensor_size(out);
    return threads_for(c->threads, tensor_size(out), SEGMENT, finish_chunk, &f, e);
}

const struct cpu_kernel cpu_kernel_sum = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_prod = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_mean = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_max = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_min = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_any = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_all = {.workspace = workspace, .run = run};
