/* Tiles, blocks and reversed kernels for convolutions by transforms. */
#include "device/cpu/conv_tiles.h"

#include <string.h>

enum { STREAM_BYTES = 1 << 22 }; /* of results: more than the caches of a core hold */

int64_t cpu_conv_block(int64_t channels) {
    int64_t best = CPU_CONV_LANE, least = INT64_MAX;
    for (int64_t width = CPU_CONV_LANE; width <= CPU_CONV_BLOCK; width += CPU_CONV_LANE) {
        int64_t padded = cpu_ceil_div(channels, width) * width;
        if (padded <= least) least = padded, best = width;
    }
    return best;
}

/* The grid positions [from, to) of a tile that starts at `start` and lie inside an axis of `size`, at most `limit`. */
static void clip(int64_t start, int64_t size, int64_t limit, int *from, int *to) {
    int64_t end = size - start < limit ? size - start : limit;
    *from = (int)(start < 0 ? -start : 0);
    *to = (int)(end > *from ? end : *from);
}

/* Where a row's patch starts: image, then row and column, which may lie before it. */
static void patch_start(const struct cpu_conv_grid *g, int64_t row, int64_t at[3]) {
    int64_t per = g->tiles[0] * g->tiles[1], tile = row % per;
    at[0] = row / per;
    at[1] = tile / g->tiles[1] * g->tile[0] - g->before[0];
    at[2] = tile % g->tiles[1] * g->tile[1] - g->before[1];
}

static int64_t patch_offset(const struct cpu_conv_grid *g, const int64_t at[3]) {
    return ((at[0] * g->h + at[1]) * g->w + at[2]) * g->c;
}

/* Floats from a row's patch to the next one's: one tile along, mostly. */
static int64_t next_patch(const struct cpu_conv_grid *g, int64_t row, const int64_t at[3]) {
    int64_t after[3];
    if (at[2] + g->before[1] + g->tile[1] < g->tiles[1] * g->tile[1]) return g->tile[1] * g->c;
    patch_start(g, row + 1, after);
    return patch_offset(g, after) - patch_offset(g, at);
}

void cpu_conv_windows(const struct cpu_conv_pool *p, int64_t image, int64_t y, int64_t x, int64_t channels,
                      struct cpu_conv_windows *w) {
    const int64_t floats = p->windows[0] * p->windows[1] * channels;
    for (int a = 0; a < 2; a++) {
        w->size[a] = p->size[a], w->stride[a] = p->stride[a];
        w->begin[a] = 0, w->end[a] = p->windows[a];
    }
    w->first[0] = y + p->before[0], w->first[1] = x + p->before[1];
    w->row_stride = p->windows[1] * channels, w->column_stride = channels, w->next = floats;
    w->covered = false;
    w->value = p->value + image * floats;
    w->place = p->place ? p->place + image * floats : NULL;
    cpu_conv_finish_at(&p->finish, image * floats, &w->finish);
}

void cpu_conv_windows_read(struct cpu_conv_windows *w, const struct cpu_conv_patch *p) {
    const int low[2] = {p->top, p->left}, high[2] = {p->bottom, p->right};
    w->covered = true;
    for (int a = 0; a < 2; a++) {
        const int64_t end = (w->first[a] + high[a] - 1) / w->stride[a] + 1;
        w->begin[a] = (w->first[a] + low[a]) / w->stride[a];
        if (end < w->end[a]) w->end[a] = end;
        if (w->size[a] < w->stride[a] || w->end[a] * w->stride[a] - w->first[a] < high[a]) w->covered = false;
    }
}

/* Those that begin in a tile, where there are several. */
static void windows_write(struct cpu_conv_windows *w, const struct cpu_conv_grid *g) {
    for (int a = 0; a < 2; a++) {
        if (g->tiles[a] == 1) continue;
        const int64_t end = (w->first[a] + g->tile[a]) / w->stride[a];
        w->begin[a] = w->first[a] / w->stride[a];
        if (end < w->end[a]) w->end[a] = end;
    }
}

void cpu_conv_patch(const struct cpu_conv_grid *g, int64_t row, bool writes, struct cpu_conv_patch *p,
                    struct cpu_conv_windows *w) {
    int64_t at[3];
    patch_start(g, row, at);
    clip(at[1], g->h, g->limit[0], &p->top, &p->bottom);
    clip(at[2], g->w, g->limit[1], &p->left, &p->right);
    p->x = g->data + patch_offset(g, at);
    p->row_stride = g->w * g->c, p->column_stride = g->c;
    p->next = next_patch(g, row, at);
    p->stream = g->stream;
    p->scale = g->scale, p->shift = g->shift;
    cpu_conv_finish_at(&g->finish, patch_offset(g, at), &p->finish);
    p->pooled = g->pool ? w : NULL;
    if (!g->pool) return;
    cpu_conv_windows(g->pool, at[0], at[1], at[2], g->c, w);
    if (writes)
        windows_write(w, g);
    else
        cpu_conv_windows_read(w, p);
}

/* Copies the first `used` channels of each position from one patch to the other. */
static void copy_patch(const struct cpu_conv_patch *from, const struct cpu_conv_patch *to, int used) {
    for (int y = from->top; y < from->bottom; y++)
        for (int x = from->left; x < from->right; x++) {
            const float *a = from->x + y * from->row_stride + x * from->column_stride;
            float *b = to->x + y * to->row_stride + x * to->column_stride;
            for (int i = 0; i < used; i++) b[i] = a[i];
        }
}

void cpu_conv_pool(const struct cpu_conv_kernels *k, struct cpu_conv_patch *p, struct cpu_conv_windows *w,
                   bool unpool) {
    int64_t c = 0;
    p->pooled = w;
    for (; c < p->column_stride; c += k->lanes, cpu_conv_patch_advance(p, k->lanes)) {
        if (unpool)
            k->unpool(p, w);
        else
            k->pool(p, w);
    }
    cpu_conv_patch_advance(p, -c);
}

struct cpu_conv_patch *cpu_conv_patch_copy(const struct cpu_conv_kernels *k, const struct cpu_conv_patch *g, int used,
                                           int n, float *scratch, bool writes, struct cpu_conv_patch *room) {
    const int64_t width = cpu_ceil_div(used, k->lanes) * k->lanes;
    room->x = scratch, room->column_stride = width, room->row_stride = n * width;
    room->top = g->top, room->bottom = g->bottom, room->left = g->left, room->right = g->right;
    room->next = 0;
    room->scale = room->shift = NULL;
    room->finish.bias = NULL, room->finish.where = NULL;
    room->stream = false;
    room->pooled = g->pooled;
    if (writes) return room;
    if (g->pooled)
        cpu_conv_pool(k, room, g->pooled, true);
    else if (g->scale)
        k->scale(g, room, used / k->lanes);
    else
        copy_patch(g, room, used);
    return room;
}

void cpu_conv_patch_leave(const struct cpu_conv_kernels *k, const struct cpu_conv_patch *g,
                          struct cpu_conv_patch *entered, int used) {
    if (g->pooled)
        cpu_conv_pool(k, entered, g->pooled, false);
    else if (cpu_conv_finishes(&g->finish))
        k->finish(entered, g, used / k->lanes);
    else if (entered->x != g->x)
        copy_patch(entered, g, used);
}

bool cpu_conv_tiles_pool(const struct cpu_conv *g, enum cpu_conv_pass pass, const int64_t tile[2],
                         const int64_t tiles[2]) {
    const struct cpu_conv_pool *p = g->pool;
    if (g->o % CPU_CONV_LANE) return false;
    for (int a = 0; a < 2 && pass == CPU_CONV_FORWARD; a++)
        if (tiles[a] > 1 && (p->before[a] || p->size[a] > p->stride[a] || tile[a] % p->stride[a])) return false;
    return true;
}

bool cpu_conv_streams(const float *y, int64_t pixels, int64_t channels) {
    bool whole_vectors = channels % CPU_CONV_LANE == 0 && (uintptr_t)y % 64 == 0;
    return whole_vectors && pixels * channels * (int64_t)sizeof *y > STREAM_BYTES;
}

int64_t cpu_conv_reach(int64_t in, int64_t before, int64_t size) {
    return in + before < size ? in + before : size;
}

struct rim {
    float *y;
    const int64_t *shape;
    int64_t rows, columns;
};

static void clear_images(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct rim *r = arg;
    const int64_t h = r->shape[1], w = r->shape[2], c = r->shape[3];
    for (int64_t i = begin * h; i < end * h; i++) {
        const int64_t first = i % h < r->rows ? r->columns : 0;
        if (first < w) memset(r->y + (i * w + first) * c, 0, (size_t)((w - first) * c) * sizeof *r->y);
    }
}

enum status cpu_conv_clear_rim(struct cpu *c, float *y, const int64_t shape[4], int64_t rows, int64_t columns,
                               struct err *e) {
    struct rim r = {y, shape, rows, columns};
    if (rows >= shape[1] && columns >= shape[2]) return OK;
    return threads_for(c->threads, shape[0], 16, clear_images, &r, e);
}

struct transposition {
    const struct cpu_conv_kernels *kernels;
    const float *from;
    float *to;
    int64_t taps, c, o;
    bool reverse;
};

static void transpose_taps(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct transposition *m = arg;
    enum { BLOCK = 16 };
    for (int64_t t = begin; t < end; t++) {
        const float *from = m->from + t * m->c * m->o;
        float *to = m->to + (m->reverse ? m->taps - 1 - t : t) * m->c * m->o;
        if (m->c % CPU_CONV_LANE == 0) { /* a quarter of the loops' time */
            m->kernels->pack_transposed(m->o, m->c, from, m->o, to);
            continue;
        }
        for (int64_t o0 = 0; o0 < m->o; o0 += BLOCK)
            for (int64_t c = 0; c < m->c; c++)
                for (int64_t o = o0; o < m->o && o < o0 + BLOCK; o++) to[o * m->c + c] = from[c * m->o + o];
    }
}

enum status cpu_conv_transpose(struct cpu *c, const struct cpu_conv *g, const float *w, float *out, bool reverse,
                               struct err *e) {
    struct transposition m = {cpu_conv_kernels(c), w, out, g->kh * g->kw, g->c, g->o, reverse};
    return threads_for(c->threads, m.taps, 1, transpose_taps, &m, e);
}
