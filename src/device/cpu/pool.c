/* max_pool2d, with and without places, and max_unpool2d, over NHWC images. Rows of the output run in parallel; of the way
 * back whole images, since windows may overlap. */
#include <string.h>

#include "device/cpu/cpu.h"

enum { WORK = 1 << 15 }; /* elements a chunk reads, about */

struct pool {
    const struct cpu *cpu;
    const struct op_window *window;
    int64_t h, w, c, oh, ow;
    size_t size;
    const char *x; /* what is pooled; of unpooling, dy */
    char *out, *place;
    int kind; /* of the places: uint8, int32 or int64 */
    size_t place_size;
    bool overlap, covered; /* windows share elements; every element is in a window */
};

static bool overlaps(const struct op_window *w) {
    return w->stride[0] < w->size[0] || w->stride[1] < w->size[1];
}

static bool covers(const struct op_window *w, int64_t height, int64_t width, const struct shape *y) {
    const int64_t input[2] = {height, width};
    for (int d = 0; d < 2; d++)
        if (w->stride[d] > w->size[d] || (y->dim[d + 1] - 1) * w->stride[d] + w->size[d] - w->before[d] < input[d])
            return false;
    return true;
}

/* x and y: the larger side and the pooled one. */
static struct pool make_pool(const struct cpu *c, const struct op_call *call, const struct shape *x,
                             const struct shape *y) {
    const struct op_window *w = &call->attrs->window;
    return (struct pool){
        .cpu = c,
        .window = w,
        .h = x->dim[1],
        .w = x->dim[2],
        .c = x->dim[3],
        .oh = y->dim[1],
        .ow = y->dim[2],
        .size = dtype_size(call->out[0]->dtype),
        .out = tensor_data(call->out[0]),
        .overlap = overlaps(w),
        .covered = covers(w, x->dim[1], x->dim[2], y),
    };
}

/* The part of window `i` that lies inside a dimension of `size`: its first place and how many. */
static int64_t clip(const struct op_window *w, int d, int64_t i, int64_t size, int64_t *count) {
    const int64_t first = i * w->stride[d] - w->before[d], last = first + w->size[d];
    const int64_t begin = first > 0 ? first : 0, end = last < size ? last : size;
    *count = end - begin;
    return begin;
}

/* Window (i, j) of an image, and the place of its first element in it. */
static int64_t window_at(const struct pool *p, int64_t i, int64_t j, struct cpu_pool_window *w) {
    w->channels = p->c;
    w->row_step = p->w * p->c;
    w->overlap = p->overlap;
    const int64_t y = clip(p->window, 0, i, p->h, &w->rows), x = clip(p->window, 1, j, p->w, &w->columns);
    w->top = y - (i * p->window->stride[0] - p->window->before[0]);
    w->left = x - (j * p->window->stride[1] - p->window->before[1]);
    w->width = p->window->size[1];
    return (y * p->w + x) * p->c;
}

static void set_places(struct pool *p, const struct tensor *place) {
    p->place = tensor_data(place);
    p->place_size = dtype_size(place->dtype);
    p->kind = place->dtype == DT_UINT8 ? 0 : place->dtype == DT_INT32 ? 1 : 2;
}

static void max_rows(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pool *p = arg;
    for (int64_t row = begin; row < end; row++) {
        const char *image = p->x + (size_t)(row / p->oh * p->h * p->w * p->c) * p->size;
        for (int64_t j = 0; j < p->ow; j++) {
            struct cpu_pool_window w;
            const int64_t first = window_at(p, row % p->oh, j, &w);
            const int64_t at = (row * p->ow + j) * p->c;
            const char *x = image + (size_t)first * p->size;
            char *y = p->out + (size_t)at * p->size;
            if (p->place)
                p->cpu->isa->pool_argmax[p->size == 8][p->kind](&w, x, y, p->place + (size_t)at * p->place_size);
            else
                p->cpu->isa->pool_max[p->size == 8](&w, x, y);
        }
    }
}

static int64_t grain(int64_t elements) {
    return elements > 0 && WORK / elements > 1 ? WORK / elements : 1;
}

static enum status run_pool(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    struct pool p = make_pool(c, call, &call->in[0]->shape, &call->out[0]->shape);
    p.x = tensor_data(call->in[0]);
    if (call->nout == 2) set_places(&p, call->out[1]);
    if (tensor_size(call->out[0]) == 0) return OK;
    const int64_t read = p.ow * p.c * p.window->size[0] * p.window->size[1];
    return threads_for(c->threads, call->in[0]->shape.dim[0] * p.oh, grain(read), max_rows, &p, e);
}

static void unpool_images(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pool *p = arg;
    const size_t image = (size_t)(p->h * p->w * p->c) * p->size;
    for (int64_t b = begin; b < end; b++) {
        char *dx = p->out + (size_t)b * image;
        if (p->overlap || !p->covered) memset(dx, 0, image);
        for (int64_t i = 0; i < p->oh * p->ow; i++) {
            struct cpu_pool_window w;
            const size_t first = (size_t)window_at(p, i / p->ow, i % p->ow, &w) * p->size;
            const size_t at = (size_t)((b * p->oh * p->ow + i) * p->c);
            p->cpu->isa->unpool[p->size == 8][p->kind](&w, p->place + at * p->place_size, p->x + at * p->size,
                                                       dx + first);
        }
    }
}

static enum status run_unpool(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    struct pool p = make_pool(c, call, &call->out[0]->shape, &call->in[0]->shape);
    set_places(&p, call->in[0]);
    p.x = tensor_data(call->in[1]);
    if (tensor_size(call->out[0]) == 0) return OK;
    return threads_for(c->threads, call->in[0]->shape.dim[0], grain(p.h * p.w * p.c), unpool_images, &p, e);
}

const struct cpu_kernel cpu_kernel_max_pool2d = {.run = run_pool};
const struct cpu_kernel cpu_kernel_max_pool2d_argmax = {.run = run_pool};
const struct cpu_kernel cpu_kernel_max_unpool2d = {.run = run_unpool};
