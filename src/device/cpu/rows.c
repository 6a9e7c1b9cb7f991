/* Rows by index: gather, scatter_add, one_hot. Indices are checked before any is used. */
#include <string.h>

#include "device/cpu/cpu.h"

enum { WORK = 1 << 14 }; /* elements a chunk moves, about */

static int64_t index_at(const struct tensor *t, int64_t i) {
    const void *data = tensor_data(t);
    return t->dtype == DT_INT32 ? ((const int32_t *)data)[i] : ((const int64_t *)data)[i];
}

static enum status check(const char *op, const struct tensor *indices, int64_t rows, struct err *e) {
    for (int64_t i = 0; i < tensor_size(indices); i++) {
        const int64_t index = index_at(indices, i);
        if (index < 0 || index >= rows)
            return err_set(e, ERR_INDEX, "%s: index %lld at place %lld is outside [0, %lld)", op, (long long)index,
                           (long long)i, (long long)rows);
    }
    return OK;
}

static int64_t row_size(const struct shape *s, int first) {
    int64_t n = 1;
    for (int d = first; d < s->rank; d++) n *= s->dim[d];
    return n;
}

struct run {
    const struct tensor *indices;
    const char *in;
    char *out;
    int64_t row; /* gather: bytes of a row; scatter_add: elements; one_hot: depth */
    enum dtype dtype;
    cpu_loop *add;
};

/* ---- gather ------------------------------------------------------------------------------------------------------- */

static void gather_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct run *w = arg;
    for (int64_t i = begin; i < end; i++)
        memcpy(w->out + i * w->row, w->in + index_at(w->indices, i) * w->row, (size_t)w->row);
}

static enum status run_gather(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const struct tensor *x = call->in[0], *indices = call->in[1];
    if (check("gather", indices, x->shape.dim[0], e) != OK) return e->status;
    struct run w = {.indices = indices, .in = tensor_data(x), .out = tensor_data(call->out[0])};
    w.row = row_size(&x->shape, 1) * (int64_t)dtype_size(x->dtype);
    if (w.row == 0) return OK;
    const int64_t grain = WORK * 4 / w.row;
    return threads_for(c->threads, tensor_size(indices), grain > 1 ? grain : 1, gather_chunk, &w, e);
}

const struct cpu_kernel cpu_kernel_gather = {.run = run_gather};

/* ---- scatter_add -------------------------------------------------------------------------------------------------- */

/* Columns begin .. end-1 of all rows, in the order of the indices: no two chunks write the same place. */
static void scatter_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct run *w = arg;
    const int64_t size = (int64_t)dtype_size(w->dtype), n = tensor_size(w->indices);
    _Alignas(64) char sum[8 * 1024];
    const int64_t most = (int64_t)sizeof sum / size;
    for (; begin < end; begin += most) {
        const int64_t columns = end - begin < most ? end - begin : most;
        for (int64_t i = 0; i < n; i++) {
            char *to = w->out + (index_at(w->indices, i) * w->row + begin) * size;
            const void *in[2] = {to, w->in + (i * w->row + begin) * size};
            w->add(columns, sum, in, NULL);
            memcpy(to, sum, (size_t)(columns * size));
        }
    }
}

static enum status run_scatter_add(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const struct tensor *indices = call->in[0], *updates = call->in[1], *out = call->out[0];
    if (check("scatter_add", indices, call->attrs->integer, e) != OK) return e->status;
    memset(tensor_data(out), 0, tensor_bytes(out));
    struct run w = {.indices = indices, .in = tensor_data(updates), .out = tensor_data(out), .dtype = out->dtype};
    w.row = row_size(&out->shape, 1);
    w.add = cpu_slot(c, op_find("add"))->loops->fn[out->dtype];
    const int64_t n = tensor_size(indices), grain = n > 0 ? WORK * 4 / n : 1;
    if (n == 0) return OK;
    return threads_for(c->threads, w.row, grain > 16 ? grain : 16, scatter_chunk, &w, e);
}

const struct cpu_kernel cpu_kernel_scatter_add = {.run = run_scatter_add};

/* ---- one_hot ------------------------------------------------------------------------------------------------------ */

static void one_hot_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct run *w = arg;
    const size_t size = dtype_size(w->dtype);
    memset(w->out + (size_t)(begin * w->row) * size, 0, (size_t)((end - begin) * w->row) * size);
    for (int64_t i = begin; i < end; i++) {
        const int64_t index = index_at(w->indices, i);
        if (index >= 0 && index < w->row) memcpy(w->out + (size_t)(i * w->row + index) * size, w->in, size);
    }
}

static enum status run_one_hot(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const struct tensor *out = call->out[0];
    char one[8];
    const void *from = &(int64_t){1};
    c->isa->cast[DT_INT64][out->dtype](1, one, &from, NULL);
    struct run w = {.indices = call->in[0], .in = one, .out = tensor_data(out), .dtype = out->dtype};
    w.row = call->attrs->full.integer;
    if (w.row == 0) return OK;
    const int64_t grain = WORK / w.row;
    return threads_for(c->threads, tensor_size(call->in[0]), grain > 1 ? grain : 1, one_hot_chunk, &w, e);
}

const struct cpu_kernel cpu_kernel_one_hot = {.run = run_one_hot};
