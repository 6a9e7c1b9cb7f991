/* Headers for values and calls for nodes. Invariant: after planning, every header of the arena is final; binding moves
 * those of inputs, outputs and constants alone. */
#include "graph/layout.h"

#include "base/mem.h"

static size_t rounded(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/* ---- values ------------------------------------------------------------------------------------------------------- */

static bool is_view(const struct graph_node *n) {
    return n->op && n->op->flags & OP_VIEW;
}

static int first_output(const struct graph *g, int v) {
    for (int i = 0; i < g->noutput; i++)
        if (g->output[i] == v) return i;
    return -1;
}

static void make_root(struct graph_place *x, int v, const struct op_sig *sig) {
    *x = (struct graph_place){.root = v};
    x->header.dtype = sig->dtype;
    x->header.shape = sig->shape;
    tensor_strides(&sig->shape, x->header.stride);
}

static void resolve_view(struct graph_layout *l, int v, const struct graph_node *n) {
    const struct graph_place *from = &l->value[n->in[0]];
    struct graph_place *to = &l->value[v];
    *to = (struct graph_place){.header = from->header, .root = from->root};
    if (n->op->view(&from->header, &n->attrs, &to->header)) {
        to->offset = to->header.offset;
        return;
    }
    make_root(to, v, &l->graph->value[v].sig);
    to->copied = true;
    to->at = l->copied;
    l->copied += rounded(tensor_bytes(&to->header));
}

static void make_values(struct graph_layout *l) {
    const struct graph *g = l->graph;
    for (int v = 0; v < g->nvalue; v++) {
        const struct graph_value *from = &g->value[v];
        struct graph_place *x = &l->value[v];
        if (from->kind == GRAPH_RESULT && is_view(&g->node[from->node])) {
            resolve_view(l, v, &g->node[from->node]);
            continue;
        }
        make_root(x, v, &from->sig);
        const int output = from->kind == GRAPH_RESULT ? first_output(g, v) : -1;
        x->home = from->kind == GRAPH_INPUT      ? GRAPH_IN_INPUT
                  : from->kind == GRAPH_CONSTANT ? GRAPH_IN_CONSTANT
                  : output >= 0                  ? GRAPH_IN_OUTPUT
                                                 : GRAPH_IN_ARENA;
        x->argument = from->kind == GRAPH_INPUT ? from->output : output;
        for (int d = 0; from->kind == GRAPH_CONSTANT && d < from->sig.shape.rank; d++)
            x->header.stride[d] = from->constant->stride[d];
    }
}

/* Points the headers of one home at their bytes; arguments NULL: nowhere yet. */
static void place_values(struct graph_layout *l, enum graph_home home, struct tensor *const *arguments) {
    for (int v = 0; v < l->graph->nvalue; v++) {
        struct graph_place *x = &l->value[v];
        const struct graph_place *root = &l->value[x->root];
        if (root->home != home) continue;
        const struct tensor *at = home == GRAPH_IN_CONSTANT ? l->graph->value[x->root].constant
                                  : arguments               ? arguments[root->argument]
                                                            : NULL;
        x->header.storage = at ? at->storage : l->arena;
        x->header.offset = x->offset + (at ? at->offset : (int64_t)(root->at / dtype_size(x->header.dtype)));
    }
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

/* Headers for the inputs that the op needs contiguous. */
static enum status make_copies(struct graph_layout *l, struct graph_call *c, struct err *e) {
    const bool strided = c->call.op->flags & (OP_STRIDED | OP_ELEMENTWISE);
    for (int i = 0; i < c->call.nin && !strided; i++) {
        if (tensor_is_contiguous(c->tensor[i])) continue;
        if (!c->copy) c->copy = mem_zalloc(sizeof *c->copy * (size_t)c->call.nin, e);
        if (!c->copy) return e->status;
        struct tensor *copy = &c->copy[i];
        copy->dtype = c->tensor[i]->dtype;
        copy->shape = c->tensor[i]->shape;
        copy->storage = l->arena;
        tensor_strides(&copy->shape, copy->stride);
        c->copies += rounded(tensor_bytes(copy));
        c->tensor[i] = copy;
    }
    return OK;
}

static enum status make_call(struct graph_layout *l, int i, struct err *e) {
    const struct graph_node *n = &l->graph->node[i];
    struct graph_call *c = &l->call[i];
    c->tensor = mem_zalloc(sizeof(struct tensor *) * (size_t)(n->nin + n->nout), e);
    if (!c->tensor) return e->status;
    for (int k = 0; k < n->nin; k++) c->tensor[k] = &l->value[n->in[k]].header;
    for (int k = 0; k < n->nout; k++) c->tensor[n->nin + k] = &l->value[n->out + k].header;
    c->call = (struct op_call){.op = n->op, .nin = n->nin, .nout = n->nout, .attrs = &n->attrs};
    c->call.in = c->tensor;
    c->call.out = c->tensor + n->nin;
    c->kind = is_view(n) ? (l->value[n->out].copied ? GRAPH_CALL_COPY : GRAPH_CALL_NOTHING)
              : n->fused ? GRAPH_CALL_FUSED
                         : GRAPH_CALL_OP;
    return c->kind == GRAPH_CALL_OP ? make_copies(l, c, e) : OK;
}

enum status graph_layout_new(const struct graph *g, struct storage *arena, struct graph_layout **out, struct err *e) {
    struct graph_layout *l = mem_zalloc(sizeof *l, e);
    if (!l) return e->status;
    l->graph = g;
    l->arena = arena;
    l->value = mem_zalloc(sizeof *l->value * (size_t)(g->nvalue + 1), e);
    l->call = mem_zalloc(sizeof *l->call * (size_t)(g->nnode + 1), e);
    l->with = mem_alloc(sizeof *l->with * (size_t)(g->nnode + 1), e);
    l->absent = mem_zalloc(sizeof *l->absent * (size_t)(g->nvalue + 1), e);
    for (int i = 0; l->with && i < g->nnode; i++) l->with[i] = i;
    if (e->status == OK) make_values(l);
    for (int i = 0; e->status == OK && i < g->nnode; i++) make_call(l, i, e);
    if (e->status == OK)
        *out = l;
    else
        graph_layout_free(l);
    return e->status;
}

void graph_layout_free(struct graph_layout *l) {
    if (!l) return;
    for (int i = 0; l->call && i < l->graph->nnode; i++) {
        mem_free(l->call[i].tensor);
        mem_free(l->call[i].copy);
    }
    graph_plan_free(l->plan);
    mem_free(l->absent);
    mem_free(l->with);
    mem_free(l->call);
    mem_free(l->value);
    mem_free(l);
}

/* ---- places ------------------------------------------------------------------------------------------------------- */

static size_t scratch(void *arg, int node) {
    const struct graph_layout *l = arg;
    return l->call[node].workspace + l->call[node].copies;
}

static size_t kept(void *arg, int node, int *until) {
    const struct graph_layout *l = arg;
    *until = l->call[node].kept_until;
    return l->call[node].kept;
}

/* The workspace lies at the beginning of the node's scratch, its contiguous copies behind it. */
static void place_scratch(struct graph_call *c, size_t at) {
    c->at = at;
    at += c->workspace;
    for (int k = 0; c->copy && k < c->call.nin; k++) {
        if (c->tensor[k] != &c->copy[k]) continue;
        c->copy[k].offset = (int64_t)(at / dtype_size(c->copy[k].dtype));
        at += rounded(tensor_bytes(&c->copy[k]));
    }
}

enum status graph_layout_plan(struct graph_layout *l, struct err *e) {
    for (int i = 0; i < l->graph->nnode; i++) l->call[i].workspace = rounded(l->call[i].workspace);
    const struct graph_needs needs = {.scratch = scratch, .kept = kept, .arg = l, .with = l->with, .absent = l->absent};
    if (graph_plan_new(l->graph, &needs, &l->plan, e) != OK) return e->status;
    const size_t planned = rounded(l->plan->arena);
    l->bytes = planned + l->copied;
    for (int v = 0; v < l->graph->nvalue; v++) {
        struct graph_place *x = &l->value[v];
        if (x->root != v || x->home != GRAPH_IN_ARENA) continue;
        x->at = x->copied ? planned + x->at : l->absent[v] ? 0 : l->plan->offset[v];
    }
    for (int i = 0; i < l->graph->nnode; i++) {
        place_scratch(&l->call[i], l->plan->scratch[i]);
        l->call[i].kept_at = l->plan->kept[i];
    }
    for (enum graph_home home = GRAPH_IN_ARENA; home <= GRAPH_IN_OUTPUT; home++) place_values(l, home, NULL);
    return OK;
}

void graph_layout_bind(struct graph_layout *l, struct tensor *const *in, struct tensor *const *out) {
    place_values(l, GRAPH_IN_CONSTANT, NULL);
    place_values(l, GRAPH_IN_INPUT, in);
    place_values(l, GRAPH_IN_OUTPUT, out);
}

/* ---- overwriting -------------------------------------------------------------------------------------------------- */

/* Whether `node` reads value v, if at all, element by element, and not after the step that makes its output `out`. */
static bool reads_in_place(const struct graph_layout *l, int node, int v, int out) {
    const struct graph_node *n = &l->graph->node[node];
    const int maker = n->fused ? n->fused->out[out - n->out] : 0;
    for (int k = 0; k < n->nin; k++) {
        const struct tensor *t = &l->value[n->in[k]].header;
        if (l->value[n->in[k]].root != v) continue;
        if (!tensor_is_contiguous(t) || !shape_equal(&t->shape, &l->value[out].header.shape)) return false;
        for (int s = maker + 1; n->fused && s < n->fused->nstep; s++)
            for (int i = 0; i < n->fused->step[s].nin; i++)
                if (n->fused->step[s].in[i] == k) return false;
    }
    return true;
}

/* Whether value v is read by another node when or after `node` runs. */
static bool is_read_later(const struct graph_layout *l, int node, int v) {
    const struct graph *g = l->graph;
    for (int i = 0; i < g->nnode; i++)
        for (int k = 0; i != node && l->with[i] >= node && k < g->node[i].nin; k++)
            if (l->value[g->node[i].in[k]].root == v && l->call[i].kind != GRAPH_CALL_NOTHING) return true;
    return false;
}

/* Whether a node writes output i; else it is copied at the end. */
static bool is_written(const struct graph_layout *l, int i) {
    const int v = l->graph->output[i];
    const struct graph_place *x = &l->value[v];
    return x->root == v && x->home == GRAPH_IN_OUTPUT && x->argument == i;
}

bool graph_layout_overwrites(const struct graph_layout *l, int output, int input) {
    const struct graph *g = l->graph;
    const int to = g->output[output], from = g->input[input], node = g->value[to].node;
    const struct graph_place *x = &l->value[to], *y = &l->value[from];
    for (int i = 0; i < g->noutput; i++)
        if (!is_written(l, i)) return false;
    if (l->with[node] != node) return false;
    return graph_is_elementwise(&g->node[node]) && x->header.dtype == y->header.dtype &&
           shape_equal(&x->header.shape, &y->header.shape) && reads_in_place(l, node, from, to) &&
           !is_read_later(l, node, from);
}

/* ---- copies ------------------------------------------------------------------------------------------------------- */

enum status graph_layout_copy_inputs(struct graph_layout *l, int i, graph_copy_fn *copy, void *device, struct err *e) {
    const struct graph_call *c = &l->call[i];
    for (int k = 0; c->copy && k < c->call.nin; k++) {
        if (c->tensor[k] != &c->copy[k]) continue;
        if (copy(device, &l->value[l->graph->node[i].in[k]].header, &c->copy[k], e) != OK) return e->status;
    }
    return OK;
}

enum status graph_layout_copy_outputs(struct graph_layout *l, struct tensor *const *out, graph_copy_fn *copy,
                                      void *device, struct err *e) {
    for (int i = 0; i < l->graph->noutput; i++) {
        const int v = l->graph->output[i];
        const struct tensor *x = &l->value[v].header;
        if (!is_written(l, i) && copy(device, x, out ? out[i] : x, e) != OK) return e->status;
    }
    return OK;
}
