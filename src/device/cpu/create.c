/* Tensors out of nothing: full, arange, random_uniform. Each element depends on its index alone. */
#include "base/rng.h"
#include "device/cpu/cpu.h"
#include "device/cpu/walk.h"

enum { GRAIN = 1 << 16 };

/* ---- full --------------------------------------------------------------------------------------------------------- */

struct fill {
    struct cpu_walk value; /* one element, again and again */
    char element[8];
    char *out;
};

static void fill_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    struct fill *f = arg;
    cpu_walk_read(&f->value, f->element, begin, end - begin, f->out + begin * (int64_t)f->value.size);
}

static enum status run_full(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const struct op_full *a = &call->attrs->full;
    const enum dtype d = call->out[0]->dtype;
    struct fill f = {.value = {.size = dtype_size(d), .period = 1}, .out = tensor_data(call->out[0])};
    const bool real = dtype_is_float(d);
    const void *from = real ? (const void *)&a->value : (const void *)&a->integer;
    c->isa->cast[real ? DT_FLOAT64 : DT_INT64][d](1, f.element, &from, NULL);
    return threads_for(c->threads, tensor_size(call->out[0]), GRAIN, fill_chunk, &f, e);
}

const struct cpu_kernel cpu_kernel_full = {.run = run_full};

/* ---- arange ------------------------------------------------------------------------------------------------------- */

struct range {
    const struct op_range *attrs;
    enum dtype dtype;
    void *out;
};

static void range_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct range *r = arg;
    const struct op_range *a = r->attrs;
    const uint64_t first = (uint64_t)a->integer_start, step = (uint64_t)a->integer_step;
    for (int64_t i = begin; i < end; i++) {
        const uint64_t integer = first + step * (uint64_t)i;
        const double real = a->start + a->step * (double)i;
        switch (r->dtype) {
        case DT_FLOAT32: ((float *)r->out)[i] = (float)real; break;
        case DT_FLOAT64: ((double *)r->out)[i] = real; break;
        case DT_UINT8: ((uint8_t *)r->out)[i] = (uint8_t)integer; break;
        case DT_INT32: ((uint32_t *)r->out)[i] = (uint32_t)integer; break;
        default: ((uint64_t *)r->out)[i] = integer; break;
        }
    }
}

static enum status run_arange(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    struct range r = {&call->attrs->range, call->out[0]->dtype, tensor_data(call->out[0])};
    return threads_for(c->threads, tensor_size(call->out[0]), GRAIN, range_chunk, &r, e);
}

const struct cpu_kernel cpu_kernel_arange = {.run = run_arange};

/* ---- random_uniform ----------------------------------------------------------------------------------------------- */

struct uniform {
    const struct cpu *cpu;
    struct rng_philox stream;
    float *out;
};

static void uniform_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct uniform *u = arg;
    u->cpu->isa->random_unit(&u->stream, (uint64_t)begin, end - begin, u->out + begin);
}

static enum status run_random_uniform(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const int64_t *seed = tensor_data(call->in[0]);
    struct uniform u = {c, rng_stateless(seed[0], seed[1]), tensor_data(call->out[0])};
    const int64_t n = tensor_size(call->out[0]), grain = threads_grain(c->threads, n, GRAIN / 16, GRAIN);
    return threads_for(c->threads, n, (grain + 15) / 16 * 16, uniform_chunk, &u, e); /* whole cache lines */
}

const struct cpu_kernel cpu_kernel_random_uniform = {.run = run_random_uniform};
