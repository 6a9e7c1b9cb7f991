/* Tensors: headers on storage, and their way to and from host memory. */
#include "tensor/tensor.h"

#include <string.h>

#include "base/mem.h"
#include "tensor/device.h"

static struct tensor *tensor_header(enum dtype d, const struct shape *shape, struct err *e) {
    static atomic_uint_least64_t last_id;
    struct tensor *t = mem_zalloc(sizeof *t, e);
    if (!t) return NULL;
    atomic_init(&t->refs, 1);
    t->id = atomic_fetch_add(&last_id, 1) + 1;
    t->dtype = d;
    t->shape = *shape;
    tensor_strides(shape, t->stride);
    return t;
}

enum status tensor_on(struct storage *s, enum dtype d, const struct shape *shape, int64_t offset, struct tensor **out,
                      struct err *e) {
    struct tensor *t = tensor_header(d, shape, e);
    if (!t) return e->status;
    t->storage = storage_retain(s);
    t->offset = offset;
    *out = t;
    return OK;
}

enum status tensor_new(struct device *device, enum dtype d, const struct shape *shape, struct tensor **out,
                       struct err *e) {
    size_t bytes;
    struct storage *s;
    if (shape_bytes(shape, d, &bytes, e) || storage_new(device, bytes, &s, e)) return e->status;
    enum status status = tensor_on(s, d, shape, 0, out, e);
    storage_release(s);
    return status;
}

enum status tensor_view(const struct tensor *t, struct tensor **out, struct err *e) {
    struct tensor *v = tensor_header(t->dtype, &t->shape, e);
    if (!v) return e->status;
    memcpy(v->stride, t->stride, sizeof v->stride);
    v->offset = t->offset;
    v->storage = t->storage ? storage_retain(t->storage) : NULL;
    v->graph = t->graph;
    v->value = t->value;
    *out = v;
    return OK;
}

enum status tensor_symbolic(struct graph *g, int value, enum dtype d, const struct shape *shape, struct tensor **out,
                            struct err *e) {
    struct tensor *t = tensor_header(d, shape, e);
    if (!t) return e->status;
    t->graph = g;
    t->value = value;
    *out = t;
    return OK;
}

struct tensor *tensor_retain(struct tensor *t) {
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tensor_release(struct tensor *t) {
    while (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) {
        struct tensor *logits = t->logits;
        storage_release(t->storage);
        mem_free(t);
        t = logits;
    }
}

bool tensor_is_symbolic(const struct tensor *t) {
    return t->storage == NULL;
}

bool tensor_is_contiguous(const struct tensor *t) {
    int64_t expected = 1;
    if (tensor_size(t) == 0) return true;
    for (int i = t->shape.rank - 1; i >= 0; i--) {
        if (t->shape.dim[i] != 1 && t->stride[i] != expected) return false;
        expected *= t->shape.dim[i];
    }
    return true;
}

int64_t tensor_size(const struct tensor *t) {
    return shape_size(&t->shape);
}
size_t tensor_bytes(const struct tensor *t) {
    return (size_t)tensor_size(t) * dtype_size(t->dtype);
}
struct device *tensor_device(const struct tensor *t) {
    return t->storage ? t->storage->device : NULL;
}

void tensor_strides(const struct shape *shape, int64_t *stride) {
    int64_t n = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        stride[i] = n;
        n *= shape->dim[i];
    }
}

void *tensor_data(const struct tensor *t) {
    return (char *)t->storage->handle + t->offset * (int64_t)dtype_size(t->dtype);
}

/* ---- host memory --------------------------------------------------------------------------------------------------
 */

static enum status copy_out(const struct tensor *t, int64_t first, int64_t n, void *bytes, struct err *e) {
    struct device *d = t->storage->device;
    size_t item = dtype_size(t->dtype);
    uint64_t ticket;
    if (n == 0) return OK;
    if (d->driver->copy_out(d, t->storage->handle, (size_t)first * item, bytes, (size_t)n * item, &ticket, e))
        return e->status;
    return d->driver->wait(d, ticket, e);
}

static enum status copy_in(struct tensor *t, int64_t first, int64_t n, const void *bytes, struct err *e) {
    struct device *d = t->storage->device;
    size_t item = dtype_size(t->dtype);
    uint64_t ticket;
    if (n == 0) return OK;
    if (d->driver->copy_in(d, t->storage->handle, (size_t)first * item, bytes, (size_t)n * item, &ticket, e))
        return e->status;
    return d->driver->wait(d, ticket, e);
}

/* One contiguous run of elements of a tensor after another: whole rows where the last stride is 1, else single ones. */
struct runs {
    int64_t at, length, done; /* where the run starts, how long each is, elements before it */
    int64_t index[TENSOR_MAX_RANK];
    int inner; /* the last axis that is counted */
};

static struct runs runs_begin(const struct tensor *t) {
    int last = t->shape.rank - 1;
    if (tensor_is_contiguous(t)) return (struct runs){.at = t->offset, .length = tensor_size(t), .inner = -1};
    bool rows = t->stride[last] == 1 && t->shape.dim[last] > 1;
    return (struct runs){.at = t->offset, .length = rows ? t->shape.dim[last] : 1, .inner = rows ? last - 1 : last};
}

static void runs_next(struct runs *r, const struct tensor *t) {
    r->done += r->length;
    for (int i = r->inner; i >= 0; i--) {
        r->at += t->stride[i];
        if (++r->index[i] < t->shape.dim[i]) return;
        r->at -= r->index[i] * t->stride[i];
        r->index[i] = 0;
    }
}

/* From where memory is not ours strided elements come in one piece: all from the first to the last place that t shows. */
static bool crosses_whole(const struct tensor *t) {
    return !t->storage->device->driver->addresses && !tensor_is_contiguous(t);
}

static int64_t span_of(const struct tensor *t, int64_t *first) {
    int64_t last = *first = t->offset;
    for (int d = 0; d < t->shape.rank; d++) {
        const int64_t reach = (t->shape.dim[d] - 1) * t->stride[d];
        *(reach < 0 ? first : &last) += reach;
    }
    return last - *first + 1;
}

/* Elements between a span and contiguous bytes. */
static void pick(const struct tensor *t, char *span, int64_t first, char *bytes, bool reading) {
    const int64_t size = tensor_size(t), item = (int64_t)dtype_size(t->dtype);
    for (struct runs r = runs_begin(t); r.done < size; runs_next(&r, t)) {
        char *there = span + (r.at - first) * item, *here = bytes + r.done * item;
        memcpy(reading ? here : there, reading ? there : here, (size_t)(r.length * item));
    }
}

static enum status read_span(const struct tensor *t, char *bytes, struct err *e) {
    int64_t first;
    const int64_t n = span_of(t, &first);
    char *span = mem_block_alloc((size_t)n * dtype_size(t->dtype), e);
    if (span && copy_out(t, first, n, span, e) == OK) pick(t, span, first, bytes, true);
    mem_block_free(span);
    return e->status;
}

static enum status write_span(struct tensor *t, const char *bytes, struct err *e) {
    int64_t first;
    const int64_t n = span_of(t, &first);
    char *span = mem_block_alloc((size_t)n * dtype_size(t->dtype), e);
    if (span && copy_out(t, first, n, span, e) == OK) {
        pick(t, span, first, (char *)bytes, false);
        copy_in(t, first, n, span, e);
    }
    mem_block_free(span);
    return e->status;
}

enum status tensor_read(const struct tensor *t, void *bytes, struct err *e) {
    if (tensor_is_symbolic(t))
        return err_set(e, ERR_STATE, "the value of a tensor cannot be read while its computation is being traced");
    if (crosses_whole(t)) return read_span(t, bytes, e);
    int64_t size = tensor_size(t), item = (int64_t)dtype_size(t->dtype);
    for (struct runs r = runs_begin(t); r.done < size; runs_next(&r, t))
        if (copy_out(t, r.at, r.length, (char *)bytes + r.done * item, e)) return e->status;
    return OK;
}

const void *tensor_host(const struct tensor *t, void **block, struct err *e) {
    const struct device *d = tensor_device(t);
    if (d && d->driver->addresses && tensor_is_contiguous(t)) return tensor_data(t);
    *block = mem_block_alloc(tensor_bytes(t), e);
    return *block && tensor_read(t, *block, e) == OK ? *block : NULL;
}

enum status tensor_write(struct tensor *t, const void *bytes, struct err *e) {
    if (tensor_is_symbolic(t)) return err_set(e, ERR_STATE, "a tensor that is being traced cannot be assigned to");
    int64_t size = tensor_size(t), item = (int64_t)dtype_size(t->dtype);
    if (storage_begin_write(t->storage, e)) return e->status;
    if (crosses_whole(t)) return write_span(t, bytes, e);
    for (struct runs r = runs_begin(t); r.done < size; runs_next(&r, t))
        if (copy_in(t, r.at, r.length, (const char *)bytes + r.done * item, e)) return e->status;
    return OK;
}

enum status tensor_from(struct device *device, enum dtype d, const struct shape *shape, const void *bytes,
                        struct tensor **out, struct err *e) {
    struct tensor *t;
    if (tensor_new(device, d, shape, &t, e)) return e->status;
    if (tensor_write(t, bytes, e)) {
        tensor_release(t);
        return e->status;
    }
    *out = t;
    return OK;
}

void tensor_swap_bytes(void *bytes, size_t n, size_t item) {
    unsigned char *p = bytes;
    for (size_t i = 0; i + item <= n; i += item)
        for (size_t k = 0; k < item / 2; k++) {
            unsigned char t = p[i + k];
            p[i + k] = p[i + item - 1 - k];
            p[i + item - 1 - k] = t;
        }
}
