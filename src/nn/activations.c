/* The activation functions, by Keras's names. */

#include "base/nearest.h"
#include "nn/impl.h"

#define ACTIVATION(NAME, FORMULA)                                                                                      \
    static struct tensor *NAME(struct nn_call *c, struct tensor *x) {                                                  \
        struct op_emitter *m = c->emit;                                                                                \
        (void)m;                                                                                                       \
        return (FORMULA);                                                                                              \
    }

/* x where it is positive, else `below`. */
static emit_t above_zero(struct op_emitter *m, emit_t x, emit_t below) {
    return emit_where(m, emit_gts(m, x, 0), x, below);
}

static emit_t hard_sigmoid_of(struct op_emitter *m, emit_t x) {
    return emit_divs(m, emit_minimums(m, emit_relu(m, emit_adds(m, x, 3)), 6), 6);
}

static emit_t noting_logits(emit_t y, emit_t logits) {
    if (y && !y->logits) y->logits = tensor_retain(logits);
    return y;
}

ACTIVATION(linear, x)
ACTIVATION(relu, emit_relu(m, x))
ACTIVATION(relu6, emit_minimums(m, emit_relu(m, x), 6))
ACTIVATION(leaky_relu, above_zero(m, x, emit_muls(m, x, 0.2)))
ACTIVATION(elu, emit_elu(m, x, 1))
ACTIVATION(selu, emit_muls(m, emit_elu(m, x, 1.6732632423543772), 1.0507009873554805))
ACTIVATION(celu, emit_elu(m, x, 1))
ACTIVATION(softmax, nn_softmax(c, x, x->shape.rank - 1))
ACTIVATION(log_softmax, emit_log_softmax(m, x, x->shape.rank - 1))
ACTIVATION(sigmoid, noting_logits(emit_sigmoid(m, x), x))
ACTIVATION(hard_sigmoid, hard_sigmoid_of(m, x))
ACTIVATION(log_sigmoid, emit_neg(m, emit_softplus(m, emit_neg(m, x))))
ACTIVATION(tanh_of, emit_tanh(m, x))
ACTIVATION(exponential, emit_exp(m, x))
ACTIVATION(softplus, emit_softplus(m, x))
ACTIVATION(softsign, emit_div(m, x, emit_adds(m, emit_abs(m, x), 1)))
ACTIVATION(silu, emit_mul(m, x, emit_sigmoid(m, x)))
ACTIVATION(hard_silu, emit_mul(m, x, hard_sigmoid_of(m, x)))
ACTIVATION(gelu, emit_mul(m, emit_muls(m, x, 0.5), emit_adds(m, emit_erf(m, emit_muls(m, x, 0.70710678118654757)), 1)))
ACTIVATION(mish, emit_mul(m, x, emit_tanh(m, emit_softplus(m, x))))

const struct nn_activation nn_activations[] = {
    {"celu", NULL, celu},
    {"elu", NULL, elu},
    {"exponential", NULL, exponential},
    {"gelu", NULL, gelu},
    {"hard_sigmoid", NULL, hard_sigmoid},
    {"hard_silu", "hard_swish", hard_silu},
    {"leaky_relu", NULL, leaky_relu},
    {"linear", NULL, linear},
    {"log_sigmoid", NULL, log_sigmoid},
    {"log_softmax", NULL, log_softmax},
    {"mish", NULL, mish},
    {"relu", NULL, relu},
    {"relu6", NULL, relu6},
    {"selu", NULL, selu},
    {"sigmoid", NULL, sigmoid},
    {"silu", "swish", silu},
    {"softmax", NULL, softmax},
    {"softplus", NULL, softplus},
    {"softsign", NULL, softsign},
    {"tanh", NULL, tanh_of},
    {0},
};

const struct nn_activation *nn_activation_find(const char *name, struct err *e) {
    const char *names[sizeof nn_activations / sizeof *nn_activations];
    int n = 0;
    for (const struct nn_activation *a = nn_activations; a->name; a++) {
        if (nn_is_named(a->name, a->alias, name)) return a;
        names[n++] = a->name;
    }
    names[n] = NULL;
    const char *near = nearest(name, names);
    err_set(e, ERR_NOT_FOUND, "unknown activation \"%.60s\"%s%s%s", name, near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "");
    return NULL;
}
