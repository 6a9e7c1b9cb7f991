/* The elementwise engine: eager calls and fused regions alike. The output is cut into units, and these into chunks of at
 * most CHUNK elements; for each chunk, operands that do not lie contiguously are gathered into L1, then
 * every step's inner loop runs over contiguous data, and what is reduced is added while it is there.
 * Invariant: a loop never writes where it reads. */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "device/cpu/cpu.h"
#include "device/cpu/walk.h"
#include "graph/graph.h"

/* So that the ten operands and results of an optimizer's step stay in L1: 3 % less time than with 1024. */
enum { CHUNK = CPU_CHUNK, SLOT_BYTES = CHUNK * 8 };
enum { LEAST = 4, MOST = 32 }; /* chunks of a unit */

struct operand {
    struct cpu_walk walk;
    int slot; /* where chunks of it are gathered or made; -1: used in place */
    bool random;
};

struct step {
    cpu_loop *fn;                  /* NULL: a later step does this one, too */
    const struct cpu_loops *loops; /* where fn is from */
    enum dtype dtype;              /* of the last input */
    const struct op *op;
    const union op_attrs *attrs;
    int nin, in[4];   /* operands, then results of steps */
    size_t size;      /* bytes of an element of the result */
    int slot, output; /* one of them is where the result goes; the other is -1 */
};

struct cpu_elementwise {
    int64_t size;  /* elements */
    int64_t unit;  /* of a worker; where there are tails, a segment of their rows */
    int64_t chunk; /* that the loops run over, whole rows then */
    struct cpu_tails tails;
    int nin, nstep, nslot;
    struct operand *operand;
    struct step *step;
};

/* ---- preparing ---------------------------------------------------------------------------------------------------- */

static enum dtype value_dtype(const struct graph_fused *f, struct tensor *const *in, int nin, int value) {
    return value < nin ? in[value]->dtype : f->step[value - nin].dtype;
}

/* The last step that reads `value`, or -1. */
static int last_use(const struct cpu_elementwise *w, int value) {
    int last = -1;
    for (int s = 0; s < w->nstep; s++)
        for (int i = 0; i < w->step[s].nin; i++)
            if (w->step[s].in[i] == value) last = s;
    return last;
}

/* Which output a step's result goes to, or -1. */
static int output_of(const struct cpu_elementwise *w, const struct graph_fused *f, int step) {
    for (int i = 0; i < f->nout; i++)
        if (f->out[i] == step) return w->tails.absent >> i & 1 ? -1 : i;
    return -1;
}

/* The lowest slot at or after `first` that no earlier step's live result holds at step s. */
static int free_slot(const struct cpu_elementwise *w, int first, int s) {
    for (int slot = first;; slot++) {
        bool taken = false;
        for (int k = 0; k < s; k++)
            if (w->step[k].fn && w->step[k].slot == slot && last_use(w, w->nin + k) >= s) taken = true;
        if (!taken) return slot;
    }
}

static enum status find_loop(struct cpu *c, struct cpu_elementwise *w, const struct graph_fused *f,
                             struct tensor *const *in, int s, struct err *e) {
    const struct graph_step *from = &f->step[s];
    const struct cpu_slot *slot = cpu_slot(c, from->op);
    const enum dtype d = value_dtype(f, in, w->nin, from->in[from->nin - 1]);
    if (!slot || !slot->loops || !slot->loops->fn[d])
        return err_set(e, ERR_UNSUPPORTED, "%s: no kernel for %s on the cpu", from->op->name, dtype_name(d));
    w->step[s] = (struct step){.fn = slot->loops->fn[d],
                               .loops = slot->loops,
                               .dtype = d,
                               .op = from->op,
                               .attrs = &from->attrs,
                               .nin = from->nin};
    memcpy(w->step[s].in, from->in, sizeof from->in);
    return OK;
}

/* The loops of all steps, and those of several. */
static enum status find_loops(struct cpu *c, struct cpu_elementwise *w, const struct graph_fused *f,
                              struct tensor *const *in, struct err *e) {
    for (int s = 0; s < f->nstep; s++) {
        int operand[CPU_COMBINED];
        const struct cpu_combination *all = cpu_combination_of(c, f, w->nin, s, operand);
        if (all) s += all->nstep - 1;
        if (find_loop(c, w, f, in, s, e) != OK) return e->status;
        if (!all) continue;
        struct step *to = &w->step[s];
        to->fn = all->loops.fn[to->dtype], to->loops = &all->loops;
        for (to->nin = 0; to->nin < CPU_COMBINED && operand[to->nin] >= 0; to->nin++)
            to->in[to->nin] = operand[to->nin];
    }
    return OK;
}

/* Where step s's result goes. */
static void place_result(struct cpu_elementwise *w, const struct graph_fused *f, int s, int first_slot) {
    struct step *to = &w->step[s];
    to->size = dtype_size(f->step[s].dtype);
    to->output = output_of(w, f, s);
    to->slot = to->output < 0 ? free_slot(w, first_slot, s) : -1;
    if (to->slot >= w->nslot) w->nslot = to->slot + 1;
}

/* Fills w, whose arrays are there, and reserves the scratch. */
static enum status prepare(struct cpu *c, struct cpu_elementwise *w, const struct graph_fused *f,
                           struct tensor *const *in, const struct shape *shape, struct err *e) {
    w->size = shape_size(shape);
    w->unit = CHUNK * threads_grain(c->threads, w->size / CHUNK, LEAST, MOST);
    w->chunk = CHUNK;
    if (w->tails.count) {
        const struct cpu_columns *rows = &w->tails.tail[0].columns;
        w->unit = rows->segment * rows->width;
        w->chunk = CHUNK / rows->width * rows->width;
    }
    for (int i = 0; i < w->nin; i++) {
        cpu_walk_prepare(&w->operand[i].walk, in[i], shape);
        w->operand[i].random = w->tails.random >> i & 1;
        w->operand[i].slot = w->operand[i].walk.contiguous && !w->operand[i].random ? -1 : w->nslot++;
    }
    const int first_slot = w->nslot;
    if (find_loops(c, w, f, in, e) != OK) return e->status;
    for (int i = 0; i < w->nstep; i++)
        if (w->step[i].fn) place_result(w, f, i, first_slot);
    const size_t pointers = sizeof(void *) * (size_t)(w->nin + w->nstep);
    return cpu_scratch_reserve(c, (size_t)w->nslot * SLOT_BYTES + pointers, e);
}

struct cpu_elementwise *cpu_elementwise_new(struct cpu *c, const struct graph_fused *fused, struct tensor *const *in,
                                            int nin, struct tensor *const *out, const struct cpu_tails *tails,
                                            struct err *e) {
    const size_t operands = sizeof(struct operand) * (size_t)nin, steps = sizeof(struct step) * (size_t)fused->nstep;
    struct cpu_elementwise *w = mem_zalloc(sizeof *w + operands + steps, e);
    if (!w) return NULL;
    w->operand = (struct operand *)(w + 1);
    w->step = (struct step *)(w->operand + nin);
    w->nin = nin;
    w->nstep = fused->nstep;
    if (tails) w->tails = *tails;
    if (prepare(c, w, fused, in, &out[0]->shape, e) == OK) return w;
    mem_free(w);
    return NULL;
}

struct cpu_elementwise *cpu_elementwise_of_call(struct cpu *c, const struct op_call *call,
                                                const struct cpu_tails *tails, struct err *e) {
    struct graph_step step = {.op = call->op, .nin = call->nin, .in = {0, 1, 2, 3}, .dtype = call->out[0]->dtype};
    int leaves = 0;
    const struct graph_fused fused = {.nstep = 1, .step = &step, .nout = 1, .out = &leaves};
    struct cpu_elementwise *w = cpu_elementwise_new(c, &fused, call->in, call->nin, call->out, tails, e);
    if (w) w->step[0].attrs = call->attrs;
    return w;
}

void cpu_elementwise_free(struct cpu_elementwise *w) {
    mem_free(w);
}

bool cpu_elementwise_may_refuse(const struct cpu_elementwise *w) {
    for (int i = 0; i < w->nstep; i++)
        if (w->step[i].fn && w->step[i].loops->refuse) return true;
    return false;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

struct run {
    const struct cpu *cpu;
    const struct cpu_elementwise *w;
    const void *const *in;
    void *const *out;
    void *const *partial;            /* by tail */
    const struct rng_philox *stream; /* by operand, of those that are random */
    /* Some refusal: why and of which step. */
    _Atomic(const struct step *) refused;
    _Atomic(const char *) why;
};

/* Where operand i's elements first .. first+n-1 lie contiguously. */
static const void *fetch(const struct run *r, int i, int64_t first, int64_t n, bool repeated, char *slots) {
    const struct operand *o = &r->w->operand[i];
    if (o->slot < 0) {
        const int64_t bytes = n * (int64_t)o->walk.size;
        const char *here = (const char *)r->in[i] + first * (int64_t)o->walk.size;
        /* The next chunk: a twentieth less time, since the processor's own fetching stops at every page. */
        for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(here + bytes + at, 0, 2);
        return here;
    }
    char *slot = slots + (size_t)o->slot * SLOT_BYTES;
    if (o->random) {
        r->cpu->isa->random_unit(&r->stream[i], (uint64_t)first, n, (float *)slot);
        return slot;
    }
    /* What repeats with a divisor of the chunk is in place from the chunk before. */
    if (!repeated || !o->walk.period || r->w->chunk % o->walk.period != 0)
        cpu_walk_read(&o->walk, r->in[i], first, n, slot);
    return slot;
}

static void check(struct run *r, const struct step *p, int64_t n, const void *const *in) {
    const char *why = p->loops->refuse(n, in, p->dtype);
    if (!why) return;
    r->why = why;
    r->refused = p;
}

static void add_tails(const struct run *r, int value, int64_t first, int64_t n, const void *at) {
    const struct cpu_tails *t = &r->w->tails;
    for (int i = 0; i < t->count; i++) {
        const struct cpu_columns *p = &t->tail[i].columns;
        if (t->tail[i].value == value) cpu_columns_add(p, first / p->width, n / p->width, at, r->partial[i]);
    }
}

/* Elements first .. first+n-1; `at` has room for the address of every value. */
static void run_chunk(struct run *r, int64_t first, int64_t n, bool repeated, char *slots, const void **at) {
    const struct cpu_elementwise *w = r->w;
    for (int i = 0; i < w->nin; i++) {
        at[i] = fetch(r, i, first, n, repeated, slots);
        add_tails(r, i, first, n, at[i]);
    }
    for (int s = 0; s < w->nstep; s++) {
        const struct step *p = &w->step[s];
        if (!p->fn) continue;
        const void *in[4];
        for (int i = 0; i < p->nin; i++) in[i] = at[p->in[i]];
        void *to =
            p->output >= 0 ? (char *)r->out[p->output] + (size_t)first * p->size : slots + (size_t)p->slot * SLOT_BYTES;
        if (p->loops->refuse) check(r, p, n, in);
        p->fn(n, to, in, p->attrs);
        at[w->nin + s] = to;
        add_tails(r, w->nin + s, first, n, to);
    }
}

static void run_units(void *arg, int64_t begin, int64_t end, int worker) {
    struct run *r = arg;
    const struct cpu_elementwise *w = r->w;
    char *slots = cpu_scratch(r->cpu, worker);
    const void **at = (const void **)(slots + (size_t)w->nslot * SLOT_BYTES);
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t start = unit * w->unit, stop = start + w->unit < w->size ? start + w->unit : w->size;
        for (int64_t first = start; first < stop; first += w->chunk)
            run_chunk(r, first, stop - first < w->chunk ? stop - first : w->chunk, first > start, slots, at);
    }
}

enum status cpu_elementwise_run(struct cpu *c, const struct cpu_elementwise *w, const void *const *in, void *const *out,
                                void *const *partial, struct err *e) {
    struct rng_philox stream[64]; /* as many as tails.random has bits */
    struct run r = {.cpu = c, .w = w, .in = in, .out = out, .partial = partial, .stream = stream};
    for (int i = 0; i < w->nin; i++)
        if (w->operand[i].random) stream[i] = rng_stateless(((const int64_t *)in[i])[0], ((const int64_t *)in[i])[1]);
    enum status s = threads_for(c->threads, (w->size + w->unit - 1) / w->unit, 1, run_units, &r, e);
    if (s != OK || !r.refused) return s;
    return err_set(e, ERR_VALUE, "%s: %s", r.refused->op->name, r.why);
}

enum status cpu_elementwise_call(struct cpu *c, const struct op_call *call, struct err *e) {
    struct cpu_elementwise *w = cpu_elementwise_of_call(c, call, NULL, e);
    if (!w) return e->status;
    const void *in[4];
    for (int i = 0; i < call->nin; i++) in[i] = tensor_data(call->in[i]);
    void *out = tensor_data(call->out[0]);
    const enum status s = cpu_elementwise_run(c, w, in, &out, NULL, e);
    cpu_elementwise_free(w);
    return s;
}
