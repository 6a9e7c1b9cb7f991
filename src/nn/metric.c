/* What every metric does: a running mean of what its formula gives for each sample, or a ratio of two running sums. */
#include "base/buf.h"
#include "nn/impl.h"

static const struct nn_metric_class *class_of(const struct nn_object *o) {
    return (const struct nn_metric_class *)o->class;
}

static enum status add_state(struct nn_object *o, const char *name, struct err *e) {
    struct buf path = {0};
    float zero = 0;
    buf_printf(&path, "%s/%s", o->name, name);
    if (!buf_status(&path, e) && !nn_new_variable(o->run, buf_text(&path), DT_FLOAT32, &(struct shape){0}, &zero, false,
                                                  &o->variable[o->nvariable], e))
        o->nvariable++;
    buf_free(&path);
    return e->status;
}

enum status nn_metric_init(struct nn_object *o, struct err *e) {
    return add_state(o, "total", e) ? e->status : add_state(o, "count", e);
}

static struct tensor *mean_from(struct nn_call *c, struct tensor *x, int first) {
    if (!x || first >= x->shape.rank) return x;
    struct op_axes axes = nn_axes_from(first, x->shape.rank);
    return emit_mean(c->emit, x, &axes);
}

/* Keras's reduce_to_samplewise_values: values and weights become one number for each sample. */
static void by_sample(struct nn_call *c, struct tensor **values, struct tensor **weight) {
    if (*weight) {
        *weight = emit_cast(c->emit, *weight, DT_FLOAT32);
        nn_same_rank(c, values, weight);
        if (!*values || !*weight) return;
        int rank = (*weight)->shape.rank;
        if ((*values)->shape.rank > rank) *values = mean_from(c, *values, rank);
        *weight = *values ? emit_broadcast_to(c->emit, *weight, &(*values)->shape) : NULL;
        *values = emit_mul(c->emit, *values, *weight);
        *weight = mean_from(c, *weight, 1);
    }
    *values = mean_from(c, *values, 1);
}

static struct tensor *samples(struct nn_call *c, const struct tensor *values, struct tensor *weight) {
    if (weight) return emit_sum(c->emit, weight, NULL);
    int64_t n = values->shape.rank > 0 ? values->shape.dim[0] : 1;
    return emit_full(c->emit, DT_FLOAT32, &(struct shape){0}, (double)n);
}

static void add_to(struct nn_call *c, struct variable *v, struct tensor *more) {
    nn_assign(c, v, emit_add(c->emit, nn_read(c, v), more));
}

/* Adds the mean's part of a batch. */
static void update_mean(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred,
                        struct tensor *weight) {
    emit_t values = class_of(o)->call(o, c, y_true, y_pred);
    if (values) by_sample(c, &values, &weight);
    if (!values) return;
    add_to(c, o->variable[0], emit_sum(c->emit, values, NULL));
    add_to(c, o->variable[1], samples(c, values, weight));
}

/* Adds a ratio's part of a batch: a sample's weight is that of all its elements. */
static void update_ratio(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred,
                         struct tensor *weight) {
    struct tensor *part[2] = {NULL, NULL};
    if (nn_check_same_shape(c, y_true, y_pred)) return;
    class_of(o)->ratio(o, c, y_true, y_pred, part);
    if (weight) weight = emit_cast(c->emit, weight, DT_FLOAT32);
    for (int i = 0; i < 2 && part[i]; i++) {
        struct shape s = {.rank = part[i]->shape.rank};
        for (int d = 0; d < s.rank; d++) s.dim[d] = weight && d < weight->shape.rank ? weight->shape.dim[d] : 1;
        emit_t all = weight ? emit_mul(c->emit, part[i], emit_reshape(c->emit, weight, &s)) : part[i];
        add_to(c, o->variable[i], emit_sum(c->emit, all, NULL));
    }
}

enum status nn_metric_update(struct nn_object *o, struct tensor *y_true, struct tensor *y_pred, struct tensor *weight,
                             struct err *e) {
    struct op_emitter emit;
    if (!y_pred && !class_of(o)->values_only)
        return err_set(e, ERR_VALUE, "metric %s: y_pred is missing", o->class->name);
    struct nn_call c = nn_call_begin(o->run, &emit, false, e);
    emit_t t = emit_cast(&emit, y_true, class_of(o)->labels ? DT_INT64 : DT_FLOAT32);
    emit_t p = y_pred ? emit_cast(&emit, y_pred, DT_FLOAT32) : NULL;
    if (p) nn_same_rank(&c, &t, &p);
    if (t && (p || !y_pred)) (class_of(o)->ratio ? update_ratio : update_mean)(o, &c, t, p, weight);
    if (nn_call_end(&c, NULL, NULL)) err_prefix(e, "metric %s", o->class->name);
    return e->status;
}

enum status nn_metric_result(struct nn_object *o, struct tensor **out, struct err *e) {
    struct op_emitter emit;
    struct nn_call c = nn_call_begin(o->run, &emit, false, e);
    emit_t mean = nn_divide_no_nan(&c, nn_read(&c, o->variable[0]), nn_read(&c, o->variable[1]));
    if (mean && class_of(o)->result) mean = class_of(o)->result(o, &c, mean);
    return nn_call_end(&c, mean, out);
}

enum status nn_metric_reset(struct nn_object *o, struct err *e) {
    struct op_emitter emit;
    struct nn_call c = nn_call_begin(o->run, &emit, false, e);
    emit_t zero = emit_full(&emit, DT_FLOAT32, &(struct shape){0}, 0);
    for (int i = 0; i < o->nvariable; i++) nn_assign(&c, o->variable[i], zero);
    return nn_call_end(&c, NULL, NULL);
}
