/* softmax and log_softmax along any axis, and the cross-entropy of integer labels with its gradient. */
#include <math.h>

#include "device/cpu/cpu.h"

enum { WORK = 1 << 12 }; /* elements a chunk computes, about */

static int64_t grain(int64_t row) {
    return WORK / row > 1 ? WORK / row : 1;
}

/* ---- softmax ------------------------------------------------------------------------------------------------------ */

typedef void row_fn(int64_t n, const void *in, void *out);

struct softmax {
    const struct cpu *cpu;
    row_fn *fn;
    int64_t r, k; /* (a, r, k), along r */
    size_t size;
    const char *in;
    char *out;
};

static void rows_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct softmax *w = arg;
    const int64_t row = w->r * (int64_t)w->size;
    for (int64_t i = begin; i < end; i++) w->fn(w->r, w->in + i * row, w->out + i * row);
}

static void spread(int64_t n, size_t size, const void *from, int64_t from_step, void *to, int64_t to_step) {
    for (int64_t i = 0; i < n; i++)
        if (size == 4)
            ((float *)to)[i * to_step] = ((const float *)from)[i * from_step];
        else
            ((double *)to)[i * to_step] = ((const double *)from)[i * from_step];
}

/* Along an axis that is not the last: each column is made contiguous first. */
static void columns_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    const struct softmax *w = arg;
    char *x = cpu_scratch(w->cpu, worker), *y = x + (size_t)w->r * w->size;
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = (i / w->k * w->r * w->k + i % w->k) * (int64_t)w->size;
        spread(w->r, w->size, w->in + first, w->k, x, 1);
        w->fn(w->r, x, y);
        spread(w->r, w->size, y, 1, w->out + first, w->k);
    }
}

static enum status softmax(struct cpu *c, const struct op_call *call, row_fn *const fn[2], struct err *e) {
    const struct tensor *in = call->in[0];
    const int axis = call->attrs->axes.axis[0];
    struct softmax w = {.cpu = c, .fn = fn[in->dtype == DT_FLOAT64], .r = in->shape.dim[axis], .k = 1};
    for (int d = axis + 1; d < in->shape.rank; d++) w.k *= in->shape.dim[d];
    w.size = dtype_size(in->dtype);
    w.in = tensor_data(in), w.out = tensor_data(call->out[0]);
    if (tensor_size(in) == 0) return OK;
    if (w.k == 1) return threads_for(c->threads, tensor_size(in) / w.r, grain(w.r), rows_chunk, &w, e);
    if (cpu_scratch_reserve(c, 2 * (size_t)w.r * w.size, e) != OK) return e->status;
    return threads_for(c->threads, tensor_size(in) / w.r, grain(w.r), columns_chunk, &w, e);
}

static enum status run_softmax(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    return softmax(c, call, c->isa->softmax, e);
}

static enum status run_log_softmax(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    return softmax(c, call, c->isa->log_softmax, e);
}

const struct cpu_kernel cpu_kernel_softmax = {.run = run_softmax};
const struct cpu_kernel cpu_kernel_log_softmax = {.run = run_log_softmax};

/* ---- cross-entropy ------------------------------------------------------------------------------------------------ */

struct crossentropy {
    const struct cpu *cpu;
    const struct tensor *labels;
    int64_t classes;
    row_fn *fn;
    const void *logits, *dy;
    void *out;
};

static int64_t label_at(const struct tensor *labels, int64_t i) {
    const void *data = tensor_data(labels);
    return labels->dtype == DT_INT32 ? ((const int32_t *)data)[i] : ((const int64_t *)data)[i];
}

static enum status check_labels(const struct op_call *call, int64_t classes, struct err *e) {
    const struct tensor *labels = call->in[1];
    for (int64_t i = 0; i < tensor_size(labels); i++) {
        const int64_t label = label_at(labels, i);
        if (label < 0 || label >= classes)
            return err_set(e, ERR_VALUE, "%s: label %lld is outside [0, %lld)", call->op->name, (long long)label,
                           (long long)classes); /* where it lies in a shuffled batch says nothing */
    }
    return OK;
}

/* -log_softmax(row)[label], the row's log_softmax being made in scratch. */
#define LOSS_CHUNK(name, type)                                                                                         \
    static void name(void *arg, int64_t begin, int64_t end, int worker) {                                              \
        const struct crossentropy *w = arg;                                                                            \
        type *row = cpu_scratch(w->cpu, worker);                                                                       \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            w->fn(w->classes, (const type *)w->logits + i * w->classes, row);                                          \
            ((type *)w->out)[i] = -row[label_at(w->labels, i)];                                                        \
        }                                                                                                              \
    }
LOSS_CHUNK(loss_f32, float)
LOSS_CHUNK(loss_f64, double)

/* (softmax(row) - one_hot(label)) dy. */
#define GRAD_CHUNK(name, type)                                                                                         \
    static void name(void *arg, int64_t begin, int64_t end, int worker) {                                              \
        (void)worker;                                                                                                  \
        const struct crossentropy *w = arg;                                                                            \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            type *row = (type *)w->out + i * w->classes;                                                               \
            w->fn(w->classes, (const type *)w->logits + i * w->classes, row);                                          \
            row[label_at(w->labels, i)] -= 1;                                                                          \
            for (int64_t j = 0; j < w->classes; j++) row[j] *= ((const type *)w->dy)[i];                               \
        }                                                                                                              \
    }
GRAD_CHUNK(grad_f32, float)
GRAD_CHUNK(grad_f64, double)

static enum status crossentropy(struct cpu *c, const struct op_call *call, row_fn *const fn[2], threads_fn *f32,
                                threads_fn *f64, struct err *e) {
    const struct tensor *logits = call->in[0];
    const bool wide = logits->dtype == DT_FLOAT64;
    struct crossentropy w = {.cpu = c, .labels = call->in[1], .fn = fn[wide], .logits = tensor_data(logits)};
    w.classes = logits->shape.dim[logits->shape.rank - 1];
    w.out = tensor_data(call->out[0]);
    if (call->nin > 2) w.dy = tensor_data(call->in[2]);
    if (check_labels(call, w.classes, e) != OK) return e->status;
    if (tensor_size(call->in[1]) == 0) return OK;
    if (cpu_scratch_reserve(c, (size_t)w.classes * dtype_size(logits->dtype), e) != OK) return e->status;
    return threads_for(c->threads, tensor_size(call->in[1]), grain(w.classes), wide ? f64 : f32, &w, e);
}

static enum status run_crossentropy(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    return crossentropy(c, call, c->isa->log_softmax, loss_f32, loss_f64, e);
}

static enum status run_crossentropy_grad(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    return crossentropy(c, call, c->isa->softmax, grad_f32, grad_f64, e);
}

const struct cpu_kernel cpu_kernel_sparse_softmax_crossentropy = {.run = run_crossentropy};
const struct cpu_kernel cpu_kernel_sparse_softmax_crossentropy_grad = {.run = run_crossentropy_grad};
