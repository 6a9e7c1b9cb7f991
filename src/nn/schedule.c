/* What every learning rate schedule does: a rate for a step, called by itself or within an optimizer's step. Formulas are
 * float32, as Keras computes them. */
#include "nn/impl.h"

struct tensor *nn_scheduled(struct nn_object *schedule, struct nn_call *c, struct tensor *step) {
    const struct nn_schedule_class *class = (const struct nn_schedule_class *)schedule->class;
    emit_t at = emit_cast(c->emit, step, DT_FLOAT32);
    emit_t rate = at ? class->rate(schedule, c, at) : NULL;
    err_prefix(c->emit->err, "%s", schedule->class->name);
    return rate;
}

enum status nn_schedule_call(struct nn_object *o, struct tensor *step, struct tensor **out, struct err *e) {
    struct op_emitter m;
    struct nn_call c = nn_call_begin(o->run, &m, false, e);
    return nn_call_end(&c, nn_scheduled(o, &c, step), out);
}

enum status nn_want_decay_steps(const struct nn_object *o, const char *argument, double steps, struct err *e) {
    if (steps > 0) return OK;
    return err_set(e, ERR_VALUE, "%s: argument %s must be positive, not %g", o->class->name, argument, steps);
}
