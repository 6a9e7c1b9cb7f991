/* SimpleRNN, LSTM, GRU: layers that go through a sequence step by step and hand a state from each to the next. The steps are
 * unrolled: their number is part of the shape that a program is compiled for.
 * LSTM: Hochreiter and Schmidhuber 1997, with Gers et al. 2000's forget gate; GRU: Cho et al. 2014. */
#include <stdio.h>

#include "base/mem.h"
#include "nn/impl.h"

struct recurrent;

/* What is handed on: the output and, of an LSTM, its memory. */
struct state {
    struct tensor *h, *memory;
};

/* A pass through a sequence. */
struct walk {
    const struct recurrent *v;
    struct nn_call *c;
    struct op_emitter *emit;
    struct tensor *kernel, *bias; /* recurrent; bias NULL: it has none of its own */
    struct state state;
};

struct cell {
    const char *name; /* Keras's: weights' paths have it */
    int gates;
    /* The next state; z (batch, gates * units): what the step's input gives each gate. */
    void (*step)(struct walk *w, struct tensor *z);
};

struct recurrent {
    struct nn_layer layer;
    const struct cell *cell;
    int64_t units, seed;
    const struct nn_activation *activation, *recurrent_activation;
    bool use_bias, unit_forget_bias, reset_after;
    bool return_sequences, go_backwards, unroll, zero_output_for_mask;
    struct nn_object *kernel_initializer, *recurrent_initializer, *bias_initializer;
    struct variable *kernel, *recurrent_kernel, *bias;
};

/* ---- cells -------------------------------------------------------------------------------------------------------- */

/* Gates from .. from + count - 1 of the last axis of x (..., gates * units). */
static struct tensor *gates(const struct walk *w, struct tensor *x, int from, int count) {
    if (!x) return NULL;
    const int last = x->shape.rank - 1;
    struct op_slice s = {.shape = x->shape};
    for (int d = 0; d <= last; d++) s.step[d] = 1;
    s.start[last] = from * w->v->units, s.shape.dim[last] = count * w->v->units;
    return emit_slice(w->emit, x, &s);
}

static struct tensor *gate(const struct walk *w, const struct nn_activation *f, struct tensor *x, int k) {
    struct tensor *part = gates(w, x, k, 1);
    return part ? f->call(w->c, part) : NULL;
}

/* h @ kernel (+ bias), for gates from .. from + count - 1. */
static struct tensor *recurrence(const struct walk *w, struct tensor *h, int from, int count) {
    const bool all = count == w->v->cell->gates;
    struct tensor *kernel = all ? w->kernel : gates(w, w->kernel, from, count);
    struct tensor *y = emit_matmul(w->emit, h, kernel, false, false);
    return w->bias ? emit_add(w->emit, y, w->bias) : y;
}

static void simple_step(struct walk *w, struct tensor *z) {
    struct tensor *sum = emit_add(w->emit, z, recurrence(w, w->state.h, 0, 1));
    w->state.h = sum ? w->v->activation->call(w->c, sum) : NULL;
}

/* memory = f memory + i f(c), h = o f(memory); gates i, f, c, o. */
static void lstm_step(struct walk *w, struct tensor *z) {
    const struct nn_activation *f = w->v->activation, *g = w->v->recurrent_activation;
    struct state *s = &w->state;
    z = emit_add(w->emit, z, recurrence(w, s->h, 0, 4));
    struct tensor *kept = emit_mul(w->emit, gate(w, g, z, 1), s->memory);
    s->memory = emit_add(w->emit, kept, emit_mul(w->emit, gate(w, g, z, 0), gate(w, f, z, 2)));
    s->h = s->memory ? emit_mul(w->emit, gate(w, g, z, 3), f->call(w->c, s->memory)) : NULL;
}

/* What the candidate takes of h, (r h) @ kernel or r (h @ kernel + bias), where `inner` is h @ kernel + bias of the gates
 * z and r, or of all. */
static struct tensor *reset(const struct walk *w, struct tensor *r, struct tensor *inner) {
    if (w->v->reset_after) return emit_mul(w->emit, r, gates(w, inner, 2, 1));
    return recurrence(w, emit_mul(w->emit, r, w->state.h), 2, 1);
}

/* h = z h + (1 - z) f(candidate); gates z, r, candidate. */
static void gru_step(struct walk *w, struct tensor *x) {
    const struct nn_activation *f = w->v->activation, *g = w->v->recurrent_activation;
    struct tensor *inner = recurrence(w, w->state.h, 0, w->v->reset_after ? 3 : 2);
    struct tensor *sums = emit_add(w->emit, gates(w, x, 0, 2), gates(w, inner, 0, 2));
    struct tensor *z = gate(w, g, sums, 0), *r = gate(w, g, sums, 1);
    struct tensor *candidate = emit_add(w->emit, gates(w, x, 2, 1), reset(w, r, inner));
    if (!z || !candidate) {
        w->state.h = NULL;
        return;
    }
    candidate = emit_mul(w->emit, emit_rsubs(w->emit, 1, z), f->call(w->c, candidate));
    w->state.h = emit_add(w->emit, emit_mul(w->emit, z, w->state.h), candidate);
}

static const struct cell simple_cell = {"simple_rnn_cell", 1, simple_step}, lstm_cell = {"lstm_cell", 4, lstm_step},
                         gru_cell = {"gru_cell", 3, gru_step};

/* ---- the sequence ------------------------------------------------------------------------------------------------- */

static struct tensor *part(const struct walk *w, struct tensor *x, int64_t from, int64_t steps) {
    const struct op_slice s = {
        .shape = SHAPE(x->shape.dim[0], steps, x->shape.dim[2]), .start = {0, from}, .step = {1, 1, 1}};
    return emit_slice(w->emit, x, &s);
}

/* Goes through x (batch, steps, gates * units), half by half: a slice's gradient is as large as what it was cut from, and so
 * the steps' take steps * log(steps) together, not steps^2. What comes out: (batch, steps, units), or the last state. */
static struct tensor *walk(struct walk *w, struct tensor *x) {
    if (!x) return NULL;
    const int64_t batch = x->shape.dim[0], steps = x->shape.dim[1], width = x->shape.dim[2], half = steps / 2;
    const bool back = w->v->go_backwards, all = w->v->return_sequences;
    const struct shape flat = SHAPE(batch, width), one = SHAPE(batch, 1, w->v->units);
    if (steps == 1) {
        w->v->cell->step(w, emit_reshape(w->emit, x, &flat));
        return all && w->state.h ? emit_reshape(w->emit, w->state.h, &one) : w->state.h;
    }
    struct tensor *early = part(w, x, 0, half), *late = part(w, x, half, steps - half);
    struct tensor *first = walk(w, back ? late : early), *second = walk(w, back ? early : late);
    struct tensor *const both[] = {first, second};
    if (!first || !second) return NULL;
    return all ? emit_concatenate(w->emit, both, 2, 1) : second;
}

/* A row of a bias (2, gates * units): what a GRU adds to its inputs, and to its states. */
static struct tensor *bias_row(struct walk *w, struct tensor *bias, int row) {
    if (!bias || bias->shape.rank == 1) return row == 0 ? bias : NULL;
    const int64_t width = bias->shape.dim[1];
    const struct shape flat = SHAPE(width);
    const struct op_slice s = {.shape = SHAPE(1, width), .start = {row}, .step = {1, 1}};
    return emit_reshape(w->emit, emit_slice(w->emit, bias, &s), &flat);
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const struct recurrent *v = (struct recurrent *)l;
    struct walk w = {.v = v, .c = c, .emit = c->emit, .kernel = nn_read(c, v->recurrent_kernel)};
    struct tensor *z = nn_matmul_last(c, x[0], nn_read(c, v->kernel));
    if (v->use_bias) {
        struct tensor *bias = nn_read(c, v->bias);
        z = emit_add(w.emit, z, bias_row(&w, bias, 0));
        w.bias = bias_row(&w, bias, 1);
    }
    const struct shape s = SHAPE(x[0]->shape.dim[0], v->units);
    w.state.h = w.state.memory = emit_full(w.emit, DT_FLOAT32, &s, 0);
    return walk(&w, z);
}

/* ---- the layers --------------------------------------------------------------------------------------------------- */

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct recurrent *v = (struct recurrent *)l;
    if (in[0].dim[1] <= 0)
        return err_set(e, ERR_VALUE,
                       "the number of steps must be known and positive, but the input's shape has %s there",
                       in[0].dim[1] < 0 ? "None" : "0");
    *out = v->return_sequences ? SHAPE(in[0].dim[0], in[0].dim[1], v->units) : SHAPE(in[0].dim[0], v->units);
    return OK;
}

/* "lstm_cell/kernel". */
static const char *weight_name(const struct recurrent *v, const char *name, char path[64]) {
    snprintf(path, 64, "%s/%s", v->cell->name, name);
    return path;
}

static enum status add_weight(struct recurrent *v, const char *name, const struct shape *s,
                              struct nn_object *initializer, struct variable **out, struct err *e) {
    char path[64];
    return nn_add_weight(&v->layer, weight_name(v, name, path), s, initializer, true, out, e);
}

/* An LSTM forgets nothing at first: ones for its forget gate (Jozefowicz et al. 2015), the others' drawn apart. */
static enum status add_forgetful_bias(struct recurrent *v, struct err *e) {
    const int64_t n = v->units;
    const struct shape all = SHAPE(4 * n), first = SHAPE(n), last = SHAPE(2 * n);
    const struct nn_initializer_class *c = (const struct nn_initializer_class *)v->bias_initializer->class;
    char path[64];
    float *values = mem_alloc(sizeof *values * (size_t)(4 * n), e);
    if (!values) return e->status;
    for (int64_t i = n; i < 2 * n; i++) values[i] = 1;
    if (c->draw(v->bias_initializer, &first, values, e) == OK &&
        c->draw(v->bias_initializer, &last, values + 2 * n, e) == OK)
        nn_add_weight_of(&v->layer, weight_name(v, "bias", path), &all, values, &v->bias, e);
    mem_free(values);
    return e->status;
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct recurrent *v = (struct recurrent *)l;
    const int64_t inputs = in[0].shape.dim[2], width = v->cell->gates * v->units;
    if (nn_want_channels(l, inputs, e)) return e->status;
    const struct shape kernel = SHAPE(inputs, width), recurrent = SHAPE(v->units, width);
    const struct shape bias = v->reset_after ? SHAPE(2, width) : SHAPE(width);
    if (add_weight(v, "kernel", &kernel, v->kernel_initializer, &v->kernel, e) ||
        add_weight(v, "recurrent_kernel", &recurrent, v->recurrent_initializer, &v->recurrent_kernel, e) ||
        !v->use_bias)
        return e->status;
    if (v->unit_forget_bias) return add_forgetful_bias(v, e);
    return add_weight(v, "bias", &bias, v->bias_initializer, &v->bias, e);
}

/* Keras's cells draw a seed for dropout, without dropout, too: what is made after them depends on it. */
static enum status init(struct nn_object *o, const struct cell *cell, struct err *e) {
    struct recurrent *v = (struct recurrent *)o;
    v->cell = cell;
    nn_seed_or_draw(o->run, v->seed);
    return nn_want_positive(o, "units", v->units, e);
}

#define INIT(NAME, CELL)                                                                                               \
    static enum status NAME(struct nn_object *o, struct err *e) {                                                      \
        return init(o, &(CELL), e);                                                                                    \
    }
INIT(init_simple, simple_cell)
INIT(init_lstm, lstm_cell)
INIT(init_gru, gru_cell)

#define FIELD(field) offsetof(struct recurrent, field)
#define UNITS_ARGS                                                                                                     \
    {"units", NN_INT, FIELD(units), NULL, .doc = "size of the state and the output"}, {                                \
        "activation", NN_ACTIVATION, FIELD(activation), "\"tanh\"", .doc = "of what is new in the state"               \
    }
#define GATES_ARG                                                                                                      \
    { "recurrent_activation", NN_ACTIVATION, FIELD(recurrent_activation), "\"sigmoid\"", .doc = "of the gates" }
#define WEIGHTS_ARGS                                                                                                   \
    {"use_bias", NN_BOOL, FIELD(use_bias), "true", .doc = "whether a bias is added"},                                  \
        {"kernel_initializer", NN_INITIALIZER, FIELD(kernel_initializer), "\"glorot_uniform\"",                        \
         .doc = "draws the kernel of the input, (inputs, gates * units)"},                                             \
        {"recurrent_initializer", NN_INITIALIZER, FIELD(recurrent_initializer), "\"orthogonal\"",                      \
         .doc = "draws that of the state, (units, gates * units)"},                                                    \
    {                                                                                                                  \
        "bias_initializer", NN_INITIALIZER, FIELD(bias_initializer), "\"zeros\"", .doc = "draws the bias"              \
    }
#define LATER_ARGS                                                                                                     \
    {"kernel_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the kernel"},                                    \
        {"recurrent_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the state's kernel"},                     \
        {"bias_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the bias"},                                    \
        {"activity_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the output"},                              \
        {"kernel_constraint", NN_REJECT, 0, "null", .doc = "a projection of the kernel after each step"},              \
        {"recurrent_constraint", NN_REJECT, 0, "null", .doc = "a projection of the state's kernel after each step"},   \
        {"bias_constraint", NN_REJECT, 0, "null", .doc = "a projection of the bias after each step"},                  \
        {"dropout", NN_REJECT, 0, "0.0", .doc = "the share of inputs that is dropped"}, {                              \
        "recurrent_dropout", NN_REJECT, 0, "0.0", .doc = "the share of the state that is dropped"                      \
    }
#define SEED_ARG(FLAGS)                                                                                                \
    { "seed", NN_INT, FIELD(seed), "null", .flags = (FLAGS), .doc = "of dropout" }
#define SEQUENCE_ARGS                                                                                                  \
    {"return_sequences", NN_BOOL, FIELD(return_sequences), "false", .doc = "all outputs, not the last one alone"},     \
        {"return_state", NN_REJECT, 0, "false", .doc = "the last state, too"},                                         \
        {"go_backwards", NN_BOOL, FIELD(go_backwards), "false", .doc = "from the last step to the first"},             \
        {"stateful", NN_REJECT, 0, "false", .doc = "the last state is the next batch's first"}, {                      \
        "unroll", NN_BOOL, FIELD(unroll), "false", .doc = "as Keras has it; steps are always unrolled"                 \
    }
#define MASK_ARG                                                                                                       \
    {                                                                                                                  \
        "zero_output_for_mask", NN_BOOL, FIELD(zero_output_for_mask), "false",                                         \
            .doc = "as Keras has it; there are no masks"                                                               \
    }
#define CUDNN_ARG                                                                                                      \
    { "use_cudnn", NN_REJECT, 0, "\"auto\"", .flags = NN_HIDDEN, .doc = "Keras's choice of a kernel" }

static const struct nn_arg simple_args[] = {
    UNITS_ARGS, WEIGHTS_ARGS, LATER_ARGS, SEQUENCE_ARGS, SEED_ARG(NN_HIDDEN), MASK_ARG, {0},
};

static const struct nn_arg lstm_args[] = {
    UNITS_ARGS,
    GATES_ARG,
    WEIGHTS_ARGS,
    {"unit_forget_bias", NN_BOOL, FIELD(unit_forget_bias), "true", .doc = "ones as the forget gate's first bias"},
    LATER_ARGS,
    SEED_ARG(0),
    SEQUENCE_ARGS,
    CUDNN_ARG,
    MASK_ARG,
    {0},
};

static const struct nn_arg gru_args[] = {
    UNITS_ARGS,
    GATES_ARG,
    WEIGHTS_ARGS,
    LATER_ARGS,
    SEED_ARG(0),
    SEQUENCE_ARGS,
    {"reset_after", NN_BOOL, FIELD(reset_after), "true",
     .doc = "the reset gate is applied after the product, as cuDNN has it"},
    CUDNN_ARG,
    MASK_ARG,
    {0},
};

#define RECURRENT_CLASS(NAME, DOC, ARGS, INIT_)                                                                        \
    .base = {.name = (NAME),                                                                                           \
             .kind = NN_LAYER,                                                                                         \
             .doc = DOC ", from (batch, steps, channels) to (batch, units), or with return_sequences to (batch, "      \
                        "steps, units)",                                                                               \
             .args = (ARGS),                                                                                           \
             .size = sizeof(struct recurrent),                                                                         \
             .init = (INIT_)},                                                                                         \
    .rank = 3, .build = build, .output = output, .call = call

const struct nn_layer_class nn_layer_simple_rnn = {
    RECURRENT_CLASS("SimpleRNN", "h = activation(x @ kernel + bias + h @ recurrent_kernel), step by step", simple_args,
                    init_simple),
};

const struct nn_layer_class nn_layer_lstm = {
    RECURRENT_CLASS("LSTM", "a state with a memory that gates write, keep and read, step by step", lstm_args,
                    init_lstm),
};

const struct nn_layer_class nn_layer_gru = {
    RECURRENT_CLASS("GRU", "a state of which gates keep a part and make the rest anew, step by step", gru_args,
                    init_gru),
};
