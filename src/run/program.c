/* Compiled programs over variables. Invariant: a call swaps all updated variables in at its end or none, and allocates
 * nothing large after the second call: a variable's next value lies where its value is, if nobody else holds that and the
 * device can do so without ever stopping halfway, else where the one before last was. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run/internal.h"

struct program {
    atomic_int refs;
    struct graph *graph;
    struct device *device;
    struct device_program *compiled;
    uint64_t choices; /* the device's, when it was compiled */
    int ninput, noutput, nvariable, nslot;
    struct op_sig *input;       /* by explicit input */
    struct variable **variable; /* retained */
    int *slot;                  /* by graph input: a variable, or -1 - an explicit input */
    int nupdate, *update;       /* by output after the explicit ones: a variable, */
    int *overwritten;           /* and the graph input that the device can overwrite with it, or -1 */
    struct tensor **in, **out;  /* room for one call's arguments */
};

static enum status allocate(struct program *p, const struct trace *t, int noutput, struct err *e) {
    size_t n = (size_t)t->nslot + 1, outputs = (size_t)(noutput + t->nvariable) + 1;
    *p = (struct program){.ninput = t->ninput, .noutput = noutput, .nslot = t->nslot};
    atomic_init(&p->refs, 1);
    p->input = mem_alloc(n * sizeof *p->input, e);
    p->variable = mem_alloc(n * sizeof *p->variable, e);
    p->slot = mem_alloc(n * sizeof *p->slot, e);
    p->update = mem_alloc(n * sizeof *p->update, e);
    p->overwritten = mem_alloc(n * sizeof *p->overwritten, e);
    p->in = mem_alloc(n * sizeof(struct tensor *), e);
    p->out = mem_alloc(outputs * sizeof(struct tensor *), e);
    return e->status;
}

static void find_overwritten(struct program *p) {
    const struct device_driver *driver = p->device->driver;
    for (int k = 0; k < p->nupdate; k++) {
        int i = 0;
        while (p->slot[i] != p->update[k]) i++;
        const bool can =
            driver->program_overwrites && driver->program_overwrites(p->device, p->compiled, p->noutput + k, i);
        p->overwritten[k] = can ? i : -1;
    }
}

static enum status compile(struct run *r, struct program *p, struct err *e) {
    struct device_program *compiled;
    if (r->device->driver->compile(r->device, p->graph, &compiled, e)) return e->status;
    if (p->compiled) p->device->driver->program_free(p->device, p->compiled);
    p->compiled = compiled;
    p->device = r->device;
    p->choices = r->device->choices;
    find_overwritten(p);
    return OK;
}

/* What was compiled runs here and now. */
static bool is_compiled_for(const struct program *p, const struct device *d) {
    return p->device == d && p->choices == d->choices;
}

enum status program_new(struct run *r, struct trace *t, int noutput, struct program **out, struct err *e) {
    struct program *p = mem_zalloc(sizeof *p, e);
    if (!p) return e->status;
    if (allocate(p, t, noutput, e)) {
        atomic_init(&p->refs, 1);
        program_release(p);
        return e->status;
    }
    memcpy(p->slot, t->slot, sizeof *t->slot * (size_t)t->nslot);
    for (int i = 0; i < t->ninput; i++) p->input[i] = (struct op_sig){t->input[i]->dtype, t->input[i]->shape};
    for (int i = 0; i < t->nvariable; i++) {
        p->variable[p->nvariable++] = variable_retain(t->variable[i].variable);
        if (t->variable[i].current != t->variable[i].input) p->update[p->nupdate++] = i;
    }
    p->graph = t->graph;
    t->graph = NULL;
    if (graph_optimize(p->graph, r->passes, e) || compile(r, p, e)) {
        program_release(p);
        return e->status;
    }
    *out = p;
    return OK;
}

struct program *program_retain(struct program *p) {
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void program_release(struct program *p) {
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1) return;
    if (p->compiled) p->device->driver->program_free(p->device, p->compiled);
    for (int i = 0; i < p->nvariable; i++) variable_release(p->variable[i]);
    graph_free(p->graph);
    mem_free(p->input);
    mem_free(p->variable);
    mem_free(p->slot);
    mem_free(p->update);
    mem_free(p->overwritten);
    mem_free(p->in);
    mem_free(p->out);
    mem_free(p);
}

int program_outputs(const struct program *p) {
    return p->noutput;
}

const struct graph *program_graph(const struct program *p) {
    return p->graph;
}

size_t program_arena(const struct program *p) {
    return p->device->driver->program_bytes(p->device, p->compiled, NULL);
}

size_t program_bound(const struct program *p) {
    size_t bound;
    p->device->driver->program_bytes(p->device, p->compiled, &bound);
    return bound;
}

const char *program_way(const struct program *p, int node) {
    const struct device_driver *driver = p->device->driver;
    return driver->program_way ? driver->program_way(p->device, p->compiled, node) : NULL;
}

enum status program_tune(struct program *p, struct buf *out, struct err *e) {
    const struct device_driver *driver = p->device->driver;
    return driver->program_tune ? driver->program_tune(p->device, p->compiled, out, e) : OK;
}

/* ---- calling ------------------------------------------------------------------------------------------------------ */

static enum status check_input(const struct program *p, int i, const struct tensor *t, struct err *e) {
    char a[256], b[256];
    const struct op_sig *want = &p->input[i];
    if (t->dtype == want->dtype && shape_equal(&t->shape, &want->shape)) return OK;
    return err_set(e, ERR_VALUE, "input %d was traced as %s%s, not %s%s", i + 1, dtype_name(want->dtype),
                   shape_text(&want->shape, a, sizeof a), dtype_name(t->dtype), shape_text(&t->shape, b, sizeof b));
}

/* Constants move along when a program is compiled for another device. */
static enum status move_constants(struct run *r, struct graph *g, struct err *e) {
    for (int v = 0; v < g->nvalue; v++) {
        struct tensor *moved;
        if (g->value[v].kind != GRAPH_CONSTANT) continue;
        if (run_move(r, g->value[v].constant, r->device, &moved, e)) return e->status;
        tensor_release(g->value[v].constant);
        g->value[v].constant = moved;
    }
    return OK;
}

/* Fills p->in with retained, contiguous tensors on the device; `ready` counts them. */
static enum status bind_inputs(struct run *r, struct program *p, struct tensor *const *in, int *ready, struct err *e) {
    for (*ready = 0; *ready < p->nslot; ++*ready) {
        int slot = p->slot[*ready];
        struct tensor *t = slot >= 0 ? p->variable[slot]->value : in[-1 - slot], *there;
        if (slot < 0 && check_input(p, -1 - slot, t, e)) return e->status;
        if (run_move(r, t, p->device, &there, e)) return e->status;
        enum status s = run_contiguous(r, there, &p->in[*ready], e);
        tensor_release(there);
        if (s) return s;
    }
    return OK;
}

/* Whether t's bytes may be written to, since only `refs` references of ours hold it. */
static bool is_ours(const struct program *p, const struct tensor *t, int refs) {
    const struct storage *s = t->storage;
    return atomic_load(&t->refs) == refs && atomic_load(&s->refs) == 1 && s->device == p->device && !s->readonly;
}

/* A buffer for the next value of updated variable k. */
static enum status next_value(struct program *p, int k, struct tensor **out, struct err *e) {
    struct variable *v = p->variable[p->update[k]];
    struct tensor *spare = v->spare;
    v->spare = NULL;
    const bool here = p->overwritten[k] >= 0 && p->in[p->overwritten[k]] == v->value && is_ours(p, v->value, 2);
    struct storage *storage = here ? v->value->storage : spare && is_ours(p, spare, 1) ? spare->storage : NULL;
    if (storage) {
        atomic_fetch_add_explicit(&storage->version, 1, memory_order_relaxed);
        tensor_on(storage, v->value->dtype, &v->value->shape, here ? v->value->offset : 0, out, e);
    } else {
        tensor_new(p->device, v->value->dtype, &v->value->shape, out, e);
    }
    tensor_release(spare);
    return e->status;
}

static enum status make_outputs(struct program *p, int *made, struct err *e) {
    for (*made = 0; *made < p->noutput + p->nupdate; ++*made) {
        const struct op_sig *sig = &p->graph->value[p->graph->output[*made]].sig;
        if (*made < p->noutput)
            tensor_new(p->device, sig->dtype, &sig->shape, &p->out[*made], e);
        else
            next_value(p, *made - p->noutput, &p->out[*made], e);
        if (e->status) return e->status;
    }
    return OK;
}

/* All at once: nothing here can fail. */
static void swap_in(struct program *p) {
    for (int i = 0; i < p->nupdate; i++) {
        struct variable *v = p->variable[p->update[i]];
        struct tensor *before = v->value;
        v->value = p->out[p->noutput + i];
        if (v->value->storage == before->storage)
            tensor_release(before);
        else
            v->spare = before;
    }
}

static enum status execute(struct run *r, struct program *p, struct err *e) {
    const struct device_driver *driver = p->device->driver;
    uint64_t ticket;
    double *seconds = r->profile && driver->program_profile ? profile_call(r, p, e) : NULL;
    const double start = clock_now();
    if (e->status) return e->status;
    if (seconds) driver->program_profile(p->device, p->compiled, seconds);
    if (driver->execute(p->device, p->compiled, p->in, p->out, &ticket, e) == OK) driver->wait(p->device, ticket, e);
    if (seconds) driver->program_profile(p->device, p->compiled, NULL);
    return r->profile && !seconds && !e->status ? profile_whole(r, p, clock_now() - start, e) : e->status;
}

enum status program_call(struct run *r, struct program *p, struct tensor *const *in, int nin, struct tensor **out,
                         struct err *e) {
    int ready = 0, made = 0;
    if (nin != p->ninput) return err_set(e, ERR_VALUE, "the program takes %d inputs, not %d", p->ninput, nin);
    if (!is_compiled_for(p, r->device) && (move_constants(r, p->graph, e) || compile(r, p, e))) return e->status;
    r->program_calls++;
    if (bind_inputs(r, p, in, &ready, e) == OK && make_outputs(p, &made, e) == OK) execute(r, p, e);
    for (int i = 0; i < ready; i++) tensor_release(p->in[i]);
    if (e->status == OK) {
        swap_in(p);
        if (p->noutput) memcpy(out, p->out, sizeof *out * (size_t)p->noutput);
    } else {
        for (int k = 0; k < made; k++) tensor_release(p->out[k]);
    }
    return e->status;
}
