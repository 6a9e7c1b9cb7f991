/* See conv.h. */
#include "support/conv.h"

#include <string.h>

struct place {
    const int64_t *x, *k, *y; /* dimensions */
    const struct op_window *w;
    int64_t b, i, j, u, v;
};

/* One position and one tap: all channels of all groups. */
static void add_tap(enum conv_pass pass, const struct place *p, const double *a, const double *b, double *out) {
    const int64_t row = p->i * p->w->stride[0] + p->u * p->w->dilation[0] - p->w->before[0];
    const int64_t column = p->j * p->w->stride[1] + p->v * p->w->dilation[1] - p->w->before[1];
    if (row < 0 || row >= p->x[1] || column < 0 || column >= p->x[2]) return;
    const int64_t groups = p->w->groups, channels = p->k[2], filters = p->k[3] / groups;
    const int64_t x = ((p->b * p->x[1] + row) * p->x[2] + column) * p->x[3];
    const int64_t y = ((p->b * p->y[1] + p->i) * p->y[2] + p->j) * p->y[3];
    const int64_t k = (p->u * p->k[1] + p->v) * channels * p->k[3];
    for (int64_t o = 0; o < p->k[3]; o++)
        for (int64_t c = 0; c < channels; c++) {
            const int64_t at_x = x + o / filters * channels + c, at_k = k + c * p->k[3] + o, at_y = y + o;
            if (pass == CONV_FORWARD)
                out[at_y] += a[at_x] * b[at_k];
            else if (pass == CONV_GRAD_INPUT)
                out[at_x] += a[at_y] * b[at_k];
            else
                out[at_k] += a[at_x] * b[at_y];
        }
}

void conv_reference(enum conv_pass pass, const struct shape *x, const struct shape *k, const struct shape *y,
                    const struct op_window *w, const double *a, const double *b, double *out) {
    const struct shape *result = pass == CONV_FORWARD ? y : pass == CONV_GRAD_INPUT ? x : k;
    memset(out, 0, sizeof *out * (size_t)shape_size(result));
    struct place p = {x->dim, k->dim, y->dim, w, 0, 0, 0, 0, 0};
    for (p.b = 0; p.b < y->dim[0]; p.b++)
        for (p.i = 0; p.i < y->dim[1]; p.i++)
            for (p.j = 0; p.j < y->dim[2]; p.j++)
                for (p.u = 0; p.u < k->dim[0]; p.u++)
                    for (p.v = 0; p.v < k->dim[1]; p.v++) add_tap(pass, &p, a, b, out);
}
