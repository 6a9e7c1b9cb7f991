/* Follow the regularized leader (McMahan et al. 2013, algorithm 1), with the shrinkage of Keras and TensorFlow. */
#include "nn/impl.h"

struct ftrl {
    struct nn_optimizer optimizer;
    double power, initial, l1, l2, shrinkage, beta;
};

static const struct nn_arg args[] = {
    NN_LEARNING_RATE_ARG("0.001"),
    {"learning_rate_power", NN_FLOAT, offsetof(struct ftrl, power), "-0.5",
     .doc = "how the rate falls with the sums of squares, at most 0"},
    {"initial_accumulator_value", NN_FLOAT, offsetof(struct ftrl, initial), "0.1",
     .doc = "what the sums of squares begin with"},
    {"l1_regularization_strength", NN_FLOAT, offsetof(struct ftrl, l1), "0.0", .doc = "of |w|"},
    {"l2_regularization_strength", NN_FLOAT, offsetof(struct ftrl, l2), "0.0", .doc = "of w^2"},
    {"l2_shrinkage_regularization_strength", NN_FLOAT, offsetof(struct ftrl, shrinkage), "0.0",
     .doc = "of w^2, as a part of the gradient"},
    {"beta", NN_FLOAT, offsetof(struct ftrl, beta), "0.0", .doc = "the paper's beta"},
    NN_OPTIMIZER_ARGS,
    {0},
};

static enum status check(struct nn_object *o, struct err *e) {
    const struct ftrl *f = (const struct ftrl *)o;
    const struct {
        const char *name;
        double value;
        bool negative;
    } all[] = {
        {"initial_accumulator_value", f->initial, false},
        {"learning_rate_power", f->power, true},
        {"l1_regularization_strength", f->l1, false},
        {"l2_regularization_strength", f->l2, false},
        {"l2_shrinkage_regularization_strength", f->shrinkage, false},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].negative ? all[i].value > 0 : all[i].value < 0)
            return err_set(e, ERR_VALUE, "`%s` needs to be %s or zero. Received: %s=%g.", all[i].name,
                           all[i].negative ? "negative" : "positive", all[i].name, all[i].value);
    return OK;
}

static double start(const struct nn_optimizer *o, int slot) {
    return slot == 0 ? ((const struct ftrl *)o)->initial : 0;
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    const struct ftrl *f = (const struct ftrl *)o;
    struct op_emitter *m = c->emit;
    emit_t rate = u->learning_rate, power = emit_scalar_like(m, u->gradient, -f->power);
    emit_t gradient = emit_add(m, u->gradient, emit_muls(m, u->value, 2 * f->shrinkage));
    emit_t sum = emit_add(m, u->slot[0], emit_square(m, u->gradient)), grown = emit_pow(m, sum, power);
    emit_t sigma = emit_div(m, emit_sub(m, grown, emit_pow(m, u->slot[0], power)), rate);
    u->slot[1] = emit_add(m, u->slot[1], emit_sub(m, gradient, emit_mul(m, sigma, u->value)));
    emit_t l2 = emit_adds(m, emit_div(m, emit_scalar_like(m, rate, f->beta), rate), 2 * f->l2);
    emit_t quadratic = emit_add(m, emit_div(m, grown, rate), l2);
    emit_t clipped = emit_maximums(m, emit_minimums(m, u->slot[1], f->l1), -f->l1);
    u->value = emit_div(m, emit_sub(m, clipped, u->slot[1]), quadratic);
    u->slot[0] = sum;
}

const struct nn_optimizer_class nn_optimizer_ftrl = {
    .base = {.name = "Ftrl",
             .alias = "ftrl",
             .kind = NN_OPTIMIZER,
             .doc = "follows the regularized leader: for sparse linear models of many features",
             .args = args,
             .size = sizeof(struct ftrl),
             .init = check},
    .slot_name = {"accumulator", "linear"},
    .start = start,
    .update = update,
};
