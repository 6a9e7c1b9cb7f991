/* Add, Subtract, Multiply, Average, Maximum, Minimum: several inputs become one, elementwise with broadcasting. */
#include "nn/impl.h"

static const struct nn_arg args[] = {{0}};

/* Keras's rule: an input of fewer dimensions gets ones behind the batch. */
static struct shape aligned(const struct shape *s, int rank) {
    struct shape out = *s;
    if (s->rank < 1) return out;
    out.rank = rank;
    for (int i = 1; i < rank; i++) out.dim[i] = i < rank - s->rank + 1 ? 1 : s->dim[i - rank + s->rank];
    return out;
}

static int highest_rank(const struct shape *in, int nin) {
    int rank = 0;
    for (int i = 0; i < nin; i++)
        if (in[i].rank > rank) rank = in[i].rank;
    return rank;
}

/* One dimension of the output; -1 is unknown. */
static bool join(int64_t *a, int64_t b) {
    if (*a == 1 || (*a < 0 && b > 1)) *a = b;
    return *a == b || b == 1 || b < 0;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)l;
    char first[200], other[200];
    if (nin < 2)
        return err_set(e, ERR_VALUE, "A merge layer should be called on a list of at least 2 inputs. Received: %d",
                       nin);
    int rank = highest_rank(in, nin);
    *out = aligned(&in[0], rank);
    for (int i = 1; i < nin; i++) {
        struct shape s = aligned(&in[i], rank);
        bool fits = out->rank == s.rank;
        for (int d = 0; fits && d < rank; d++) fits = join(&out->dim[d], s.dim[d]);
        if (!fits)
            return err_set(e, ERR_VALUE, "Inputs have incompatible shapes. Received shapes %s and %s",
                           nn_shape_text(&in[0], first, sizeof first), nn_shape_text(&in[i], other, sizeof other));
    }
    return OK;
}

typedef emit_t merge_fn(struct op_emitter *m, emit_t a, emit_t b);

static struct tensor *merge(struct nn_call *c, struct tensor *const *x, int nx, merge_fn *two) {
    struct tensor *y = NULL;
    int rank = 0;
    for (int i = 0; i < nx; i++)
        if (x[i]->shape.rank > rank) rank = x[i]->shape.rank;
    for (int i = 0; i < nx; i++) {
        struct shape s = aligned(&x[i]->shape, rank);
        emit_t next = emit_reshape(c->emit, x[i], &s);
        y = i ? two(c->emit, y, next) : next;
    }
    return y;
}

#define MERGE(NAME, TWO)                                                                                               \
    static struct tensor *NAME(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {               \
        (void)l;                                                                                                       \
        return merge(c, x, nx, TWO);                                                                                   \
    }
MERGE(add, emit_add)
MERGE(subtract, emit_sub)
MERGE(multiply, emit_mul)
MERGE(maximum, emit_maximum)
MERGE(minimum, emit_minimum)

static struct tensor *average(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    return emit_divs(c->emit, add(l, c, x, nx), nx);
}

#define MERGE_CLASS(NAME, DOC, INPUTS, CALL)                                                                           \
    .base = {.name = (NAME), .kind = NN_LAYER, .doc = (DOC), .args = args, .size = sizeof(struct nn_layer)},           \
    .nin = (INPUTS), .output = output, .call = (CALL)

const struct nn_layer_class nn_layer_add = {
    MERGE_CLASS("Add", "the sum of the inputs", NN_ANY_INPUTS, add),
};

const struct nn_layer_class nn_layer_subtract = {
    MERGE_CLASS("Subtract", "the first input minus the second", 2, subtract),
};

const struct nn_layer_class nn_layer_multiply = {
    MERGE_CLASS("Multiply", "the product of the inputs", NN_ANY_INPUTS, multiply),
};

const struct nn_layer_class nn_layer_average = {
    MERGE_CLASS("Average", "the mean of the inputs", NN_ANY_INPUTS, average),
};

const struct nn_layer_class nn_layer_maximum = {
    MERGE_CLASS("Maximum", "the largest of the inputs", NN_ANY_INPUTS, maximum),
};

const struct nn_layer_class nn_layer_minimum = {
    MERGE_CLASS("Minimum", "the smallest of the inputs", NN_ANY_INPUTS, minimum),
};
