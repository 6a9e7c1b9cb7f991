/* Graphs for tests; see graphs.h. */
#include "support/graphs.h"

#include "device/device.h"

struct graph *graphs_new(void) {
    struct err e = {0};
    struct graph *g;
    assert_ok(graph_new(&g, &e), &e);
    return g;
}

int graphs_input(struct graph *g, struct shape s) {
    struct err e = {0};
    const struct op_sig sig = {DT_FLOAT32, s};
    const int v = graph_add_input(g, &sig, &e);
    assert_true(v >= 0);
    return v;
}

static int call(struct graph *g, const struct op *op, int n, const int *in, const union op_attrs *a) {
    struct err e = {0};
    const int v = graph_add(g, op, in, n, a, &e);
    if (v < 0) fail_msg("%s", e.text);
    return v;
}

int graphs_call(struct graph *g, const struct op *op, int n, ...) {
    int in[OP_MAX_IN];
    va_list values;
    va_start(values, n);
    for (int i = 0; i < n; i++) in[i] = va_arg(values, int);
    va_end(values);
    return call(g, op, n, in, NULL);
}

int graphs_with(struct graph *g, const struct op *op, int a, int b, union op_attrs attrs) {
    return call(g, op, b < 0 ? 1 : 2, (int[]){a, b}, &attrs);
}

int graphs_sum(struct graph *g, int x, int axis) {
    return call(g, &op_sum, 1, &x, &(union op_attrs){.axes = {1, {axis}, true}});
}

static int transposed(struct graph *g, int x) {
    return call(g, &op_transpose, 1, &x, &(union op_attrs){.axes = {2, {1, 0}, false}});
}

void graphs_output(struct graph *g, int v) {
    struct err e = {0};
    assert_ok(graph_add_output(g, v, &e), &e);
}

/* ---- at random ----------------------------------------------------------------------------------------------------- */

/* Numerical Recipes' linear congruential generator; the high bits are the good ones. */
static unsigned draw(unsigned *state, unsigned n) {
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 16) % n;
}

static bool fit(const struct graph *g, int a, int b) {
    return g->value[a].sig.shape.dim[1] == g->value[b].sig.shape.dim[0];
}

static int random_call(struct graph *g, unsigned *state) {
    static const struct op *const unary[] = {&op_neg, &op_tanh, &op_abs, &op_sigmoid, &op_floor};
    static const struct op *const binary[] = {&op_add, &op_sub, &op_mul, &op_maximum};
    const unsigned n = (unsigned)g->nvalue;
    /* Mostly what was made last, as in a network. */
    const int a = (int)(draw(state, 3) ? n - 1 - draw(state, n < 4 ? n : 4) : draw(state, n)), b = (int)draw(state, n);
    switch (draw(state, 12)) {
    case 0: return graphs_sum(g, a, (int)draw(state, 2));
    case 1: return transposed(g, a);
    case 2: return fit(g, a, b) ? graphs_call(g, &op_matmul, 2, a, b) : transposed(g, b);
    case 3:
    case 4:
    case 5:
    case 6: return graphs_call(g, unary[draw(state, 5)], 1, a);
    default: return graphs_call(g, binary[draw(state, 4)], 2, a, b);
    }
}

struct graph *graphs_random(unsigned seed, int nodes, int side) {
    struct graph *g = graphs_new();
    unsigned state = seed * 2654435761u + 1;
    graphs_input(g, SHAPE(side, side));
    graphs_input(g, SHAPE(side, 1));
    graphs_input(g, SHAPE(1, side));
    for (int i = 0; i < nodes; i++) random_call(g, &state);
    for (unsigned i = 1 + draw(&state, 4); i > 0; i--)
        graphs_output(g, g->nvalue - 1 - (int)draw(&state, i == 1 ? 1 : (unsigned)nodes));
    return g;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

static struct tensor *tensor_for(struct device *d, const struct op_sig *sig, unsigned *state) {
    struct err e = {0};
    struct tensor *t;
    assert_ok(tensor_new(d, sig->dtype, &sig->shape, &t, &e), &e);
    for (int64_t i = 0; i < tensor_size(t); i++) ((float *)tensor_data(t))[i] = (float)draw(state, 4001) / 1000 - 2;
    return t;
}

size_t graphs_floats(const struct graph *g) {
    size_t n = 0;
    for (int i = 0; i < g->noutput; i++) n += (size_t)shape_size(&g->value[g->output[i]].sig.shape);
    return n;
}

static void execute(struct device *d, const struct graph *g, struct tensor *const *in, struct tensor *const *out) {
    struct err e = {0};
    uint64_t ticket;
    struct device_program *p;
    assert_ok(d->driver->compile(d, g, &p, &e), &e);
    assert_ok(d->driver->execute(d, p, in, out, &ticket, &e), &e);
    assert_ok(d->driver->sync(d, &e), &e);
    d->driver->program_free(d, p);
}

float *graphs_run(const struct graph *g, unsigned seed) {
    struct err e = {0};
    struct device *d;
    struct tensor *in[8], *out[8];
    unsigned state = seed;
    assert_true(g->ninput <= 8 && g->noutput <= 8);
    assert_ok(device_open("cpu", 0, &d, &e), &e);
    for (int i = 0; i < g->ninput; i++) in[i] = tensor_for(d, &g->value[g->input[i]].sig, &state);
    for (int i = 0; i < g->noutput; i++) out[i] = tensor_for(d, &g->value[g->output[i]].sig, &state);
    execute(d, g, in, out);
    float *all = test_malloc(graphs_floats(g) * sizeof *all), *at = all;
    for (int i = 0; i < g->noutput; i++) {
        assert_ok(tensor_read(out[i], at, &e), &e);
        at += tensor_size(out[i]);
        tensor_release(out[i]);
    }
    for (int i = 0; i < g->ninput; i++) tensor_release(in[i]);
    d->driver->close(d);
    return all;
}

void graphs_execute(struct device *d, const struct graph *g, struct tensor *const *in, struct tensor **out) {
    struct err e = {0};
    for (int i = 0; i < g->noutput; i++) {
        const struct op_sig *s = &g->value[g->output[i]].sig;
        assert_ok(tensor_new(d, s->dtype, &s->shape, &out[i], &e), &e);
    }
    execute(d, g, in, out);
}

bool graphs_runs_with(struct device *d, const struct graph *g, const char *what) {
    struct err e = {0};
    struct device_program *p;
    bool found = false;
    assert_ok(d->driver->compile(d, g, &p, &e), &e);
    for (int i = 0; i < g->nnode; i++) {
        const char *way = d->driver->program_way(d, p, i);
        if (way && strstr(way, what)) found = true;
    }
    d->driver->program_free(d, p);
    return found;
}
