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

/* ---- concatenate -------------------------------------------------------------------------------------------------- */

struct part {
    struct cpu_walk walk;
    const void *in;
    int64_t length; /* elements of this input in a row: its axis and all after it */
    char *out;      /* where its first row goes */
    int64_t row;    /* elements of the result in a row */
};

static void part_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct part *p = arg;
    while (begin < end) {
        const int64_t row = begin / p->length, within = begin % p->length;
        const int64_t n = p->length - within < end - begin ? p->length - within : end - begin;
        cpu_walk_read(&p->walk, p->in, begin, n, p->out + (row * p->row + within) * (int64_t)p->walk.size);
        begin += n;
    }
}

static int64_t inner_size(const struct shape *s, int axis) {
    int64_t n = 1;
    for (int d = axis; d < s->rank; d++) n *= s->dim[d];
    return n;
}

static enum status run_concatenate(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const int axis = call->attrs->axes.axis[0];
    char *out = tensor_data(call->out[0]);
    const int64_t row = inner_size(&call->out[0]->shape, axis);
    enum status s = OK;
    for (int i = 0; i < call->nin && s == OK; i++) {
        const struct tensor *in = call->in[i];
        struct part p = {.in = tensor_data(in), .length = inner_size(&in->shape, axis), .out = out, .row = row};
        cpu_walk_prepare(&p.walk, in, &in->shape);
        out += p.length * (int64_t)p.walk.size;
        s = threads_for(c->threads, tensor_size(in), GRAIN, part_chunk, &p, e);
    }
    return s;
}

const struct cpu_kernel cpu_kernel_concatenate = {.run = run_concatenate};

/* ---- pad ---------------------------------------------------------------------------------------------------------- */

struct pad {
    struct cpu_walk from, to;
    const void *in;
    char *out;
};

static void zero_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    memset((char *)arg + begin, 0, (size_t)(end - begin));
}

static void pad_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pad *p = arg;
    char buffer[8192];
    const int64_t most = (int64_t)(sizeof buffer / p->from.size);
    for (; begin < end; begin += most) {
        const int64_t n = end - begin < most ? end - begin : most;
        cpu_walk_read(&p->from, p->in, begin, n, buffer);
        cpu_walk_write(&p->to, p->out, begin, n, buffer);
    }
}

static enum status run_pad(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const struct op_slice *a = &call->attrs->slice;
    const struct tensor *in = call->in[0], *out = call->out[0];
    const enum status s =
        threads_for(c->threads, (int64_t)tensor_bytes(out), GRAIN * 8, zero_chunk, tensor_data(out), e);
    if (s != OK || tensor_size(in) == 0) return s;
    /* The places that x goes to, as a strided tensor. */
    struct tensor places = {.dtype = in->dtype, .shape = in->shape};
    int64_t first = 0;
    for (int d = 0; d < in->shape.rank; d++) {
        places.stride[d] = out->stride[d] * a->step[d];
        first += out->stride[d] * a->start[d];
    }
    struct pad p = {.in = tensor_data(in), .out = (char *)tensor_data(out) + first * (int64_t)dtype_size(in->dtype)};
    cpu_walk_prepare(&p.from, in, &in->shape);
    cpu_walk_prepare(&p.to, &places, &in->shape);
    return threads_for(c->threads, tensor_size(in), GRAIN, pad_chunk, &p, e);
}

const struct cpu_kernel cpu_kernel_pad = {.run = run_pad};
