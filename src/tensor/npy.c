/* .npy, both ways. Format: numpy.lib.format's description. Invariant: nothing of a header is believed before it is
 * checked. */
#include "tensor/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tensor/replace.h"

static const char magic[] = "\x93NUMPY";

enum { MAGIC = sizeof magic - 1, ALIGN = 64 };

bool npy_is(const void *bytes, size_t n) {
    return n >= MAGIC && memcmp(bytes, magic, MAGIC) == 0;
}

static const struct {
    const char *name; /* without the byte order */
    enum dtype dtype;
} known[] = {{"b1", DT_BOOL},  {"u1", DT_UINT8},   {"i4", DT_INT32},
             {"i8", DT_INT64}, {"f4", DT_FLOAT32}, {"f8", DT_FLOAT64}};

/* ---- reading ------------------------------------------------------------------------------------------------------ */

struct header {
    enum dtype dtype;
    bool swapped, fortran;
    struct shape shape;
};

/* The text behind 'key': in a dict; NULL: there is none. */
static const char *value_of(const char *dict, const char *key) {
    const char *at = strstr(dict, key);
    if (!at) return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    if (*at != ':') return NULL;
    return at + 1 + strspn(at + 1, " ");
}

/* '<f4': a byte order (< > = |) and a type. */
static enum status read_descr(const char *at, struct header *h, struct err *e) {
    size_t n = at && *at == '\'' ? strcspn(at + 1, "'") : 0;
    for (size_t i = 0; n >= 3 && i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) != n - 1 || strncmp(at + 2, known[i].name, n - 1) != 0) continue;
        h->dtype = known[i].dtype;
        h->swapped = at[1] == '>';
        return OK;
    }
    return err_set(e, ERR_IO, "npy: elements of type %.*s are not supported", at ? (int)strcspn(at, ",}\n") : 6,
                   at ? at : "(none)");
}

/* (), (3,) or (3, 4) */
static bool read_shape(const char *at, struct shape *s) {
    s->rank = 0;
    if (!at || *at++ != '(') return false;
    for (at += strspn(at, " "); *at != ')'; at += strspn(at, " ")) {
        char *end;
        long long n = strtoll(at, &end, 10);
        if (end == at || n < 0 || s->rank == TENSOR_MAX_RANK) return false;
        s->dim[s->rank++] = n;
        at = end + strspn(end, " ");
        if (*at == ',') at++;
    }
    return true;
}

static enum status read_dict(const char *dict, struct header *h, struct err *e) {
    const char *order = value_of(dict, "'fortran_order'");
    if (read_descr(value_of(dict, "'descr'"), h, e)) return e->status;
    bool is_fortran = order && strncmp(order, "True", 4) == 0, is_c = order && strncmp(order, "False", 5) == 0;
    if ((!is_fortran && !is_c) || !read_shape(value_of(dict, "'shape'"), &h->shape))
        return err_set(e, ERR_IO, "npy: its header is damaged");
    h->fortran = is_fortran;
    return OK;
}

/* Sets where the elements begin. */
static enum status read_header(const unsigned char *p, size_t n, struct header *h, size_t *begin, struct err *e) {
    if (n < MAGIC + 4 || !npy_is(p, n)) return err_set(e, ERR_IO, "npy: it does not begin as one");
    int version = p[MAGIC];
    if (version < 1 || version > 3) return err_set(e, ERR_IO, "npy: version %d is not known", version);
    size_t at = MAGIC + 2, length = p[at] | (size_t)p[at + 1] << 8;
    at += 2;
    if (version > 1) {
        if (n < at + 2) return err_set(e, ERR_IO, "npy: truncated within its header");
        length |= (size_t)p[at] << 16 | (size_t)p[at + 1] << 24;
        at += 2;
    }
    if (length > n - at) return err_set(e, ERR_IO, "npy: truncated within its header");
    struct buf dict = {0};
    buf_put(&dict, p + at, length);
    if (buf_status(&dict, e) == OK) read_dict(buf_text(&dict), h, e);
    buf_free(&dict);
    *begin = at + length;
    return e->status;
}

static struct shape reversed(const struct shape *s) {
    struct shape r = {.rank = s->rank};
    for (int i = 0; i < s->rank; i++) r.dim[i] = s->dim[s->rank - 1 - i];
    return r;
}

/* A view of t with its axes in the other order. */
static enum status transpose(struct tensor **t, struct err *e) {
    struct tensor *view;
    if (tensor_view(*t, &view, e)) return e->status;
    view->shape = reversed(&(*t)->shape);
    for (int i = 0; i < view->shape.rank; i++) view->stride[i] = (*t)->stride[view->shape.rank - 1 - i];
    tensor_release(*t);
    *t = view;
    return OK;
}

static enum status make_tensor(struct device *device, const struct header *h, const void *data, size_t size,
                               struct tensor **out, struct err *e) {
    struct shape s = h->fortran ? reversed(&h->shape) : h->shape;
    void *copy = NULL;
    if (h->swapped) {
        copy = mem_block_alloc(size, e);
        if (!copy) return e->status;
        memcpy(copy, data, size);
        tensor_swap_bytes(copy, size, dtype_size(h->dtype));
    }
    *out = NULL;
    if (tensor_from(device, h->dtype, &s, copy ? copy : data, out, e) == OK && h->fortran) transpose(out, e);
    mem_block_free(copy);
    if (e->status) tensor_release(*out);
    return e->status;
}

enum status npy_read(struct device *device, const void *bytes, size_t n, struct tensor **out, struct err *e) {
    struct header h = {0};
    size_t begin = 0, size;
    if (read_header(bytes, n, &h, &begin, e)) return e->status;
    if (shape_bytes(&h.shape, h.dtype, &size, &(struct err){0}))
        return err_set(e, ERR_IO, "npy: its dimensions are too large");
    if (n - begin != size)
        return err_set(e, ERR_IO, "npy: %s: the header promises %zu bytes of data, there are %zu",
                       n - begin < size ? "truncated" : "trailing bytes", size, n - begin);
    return make_tensor(device, &h, (const char *)bytes + begin, size, out, e);
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static const char *type_of(enum dtype d) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].dtype == d) return known[i].name;
    return "f4";
}

enum status npy_put_header(const struct tensor *t, struct buf *out, struct err *e) {
    char shape[1024];
    size_t start = out->len;
    buf_put(out, magic, MAGIC);
    buf_put(out, "\1\0\0\0", 4);
    buf_printf(out, "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }", dtype_size(t->dtype) == 1 ? '|' : '<',
               type_of(t->dtype), shape_text(&t->shape, shape, sizeof shape));
    while ((out->len - start + 1) % ALIGN && !out->failed) buf_putc(out, ' ');
    buf_putc(out, '\n');
    if (buf_status(out, e)) return e->status;
    size_t length = out->len - start - MAGIC - 4;
    out->data[start + MAGIC + 2] = (char)(length & 0xff);
    out->data[start + MAGIC + 3] = (char)(length >> 8);
    return OK;
}

enum status npy_save(const char *path, const struct tensor *t, struct err *e) {
    struct file_writer w;
    struct buf header = {0};
    void *block = NULL;
    if (replace_check(path, FILE_NPY, e)) return e->status;
    const void *bytes = tensor_host(t, &block, e);
    if (bytes && npy_put_header(t, &header, e) == OK && file_begin(&w, path, e) == OK) {
        if (file_write(&w, header.data, header.len, e) || file_write(&w, bytes, tensor_bytes(t), e))
            file_abort(&w);
        else
            file_commit(&w, e);
    }
    buf_free(&header);
    mem_block_free(block);
    return e->status;
}
