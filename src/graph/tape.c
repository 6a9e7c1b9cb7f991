/* The tape: the one autodiff, in reverse mode over recorded calls (Griewank and Walther 2008, chapter 3). It works on
 * tensors by their ids, so that eager values and symbolic ones are the same to it. Invariant: a tensor is watched if a
 * gradient with respect to it can be asked for, or it was computed from such a one by differentiable ops. */
#include <string.h>

#include "base/mem.h"
#include "graph/graph.h"
#include "op/emit.h"

struct record {
    const struct op *op;
    union op_attrs attrs;
    int nin, nout;
    struct tensor **tensor; /* inputs, then outputs; retained */
    uint64_t *version;      /* of their storages when recorded */
};

/* Tensor ids, each with a tensor or nothing; open addressing. */
struct id_map {
    size_t cap, count;
    uint64_t *id; /* 0: free */
    struct tensor **value;
};

struct tape {
    bool persistent, used;
    int nrecord, cap;
    struct record *record;
    struct id_map watched;
};

/* ---- ids ---------------------------------------------------------------------------------------------------------- */

static size_t slot_of(const struct id_map *m, uint64_t id) {
    size_t i = (size_t)(id * 0x9E3779B97F4A7C15u) & (m->cap - 1); /* Fibonacci hashing */
    while (m->id[i] && m->id[i] != id) i = (i + 1) & (m->cap - 1);
    return i;
}

static bool map_has(const struct id_map *m, uint64_t id) {
    return m->cap && m->id[slot_of(m, id)] == id;
}

static struct tensor *map_get(const struct id_map *m, uint64_t id) {
    return map_has(m, id) ? m->value[slot_of(m, id)] : NULL;
}

static void map_free(struct id_map *m) {
    mem_free(m->id);
    mem_free(m->value);
    *m = (struct id_map){0};
}

static enum status map_grow(struct id_map *m, struct err *e) {
    struct id_map more = {.cap = m->cap ? m->cap * 2 : 64, .count = m->count};
    more.id = mem_zalloc(more.cap * sizeof *more.id, e);
    more.value = mem_zalloc(more.cap * sizeof *more.value, e);
    if (!more.id || !more.value) {
        map_free(&more);
        return e->status;
    }
    for (size_t i = 0; i < m->cap; i++) {
        if (!m->id[i]) continue;
        size_t at = slot_of(&more, m->id[i]);
        more.id[at] = m->id[i];
        more.value[at] = m->value[i];
    }
    map_free(m);
    *m = more;
    return OK;
}

static enum status map_set(struct id_map *m, uint64_t id, struct tensor *value, struct err *e) {
    if (m->count * 2 >= m->cap && map_grow(m, e)) return e->status;
    size_t i = slot_of(m, id);
    if (!m->id[i]) m->count++;
    m->id[i] = id;
    m->value[i] = value;
    return OK;
}

/* ---- recording ---------------------------------------------------------------------------------------------------- */

enum status tape_new(bool persistent, struct tape **out, struct err *e) {
    *out = mem_zalloc(sizeof **out, e);
    if (*out) (*out)->persistent = persistent;
    return e->status;
}

static void forget_records(struct tape *t) {
    for (int i = 0; i < t->nrecord; i++) {
        struct record *r = &t->record[i];
        for (int k = 0; k < r->nin + r->nout; k++) tensor_release(r->tensor[k]);
        mem_free(r->tensor);
        mem_free(r->version);
    }
    mem_free(t->record);
    t->record = NULL;
    t->nrecord = t->cap = 0;
}

void tape_free(struct tape *t) {
    if (!t) return;
    forget_records(t);
    map_free(&t->watched);
    mem_free(t);
}

enum status tape_watch(struct tape *t, const struct tensor *x, struct err *e) {
    return map_set(&t->watched, x->id, NULL, e);
}

bool tape_watches(const struct tape *t, const struct tensor *x) {
    return map_has(&t->watched, x->id);
}

static uint64_t version_of(const struct tensor *t) {
    return t->storage ? atomic_load(&t->storage->version) : 0;
}

static enum status record_call(struct record *r, const struct op_call *call, struct err *e) {
    int n = call->nin + call->nout;
    *r = (struct record){.op = call->op, .nin = call->nin, .nout = call->nout};
    if (call->attrs) r->attrs = *call->attrs;
    r->tensor = mem_alloc(sizeof *r->tensor * (size_t)n, e);
    r->version = mem_alloc(sizeof *r->version * (size_t)n, e);
    if (e->status) {
        mem_free(r->tensor);
        mem_free(r->version);
        return e->status;
    }
    for (int k = 0; k < n; k++) {
        r->tensor[k] = tensor_retain(k < call->nin ? call->in[k] : call->out[k - call->nin]);
        r->version[k] = version_of(r->tensor[k]);
    }
    return OK;
}

enum status tape_record(struct tape *t, const struct op_call *call, struct err *e) {
    bool reached = false;
    for (int i = 0; i < call->nin; i++) reached |= dtype_is_float(call->in[i]->dtype) && tape_watches(t, call->in[i]);
    if (!reached || !call->op->gradient) return OK;
    if (t->nrecord == t->cap) {
        int cap = t->cap ? 2 * t->cap : 32;
        struct record *more = mem_realloc(t->record, sizeof *more * (size_t)cap, e);
        if (!more) return e->status;
        t->record = more;
        t->cap = cap;
    }
    for (int k = 0; k < call->nout; k++)
        if (dtype_is_float(call->out[k]->dtype) && tape_watch(t, call->out[k], e)) return e->status;
    if (record_call(&t->record[t->nrecord], call, e)) return e->status;
    t->nrecord++;
    return OK;
}

/* ---- gradients ---------------------------------------------------------------------------------------------------- */

struct backward {
    struct tape *tape;
    struct op_emitter *emit;
    struct id_map reached;  /* from the sources: where gradients need to go */
    struct id_map gradient; /* of the target with respect to each tensor, as far as summed */
};

static enum status find_reached(struct backward *b, int nrecord, struct tensor *const *source, int nsource,
                                struct err *e) {
    for (int i = 0; i < nsource; i++)
        if (tape_watches(b->tape, source[i]) && map_set(&b->reached, source[i]->id, NULL, e)) return e->status;
    for (int i = 0; i < nrecord; i++) {
        const struct record *r = &b->tape->record[i];
        bool reached = false;
        for (int k = 0; k < r->nin; k++) reached |= map_has(&b->reached, r->tensor[k]->id);
        for (int k = 0; reached && k < r->nout; k++)
            if (map_set(&b->reached, r->tensor[r->nin + k]->id, NULL, e)) return e->status;
    }
    return OK;
}

static enum status check_versions(const struct record *r, struct err *e) {
    for (int k = 0; k < r->nin + r->nout; k++)
        if (version_of(r->tensor[k]) != r->version[k])
            return err_set(e, ERR_STATE,
                           "GradientTape: a tensor that %s needs for its gradient was assigned to after it was used",
                           r->op->name);
    return OK;
}

static enum status accumulate(struct backward *b, const struct tensor *x, struct tensor *g, struct err *e) {
    struct tensor *sum = map_get(&b->gradient, x->id);
    if (sum) g = emit_add(b->emit, sum, g);
    return g ? map_set(&b->gradient, x->id, g, e) : e->status;
}

static enum status step_back(struct backward *b, const struct record *r, struct err *e) {
    struct tensor *dout[OP_MAX_OUT];
    bool any = false, wanted = false;
    struct op_grad g = {.emit = b->emit,
                        .op = r->op,
                        .attrs = &r->attrs,
                        .nin = r->nin,
                        .nout = r->nout,
                        .in = r->tensor,
                        .out = r->tensor + r->nin,
                        .dout = dout};
    for (int k = 0; k < r->nout; k++) any |= (dout[k] = map_get(&b->gradient, g.out[k]->id)) != NULL;
    for (int k = 0; k < r->nin; k++)
        wanted |= g.wants[k] = dtype_is_float(g.in[k]->dtype) && map_has(&b->reached, g.in[k]->id);
    if (!any || !wanted) return OK;
    if (check_versions(r, e)) return e->status;
    r->op->gradient(&g);
    if (b->emit->err->status) return b->emit->err->status;
    for (int k = 0; k < r->nin; k++)
        if (g.wants[k] && g.din[k] && accumulate(b, g.in[k], g.din[k], e)) return e->status;
    return OK;
}

static enum status check_target(const struct tape *t, const struct tensor *target, const struct tensor *seed,
                                struct err *e) {
    char a[256], b[256];
    if (t->used && !t->persistent)
        return err_set(e, ERR_STATE, "GradientTape.gradient can only be called once on non-persistent tapes");
    if (!dtype_is_float(target->dtype))
        return err_set(e, ERR_TYPE, "GradientTape: the target must be floating, not %s", dtype_name(target->dtype));
    if (seed && !shape_equal(&seed->shape, &target->shape))
        return err_set(e, ERR_VALUE, "GradientTape: output_gradients of shape %s for a target of shape %s",
                       shape_text(&seed->shape, a, sizeof a), shape_text(&target->shape, b, sizeof b));
    return OK;
}

enum status tape_gradient(struct tape *t, struct op_emitter *emit, struct tensor *target, struct tensor *seed,
                          struct tensor *const *source, int nsource, struct tensor **gradient, struct err *e) {
    struct backward b = {.tape = t, .emit = emit};
    int n = t->nrecord; /* what the gradient itself adds to a persistent tape is not gone back over */
    for (int i = 0; i < nsource; i++) gradient[i] = NULL;
    if (check_target(t, target, seed, e)) return e->status;
    t->used = true;
    if (!seed) seed = emit_full(emit, target->dtype, &target->shape, 1);
    if (seed && find_reached(&b, n, source, nsource, e) == OK && map_set(&b.gradient, target->id, seed, e) == OK)
        for (int i = n - 1; i >= 0 && e->status == OK; i--) {
            struct record r = t->record[i]; /* a copy: a persistent tape may grow while it is gone back over */
            step_back(&b, &r, e);
        }
    for (int i = 0; i < nsource && e->status == OK; i++)
        if (map_has(&b.reached, source[i]->id)) gradient[i] = map_get(&b.gradient, source[i]->id);
    map_free(&b.reached);
    map_free(&b.gradient);
    if (!t->persistent) forget_records(t);
    return e->status ? e->status : emit->err->status;
}
