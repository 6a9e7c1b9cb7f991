/* What convolutions by transforms share: images cut into tiles, channels cut into blocks, kernels reversed. */
#ifndef CPU_CONV_TILES_H
#define CPU_CONV_TILES_H

#include "device/cpu/conv.h"
#include "device/cpu/conv_kernels.h"

/* Channel counts are padded to vectors of 16 and lie in blocks of at most 64. */
enum { CPU_CONV_LANE = 16, CPU_CONV_BLOCK = 64 };

/* The block width that pads `channels` least; the widest of equals. */
int64_t cpu_conv_block(int64_t channels);

/* Images (n, h, w, c) under a grid of tiles: tile t of an axis starts at t * tile - before and fills at most `limit`
 * positions. A row is one tile of one image. */
struct cpu_conv_grid {
    float *data;
    int64_t n, h, w, c;
    int64_t tile[2], tiles[2], before[2], limit[2];
    bool stream;                      /* what is written goes past the cache */
    const struct cpu_conv_pool *pool; /* the images are there pooled only; NULL: as they are */
    const float *scale, *shift;       /* as struct cpu_conv has them */
    struct cpu_conv_finish finish;    /* likewise, of all images */
};

/* The patch of a row, at channel 0, to be read or to be written: positions outside of the image or the limit are left
 * out. `w` is its windows' place, where the image is there pooled. (Both are filled where they are: a copy right after the
 * fields were written waits for them, 3 % of a training step of small tiles.) */
void cpu_conv_patch(const struct cpu_conv_grid *g, int64_t row, bool writes, struct cpu_conv_patch *p,
                    struct cpu_conv_windows *w);
/* Of results from element `offset` on, at channel 0. */
static inline void cpu_conv_finish_at(const struct cpu_conv_finish *from, int64_t offset, struct cpu_conv_finish *f) {
    f->bias = from->bias, f->relu = from->relu;
    f->positive = from->positive ? from->positive + offset : NULL;
    f->where = from->where ? from->where + offset : NULL;
}
static inline void cpu_conv_finish_advance(struct cpu_conv_finish *f, int64_t channels) {
    if (!cpu_conv_finishes(f)) return; /* then the rest may be anything */
    if (f->bias) f->bias += channels;
    if (f->positive) f->positive += channels;
    if (f->where) f->where += channels;
}
static inline void cpu_conv_patch_advance(struct cpu_conv_patch *p, int64_t channels) {
    p->x += channels;
    if (p->scale) p->scale += channels, p->shift += channels;
    cpu_conv_finish_advance(&p->finish, channels);
    if (!p->pooled) return;
    cpu_conv_finish_advance(&p->pooled->finish, channels);
    p->pooled->value += channels;
    if (p->pooled->place) p->pooled->place += channels;
}

/* Transforms work on whole vectors of channels. Where only `used` are left, or the image is there pooled or before its
 * scale, or is to be finished, this gives a patch in `scratch` (n * n vectors), whose header is `room`, filled from the
 * image unless it is to be written; else the patch itself. `leave` takes what was written back. */
struct cpu_conv_patch *cpu_conv_patch_copy(const struct cpu_conv_kernels *k, const struct cpu_conv_patch *g, int used,
                                           int n, float *scratch, bool writes, struct cpu_conv_patch *room);
static inline struct cpu_conv_patch *cpu_conv_patch_enter(const struct cpu_conv_kernels *k, struct cpu_conv_patch *g,
                                                          int used, int n, float *scratch, bool writes,
                                                          struct cpu_conv_patch *room) {
    if ((used & (k->lanes - 1)) == 0 && !g->pooled && !g->scale && !cpu_conv_finishes(&g->finish)) return g;
    return cpu_conv_patch_copy(k, g, used, n, scratch, writes, room);
}
void cpu_conv_patch_leave(const struct cpu_conv_kernels *k, const struct cpu_conv_patch *g,
                          struct cpu_conv_patch *entered, int used);

/* Whether g->pool suits tiles of this size: whole vectors of channels, and on the way out no window in two tiles. */
bool cpu_conv_tiles_pool(const struct cpu_conv *g, enum cpu_conv_pass pass, const int64_t tile[2],
                         const int64_t tiles[2]);
/* The windows over an image, whose position (0, 0) is the patch's (y, x), from channel 0 of `channels` on. */
void cpu_conv_windows(const struct cpu_conv_pool *p, int64_t image, int64_t y, int64_t x, int64_t channels,
                      struct cpu_conv_windows *w);
/* Those of them that meet the patch. */
void cpu_conv_windows_read(struct cpu_conv_windows *w, const struct cpu_conv_patch *p);

/* Pools a patch, all its channels, or fills it from what was pooled; w: over channel 0. Both are as they were, after it. */
void cpu_conv_pool(const struct cpu_conv_kernels *k, struct cpu_conv_patch *p, struct cpu_conv_windows *w, bool unpool);

/* Whether results at y of so many pixels and channels are better written past the cache: a third less traffic where no
 * cache keeps them anyway. */
bool cpu_conv_streams(const float *y, int64_t pixels, int64_t channels);

/* How many positions of an axis some output read, of an input's gradient of `size` positions: the correlation of `in`
 * positions of dy, `before` of them zeros in front, reaches so far. */
int64_t cpu_conv_reach(int64_t in, int64_t before, int64_t size);
/* Zeros in images (n, h, w, c) at y for what lies behind their first `rows` rows and `columns` columns: an input's gradient
 * where no output read it. */
enum status cpu_conv_clear_rim(struct cpu *c, float *y, const int64_t shape[4], int64_t rows, int64_t columns,
                               struct err *e);

/* The kernel (kh, kw, c, o) transposed to (kh, kw, o, c); reversed, too, it is what the input gradient correlates dy with. */
enum status cpu_conv_transpose(struct cpu *c, const struct cpu_conv *g, const float *w, float *out, bool reverse,
                               struct err *e);

#endif
