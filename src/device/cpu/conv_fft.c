/* Convolution by Fourier transforms of whole small images or of tiles (overlap-save), and one complex matrix product for
 * each frequency by three real multiplications. Invariant: every result depends on the geometry and the instruction set
 * alone, and stands within 1e-6 of the largest sum of products, which is closer than direct float32 summation.
 *
 * y[o] = sum_k x~[o + k] w[k], with x~ the input placed `before` positions into a grid of N: a circular correlation, so
 * Y^ = X^ conj(W^); the padding's zeros are shared between both ends, and N = H + 2 is enough for "same" 5 x 5. The kernel
 * gradient is sum over images of X^ conj(dY^), inverted at the kernel's positions. The input gradient is dY^ W^ where an
 * image is one tile, so that both gradients can share dY^; else the correlation of dy with the kernel reversed.
 * Layout of a spectrum: [frequency][block of channels][re, im][row][channel in block]; a row is one tile of one image. */
#include "device/cpu/conv_fft.h"

enum { MAX_BLOCK = CPU_CONV_BLOCK };

/* A worker's chunk at most: what comes next is fetched early within it (a fifth of the passes' time). */
enum { ROWS = 8, FREQUENCIES = 3, CHANNELS = 4 };

/* ---- spectra ------------------------------------------------------------------------------------------------------ */

/* One of the images that rows are cut from, and its spectrum. */
struct fft_images {
    const struct fft_plan *p;
    struct cpu_conv_grid grid;
    int64_t block, plane;
    float *spectrum;
    int64_t first; /* the chunk's first row */
    char *scratch; /* of all workers, for channel counts that fill no vector */
    size_t scratch_bytes;
};

/* `used` channels of a patch to or from their spectrum at s. */
static void transform_vectors(const struct fft_plan *p, struct cpu_conv_patch *g, int used, float *s, int64_t stride,
                              int64_t plane, float *scratch, bool inverse) {
    int n = p->dft->n, vectors = (used + p->kernels->lanes - 1) / p->kernels->lanes;
    struct cpu_conv_patch room, *at = cpu_conv_patch_enter(p->kernels, g, used, n, scratch, inverse, &room);
    if (inverse) {
        p->dft->inverse(at, vectors, s, stride, plane, 1.0f / (float)(n * n));
        cpu_conv_patch_leave(p->kernels, g, at, used);
    } else {
        p->dft->forward(at, vectors, s, stride, plane);
    }
}

/* The `left` channels of one block, some vectors at a time; g moves on. */
static void block_transform(const struct fft_plan *p, struct cpu_conv_patch *g, int64_t left, float *s, int64_t stride,
                            int64_t plane, float *scratch, bool inverse) {
    for (int64_t i = 0; i < left; i += CPU_DFT_CHANNELS) {
        int used = left - i < CPU_DFT_CHANNELS ? (int)(left - i) : CPU_DFT_CHANNELS;
        transform_vectors(p, g, used, s + i, stride, plane, scratch, inverse);
        cpu_conv_patch_advance(g, used);
    }
}

/* One row's vectors of the block of channels that starts at `first`. */
static void row_transform(const struct fft_images *m, int64_t r, int64_t first, float *scratch, bool inverse) {
    const struct fft_plan *p = m->p;
    int64_t left = m->grid.c - first < m->block ? m->grid.c - first : m->block;
    int64_t stride = cpu_ceil_div(m->grid.c, m->block) * 2 * m->plane;
    float *s = m->spectrum + first / m->block * 2 * m->plane + r * m->block;
    struct cpu_conv_windows windows;
    struct cpu_conv_patch g;
    cpu_conv_patch(&m->grid, m->first + r, inverse, &g, &windows);
    cpu_conv_patch_advance(&g, first);
    block_transform(p, &g, left, s, stride, m->plane, scratch, inverse);
}

/* Block by block: the next row's numbers then lie behind this one's in every frequency, where they are fetched early. */
static void images_transform(const struct fft_images *m, int64_t begin, int64_t end, int worker, bool inverse) {
    float *scratch = (float *)(m->scratch + m->scratch_bytes * (size_t)worker);
    for (int64_t first = 0; first < m->grid.c; first += m->block)
        for (int64_t r = begin; r < end; r++) row_transform(m, r, first, scratch, inverse);
    m->p->kernels->stream_end();
}

static void images_forward(void *arg, int64_t begin, int64_t end, int worker) {
    images_transform(arg, begin, end, worker, false);
}

static void images_inverse(void *arg, int64_t begin, int64_t end, int worker) {
    images_transform(arg, begin, end, worker, true);
}

static struct fft_images input_images(const struct fft_plan *p, const float *x, float *spectrum) {
    int n = p->dft->n;
    struct cpu_conv_grid grid = {.data = (float *)x,
                                 .n = p->n,
                                 .h = p->h,
                                 .w = p->w,
                                 .c = p->c,
                                 .tile = {p->tile[0], p->tile[1]},
                                 .tiles = {p->tiles[0], p->tiles[1]},
                                 .before = {p->before[0], p->before[1]},
                                 .limit = {n, n},
                                 .pool = p->xpool};
    return (struct fft_images){.p = p, .grid = grid, .block = p->cblock, .plane = p->xplane, .spectrum = spectrum};
}

static struct fft_images output_images(const struct fft_plan *p, float *y, float *spectrum) {
    struct cpu_conv_grid grid = {.data = y,
                                 .n = p->n,
                                 .h = p->oh,
                                 .w = p->ow,
                                 .c = p->o,
                                 .tile = {p->tile[0], p->tile[1]},
                                 .tiles = {p->tiles[0], p->tiles[1]},
                                 .before = {p->after[0], p->after[1]},
                                 .limit = {p->tile[0] + p->after[0], p->tile[1] + p->after[1]},
                                 .stream = cpu_conv_streams(y, p->n * p->oh * p->ow, p->o),
                                 .pool = p->ypool};
    return (struct fft_images){.p = p, .grid = grid, .block = p->oblock, .plane = p->yplane, .spectrum = spectrum};
}

/* The kernel's spectrum, for each input channel a row. */
struct fft_weights {
    const struct fft_plan *p;
    float *w; /* (kh, kw, c, o) */
    float *spectrum;
    char *scratch;
    size_t scratch_bytes;
};

static void weights_transform(const struct fft_weights *m, int64_t begin, int64_t end, int worker, bool inverse) {
    const struct fft_plan *p = m->p;
    int64_t stride = p->oblocks * 2 * p->wplane;
    float *scratch = (float *)(m->scratch + m->scratch_bytes * (size_t)worker);
    for (int64_t c = begin; c < end; c++) {
        struct cpu_conv_patch g = {.x = m->w + c * p->o,
                                   .row_stride = p->kw * p->c * p->o,
                                   .column_stride = p->c * p->o,
                                   .bottom = (int)p->kh,
                                   .right = (int)p->kw};
        for (int64_t o = 0; o < p->o; o += p->oblock) {
            int64_t left = p->o - o < p->oblock ? p->o - o : p->oblock;
            float *s = m->spectrum + o / p->oblock * 2 * p->wplane + c * p->oblock;
            block_transform(p, &g, left, s, stride, p->wplane, scratch, inverse);
        }
    }
    p->kernels->stream_end();
}

static void weights_forward(void *arg, int64_t begin, int64_t end, int worker) {
    weights_transform(arg, begin, end, worker, false);
}

static void weights_inverse(void *arg, int64_t begin, int64_t end, int worker) {
    weights_transform(arg, begin, end, worker, true);
}

/* ---- the passes --------------------------------------------------------------------------------------------------- */

/* The workspace's parts, in bytes from its start. */
struct fft_layout {
    size_t x, y, w, kernel, tables, bytes;
};

static int64_t table_size(const struct fft_plan *p) {
    return p->chunk + MAX_BLOCK;
}

static struct fft_layout layout(const struct fft_plan *p, enum cpu_conv_pass pass, bool own_x) {
    struct fft_layout l = {0};
    const int64_t size = (int64_t)sizeof(float), chunks = pass == CPU_CONV_GRAD_KERNEL ? p->group : 1;
    if (own_x) l.x = cpu_conv_take(&l.bytes, chunks * cpu_fft_input_floats(p) * size);
    l.y = cpu_conv_take(&l.bytes, chunks * cpu_fft_output_floats(p) * size);
    l.w = cpu_conv_take(&l.bytes, p->dft->count * 2 * p->oblocks * p->wplane * size);
    if (pass == CPU_CONV_GRAD_INPUT) l.kernel = cpu_conv_take(&l.bytes, p->kh * p->kw * p->c * p->o * size);
    l.tables = cpu_conv_take(&l.bytes, 2 * table_size(p) * (int64_t)sizeof(int64_t));
    return l;
}

/* The plan and everything a pass needs in one place. */
struct fft_run {
    struct fft_plan plan;
    struct fft_images x, y;
    struct fft_weights w;
    struct fft_product q;
    struct fft_layout at;
    float *kept; /* the spectra of x of all chunks, or NULL */
    const struct cpu_conv *g;
};

/* Everything but the plan, at `workspace`; x: where its spectrum is else, or NULL. */
static void run_place(struct cpu *c, enum cpu_conv_pass pass, char *workspace, float *x, struct fft_run *r) {
    const struct fft_plan *p = &r->plan;
    r->at = layout(p, pass, !x);
    int64_t *by_one = (int64_t *)(workspace + r->at.tables), *by_cblock = by_one + table_size(p);
    for (int64_t i = 0; i < table_size(p); i++) by_one[i] = i, by_cblock[i] = i * p->cblock;
    r->q = (struct fft_product){.p = p,
                                .x = x ? x : (float *)(workspace + r->at.x),
                                .w = (float *)(workspace + r->at.w),
                                .y = (float *)(workspace + r->at.y),
                                .by_one = by_one,
                                .by_cblock = by_cblock,
                                .scratch = c->scratch,
                                .scratch_bytes = c->scratch_bytes};
}

static enum status run_open(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, void *workspace,
                            struct fft_run *r, struct err *e) {
    double cost;
    cpu_fft_plan(cpu_conv_kernels(c), g, pass, &r->plan, &cost);
    if (cpu_scratch_reserve(c, cpu_fft_product_scratch(&r->plan), e)) return e->status;
    run_place(c, pass, workspace, g->kept, r);
    r->kept = g->kept;
    r->g = g;
    return OK;
}

static void run_images(struct fft_run *r, const struct cpu *c, const void *x, void *y) {
    r->x = input_images(&r->plan, x, (float *)r->q.x);
    r->y = output_images(&r->plan, y, r->q.y);
    r->w = (struct fft_weights){.p = &r->plan, .spectrum = r->q.w};
    r->x.scratch = r->y.scratch = r->w.scratch = c->scratch;
    r->x.scratch_bytes = r->y.scratch_bytes = r->w.scratch_bytes = c->scratch_bytes;
}

static void run_chunk(struct fft_run *r, int64_t first) {
    const struct fft_plan *p = &r->plan;
    r->x.first = r->y.first = first;
    if (r->kept) r->q.x = r->x.spectrum = r->kept + first / p->chunk * cpu_fft_input_floats(p);
    r->q.rows = p->rows - first < p->chunk ? p->rows - first : p->chunk;
}

/* Zeros behind the outputs that are computed. */
static enum status clear_rim(struct cpu *c, const struct fft_plan *p, float *y, struct err *e) {
    const int64_t shape[4] = {p->n, p->oh, p->ow, p->o};
    return cpu_conv_clear_rim(c, y, shape, p->covered[0], p->covered[1], e);
}

/* y = x correlated with w (kh, kw, c, o), all as the plan has them. */
static enum status correlate(struct cpu *c, struct fft_run *r, const void *x, const void *w, void *y, struct err *e) {
    const struct fft_plan *p = &r->plan;
    run_images(r, c, x, y);
    r->x.grid.scale = r->g->scale, r->x.grid.shift = r->g->shift;
    r->y.grid.finish = r->g->finish;
    r->w.w = (float *)w;
    enum status s = threads_share(c->threads, p->c, 1, CHANNELS, weights_forward, &r->w, e);
    for (int64_t first = 0; s == OK && first < p->rows; first += p->chunk) {
        run_chunk(r, first);
        s = threads_share(c->threads, r->q.rows, 1, ROWS, images_forward, &r->x, e);
        if (s == OK) s = threads_share(c->threads, p->dft->count, 1, FREQUENCIES, cpu_fft_product_forward, &r->q, e);
        if (s == OK) s = threads_share(c->threads, r->q.rows, 1, ROWS, images_inverse, &r->y, e);
    }
    return s ? s : clear_rim(c, p, y, e);
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *w, void *y,
                           void *workspace, struct err *e) {
    struct fft_run r;
    if (run_open(c, g, CPU_CONV_FORWARD, workspace, &r, e)) return e->status;
    return correlate(c, &r, x, w, y, e);
}

static enum status grad_input(struct cpu *c, const struct cpu_conv *g, const void *dy, const void *w, void *dx,
                              void *workspace, struct err *e) {
    struct fft_run r;
    if (run_open(c, g, CPU_CONV_GRAD_INPUT, workspace, &r, e)) return e->status;
    float *reversed = (float *)((char *)workspace + r.at.kernel);
    if (cpu_conv_transpose(c, g, w, reversed, !r.plan.convolve, e)) return e->status;
    return correlate(c, &r, dy, reversed, dx, e);
}

/* The chunks of the group that begins with row `first` are summed; q's spectra are the first one's. */
static void open_group(struct fft_run *r, float *x, float *y, int64_t first) {
    const struct fft_plan *p = &r->plan;
    const int64_t most = p->group * p->chunk;
    r->q.x = r->kept ? r->kept + first / p->chunk * cpu_fft_input_floats(p) : x;
    r->q.y = y;
    r->q.rows = p->rows - first < most ? p->rows - first : most;
    r->q.first = first == 0;
}

/* Chunk number k of a group: its rows, and its spectra in the group's. */
static int64_t open_chunk(struct fft_run *r, int64_t first, int64_t k) {
    const struct fft_plan *p = &r->plan;
    const int64_t row = first + k * p->chunk;
    r->x.first = r->y.first = row;
    r->x.spectrum = (float *)r->q.x + k * cpu_fft_input_floats(p);
    r->y.spectrum = r->q.y + k * cpu_fft_output_floats(p);
    return p->rows - row < p->chunk ? p->rows - row : p->chunk;
}

static enum status grad_kernel(struct cpu *c, const struct cpu_conv *g, const void *x, const void *dy, void *dw,
                               void *workspace, struct err *e) {
    struct fft_run r;
    if (run_open(c, g, CPU_CONV_GRAD_KERNEL, workspace, &r, e)) return e->status;
    const struct fft_plan *p = &r.plan;
    float *xs = (float *)r.q.x, *ys = r.q.y;
    run_images(&r, c, x, (void *)dy);
    enum status s = OK;
    for (int64_t first = 0; s == OK && first < p->rows; first += p->group * p->chunk) {
        open_group(&r, xs, ys, first);
        for (int64_t k = 0; s == OK && k * p->chunk < r.q.rows; k++) {
            const int64_t rows = open_chunk(&r, first, k);
            s = threads_share(c->threads, rows, 1, ROWS, images_forward, &r.x, e);
            if (s == OK) s = threads_share(c->threads, rows, 1, ROWS, images_forward, &r.y, e);
        }
        if (s == OK) s = threads_share(c->threads, p->dft->count, 1, FREQUENCIES, cpu_fft_product_kernel, &r.q, e);
    }
    r.w.w = dw;
    return s ? s : threads_share(c->threads, p->c, 1, CHANNELS, weights_inverse, &r.w, e);
}

/* Everything for both gradients, k of the kernel and i of the input. */
static enum status open_both(struct cpu *c, const struct cpu_conv *g, const struct cpu_conv_gradients *o,
                             char *workspace, struct fft_run *k, struct fft_run *i, struct err *e) {
    double cost;
    cpu_fft_plan(cpu_conv_kernels(c), g, CPU_CONV_GRAD_KERNEL, &k->plan, &cost);
    i->plan = cpu_fft_backward(&k->plan);
    if (cpu_scratch_reserve(c, cpu_fft_product_scratch(&k->plan), e) ||
        cpu_scratch_reserve(c, cpu_fft_product_scratch(&i->plan), e))
        return e->status;
    run_place(c, CPU_CONV_GRAD_KERNEL, workspace, g->kept, k);
    run_place(c, CPU_CONV_GRAD_INPUT, workspace + k->at.bytes, k->q.y, i);
    k->kept = g->kept, i->kept = NULL;
    run_images(k, c, o->x, (void *)o->dy);
    run_images(i, c, o->dy, o->dx);
    i->y.grid.finish = g->finish;
    k->w.w = o->dkernel;
    i->w.w = (float *)(workspace + k->at.bytes + i->at.kernel);
    return cpu_conv_transpose(c, g, o->kernel, i->w.w, false, e);
}

/* One chunk of a group: dy's spectrum, the input's gradient from it, and x's spectrum. */
static enum status gradients_chunk(struct cpu *c, struct fft_run *k, struct fft_run *i, int64_t first, int64_t number,
                                   struct err *e) {
    const int64_t rows = open_chunk(k, first, number);
    run_chunk(i, first + number * k->plan.chunk);
    i->q.x = k->y.spectrum;
    if (threads_share(c->threads, rows, 1, ROWS, images_forward, &k->y, e) ||
        threads_share(c->threads, k->plan.dft->count, 1, FREQUENCIES, cpu_fft_product_forward, &i->q, e) ||
        threads_share(c->threads, rows, 1, ROWS, images_inverse, &i->y, e))
        return e->status;
    return k->kept ? OK : threads_share(c->threads, rows, 1, ROWS, images_forward, &k->x, e);
}

/* Both gradients group by group, from one spectrum of dy. */
static enum status gradients(struct cpu *c, const struct cpu_conv *g, const struct cpu_conv_gradients *o,
                             void *workspace, struct err *e) {
    struct fft_run k, i;
    if (open_both(c, g, o, workspace, &k, &i, e)) return e->status;
    const struct fft_plan *p = &k.plan;
    float *xs = (float *)k.q.x, *ys = k.q.y;
    enum status s = threads_share(c->threads, i.plan.c, 1, CHANNELS, weights_forward, &i.w, e);
    for (int64_t first = 0; s == OK && first < p->rows; first += p->group * p->chunk) {
        open_group(&k, xs, ys, first);
        for (int64_t n = 0; s == OK && n * p->chunk < k.q.rows; n++) s = gradients_chunk(c, &k, &i, first, n, e);
        if (s == OK) s = threads_share(c->threads, p->dft->count, 1, FREQUENCIES, cpu_fft_product_kernel, &k.q, e);
    }
    if (s == OK) s = clear_rim(c, &i.plan, o->dx, e);
    return s ? s : threads_share(c->threads, p->c, 1, CHANNELS, weights_inverse, &k.w, e);
}

/* ---- the algorithm ------------------------------------------------------------------------------------------------ */

static bool supports(const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)pass;
    bool plain = g->stride[0] == 1 && g->stride[1] == 1 && g->dilation[0] == 1 && g->dilation[1] == 1;
    bool fits = g->kh <= 9 && g->kw <= 9 && g->before[0] < g->kh && g->before[1] < g->kw;
    return g->dtype == DT_FLOAT32 && plain && fits && g->groups == 1 && !cpu_conv_is_empty(g);
}

static double cost(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct fft_plan p;
    double ns;
    cpu_fft_plan(cpu_conv_kernels(c), g, pass, &p, &ns);
    return ns + 0.4 * (cpu_conv_inputs(g) + cpu_conv_outputs(g)) + 0.5 * cpu_conv_weights(g) + 50000;
}

static size_t workspace(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct fft_plan p;
    double ns;
    return cpu_fft_plan(cpu_conv_kernels(c), g, pass, &p, &ns) ? layout(&p, pass, !g->keeps).bytes : 0;
}

static size_t gradients_workspace(const struct cpu *c, const struct cpu_conv *g) {
    struct fft_plan p, back;
    double ns;
    if (!cpu_fft_plan(cpu_conv_kernels(c), g, CPU_CONV_GRAD_KERNEL, &p, &ns) || !cpu_fft_is_whole(&p)) return 0;
    back = cpu_fft_backward(&p);
    return layout(&p, CPU_CONV_GRAD_KERNEL, !g->keeps).bytes + layout(&back, CPU_CONV_GRAD_INPUT, false).bytes;
}

/* The spectra of x, if both passes want the same. */
static size_t kept(const struct cpu *c, const struct cpu_conv *g) {
    struct fft_plan p, back;
    double ns;
    if (!cpu_fft_plan(cpu_conv_kernels(c), g, CPU_CONV_FORWARD, &p, &ns) ||
        !cpu_fft_plan(cpu_conv_kernels(c), g, CPU_CONV_GRAD_KERNEL, &back, &ns))
        return 0;
    const bool same = p.dft == back.dft && p.tile[0] == back.tile[0] && p.tile[1] == back.tile[1];
    return same ? (size_t)(cpu_ceil_div(p.rows, p.chunk) * cpu_fft_input_floats(&p)) * sizeof(float) : 0;
}

static bool pools(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct fft_plan p;
    double ns;
    return cpu_fft_plan(cpu_conv_kernels(c), g, pass, &p, &ns) && cpu_conv_tiles_pool(g, pass, p.tile, p.tiles);
}

const struct cpu_conv_algorithm cpu_conv_fft = {
    .name = "fft",
    .supports = supports,
    .cost = cost,
    .workspace = workspace,
    .pass = {forward, grad_input, grad_kernel},
    .pools = pools,
    .scales = true,
    .finishes = {true, true},
    .gradients = gradients,
    .gradients_workspace = gradients_workspace,
    .kept = kept,
};
