/* ReLU: x above a threshold, a straight line below it, cut at a largest value. */
#include <math.h>

#include "nn/impl.h"

struct relu {
    struct nn_layer layer;
    double max_value, negative_slope, threshold;
};

static const struct nn_arg args[] = {
    {"max_value", NN_FLOAT, offsetof(struct relu, max_value), "null", .doc = "the largest result; null: none"},
    {"negative_slope", NN_FLOAT, offsetof(struct relu, negative_slope), "0.0", .doc = "slope below the threshold"},
    {"threshold", NN_FLOAT, offsetof(struct relu, threshold), "0.0", .doc = "where x begins to pass"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    const struct relu *r = (struct relu *)o;
    if (r->max_value < 0)
        return err_set(e, ERR_VALUE, "max_value of a ReLU layer cannot be a negative value. Received: max_value=%g",
                       r->max_value);
    if (r->negative_slope < 0)
        return err_set(e, ERR_VALUE,
                       "negative_slope of a ReLU layer cannot be None or a negative value. Received: "
                       "negative_slope=%g",
                       r->negative_slope);
    if (r->threshold < 0)
        return err_set(e, ERR_VALUE,
                       "threshold of a ReLU layer cannot be None or a negative value. Received: threshold=%g",
                       r->threshold);
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const struct relu *r = (struct relu *)l;
    struct op_emitter *m = c->emit;
    emit_t below = r->negative_slope ? emit_relu(m, emit_adds(m, emit_neg(m, x[0]), r->threshold)) : NULL;
    emit_t y = r->threshold ? emit_where(m, emit_gts(m, x[0], r->threshold), x[0], emit_scalar_like(m, x[0], 0))
                            : emit_relu(m, x[0]);
    if (!isnan(r->max_value)) y = emit_minimums(m, y, r->max_value);
    return below ? emit_sub(m, y, emit_muls(m, below, r->negative_slope)) : y;
}

const struct nn_layer_class nn_layer_relu = {
    .base = {.name = "ReLU",
             .kind = NN_LAYER,
             .doc = "x above the threshold, at most max_value; negative_slope * (x - threshold) below it. Any shape",
             .args = args,
             .size = sizeof(struct relu),
             .init = init},
    .call = call,
};
