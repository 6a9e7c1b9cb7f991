/* What every optimizer does: its state, clipping, weight decay, and one step over all variables. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "nn/impl.h"

static const struct nn_optimizer_class *class_of(const struct nn_optimizer *o) {
    return (const struct nn_optimizer_class *)o->object.class;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static enum status add_state(struct nn_optimizer *o, const char *name, enum dtype d, const void *value, struct err *e) {
    struct nn_object *b = &o->object;
    struct buf path = {0};
    buf_printf(&path, "%s/%s", b->name, name);
    if (!buf_status(&path, e) &&
        !nn_new_variable(b->run, buf_text(&path), d, &(struct shape){0}, value, false, &b->variable[b->nvariable], e))
        b->nvariable++;
    buf_free(&path);
    return e->status;
}

enum status nn_optimizer_init(struct nn_object *b, struct err *e) {
    struct nn_optimizer *o = (struct nn_optimizer *)b;
    int64_t iteration = 0;
    const float rate = (float)o->rate.number, one = 1;
    const char *shared = class_of(o)->shared_name;
    if (!isnan(o->clipnorm) + !isnan(o->clipvalue) + !isnan(o->global_clipnorm) > 1)
        return err_set(e, ERR_VALUE,
                       "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: clipnorm=%g, "
                       "clipvalue=%g, global_clipnorm=%g",
                       o->clipnorm, o->clipvalue, o->global_clipnorm);
    if (add_state(o, "iteration", DT_INT64, &iteration, e)) return e->status;
    if (!o->rate.schedule && add_state(o, "learning_rate", DT_FLOAT32, &rate, e)) return e->status;
    return shared ? add_state(o, shared, DT_FLOAT32, &one, e) : OK;
}

static void release_slots(struct nn_optimizer *o) {
    nn_slots_free(o->slots, o->nslots);
    o->slots = NULL;
    o->nslots = 0;
}

void nn_optimizer_fini(struct nn_object *b) {
    release_slots((struct nn_optimizer *)b);
}

static int slots_used(const struct nn_optimizer *o) {
    int n = 0;
    if (class_of(o)->nslot) return class_of(o)->nslot(o);
    while (n < NN_MAX_SLOTS && class_of(o)->slot_name[n]) n++;
    return n;
}

/* Keras's path: "adam/sequential_dense_kernel_momentum". */
static enum status slot_path(const struct nn_optimizer *o, const struct variable *v, int k, struct buf *path,
                             struct err *e) {
    buf_printf(path, "%s/", o->object.name);
    for (const char *p = v->path; *p; p++) buf_putc(path, *p == '/' ? '_' : *p);
    buf_printf(path, "_%s", class_of(o)->slot_name[k]);
    return buf_status(path, e);
}

/* Like the variable, all of one number. Made on the host, so that slots can be made while a step is being traced. */
static enum status add_slot(struct nn_optimizer *o, struct variable *v, int k, struct variable **out, struct err *e) {
    struct buf path = {0};
    const bool starts = class_of(o)->start && v->value->dtype == DT_FLOAT32;
    float *numbers = mem_zalloc(tensor_bytes(v->value), e);
    for (int64_t i = 0; numbers && starts && i < tensor_size(v->value); i++)
        numbers[i] = (float)class_of(o)->start(o, k);
    if (numbers && !slot_path(o, v, k, &path, e))
        nn_new_variable(o->object.run, buf_text(&path), v->value->dtype, &v->value->shape, numbers, false, out, e);
    mem_free(numbers);
    buf_free(&path);
    return e->status;
}

enum status nn_optimizer_build(struct nn_optimizer *o, struct variable *const *v, int n, struct err *e) {
    if (o->built) return OK;
    o->slots = mem_zalloc(sizeof *o->slots * (size_t)n, e);
    if (!o->slots) return e->status;
    o->nslots = n;
    for (int i = 0; i < n && !e->status; i++) {
        o->slots[i].of = variable_retain(v[i]);
        for (int k = 0; k < slots_used(o) && !e->status; k++) add_slot(o, v[i], k, &o->slots[i].slot[k], e);
    }
    if (e->status) {
        release_slots(o);
        err_prefix(e, "optimizer %s", o->object.name);
    }
    o->built = !e->status;
    return e->status;
}

static struct nn_slots *slots_of(struct nn_optimizer *o, const struct variable *v) {
    for (int i = 0; i < o->nslots; i++)
        if (o->slots[i].of == v) return &o->slots[i];
    return NULL;
}

/* ---- the learning rate ------------------------------------------------------------------------------------------- */

/* At `iteration`. */
static struct tensor *rate_at(struct nn_optimizer *o, struct nn_call *c, struct tensor *iteration) {
    return o->rate.schedule ? nn_scheduled(o->rate.schedule, c, iteration) : nn_read(c, o->object.variable[1]);
}

enum status nn_optimizer_rate(struct nn_optimizer *o, struct tensor **out, struct err *e) {
    struct op_emitter m;
    struct nn_call c = nn_call_begin(o->object.run, &m, false, e);
    return nn_call_end(&c, rate_at(o, &c, nn_read(&c, o->object.variable[0])), out);
}

/* ---- one step ---------------------------------------------------------------------------------------------------- */

/* sqrt(sum of squares). */
static struct tensor *norm(struct nn_call *c, struct tensor *sum_of_squares) {
    return emit_sqrt(c->emit, sum_of_squares);
}

static struct tensor *squared(struct nn_call *c, struct tensor *g) {
    return emit_sum(c->emit, emit_square(c->emit, g), NULL);
}

/* g * limit / max(norm, limit) */
static struct tensor *scaled(struct nn_call *c, struct tensor *g, struct tensor *norm_, double limit) {
    return emit_div(c->emit, emit_muls(c->emit, g, limit), emit_maximums(c->emit, norm_, limit));
}

static struct tensor *clip(const struct nn_optimizer *o, struct nn_call *c, struct tensor *g, struct tensor *global) {
    if (o->clipnorm > 0) return scaled(c, g, norm(c, squared(c, g)), o->clipnorm);
    if (o->global_clipnorm > 0) return scaled(c, g, global, o->global_clipnorm);
    if (o->clipvalue > 0) return emit_maximums(c->emit, emit_minimums(c->emit, g, o->clipvalue), -o->clipvalue);
    return g;
}

static struct tensor *global_norm(struct nn_call *c, struct tensor *const *gradient, int n) {
    struct tensor *sum = NULL;
    for (int i = 0; i < n; i++) {
        emit_t part = squared(c, gradient[i]);
        sum = sum ? emit_add(c->emit, sum, part) : part;
    }
    return norm(c, sum);
}

static struct tensor *decayed(const struct nn_optimizer *o, struct nn_call *c, struct tensor *value,
                              struct tensor *rate) {
    if (isnan(o->weight_decay)) return value;
    emit_t part = emit_mul(c->emit, emit_muls(c->emit, value, o->weight_decay), rate);
    return emit_sub(c->emit, value, part);
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct variable *v, const struct nn_update *common,
                   struct tensor *gradient, struct tensor *global) {
    struct nn_slots *s = slots_of(o, v);
    struct nn_update u = *common;
    u.gradient = clip(o, c, emit_cast(c->emit, gradient, v->value->dtype), global);
    u.value = decayed(o, c, nn_read(c, v), u.learning_rate);
    for (int k = 0; k < slots_used(o); k++) u.slot[k] = nn_read(c, s->slot[k]);
    if (c->emit->err->status) return;
    class_of(o)->update(o, c, &u);
    nn_assign(c, v, u.value);
    for (int k = 0; k < slots_used(o); k++) nn_assign(c, s->slot[k], u.slot[k]);
    err_prefix(c->emit->err, "%s", v->path);
}

static enum status check(struct nn_optimizer *o, struct tensor *const *gradient, struct variable *const *v, int n,
                         struct err *e) {
    for (int i = 0; i < n; i++) {
        char have[200], want[200];
        if (!gradient[i])
            return err_set(e, ERR_VALUE, "%s: no gradient was given for variable %s", o->object.name, v[i]->path);
        if (!slots_of(o, v[i]))
            return err_set(e, ERR_VALUE,
                           "Unknown variable: %s. This optimizer can only be called for the variables it was "
                           "originally built with. When working with a new set of variables, you should recreate a "
                           "new optimizer instance.",
                           v[i]->path);
        if (!shape_equal(&gradient[i]->shape, &v[i]->value->shape))
            return err_set(e, ERR_VALUE, "%s: the gradient for %s has shape %s, the variable %s", o->object.name,
                           v[i]->path, shape_text(&gradient[i]->shape, have, sizeof have),
                           shape_text(&v[i]->value->shape, want, sizeof want));
    }
    return OK;
}

enum status nn_optimizer_apply(struct nn_optimizer *o, struct tensor *const *gradient, struct variable *const *v, int n,
                               struct err *e) {
    struct op_emitter m;
    if (n == 0) return OK;
    if (nn_optimizer_build(o, v, n, e) || check(o, gradient, v, n, e)) return e->status;
    struct nn_call c = nn_call_begin(o->object.run, &m, true, e);
    emit_t iteration = nn_read(&c, o->object.variable[0]), next = emit_adds(&m, iteration, 1);
    struct nn_update common = {.learning_rate = rate_at(o, &c, iteration), .step = emit_cast(&m, next, DT_FLOAT32)};
    struct variable *shared = class_of(o)->shared ? o->object.variable[o->object.nvariable - 1] : NULL;
    if (shared) {
        common.shared = nn_read(&c, shared);
        common.shared = class_of(o)->shared(o, &c, &common);
    }
    emit_t global = o->global_clipnorm > 0 ? global_norm(&c, gradient, n) : NULL;
    for (int i = 0; i < n && !e->status; i++) update(o, &c, v[i], &common, gradient[i], global);
    nn_assign(&c, o->object.variable[0], next);
    if (shared) nn_assign(&c, shared, common.shared);
    if (nn_call_end(&c, NULL, NULL)) err_prefix(e, "optimizer %s", o->object.name);
    return e->status;
}
