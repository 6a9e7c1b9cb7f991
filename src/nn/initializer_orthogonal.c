/* Orthogonal: a matrix whose columns, or where it is wider than high its rows, are orthonormal: Q of the QR decomposition of
 * normal numbers, with R's diagonal positive. Saxe et al. 2014, "Exact solutions to the nonlinear dynamics of learning in deep
 * linear neural networks". */
#include <math.h>

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
    v->seed = v->seed_given == NN_NONE ? (int64_t)nn_draw_seed(o->run) : v->seed_given;
    return OK;
}

/* The columns of a (rows, columns) become orthonormal, in their order: modified Gram-Schmidt (Golub and Van Loan, 5.2.8),
 * whose Q is the one with R's diagonal positive. `r`: room for a row. */
static void orthonormalise(double *a, int64_t rows, int64_t columns, double *r) {
    for (int64_t j = 0; j < columns; j++) {
        for (int64_t k = j; k < columns; k++) r[k] = 0;
        for (int64_t i = 0; i < rows; i++)
            for (int64_t k = j; k < columns; k++) r[k] += a[i * columns + j] * a[i * columns + k];
        const double norm = sqrt(r[j]);
        for (int64_t i = 0; i < rows; i++) {
            const double q = a[i * columns + j] /= norm;
            for (int64_t k = j + 1; k < columns; k++) a[i * columns + k] -= q * (r[k] / norm);
        }
    }
}

/* The numbers are drawn for the higher of the matrix and its transpose. */
static enum status draw(struct nn_object *o, const struct shape *s, float *out, struct err *e) {
    const struct orthogonal *v = (struct orthogonal *)o;
    const int64_t n = shape_size(s), width = s->rank ? s->dim[s->rank - 1] : 1;
    if (s->rank < 2)
        return err_set(e, ERR_VALUE,
                       "The tensor to initialize must be at least two-dimensional. Received: shape of rank %d",
                       s->rank);
    if (n == 0) return OK;
    const bool wide = n / width < width;
    const int64_t columns = wide ? n / width : width, rows = wide ? width : n / width;
    double *a = mem_alloc(sizeof *a * (size_t)(n + columns), e);
    if (!a) return e->status;
    const struct rng_philox stream = rng_stateless(v->seed, 0);
    rng_normal(&stream, n, 0, 1, out);
    for (int64_t i = 0; i < n; i++) a[i] = out[i];
    orthonormalise(a, rows, columns, a + n);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++)
            out[wide ? k * rows + i : i * columns + k] = (float)(v->gain * a[i * columns + k]);
    mem_free(a);
    return OK;
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
