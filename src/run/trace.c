/* Tracing: ops on symbolic tensors become nodes. Invariant: a variable has one entry in a trace; reading it gives what was
 * last assigned in the trace, and the program assigns all at its end. */
#include "base/mem.h"
#include "run/internal.h"

enum status trace_begin(struct run *r, struct err *e) {
    if (r->trace) return err_set(e, ERR_STATE, "a computation is being traced already");
    struct trace *t = mem_zalloc(sizeof *t, e);
    if (!t || graph_new(&t->graph, e)) {
        mem_free(t);
        return e->status;
    }
    r->trace = t;
    return OK;
}

void trace_abort(struct run *r) {
    struct trace *t = r->trace;
    if (!t) return;
    r->trace = NULL;
    for (int i = 0; i < t->nvariable; i++) {
        tensor_release(t->variable[i].input);
        tensor_release(t->variable[i].current);
        variable_release(t->variable[i].variable);
    }
    for (int i = 0; i < t->ninput; i++) tensor_release(t->input[i]);
    for (int v = 0; v < t->symbol_cap; v++) tensor_release(t->symbol[v]);
    mem_free(t->symbol);
    mem_free(t->variable);
    mem_free(t->input);
    mem_free(t->slot);
    graph_free(t->graph);
    mem_free(t);
}

/* Remembers that `t` stands for value v. */
static enum status keep_symbol(struct trace *trace, int v, struct tensor *t, struct err *e) {
    int before = trace->symbol_cap;
    while (v >= trace->symbol_cap)
        if (run_grow(&trace->symbol, trace->symbol_cap, &trace->symbol_cap, sizeof *trace->symbol, e)) return e->status;
    for (int i = before; i < trace->symbol_cap; i++) trace->symbol[i] = NULL;
    if (!trace->symbol[v]) trace->symbol[v] = tensor_retain(t);
    return OK;
}

/* A graph input with its slot; a new symbolic tensor in out. */
static enum status new_input(struct trace *t, const struct op_sig *sig, int slot, struct tensor **out, struct err *e) {
    if (run_grow(&t->slot, t->nslot, &t->slot_cap, sizeof *t->slot, e)) return e->status;
    int v = graph_add_input(t->graph, sig, e);
    if (v < 0) return e->status;
    t->slot[t->nslot++] = slot;
    if (tensor_symbolic(t->graph, v, sig->dtype, &sig->shape, out, e) == OK && keep_symbol(t, v, *out, e))
        tensor_release(*out);
    return e->status;
}

enum status trace_input(struct run *r, enum dtype d, const struct shape *s, struct tensor **out, struct err *e) {
    struct trace *t = r->trace;
    if (!t) return err_set(e, ERR_STATE, "nothing is being traced");
    struct op_sig sig = {d, *s};
    if (run_grow(&t->input, t->ninput, &t->input_cap, sizeof *t->input, e)) return e->status;
    if (new_input(t, &sig, -1 - t->ninput, out, e)) return e->status;
    t->input[t->ninput++] = *out;
    return OK;
}

struct trace_variable *trace_variable(struct run *r, struct variable *v, struct err *e) {
    struct trace *t = r->trace;
    for (int i = 0; i < t->nvariable; i++)
        if (t->variable[i].variable == v) return &t->variable[i];
    if (run_grow(&t->variable, t->nvariable, &t->variable_cap, sizeof *t->variable, e)) return NULL;
    struct trace_variable *entry = &t->variable[t->nvariable];
    struct op_sig sig = {v->value->dtype, v->value->shape};
    if (new_input(t, &sig, t->nvariable, &entry->input, e)) return NULL;
    entry->variable = variable_retain(v);
    entry->current = tensor_retain(entry->input);
    t->nvariable++;
    return entry;
}

int trace_value(struct run *r, struct tensor *t, struct err *e) {
    struct trace *trace = r->trace;
    struct tensor *whole, *there;
    if (tensor_is_symbolic(t)) {
        if (trace && t->graph == trace->graph && t->value < trace->graph->nvalue) return t->value;
        err_set(e, ERR_STATE, "a symbolic tensor was used after the trace it belongs to had ended");
        return -1;
    }
    int v = -1;
    if (run_contiguous(r, t, &whole, e)) return -1;
    if (run_move(r, whole, r->device, &there, e) == OK) {
        v = graph_add_constant(trace->graph, there, e);
        tensor_release(there);
    }
    tensor_release(whole);
    return v >= 0 && keep_symbol(trace, v, t, e) == OK ? v : -1;
}

enum status trace_op(struct run *r, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *a,
                     struct tensor **out, struct err *e) {
    int value[OP_MAX_IN] = {0};
    if (op->flags & OP_HOST)
        return err_set(e, ERR_UNSUPPORTED, "%s cannot be traced: its result's shape depends on values", op->name);
    for (int i = 0; i < nin; i++)
        if ((value[i] = trace_value(r, in[i], e)) < 0) return e->status;
    struct graph *g = r->trace->graph;
    int v = graph_add(g, op, value, nin, a, e);
    for (int k = 0; v >= 0 && k < op->nout; k++) {
        const struct op_sig *sig = &g->value[v + k].sig;
        if (tensor_symbolic(g, v + k, sig->dtype, &sig->shape, &out[k], e) == OK &&
            keep_symbol(r->trace, v + k, out[k], e) == OK)
            continue;
        for (; k >= 0; k--) {
            tensor_release(out[k]);
            out[k] = NULL;
        }
        return e->status;
    }
    return e->status;
}

/* The caller's outputs, then the new values of all variables that were assigned. */
static enum status add_outputs(struct run *r, struct tensor *const *outputs, int noutput, struct err *e) {
    struct trace *t = r->trace;
    for (int i = 0; i < noutput; i++) {
        int v = trace_value(r, outputs[i], e);
        if (v < 0 || graph_add_output(t->graph, v, e)) return e->status;
    }
    for (int i = 0; i < t->nvariable; i++) {
        if (t->variable[i].current == t->variable[i].input) continue;
        int v = trace_value(r, t->variable[i].current, e);
        if (v < 0 || graph_add_output(t->graph, v, e)) return e->status;
    }
    return OK;
}

enum status trace_end(struct run *r, struct tensor *const *outputs, int noutput, struct program **out, struct err *e) {
    if (!r->trace) return err_set(e, ERR_STATE, "nothing is being traced");
    if (add_outputs(r, outputs, noutput, e) == OK) program_new(r, r->trace, noutput, out, e);
    trace_abort(r);
    return e->status;
}
