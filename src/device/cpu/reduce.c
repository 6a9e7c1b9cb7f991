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
    w->how->columns[w->in_dtype](wide, together * k, together * k, in, partial, false);
    if (rest > 0)
        w->how->columns[w->in_dtype](rest, k, k, in + (size_t)(wide * together * k) * size,
                                     partial + (size_t)(together * k) * acc, false);
    w->how->columns[w->acc](together + (rest > 0), k, k, partial, out, false);
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
        w->how->columns[w->in_dtype](r, k, s->k, in, out, false);
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

/* Where a call's partial results go to and fro; the first step writes to [0]. */
static void places(const struct cpu *c, const struct op_call *call, const struct plan *p, void *space, char *place[2]) {
    const size_t acc = dtype_size(find(c, call->op->name)->acc[call->in[0]->dtype]);
    place[0] = (char *)space + cpu_contiguous_bytes(call->in[0]);
    place[1] = place[0] + ((size_t)p->most * acc + 63) / 64 * 64;
}

/* The steps from `first` on, which reads `from`, and the last conversion. */
static enum status run_steps(struct cpu *c, const struct op_call *call, const struct plan *p, int first,
                             const void *from, void *space, struct err *e) {
    const struct tensor *in = call->in[0], *out = call->out[0];
    const struct cpu_reduction *how = find(c, call->op->name);
    struct run w = {.how = how, .in_dtype = first ? how->acc[in->dtype] : in->dtype, .acc = how->acc[in->dtype]};
    enum status s = OK;
    char *place[2];
    places(c, call, p, space, place);
    for (int i = first; i < p->nstep && s == OK; i++) {
        w.step = p->step[i];
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

static enum status run(struct cpu *c, const struct op_call *call, void *space, struct err *e) {
    const struct tensor *in = call->in[0];
    if (tensor_size(in) == 0) return fill_empty(c, find(c, call->op->name), call->out[0]);
    struct plan p;
    make_plan(call, &p);
    const void *from;
    if (cpu_contiguous(c, in, space, &from, e) != OK) return e->status;
    return run_steps(c, call, &p, 0, from, space, e);
}

/* ---- in pieces ---------------------------------------------------------------------------------------------------- */

bool cpu_columns_of(const struct cpu *c, const struct op_call *call, struct cpu_columns *out) {
    const struct cpu_slot *slot = cpu_slot(c, call->op);
    if (!slot || !slot->kernel || slot->kernel->run != run) return false;
    const struct tensor *in = call->in[0];
    if (tensor_size(in) == 0 || !tensor_is_contiguous(in)) return false;
    struct plan p;
    make_plan(call, &p);
    const struct step *s = &p.step[0];
    if (s->a != 1 || s->r * s->k != tensor_size(in) || s->k < NARROW / 2 || s->k > CPU_CHUNK) return false;
    const struct cpu_reduction *how = find(c, call->op->name);
    *out = (struct cpu_columns){how, in->dtype, dtype_size(how->acc[in->dtype]), s->k, s->segment};
    return true;
}

void cpu_columns_add(const struct cpu_columns *p, int64_t first, int64_t rows, const void *in, void *workspace) {
    void *sum = (char *)workspace + (size_t)(first / p->segment * p->width) * p->acc;
    p->how->columns[p->dtype](rows, p->width, p->width, in, sum, first % p->segment > 0);
}

enum status cpu_columns_finish(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    struct plan p;
    make_plan(call, &p);
    return run_steps(c, call, &p, 1, workspace, workspace, e);
}

const struct cpu_kernel cpu_kernel_sum = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_prod = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_mean = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_max = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_min = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_any = {.workspace = workspace, .run = run};
const struct cpu_kernel cpu_kernel_all = {.workspace = workspace, .run = run};
