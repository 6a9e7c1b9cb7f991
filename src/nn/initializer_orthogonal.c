/* Orthogonal: a matrix whose columns, or where it is wider than high its rows, are orthonormal: Q of the QR decomposition of
 * normal numbers, with R's diagonal positive. Saxe et al. 2014, "Exact solutions to the nonlinear dynamics of learning in deep
 * linear neural networks". */
#include <math.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "nn/impl.h"

struct orthogonal {
    struct nn_object object;
    double gain;
    int64_t seed_given, seed;
};

#define FIELD(field) offsetof(struct orthogonal, field)
static const struct nn_arg args[] = {
    {"gain", NN_FLOAT, FIELD(gain), "1.0", .doc = "factor of the matrix"},
    {"seed", NN_INT, FIELD(seed_given), "null", .doc = "null: drawn"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    (void)e;
    struct orthogonal *v = (struct orthogonal *)o;
    v->seed = nn_seed_or_draw(o->run, v->seed_given);
    return OK;
}

enum { SUMS = 8 }; /* at once: one after the other they would wait for each other */

static double dot(const double *a, const double *b, int64_t n) {
    double sum[SUMS] = {0}, all = 0;
    int64_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
        for (int k = 0; k < SUMS; k++) sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++) all += a[i] * b[i];
    for (int k = 0; k < SUMS; k++) all += sum[k];
    return all;
}

/* `count` vectors of n numbers each become orthonormal, in their order: modified Gram-Schmidt (Golub and Van Loan, 5.2.8),
 * whose Q is the one with R's diagonal positive. 1024 of 4096 numbers: 3 s, so a cancel is looked for. */
static enum status orthonormalise(double *a, int64_t count, int64_t n, struct err *e) {
    for (int64_t j = 0; j < count && cancel_check(e) == OK; j++) {
        double *x = a + j * n;
        for (int64_t k = 0; k < j; k++) {
            const double *q = a + k * n, r = dot(q, x, n);
            for (int64_t i = 0; i < n; i++) x[i] -= r * q[i];
        }
        const double norm = sqrt(dot(x, x, n));
        for (int64_t i = 0; i < n; i++) x[i] /= norm;
    }
    return e->status;
}

/* The numbers are drawn for the higher of the matrix and its transpose, (n, count), whose columns are the vectors. */
static enum status draw(struct nn_object *o, const struct shape *s, float *out, struct err *e) {
    const struct orthogonal *v = (struct orthogonal *)o;
    const int64_t size = shape_size(s), width = s->rank ? s->dim[s->rank - 1] : 1;
    char text[200];
    if (s->rank < 2)
        return err_set(e, ERR_VALUE,
                       "The tensor to initialize must be at least two-dimensional. Received: shape=%s of rank %d.",
                       nn_shape_text(s, text, sizeof text), s->rank);
    if (size == 0) return OK;
    const bool wide = size / width < width;
    const int64_t count = wide ? size / width : width, n = size / count;
    double *a = mem_alloc(sizeof *a * (size_t)size, e);
    if (!a) return e->status;
    const struct rng_philox stream = rng_stateless(v->seed, 0);
    rng_normal(&stream, size, 0, 1, out);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < count; k++) a[k * n + i] = out[i * count + k];
    if (orthonormalise(a, count, n, e) == OK)
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < count; k++) out[wide ? k * n + i : i * count + k] = (float)(v->gain * a[k * n + i]);
    mem_free(a);
    return e->status;
}

const struct nn_initializer_class nn_initializer_orthogonal = {
    .base = {.name = "Orthogonal",
             .alias = "orthogonal OrthogonalInitializer",
             .kind = NN_INITIALIZERS,
             .doc =
                 "a matrix with orthonormal columns or rows, times gain; other dimensions than the last count as rows",
             .args = args,
             .size = sizeof(struct orthogonal),
             .init = init},
    .draw = draw,
    .seed = FIELD(seed),
};
