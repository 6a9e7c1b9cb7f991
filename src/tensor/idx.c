/* Reading IDX. Source: the description on Yann LeCun's MNIST page. */
#include "tensor/idx.h"

#include <string.h>

#include "base/mem.h"

static uint32_t big32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum status dtype_of(unsigned code, enum dtype *d, struct err *e) {
    switch (code) {
    case 0x08: *d = DT_UINT8; return OK;
    case 0x0c: *d = DT_INT32; return OK;
    case 0x0d: *d = DT_FLOAT32; return OK;
    case 0x0e: *d = DT_FLOAT64; return OK;
    default: return err_set(e, ERR_IO, "IDX: element type 0x%02x is not supported", code);
    }
}

static enum status read_header(const unsigned char *p, size_t n, enum dtype *d, struct shape *s, struct err *e) {
    if (n < 4) return err_set(e, ERR_IO, "IDX: truncated: %zu bytes are no header", n);
    if (p[0] || p[1]) return err_set(e, ERR_IO, "IDX: wrong magic number %02x%02x%02x%02x", p[0], p[1], p[2], p[3]);
    if (dtype_of(p[2], d, e)) return e->status;
    if (p[3] > TENSOR_MAX_RANK) return err_set(e, ERR_IO, "IDX: %d dimensions, at most %d", p[3], TENSOR_MAX_RANK);
    s->rank = p[3];
    if (n < 4 + 4 * (size_t)s->rank) return err_set(e, ERR_IO, "IDX: truncated within its header");
    for (int i = 0; i < s->rank; i++) s->dim[i] = big32(p + 4 + 4 * i);
    return OK;
}

enum status idx_read(struct device *device, const void *bytes, size_t n, struct tensor **out, struct err *e) {
    enum dtype d = DT_UINT8;
    struct shape s = {0};
    size_t size;
    if (read_header(bytes, n, &d, &s, e)) return e->status;
    size_t header = 4 + 4 * (size_t)s.rank;
    if (shape_bytes(&s, d, &size, &(struct err){0})) return err_set(e, ERR_IO, "IDX: its dimensions are too large");
    if (n - header != size)
        return err_set(e, ERR_IO, "IDX: %s: the header promises %zu bytes of data, there are %zu",
                       n - header < size ? "truncated" : "trailing bytes", size, n - header);
    const unsigned char *data = (const unsigned char *)bytes + header;
    if (dtype_size(d) == 1) return tensor_from(device, d, &s, data, out, e);
    unsigned char *host = mem_block_alloc(size, e);
    if (!host) return e->status;
    memcpy(host, data, size);
    tensor_swap_bytes(host, size, dtype_size(d));
    tensor_from(device, d, &s, host, out, e);
    mem_block_free(host);
    return e->status;
}
