/* conv2d and its two gradients: reads the geometry off the call and hands it to the cheapest algorithm. */
#include "device/cpu/conv.h"

#include <string.h>

#include "device/cpu/conv_tune.h"
#include "device/cpu/tuned.h"
#include "lists.h"
#include "op/ops.h"

#define DECLARE(name) extern const struct cpu_conv_algorithm cpu_conv_##name;
LIST_CPU_CONVS(DECLARE)
#define ENTRY(name) &cpu_conv_##name,
const struct cpu_conv_algorithm *const cpu_conv_algorithms[] = {LIST_CPU_CONVS(ENTRY) NULL};

const struct cpu_conv_algorithm *cpu_conv_find(const char *name) {
    for (int i = 0; name && cpu_conv_algorithms[i]; i++)
        if (strcmp(cpu_conv_algorithms[i]->name, name) == 0) return cpu_conv_algorithms[i];
    return NULL;
}

const struct cpu_conv_algorithm *cpu_conv_choose(const struct cpu *c, const struct cpu_conv *g,
                                                 enum cpu_conv_pass pass) {
    const struct cpu_conv_algorithm *tuned = cpu_tuned_find(c, g, pass);
    return tuned ? tuned : cpu_conv_estimate(c, g, pass);
}

const struct cpu_conv_algorithm *cpu_conv_estimate(const struct cpu *c, const struct cpu_conv *g,
                                                   enum cpu_conv_pass pass) {
    const struct cpu_conv_algorithm *best = NULL;
    double least = 0;
    for (int i = 0; cpu_conv_algorithms[i]; i++) {
        const struct cpu_conv_algorithm *a = cpu_conv_algorithms[i];
        if (!a->supports(g, pass)) continue;
        const double cost = a->cost(c, g, pass);
        if (best && cost >= least) continue;
        best = a;
        least = cost;
    }
    return best;
}

int64_t cpu_conv_width(const struct cpu_conv *g) {
    return g->kh * g->kw * (g->c / g->groups);
}

int64_t cpu_conv_filters(const struct cpu_conv *g) {
    return g->o / g->groups;
}

double cpu_conv_flops(const struct cpu_conv *g) {
    return 2.0 * (double)(g->n * g->oh * g->ow) * (double)cpu_conv_width(g) * (double)g->o;
}

double cpu_conv_inputs(const struct cpu_conv *g) {
    return (double)(g->n * g->h * g->w * g->c);
}

double cpu_conv_outputs(const struct cpu_conv *g) {
    return (double)(g->n * g->oh * g->ow * g->o);
}

double cpu_conv_weights(const struct cpu_conv *g) {
    return (double)(cpu_conv_width(g) * g->o);
}

/* Which input or output of the op is x, the kernel, y. */
struct cpu_conv cpu_conv_geometry(const struct op_call *call, enum cpu_conv_pass pass) {
    const struct shape *x = &call->in[0]->shape, *k = &call->in[1]->shape, *y = &call->out[0]->shape;
    if (pass == CPU_CONV_GRAD_INPUT) x = &call->out[0]->shape, y = &call->in[0]->shape;
    if (pass == CPU_CONV_GRAD_KERNEL) k = &call->out[0]->shape, y = &call->in[1]->shape;
    const struct op_window *w = &call->attrs->window;
    return (struct cpu_conv){
        .dtype = call->in[0]->dtype,
        .n = x->dim[0],
        .h = x->dim[1],
        .w = x->dim[2],
        .c = x->dim[3],
        .kh = k->dim[0],
        .kw = k->dim[1],
        .o = k->dim[3],
        .oh = y->dim[1],
        .ow = y->dim[2],
        .stride = {w->stride[0], w->stride[1]},
        .dilation = {w->dilation[0], w->dilation[1]},
        .before = {w->before[0], w->before[1]},
        .groups = w->groups,
    };
}

static size_t workspace(const struct cpu *c, const struct op_call *call, enum cpu_conv_pass pass) {
    const struct cpu_conv g = cpu_conv_geometry(call, pass);
    const struct cpu_conv_algorithm *a = cpu_conv_choose(c, &g, pass);
    return a->workspace ? a->workspace(c, &g, pass) : 0;
}

static enum status run(struct cpu *c, const struct op_call *call, void *space, enum cpu_conv_pass pass, struct err *e) {
    const struct cpu_conv g = cpu_conv_geometry(call, pass);
    return cpu_conv_choose(c, &g, pass)
        ->pass[pass](c, &g, tensor_data(call->in[0]), tensor_data(call->in[1]), tensor_data(call->out[0]), space, e);
}

static const char *way(const struct cpu *c, const struct op_call *call, enum cpu_conv_pass pass) {
    const struct cpu_conv g = cpu_conv_geometry(call, pass);
    return cpu_conv_choose(c, &g, pass)->name;
}

static enum status tune(struct cpu *c, const struct op_call *call, enum cpu_conv_pass pass, struct buf *out,
                        struct err *e) {
    const struct cpu_conv g = cpu_conv_geometry(call, pass);
    return cpu_conv_tune(c, &g, pass, out, e);
}

/* ---- with the max pooling behind it ------------------------------------------------------------------------------- */

/* Where the maxima lie, or NULL. */
static const struct tensor *places_of(const struct op_call *pooling, enum cpu_conv_pass pass) {
    return pass != CPU_CONV_FORWARD ? pooling->in[0] : pooling->nout == 2 ? pooling->out[1] : NULL;
}

/* The pooled side of y (or dy) as the call of max_pool2d, max_pool2d_argmax or max_unpool2d has it. */
static struct cpu_conv_pool pool_of(const struct op_call *pooling, enum cpu_conv_pass pass) {
    const struct op_window *w = &pooling->attrs->window;
    const struct tensor *value = pass != CPU_CONV_FORWARD ? pooling->in[1] : pooling->out[0];
    const struct tensor *place = places_of(pooling, pass);
    return (struct cpu_conv_pool){
        .size = {w->size[0], w->size[1]},
        .stride = {w->stride[0], w->stride[1]},
        .before = {w->before[0], w->before[1]},
        .windows = {value->shape.dim[1], value->shape.dim[2]},
        .value = value->storage ? tensor_data(value) : NULL,
        .place = place && place->storage ? tensor_data(place) : NULL,
    };
}

static bool pass_of(const struct op *op, enum cpu_conv_pass *pass) {
    static const struct op *const ops[] = {&op_conv2d, &op_conv2d_grad_input, &op_conv2d_grad_kernel};
    for (*pass = CPU_CONV_FORWARD; *pass <= CPU_CONV_GRAD_KERNEL; ++*pass)
        if (ops[*pass] == op) return true;
    return false;
}

bool cpu_conv_takes_pool(const struct cpu *c, const struct op_call *call, const struct op_call *pooling) {
    enum cpu_conv_pass pass;
    if (!pass_of(call->op, &pass)) return false;
    const bool back = pass != CPU_CONV_FORWARD;
    if (back ? pooling->op != &op_max_unpool2d : pooling->op != &op_max_pool2d && pooling->op != &op_max_pool2d_argmax)
        return false;
    const struct op_window *w = &pooling->attrs->window;
    if (back && (w->size[0] > w->stride[0] || w->size[1] > w->stride[1])) return false;
    const struct tensor *place = places_of(pooling, pass);
    if (place && place->dtype != DT_UINT8) return false;
    const struct cpu_conv_pool pool = pool_of(pooling, pass);
    struct cpu_conv g = cpu_conv_geometry(call, pass);
    const struct cpu_conv_algorithm *a = cpu_conv_choose(c, &g, pass);
    g.pool = &pool;
    return a->pools && a->pools(c, &g, pass);
}

bool cpu_conv_takes_scale(const struct cpu *c, const struct op_call *call) {
    const struct cpu_conv g = cpu_conv_geometry(call, CPU_CONV_FORWARD);
    return g.dtype == DT_FLOAT32 && g.c % 16 == 0 && cpu_conv_choose(c, &g, CPU_CONV_FORWARD)->scales;
}

bool cpu_conv_takes_ones(const struct cpu *c, const struct op_call *call) {
    const struct cpu_conv g = cpu_conv_geometry(call, CPU_CONV_GRAD_KERNEL);
    return g.dtype == DT_FLOAT32 && g.c > 1 && g.o % 16 == 0 && cpu_conv_choose(c, &g, CPU_CONV_GRAD_KERNEL)->ones;
}

bool cpu_conv_takes_finish(const struct cpu *c, const struct op_call *call) {
    enum cpu_conv_pass pass;
    if (!pass_of(call->op, &pass) || pass == CPU_CONV_GRAD_KERNEL) return false;
    const struct cpu_conv g = cpu_conv_geometry(call, pass);
    const int64_t width = pass == CPU_CONV_FORWARD ? g.o : g.c;
    return g.dtype == DT_FLOAT32 && width % 16 == 0 && cpu_conv_choose(c, &g, pass)->finishes[pass];
}

enum status cpu_conv_run_joined(struct cpu *c, const struct op_call *call, const struct cpu_conv_joined *joined,
                                void *space, struct err *e) {
    enum cpu_conv_pass pass;
    pass_of(call->op, &pass);
    struct cpu_conv_pool pool;
    struct cpu_conv g = cpu_conv_geometry(call, pass);
    const struct cpu_conv_algorithm *a = cpu_conv_choose(c, &g, pass);
    g.keeps = joined->kept != NULL, g.kept = joined->kept;
    g.scale = joined->scale, g.shift = joined->shift, g.ones = joined->ones;
    const void *in[2] = {tensor_data(call->in[0]), tensor_data(call->in[1])};
    void *out = joined->finish ? joined->finished : tensor_data(call->out[0]);
    if (joined->raw) in[0] = joined->raw;
    const bool pools = joined->pool && pass == CPU_CONV_FORWARD;
    if (joined->finish && !pools) g.finish = *joined->finish;
    if (joined->pool) {
        pool = pool_of(joined->pool, pass);
        if (joined->finish && pools) pool.finish = *joined->finish, pool.value = joined->finished;
        g.pool = &pool;
        *(pools ? &out : (void **)&in[pass == CPU_CONV_GRAD_KERNEL]) = pool.value;
    }
    return a->pass[pass](c, &g, in[0], in[1], out, space, e);
}

/* ---- both gradients at once --------------------------------------------------------------------------------------- */

static bool same_geometry(const struct cpu_conv *a, const struct cpu_conv *b) {
    bool same = a->dtype == b->dtype && a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c &&
                a->kh == b->kh && a->kw == b->kw && a->o == b->o && a->oh == b->oh && a->ow == b->ow &&
                a->groups == b->groups;
    for (int d = 0; d < 2; d++)
        same = same && a->stride[d] == b->stride[d] && a->dilation[d] == b->dilation[d] && a->before[d] == b->before[d];
    return same;
}

static const struct cpu_conv_algorithm *choose_both(const struct cpu *c, const struct cpu_conv *g) {
    const struct cpu_conv_algorithm *a = cpu_conv_choose(c, g, CPU_CONV_GRAD_INPUT);
    return a == cpu_conv_choose(c, g, CPU_CONV_GRAD_KERNEL) && a->gradients ? a : NULL;
}

size_t cpu_conv_gradients_workspace(const struct cpu *c, const struct op_call *input, const struct op_call *kernel,
                                    bool keeps) {
    struct cpu_conv g = cpu_conv_geometry(input, CPU_CONV_GRAD_INPUT);
    const struct cpu_conv other = cpu_conv_geometry(kernel, CPU_CONV_GRAD_KERNEL);
    const struct cpu_conv_algorithm *a = same_geometry(&g, &other) ? choose_both(c, &g) : NULL;
    g.keeps = keeps;
    return a ? a->gradients_workspace(c, &g) : 0;
}

size_t cpu_conv_kept(const struct cpu *c, const struct op_call *forward, const struct op_call *kernel) {
    const struct cpu_conv g = cpu_conv_geometry(forward, CPU_CONV_FORWARD);
    const struct cpu_conv other = cpu_conv_geometry(kernel, CPU_CONV_GRAD_KERNEL);
    const struct cpu_conv_algorithm *a = cpu_conv_choose(c, &g, CPU_CONV_FORWARD);
    const bool same = same_geometry(&g, &other) && a == choose_both(c, &g);
    return same && a->kept ? a->kept(c, &g) : 0;
}

size_t cpu_conv_joined_workspace(const struct cpu *c, const struct op_call *call, bool keeps, bool ones) {
    enum cpu_conv_pass pass;
    pass_of(call->op, &pass);
    struct cpu_conv g = cpu_conv_geometry(call, pass);
    const struct cpu_conv_algorithm *a = cpu_conv_choose(c, &g, pass);
    g.keeps = keeps, g.ones = ones;
    return a->workspace(c, &g, pass);
}

enum status cpu_conv_run_gradients(struct cpu *c, const struct op_call *input, const struct op_call *kernel,
                                   const struct cpu_conv_joined *joined, void *space, struct err *e) {
    struct cpu_conv g = cpu_conv_geometry(input, CPU_CONV_GRAD_INPUT);
    const struct cpu_conv_algorithm *a = choose_both(c, &g);
    struct cpu_conv_pool pool;
    struct cpu_conv_gradients o = {.x = tensor_data(kernel->in[0]),
                                   .kernel = tensor_data(input->in[1]),
                                   .dx = tensor_data(input->out[0]),
                                   .dkernel = tensor_data(kernel->out[0])};
    g.keeps = joined->kept != NULL, g.kept = joined->kept;
    if (joined->finish) g.finish = *joined->finish, o.dx = joined->finished;
    if (joined->pool) {
        pool = pool_of(joined->pool, CPU_CONV_GRAD_INPUT);
        g.pool = &pool;
        o.dy = pool.value;
    } else {
        o.dy = tensor_data(input->in[0]);
    }
    return a->gradients(c, &g, &o, space, e);
}

/* ---- kernels ------------------------------------------------------------------------------------------------------ */

#define PASS(name, pass)                                                                                               \
    static size_t workspace_##name(const struct cpu *c, const struct op_call *call) {                                  \
        return workspace(c, call, pass);                                                                               \
    }                                                                                                                  \
    static enum status run_##name(struct cpu *c, const struct op_call *call, void *space, struct err *e) {             \
        return run(c, call, space, pass, e);                                                                           \
    }                                                                                                                  \
    static const char *way_##name(const struct cpu *c, const struct op_call *call) {                                   \
        return way(c, call, pass);                                                                                     \
    }                                                                                                                  \
    static enum status tune_##name(struct cpu *c, const struct op_call *call, struct buf *out, struct err *e) {        \
        return tune(c, call, pass, out, e);                                                                            \
    }
PASS(forward, CPU_CONV_FORWARD)
PASS(grad_input, CPU_CONV_GRAD_INPUT)
PASS(grad_kernel, CPU_CONV_GRAD_KERNEL)

const struct cpu_kernel cpu_kernel_conv2d = {
    .workspace = workspace_forward,
    .run = run_forward,
    .way = way_forward,
    .tune = tune_forward,
};
const struct cpu_kernel cpu_kernel_conv2d_grad_input = {
    .workspace = workspace_grad_input,
    .run = run_grad_input,
    .way = way_grad_input,
    .tune = tune_grad_input,
};
const struct cpu_kernel cpu_kernel_conv2d_grad_kernel = {
    .workspace = workspace_grad_kernel,
    .run = run_grad_kernel,
    .way = way_grad_kernel,
    .tune = tune_grad_kernel,
};

bool cpu_conv_is_empty(const struct cpu_conv *g) {
    return g->n * g->h * g->w * g->c * g->kh * g->kw * g->o * g->oh * g->ow <= 0;
}
