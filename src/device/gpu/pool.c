/* Device memory: freed buffers are kept for the next of their size. Since the queue is in order, a buffer may be used
 * again while what was queued on it still runs. Sizes are rounded up to eighths of powers of two. */
#include "base/machine.h"
#include "base/mem.h"
#include "device/gpu/gpu.h"

static const size_t KEEP = 64 << 20; /* bytes that the pool may hold even if more than are in use */

static size_t rounded(size_t bytes) {
    size_t step = 256;
    bytes = bytes ? bytes : 1;
    while (bytes > 8 * step) step *= 2;
    return (bytes + step - 1) / step * step;
}

static struct gpu_buffer *take(struct gpu *g, size_t bytes) {
    for (struct gpu_buffer **at = &g->pool; *at; at = &(*at)->next) {
        struct gpu_buffer *b = *at;
        if (b->bytes != bytes) continue;
        *at = b->next;
        g->pooled -= bytes;
        return b;
    }
    return NULL;
}

void gpu_pool_flush(struct gpu *g) {
    while (g->pool) {
        struct gpu_buffer *b = g->pool;
        g->pool = b->next;
        g->driver->free(g->d, b->native);
        mem_free(b);
    }
    g->pooled = 0;
}

static enum status no_room(struct gpu *g, size_t bytes, struct err *e) {
    const double mb = 1 << 20;
    return err_set(e, ERR_MEMORY, "%s: %.1f MB were asked for, %.1f MB are in use of %.1f MB (%.1f MB in one piece)",
                   g->base.name, (double)bytes / mb, (double)g->used / mb, (double)g->limit / mb,
                   (double)g->facts.largest / mb);
}

/* A processor's driver gives out this machine's memory without a look at what is left of it. */
static bool machine_has(const struct gpu *g, size_t bytes) {
    return !g->ours || bytes < machine_memory_free() / 16 * 15;
}

/* Whether the driver gave one; what is pooled is given up first where that is in the way. */
static enum status from_driver(struct gpu *g, struct gpu_buffer *b, struct err *e) {
    struct err first = {0};
    if (b->bytes > g->facts.largest || g->used + b->bytes > g->limit) return no_room(g, b->bytes, e);
    if (!machine_has(g, b->bytes)) gpu_pool_flush(g);
    if (!machine_has(g, b->bytes)) return no_room(g, b->bytes, e);
    if (g->used + g->pooled + b->bytes > g->limit) gpu_pool_flush(g);
    if (g->driver->alloc(g->d, b->bytes, &b->native, &first) == OK) return OK;
    gpu_pool_flush(g);
    if (g->driver->finish(g->d, e) != OK) return e->status;
    if (g->driver->alloc(g->d, b->bytes, &b->native, &(struct err){0}) == OK) return OK;
    return no_room(g, b->bytes, e);
}

enum status gpu_alloc(struct device *d, size_t bytes, void **handle, struct err *e) {
    struct gpu *g = (struct gpu *)d;
    const size_t size = rounded(bytes);
    struct gpu_buffer *b = take(g, size);
    if (!b) {
        b = mem_zalloc(sizeof *b, e);
        if (!b) return e->status;
        b->bytes = size;
        if (from_driver(g, b, e) != OK) {
            mem_free(b);
            return e->status;
        }
    }
    g->used += size;
    if (g->used > g->peak) g->peak = g->used;
    *handle = b;
    return OK;
}

void gpu_free(struct device *d, void *handle, size_t bytes) {
    struct gpu *g = (struct gpu *)d;
    struct gpu_buffer *b = handle;
    (void)bytes;
    if (!b) return;
    g->used -= b->bytes;
    g->pooled += b->bytes;
    b->next = g->pool;
    g->pool = b;
    if (g->pooled > KEEP && g->pooled > g->used) gpu_pool_flush(g); /* the session has left, or a large tensor went */
}
