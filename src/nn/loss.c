/* What every loss does: brings labels and predictions to one rank, then weights and reduces what its formula gives. */
#include <string.h>

#include "nn/impl.h"

static const char *reduction_of(const struct nn_object *o) {
    const char *r = ((const struct nn_loss *)o)->reduction;
    return r ? r : "none";
}

static struct tensor *count_of(struct nn_call *c, const struct tensor *values) {
    return emit_full(c->emit, values->dtype, &(struct shape){0}, (double)shape_size(&values->shape));
}

/* Keras's reduce_values. */
static struct tensor *reduce(struct nn_call *c, const char *reduction, struct tensor *values, struct tensor *weight) {
    if (!values || strcmp(reduction, "none") == 0 || values->shape.rank == 0) return values;
    emit_t sum = emit_sum(c->emit, values, NULL);
    if (strcmp(reduction, "sum") == 0) return sum;
    if (weight && strcmp(reduction, "mean_with_sample_weight") == 0)
        return nn_divide_no_nan(c, sum, emit_sum(c->emit, weight, NULL));
    if (shape_size(&values->shape) == 0) return sum;
    return emit_div(c->emit, sum, count_of(c, values));
}

static struct tensor *weighted(struct nn_call *c, struct tensor *values, struct tensor **weight) {
    *weight = emit_cast(c->emit, *weight, DT_FLOAT32);
    nn_same_rank(c, &values, weight);
    return emit_mul(c->emit, values, *weight);
}

enum status nn_loss_call(struct nn_object *o, struct tensor *y_true, struct tensor *y_pred, struct tensor *weight,
                         struct tensor **out, struct err *e) {
    const struct nn_loss_class *class = (const struct nn_loss_class *)o->class;
    struct op_emitter emit;
    struct nn_call c = nn_call_begin(o->run, &emit, true, e);
    emit_t labels = emit_cast(&emit, y_true, class->labels ? DT_INT64 : DT_FLOAT32);
    emit_t predictions = emit_cast(&emit, y_pred, DT_FLOAT32);
    nn_same_rank(&c, &labels, &predictions);
    emit_t values = labels && predictions ? class->call(o, &c, labels, predictions) : NULL;
    if (weight && values) values = weighted(&c, values, &weight);
    if (nn_call_end(&c, reduce(&c, reduction_of(o), values, weight), out)) err_prefix(e, "loss %s", o->class->name);
    return e->status;
}
