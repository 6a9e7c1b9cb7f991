/* PiecewiseConstantDecay. */
#include "nn/impl.h"

struct piecewise {
    struct nn_object object;
    json_t *boundaries, *values;
};

static const struct nn_arg args[] = {
    {"boundaries", NN_NUMBERS, offsetof(struct piecewise, boundaries), NULL,
     .doc = "growing: the last step of each rate"},
    {"values", NN_NUMBERS, offsetof(struct piecewise, values), NULL, .doc = "the rates, one more than boundaries"},
    NN_NAME_ARG("PiecewiseConstant"),
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    const struct piecewise *s = (const struct piecewise *)o;
    const size_t boundaries = json_array_size(s->boundaries), values = json_array_size(s->values);
    if (boundaries == 0)
        return err_set(e, ERR_VALUE, "%s: argument boundaries must name at least one step", o->class->name);
    if (boundaries + 1 == values) return OK;
    return err_set(
        e, ERR_VALUE,
        "The length of boundaries should be 1 less than the length of values. Received: boundaries of length "
        "%zu, and values of length %zu.",
        boundaries, values);
}

static double at(const json_t *list, size_t i) {
    return json_number_value(json_array_get(list, i));
}

static struct tensor *rate(struct nn_object *o, struct nn_call *c, struct tensor *step) {
    const struct piecewise *s = (const struct piecewise *)o;
    emit_t value = emit_scalar_like(c->emit, step, at(s->values, 0));
    for (size_t i = 0; i < json_array_size(s->boundaries); i++) {
        emit_t next = emit_scalar_like(c->emit, step, at(s->values, i + 1));
        value = emit_where(c->emit, emit_gts(c->emit, step, at(s->boundaries, i)), next, value);
    }
    return value;
}

const struct nn_schedule_class nn_schedule_piecewise_constant_decay = {
    .base = {.name = "PiecewiseConstantDecay",
             .kind = NN_SCHEDULE,
             .doc = "values[1] while step <= boundaries[1], then values[2] while step <= boundaries[2], ...",
             .args = args,
             .size = sizeof(struct piecewise),
             .init = init},
    .rate = rate,
};
