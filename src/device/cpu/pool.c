/* max_pool2d and its gradient, over NHWC images. Rows of the output run in parallel; of the gradient, whole images,
 * since windows may overlap. */
#include <string.h>

#include "device/cpu/cpu.h"

enum { WORK = 1 << 15 }; /* elements a chunk reads, about */

struct pool {
    const struct cpu *cpu;
    const struct op_window *window;
    int64_t h, w, c, oh, ow;
    size_t size;
    const char *x, *y, *dy;
    char *out;
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

static struct pool make_pool(const struct cpu *c, const struct op_call *call, const struct shape *y) {
    const struct tensor *x = call->in[0];
    return (struct pool){
        .cpu = c,
        .window = &call->attrs->window,
        .h = x->shape.dim[1],
        .w = x->shape.dim[2],
        .c = x->shape.dim[3],
        .oh = y->dim[1],
        .ow = y->dim[2],
        .size = dtype_size(x->dtype),
        .x = tensor_data(x),
        .out = tensor_data(call->out[0]),
        .overlap = overlaps(&call->attrs->window),
        .covered = covers(&call->attrs->window, x->shape.dim[1], x->shape.dim[2], y),
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
    return (y * p->w + x) * p->c;
}

static void max_rows(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pool *p = arg;
    for (int64_t row = begin; row < end; row++) {
        const char *image = p->x + (size_t)(row / p->oh * p->h * p->w * p->c) * p->size;
        for (int64_t j = 0; j < p->ow; j++) {
            struct cpu_pool_window w;
            const int64_t first = window_at(p, row % p->oh, j, &w);
            p->cpu->isa->pool_max[p->size == 8](&w, image + (size_t)first * p->size,
                                                p->out + (size_t)((row * p->ow + j) * p->c) * p->size);
        }
    }
}

static int64_t grain(int64_t elements) {
    return elements > 0 && WORK / elements > 1 ? WORK / elements : 1;
}

static enum status run_max_pool2d(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    struct pool p = make_pool(c, call, &call->out[0]->shape);
    if (tensor_size(call->out[0]) == 0) return OK;
    const int64_t read = p.ow * p.c * p.window->size[0] * p.window->size[1];
    return threads_for(c->threads, call->in[0]->shape.dim[0] * p.oh, grain(read), max_rows, &p, e);
}

static void grad_images(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pool *p = arg;
    const size_t image = (size_t)(p->h * p->w * p->c) * p->size, pooled = (size_t)(p->oh * p->ow * p->c) * p->size;
    for (int64_t b = begin; b < end; b++) {
        const char *x = p->x + (size_t)b * image;
        char *dx = p->out + (size_t)b * image;
        if (p->overlap || !p->covered) memset(dx, 0, image);
        for (int64_t i = 0; i < p->oh * p->ow; i++) {
            struct cpu_pool_window w;
            const size_t first = (size_t)window_at(p, i / p->ow, i % p->ow, &w) * p->size;
            const size_t at = (size_t)b * pooled + (size_t)(i * p->c) * p->size;
            p->cpu->isa->pool_grad[p->size == 8](&w, x + first, p->y + at, p->dy + at, dx + first);
        }
    }
}

static enum status run_max_pool2d_grad(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    struct pool p = make_pool(c, call, &call->in[1]->shape);
    p.y = tensor_data(call->in[1]);
    p.dy = tensor_data(call->in[2]);
    if (tensor_size(call->out[0]) == 0) return OK;
    return threads_for(c->threads, call->in[0]->shape.dim[0], grain(p.h * p.w * p.c), grad_images, &p, e);
}

const struct cpu_kernel cpu_kernel_max_pool2d = {.run = run_max_pool2d};
const struct cpu_kernel cpu_kernel_max_pool2d_grad = {.run = run_max_pool2d_grad};
