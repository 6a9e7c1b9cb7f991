/* Moving elements unchanged: strided copies, concatenate, pad. */
#include <string.h>

#include "device/cpu/cpu.h"
#include "device/cpu/walk.h"

enum { GRAIN = 1 << 14 };

/* ---- copies ------------------------------------------------------------------------------------------------------- */

struct copy {
    struct cpu_walk walk;
    const void *in;
    char *out;
};

static void copy_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct copy *k = arg;
    cpu_walk_read(&k->walk, k->in, begin, end - begin, k->out + begin * (int64_t)k->walk.size);
}

enum status cpu_copy(struct cpu *c, const struct tensor *in, void *out, struct err *e) {
    struct copy k = {.in = tensor_data(in), .out = out};
    cpu_walk_prepare(&k.walk, in, &in->shape);
    return threads_for(c->threads, tensor_size(in), GRAIN, copy_chunk, &k, e);
}

size_t cpu_contiguous_bytes(const struct tensor *t) {
    return tensor_is_contiguous(t) ? 0 : (tensor_bytes(t) + 63) / 64 * 64;
}

enum status cpu_contiguous(struct cpu *c, const struct tensor *t, void *workspace, const void **out, struct err *e) {
    *out = workspace;
    if (!tensor_is_contiguous(t)) return cpu_copy(c, t, workspace, e);
    *out = tensor_data(t);
    return OK;
}

/* ---- into places of a larger tensor ------------------------------------------------------------------------------- */

struct placed {
    struct cpu_walk from, to;
    const char *in;
    char *out;
};

static void place_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct placed *p = arg;
    char buffer[8192];
    const int64_t size = (int64_t)p->from.size, most = p->from.contiguous ? end - begin : (int64_t)sizeof buffer / size;
    for (; begin < end; begin += most) {
        const int64_t n = end - begin < most ? end - begin : most;
        if (!p->from.contiguous) cpu_walk_read(&p->from, p->in, begin, n, buffer);
        cpu_walk_write(&p->to, p->out, begin, n, p->from.contiguous ? p->in + begin * size : buffer);
    }
}

/* in's elements to out's places: along each dimension d from start[d] on, step[d] apart. */
static enum status place(struct cpu *c, const struct tensor *in, const struct tensor *out, const int64_t *start,
                         const int64_t *step, struct err *e) {
    struct tensor places = {.dtype = in->dtype, .shape = in->shape};
    int64_t first = 0;
    for (int d = 0; d < in->shape.rank; d++) {
        places.stride[d] = out->stride[d] * step[d];
        first += out->stride[d] * start[d];
    }
    struct placed p = {.in = tensor_data(in), .out = (char *)tensor_data(out) + first * (int64_t)dtype_size(in->dtype)};
    cpu_walk_prepare(&p.from, in, &in->shape);
    cpu_walk_prepare(&p.to, &places, &in->shape);
    return threads_for(c->threads, tensor_size(in), GRAIN, place_chunk, &p, e);
}

static enum status run_concatenate(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const int axis = call->attrs->axes.axis[0];
    int64_t start[TENSOR_MAX_RANK] = {0}, step[TENSOR_MAX_RANK];
    enum status s = OK;
    for (int d = 0; d < TENSOR_MAX_RANK; d++) step[d] = 1;
    for (int i = 0; i < call->nin && s == OK; i++) {
        s = place(c, call->in[i], call->out[0], start, step, e);
        start[axis] += call->in[i]->shape.dim[axis];
    }
    return s;
}

const struct cpu_kernel cpu_kernel_concatenate = {.run = run_concatenate};

static void zero_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    memset((char *)arg + begin, 0, (size_t)(end - begin));
}

static enum status run_pad(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const struct op_slice *a = &call->attrs->slice;
    const struct tensor *in = call->in[0], *out = call->out[0];
    const enum status s =
        threads_for(c->threads, (int64_t)tensor_bytes(out), GRAIN * 8, zero_chunk, tensor_data(out), e);
    return s != OK || tensor_size(in) == 0 ? s : place(c, in, out, a->start, a->step, e);
}

const struct cpu_kernel cpu_kernel_pad = {.run = run_pad};
