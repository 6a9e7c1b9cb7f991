/* Max pooling of a patch, and back, for a vector of channels: what isa/pool.c does for images in memory, bit for bit. */
#include "device/cpu/isa/patch.h"

/* The part of a window that lies in the patch: positions of the patch, and the first one's place in the window. */
struct part {
    int64_t top, left, rows, columns;
    int64_t place;
};

INLINE ivec choose(ivec mask, ivec a, ivec b) {
    return (mask & a) | (~mask & b);
}

INLINE struct part part_of(const struct cpu_conv_patch *g, const struct cpu_conv_windows *w, int64_t i, int64_t j) {
    const int64_t y = i * w->stride[0] - w->first[0], x = j * w->stride[1] - w->first[1];
    const int64_t bottom = y + w->size[0] < g->bottom ? y + w->size[0] : g->bottom;
    const int64_t right = x + w->size[1] < g->right ? x + w->size[1] : g->right;
    const int64_t top = y > g->top ? y : g->top, left = x > g->left ? x : g->left;
    return (struct part){top, left, bottom - top, right - left, (top - y) * w->size[1] + left - x};
}

/* One more number of a window. NaN wins; of equal ones the first has the place, and the last the value, which only zeros of
 * two signs show. place NULL: not wanted, a fifth less time. */
INLINE void look_at(vec a, int32_t here, vec *most, ivec *place) {
#if defined(                                                                                                           \
    CPU_ISA_avx512) /* masks, and max_ps, which gives its second operand where one is NaN: a third of the time */
    const __m512 m = (__m512)*most, x = (__m512)a;
    const __mmask16 number = _mm512_cmp_ps_mask(m, m, _CMP_ORD_Q);
    const __mmask16 more = place ? _mm512_mask_cmp_ps_mask(number, x, m, _CMP_NLE_UQ) : 0;
    if (place) *place = (ivec)_mm512_mask_mov_epi32((__m512i)*place, more, _mm512_set1_epi32(here));
    *most = (vec)_mm512_mask_mov_ps(m, number, _mm512_max_ps(m, x));
#else
    if (place) *place = choose(~(a <= *most) & (*most == *most), (ivec){0} + here, *place);
    *most = (vec)choose((*most > a) | (*most != *most), (ivec)*most, (ivec)a);
#endif
}

INLINE void pool_window(const struct cpu_conv_patch *g, const struct cpu_conv_windows *w, const struct part *p,
                        int64_t rows, int64_t columns, int64_t at, bool places) {
    const float *x = g->x + p->top * g->row_stride + p->left * g->column_stride;
    vec most = vec_load(x);
    ivec place = (ivec){0} + (int32_t)p->place;
#pragma GCC unroll 2
    for (int64_t v = 0; v < rows; v++)
#pragma GCC unroll 2
        for (int64_t u = 0; u < columns; u++) {
            if (v == 0 && u == 0) continue;
            const vec a = vec_load(x + v * g->row_stride + u * g->column_stride);
            look_at(a, (int32_t)(p->place + v * w->size[1] + u), &most, places ? &place : NULL);
        }
    if (w->finish.bias) most = patch_finish(&w->finish, 0, at, most);
    vec_store(w->value + at, most);
    if (places) bytes_store(w->place + at, place);
}

INLINE void pool_part(const struct cpu_conv_patch *g, const struct cpu_conv_windows *w, const struct part *p,
                      int64_t rows, int64_t columns, int64_t at) {
    pool_window(g, w, p, rows, columns, at, false);
}
INLINE void pool_part_places(const struct cpu_conv_patch *g, const struct cpu_conv_windows *w, const struct part *p,
                             int64_t rows, int64_t columns, int64_t at) {
    pool_window(g, w, p, rows, columns, at, true);
}

INLINE void unpool_part(const struct cpu_conv_patch *g, const struct cpu_conv_windows *w, const struct part *p,
                        int64_t rows, int64_t columns, int64_t at) {
    float *x = g->x + p->top * g->row_stride + p->left * g->column_stride;
    __builtin_prefetch(w->value + at + w->next, 0, 2);
    __builtin_prefetch(w->place + at + w->next, 0, 2);
    const ivec dy = (ivec)vec_load(w->value + at);
    const ivec place = bytes_load(w->place + at) - (int32_t)p->place;
#pragma GCC unroll 2
    for (int64_t v = 0; v < rows; v++)
#pragma GCC unroll 2
        for (int64_t u = 0; u < columns; u++)
            vec_store(x + v * g->row_stride + u * g->column_stride,
                      (vec)((place == (int32_t)(v * w->size[1] + u)) & dy));
}

static void zero(const struct cpu_conv_patch *g) {
    for (int64_t y = g->top; y < g->bottom; y++)
        for (int64_t x = g->left; x < g->right; x++)
            vec_store(g->x + y * g->row_stride + x * g->column_stride, vec_zero());
}

typedef void part_fn(const struct cpu_conv_patch *g, const struct cpu_conv_windows *w, const struct part *p,
                     int64_t rows, int64_t columns, int64_t at);

/* Windows of 2 x 2, which are the usual ones, in straight-line code: a third of the time. */
INLINE void each_window(const struct cpu_conv_patch *g, const struct cpu_conv_windows *w, part_fn *f) {
    for (int64_t i = w->begin[0]; i < w->end[0]; i++)
        for (int64_t j = w->begin[1]; j < w->end[1]; j++) {
            const struct part p = part_of(g, w, i, j);
            const int64_t at = i * w->row_stride + j * w->column_stride;
            if (p.rows == 2 && p.columns == 2 && w->size[1] == 2)
                f(g, w, &p, 2, 2, at);
            else
                f(g, w, &p, p.rows, p.columns, at);
        }
}

void CPU_SYMBOL(pool_patch)(const struct cpu_conv_patch *from, const struct cpu_conv_windows *w) {
    if (w->place)
        each_window(from, w, pool_part_places);
    else
        each_window(from, w, pool_part);
}

void CPU_SYMBOL(unpool_patch)(const struct cpu_conv_patch *to, const struct cpu_conv_windows *w) {
    if (!w->covered) zero(to);
    each_window(to, w, unpool_part);
}
