/* What the passes of a Winograd convolution share: images and kernels to their transforms and back, the workspace, chunks of
 * rows that the threads share. Invariant: a row's transform depends on nothing but its patch. */
#include "device/cpu/conv_winograd.h"

enum { TAPS = CPU_WINOGRAD_TAPS, MAX_GRID = CPU_WINOGRAD_GRID };

struct winograd_plan cpu_winograd_plan_of(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct winograd_plan p;
    double ns;
    cpu_winograd_plan(c, g, pass, &p, &ns);
    return p;
}

static struct winograd_side make_side(const struct winograd_plan *p, const float *data, bool output) {
    const int64_t tile = p->form->tile, limit = output ? tile : tile + TAPS - 1;
    struct winograd_side s = {.block = output ? p->oblock : p->cblock, .plane = output ? p->yplane : p->xplane};
    s.grid = (struct cpu_conv_grid){.data = (float *)data,
                                    .n = p->n,
                                    .h = output ? p->oh : p->h,
                                    .w = output ? p->ow : p->w,
                                    .c = output ? p->o : p->c,
                                    .tile = {tile, tile},
                                    .tiles = {p->tiles[0], p->tiles[1]},
                                    .limit = {limit, limit},
                                    .stream = output && cpu_conv_streams(data, p->n * p->oh * p->ow, p->o),
                                    .pool = output ? p->ypool : p->xpool};
    for (int a = 0; a < 2 && !output; a++) s.grid.before[a] = p->before[a];
    return s;
}

/* One vector of channels of a patch, of which `used` are real, to or from its place among the planes. */
static void transform_lanes(const struct cpu_conv_kernels *k, const struct winograd_side *s, struct cpu_conv_patch *g,
                            int used, float *place, float *scratch) {
    const bool straight = s->inverse && used == k->lanes && !g->pooled; /* it is finished on the way */
    struct cpu_conv_patch room, *at = g;
    if (!straight) at = cpu_conv_patch_enter(k, g, used, MAX_GRID, scratch, s->inverse != NULL, &room);
    if (s->transform)
        s->transform(at, place, s->plane);
    else
        s->inverse(at, place, s->plane);
    if (s->inverse && !straight) cpu_conv_patch_leave(k, g, at, used);
}

void cpu_winograd_transform(const struct cpu_conv_kernels *k, const struct winograd_side *s, int64_t first,
                            int64_t rows, int64_t begin, int64_t end, float *planes, float *scratch) {
    int lanes = k->lanes;
    for (int64_t r = begin; r < end; r++) {
        struct cpu_conv_windows windows;
        struct cpu_conv_patch g;
        cpu_conv_patch(&s->grid, first + r, s->inverse != NULL, &g, &windows);
        for (int64_t c = 0; c < s->grid.c; c += lanes, cpu_conv_patch_advance(&g, lanes)) {
            int used = s->grid.c - c < lanes ? (int)(s->grid.c - c) : lanes;
            transform_lanes(k, s, &g, used, planes + (c / s->block * rows + r) * s->block + c % s->block, scratch);
        }
    }
    if (s->inverse && s->grid.stream) k->stream_end();
}

/* The transform of the kernel, or back from it, for input channels begin .. end-1. */
static void weights_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    const struct winograd_pass *s = arg;
    const struct winograd_plan *p = &s->p;
    const int lanes = p->kernels->lanes;
    const int64_t tap = p->win * p->wout;
    const bool reversed = s->w.inverse && p->back;
    for (int64_t c = begin; c < end; c++) {
        struct cpu_conv_patch g = {.x = s->kernel + c * p->wout, .bottom = TAPS, .right = TAPS};
        if (reversed) g.x += (TAPS * TAPS - 1) * tap;
        g.column_stride = reversed ? -tap : tap, g.row_stride = TAPS * g.column_stride;
        for (int64_t o = 0; o < p->wout; o += lanes, g.x += lanes) {
            int used = p->wout - o < lanes ? (int)(p->wout - o) : lanes;
            float *place = s->weights + (o / p->wblock * p->win + c) * p->wblock + o % p->wblock;
            transform_lanes(p->kernels, &s->w, &g, used, place, cpu_scratch(s->cpu, worker));
        }
    }
}

enum status cpu_winograd_weights(struct cpu *c, struct winograd_pass *s, float *kernel, struct err *e) {
    s->kernel = kernel;
    return threads_share(c->threads, s->p.win, 1, 4, weights_chunk, s, e);
}

/* The workspace's parts, in bytes from its start. */
struct layout {
    size_t weights, reversed, x, y, tables, bytes;
};

static int64_t table_size(const struct winograd_plan *p) {
    return p->chunk > CPU_CONV_BLOCK ? p->chunk : CPU_CONV_BLOCK;
}

static struct layout layout(const struct winograd_plan *p) {
    struct layout l = {0};
    l.weights = cpu_conv_take(&l.bytes, p->segments * p->form->points * p->wplane * (int64_t)sizeof(float));
    if (p->pass == CPU_CONV_GRAD_INPUT)
        l.reversed = cpu_conv_take(&l.bytes, TAPS * TAPS * p->c * p->o * (int64_t)sizeof(float));
    if (p->shared) {
        l.x = cpu_conv_take(&l.bytes, p->form->points * p->xplane * (int64_t)sizeof(float));
        l.y = cpu_conv_take(&l.bytes, p->form->points * p->yplane * (int64_t)sizeof(float));
    }
    l.tables = cpu_conv_take(&l.bytes, 2 * table_size(p) * (int64_t)sizeof(int64_t));
    return l;
}

size_t cpu_winograd_bytes(const struct winograd_plan *p) {
    return layout(p).bytes;
}

enum status cpu_winograd_open(struct cpu *c, const struct cpu_conv *g, const struct winograd_plan *p, void *workspace,
                              const float *x, const float *y, struct winograd_pass *s, struct err *e) {
    *s = (struct winograd_pass){.p = *p, .cpu = c};
    const struct cpu_winograd *f = p->form;
    bool kernel = p->pass == CPU_CONV_GRAD_KERNEL;
    int64_t floats = CPU_WINOGRAD_PATCH + (p->shared ? 0 : p->form->points * (p->xplane + p->yplane));
    if (cpu_scratch_reserve(c, (size_t)floats * sizeof(float), e)) return e->status;
    struct layout l = layout(p);
    char *base = workspace;
    int64_t *by_one = (int64_t *)(base + l.tables), *by_block = by_one + table_size(p);
    const int64_t block = kernel && p->back ? p->oblock : p->cblock;
    for (int64_t i = 0; i < table_size(p); i++) by_one[i] = i, by_block[i] = i * block;
    s->by_one = by_one, s->by_block = by_block;
    s->weights = (float *)(base + l.weights), s->reversed = (float *)(base + l.reversed);
    s->xs = (float *)(base + l.x), s->ys = (float *)(base + l.y);
    s->x = make_side(p, x, false), s->y = make_side(p, y, true);
    if (!kernel) s->y.grid.finish = g->finish;
    s->w = (struct winograd_side){.plane = p->wplane};
    s->x.transform = f->input;
    if (kernel)
        s->y.transform = f->gradient, s->w.inverse = f->taps;
    else
        s->y.inverse = f->output, s->w.transform = f->kernel;
    return OK;
}

int64_t cpu_winograd_chunk_rows(const struct winograd_plan *p, int64_t first, int64_t stop) {
    return stop - first < p->chunk ? stop - first : p->chunk;
}

static void shared_input(void *arg, int64_t begin, int64_t end, int worker) {
    const struct winograd_pass *s = arg;
    cpu_winograd_transform(s->p.kernels, &s->x, s->first, s->rows, begin, end, s->xs, cpu_scratch(s->cpu, worker));
}

static void shared_output(void *arg, int64_t begin, int64_t end, int worker) {
    const struct winograd_pass *s = arg;
    cpu_winograd_transform(s->p.kernels, &s->y, s->first, s->rows, begin, end, s->ys, cpu_scratch(s->cpu, worker));
}

void cpu_winograd_open_chunk(struct winograd_pass *s, int64_t first, int64_t stop) {
    s->first = first;
    s->rows = cpu_winograd_chunk_rows(&s->p, first, stop);
}

enum status cpu_winograd_shared_input(struct cpu *c, struct winograd_pass *s, struct err *e) {
    return threads_share(c->threads, s->rows, 1, 4, shared_input, s, e);
}

enum status cpu_winograd_shared_output(struct cpu *c, struct winograd_pass *s, struct err *e) {
    return threads_share(c->threads, s->rows, 1, 4, shared_output, s, e);
}
