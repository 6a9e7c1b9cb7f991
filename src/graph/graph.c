/* Building graphs. Invariant: a node's inputs are values that stand before it, so nodes can run in order. */
#include "graph/graph.h"

#include <string.h>

#include "base/mem.h"

/* Makes room for one more element; the array's pointer is passed as its address. */
static enum status grow(void *array, int count, int *cap, size_t size, struct err *e) {
    void *p;
    if (count < *cap) return OK;
    int more = *cap ? *cap * 2 : 16;
    memcpy(&p, array, sizeof p);
    p = mem_realloc(p, size * (size_t)more, e);
    if (!p) return e->status;
    memcpy(array, &p, sizeof p);
    *cap = more;
    return OK;
}

enum status graph_new(struct graph **out, struct err *e) {
    *out = mem_zalloc(sizeof **out, e);
    return e->status;
}

void graph_fused_free(struct graph_fused *f) {
    if (!f) return;
    mem_free(f->step);
    mem_free(f->out);
    mem_free(f);
}

void graph_free(struct graph *g) {
    if (!g) return;
    for (int i = 0; i < g->nnode; i++) {
        mem_free(g->node[i].in);
        graph_fused_free(g->node[i].fused);
    }
    for (int i = 0; i < g->nvalue; i++) tensor_release(g->value[i].constant);
    mem_free(g->node);
    mem_free(g->value);
    mem_free(g->input);
    mem_free(g->output);
    mem_free(g);
}

static int add_value(struct graph *g, const struct op_sig *sig, enum graph_kind kind, struct err *e) {
    if (grow(&g->value, g->nvalue, &g->value_cap, sizeof *g->value, e)) return -1;
    g->value[g->nvalue] = (struct graph_value){.sig = *sig, .kind = kind, .node = -1};
    return g->nvalue++;
}

int graph_add_input(struct graph *g, const struct op_sig *sig, struct err *e) {
    if (grow(&g->input, g->ninput, &g->input_cap, sizeof *g->input, e)) return -1;
    int v = add_value(g, sig, GRAPH_INPUT, e);
    if (v < 0) return -1;
    g->value[v].output = g->ninput;
    g->input[g->ninput++] = v;
    return v;
}

int graph_add_constant(struct graph *g, struct tensor *t, struct err *e) {
    for (int i = 0; i < g->nvalue; i++)
        if (g->value[i].kind == GRAPH_CONSTANT && g->value[i].constant->id == t->id) return i;
    struct op_sig sig = {t->dtype, t->shape};
    int v = add_value(g, &sig, GRAPH_CONSTANT, e);
    if (v >= 0) g->value[v].constant = tensor_retain(t);
    return v;
}

enum status graph_add_output(struct graph *g, int value, struct err *e) {
    if (grow(&g->output, g->noutput, &g->output_cap, sizeof *g->output, e)) return e->status;
    g->output[g->noutput++] = value;
    return OK;
}

bool graph_is_output(const struct graph *g, int value) {
    for (int i = 0; i < g->noutput; i++)
        if (g->output[i] == value) return true;
    return false;
}

int graph_made_by(const struct graph *g, int value, const struct op *op) {
    const struct graph_value *v = &g->value[value];
    return v->kind == GRAPH_RESULT && g->node[v->node].op == op ? v->node : -1;
}

bool graph_reads(const struct graph_node *n, int value) {
    for (int k = 0; k < n->nin; k++)
        if (n->in[k] == value) return true;
    return false;
}

bool graph_is_elementwise(const struct graph_node *n) {
    return n->fused || n->op->flags & OP_ELEMENTWISE;
}

int graph_add_node(struct graph *g, const struct graph_node *node, const struct op_sig *out, struct err *e) {
    if (grow(&g->node, g->nnode, &g->node_cap, sizeof *g->node, e)) return -1;
    int first = g->nvalue;
    for (int k = 0; k < node->nout; k++) {
        int v = add_value(g, &out[k], GRAPH_RESULT, e);
        if (v < 0) {
            g->nvalue = first;
            return -1;
        }
        g->value[v].node = g->nnode;
        g->value[v].output = k;
    }
    g->node[g->nnode] = *node;
    g->node[g->nnode++].out = first;
    return first;
}

int graph_add(struct graph *g, const struct op *op, const int *in, int nin, const union op_attrs *a, struct err *e) {
    struct op_sig sig[OP_MAX_IN], out[OP_MAX_OUT];
    if (nin > OP_MAX_IN) {
        err_set(e, ERR_VALUE, "%s: %d inputs, at most %d", op->name, nin, OP_MAX_IN);
        return -1;
    }
    for (int i = 0; i < nin; i++) sig[i] = g->value[in[i]].sig;
    if (op_infer(op, sig, nin, a, out, e)) return -1;
    struct graph_node node = {.op = op, .nin = nin, .nout = op->nout};
    if (a) node.attrs = *a;
    node.in = mem_alloc(sizeof *node.in * (size_t)(nin ? nin : 1), e);
    if (!node.in) return -1;
    if (nin) memcpy(node.in, in, sizeof *in * (size_t)nin);
    int v = graph_add_node(g, &node, out, e);
    if (v < 0) mem_free(node.in);
    return v;
}

/* ---- listing ------------------------------------------------------------------------------------------------------ */

static void print_value(const struct graph *g, int v, struct buf *out) {
    char text[256];
    const struct op_sig *s = &g->value[v].sig;
    buf_printf(out, "%%%d %s%s", v, dtype_name(s->dtype), shape_text(&s->shape, text, sizeof text));
}

static void print_fused(const struct graph_node *n, struct buf *out) {
    for (int k = 0; k < n->fused->nstep; k++) {
        const struct graph_step *s = &n->fused->step[k];
        buf_printf(out, "\n      .%d = %s(", n->nin + k, s->op->name);
        for (int i = 0; i < s->nin; i++) buf_printf(out, "%s.%d", i ? ", " : "", s->in[i]);
        buf_puts(out, ")");
        op_attrs_print(s->op->attrs, &s->attrs, out);
    }
}

void graph_print(const struct graph *g, struct buf *out) {
    for (int i = 0; i < g->ninput; i++) {
        print_value(g, g->input[i], out);
        buf_printf(out, " = input %d\n", i);
    }
    for (int i = 0; i < g->nnode; i++) {
        const struct graph_node *n = &g->node[i];
        for (int k = 0; k < n->nout; k++) {
            buf_puts(out, k ? ", " : "");
            print_value(g, n->out + k, out);
        }
        buf_printf(out, " = %s(", n->op ? n->op->name : "fused");
        for (int k = 0; k < n->nin; k++) buf_printf(out, "%s%%%d", k ? ", " : "", n->in[k]);
        buf_puts(out, ")");
        if (n->op)
            op_attrs_print(n->op->attrs, &n->attrs, out);
        else
            print_fused(n, out);
        buf_putc(out, '\n');
    }
    buf_puts(out, "outputs");
    for (int i = 0; i < g->noutput; i++) buf_printf(out, " %%%d", g->output[i]);
    buf_putc(out, '\n');
}
