/* What %profile and %prof show: the programs that were called while a profile was taken, with the time of each node, and the
 * ops that were called one by one. Invariant: a profiled program is held until the end, so that its graph can be named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/internal.h"

enum { MOST_OPS = 60, MOST_TOTALS = 15 }; /* characters of a fused node's ops; lines of the totals */

struct entry {
    struct program *program; /* retained */
    double *seconds;         /* by node */
    uint64_t calls;
};

/* Of an op, or of nodes of the same ops. */
struct total {
    char name[256];
    int nodes; /* of one program, that have this name */
    double seconds, megabytes;
    uint64_t calls;
};

struct totals {
    int count, cap;
    struct total *total;
};

struct profile {
    int count, cap;
    struct entry *entry;
    struct totals eager; /* ops that were called one by one, and programs that were timed as a whole */
};

enum status profile_begin(struct run *r, struct err *e) {
    if (r->profile) return err_set(e, ERR_STATE, "a profile is being taken already");
    r->profile = mem_zalloc(sizeof *r->profile, e);
    return e->status;
}

double *profile_call(struct run *r, struct program *p, struct err *e) {
    struct profile *f = r->profile;
    int i = 0;
    while (i < f->count && f->entry[i].program != p) i++;
    if (i == f->count) {
        if (run_grow(&f->entry, f->count, &f->cap, sizeof *f->entry, e)) return NULL;
        double *seconds = mem_zalloc(sizeof *seconds * (size_t)(program_graph(p)->nnode + 1), e);
        if (!seconds) return NULL;
        f->entry[f->count++] = (struct entry){program_retain(p), seconds, 0};
    }
    f->entry[i].calls++;
    return f->entry[i].seconds;
}

/* Adds what has the same name up. */
static enum status add_total(struct totals *t, const char *name, const struct total *one, struct err *e) {
    int i = 0;
    while (i < t->count && strcmp(t->total[i].name, name) != 0) i++;
    if (i == t->count) {
        if (run_grow(&t->total, t->count, &t->cap, sizeof *t->total, e)) return e->status;
        t->total[t->count++] = (struct total){0};
        snprintf(t->total[i].name, sizeof t->total->name, "%s", name);
    }
    t->total[i].nodes += one->nodes;
    t->total[i].seconds += one->seconds;
    t->total[i].megabytes += one->megabytes;
    t->total[i].calls += one->calls;
    return OK;
}

static int slower_first(const void *a, const void *b) {
    const struct total *x = a, *y = b;
    return x->seconds > y->seconds ? -1 : x->seconds < y->seconds ? 1 : strcmp(x->name, y->name);
}

enum status profile_op(struct run *r, const struct op *op, double seconds, struct err *e) {
    return add_total(&r->profile->eager, op->name, &(struct total){.seconds = seconds, .calls = 1}, e);
}

enum status profile_whole(struct run *r, const struct program *p, double seconds, struct err *e) {
    char name[64];
    snprintf(name, sizeof name, "compiled step of %d nodes", program_graph(p)->nnode);
    return add_total(&r->profile->eager, name, &(struct total){.seconds = seconds, .calls = 1}, e);
}

enum status profile_tune(struct run *r, struct buf *out, struct err *e) {
    const struct profile *f = r->profile;
    for (int i = 0; e->status == OK && i < f->count; i++) program_tune(f->entry[i].program, out, e);
    return e->status;
}

/* ---- the report --------------------------------------------------------------------------------------------------- */

/* "add multiply maximum (12 ops)" for a fused node: as many names as fit. */
static void print_ops(const struct graph_node *n, struct buf *out) {
    if (n->op) {
        buf_puts(out, n->op->name);
        return;
    }
    size_t start = out->len;
    for (int k = 0; k < n->fused->nstep; k++) {
        const char *name = n->fused->step[k].op->name;
        if (out->len - start + strlen(name) > MOST_OPS) break;
        buf_printf(out, "%s%s", k ? " " : "", name);
    }
    buf_printf(out, " (%d ops)", n->fused->nstep);
}

static double megabytes(const struct graph *g, const struct graph_node *n) {
    double bytes = 0;
    for (int k = 0; k < n->nout; k++) {
        const struct op_sig *s = &g->value[n->out + k].sig;
        bytes += (double)shape_size(&s->shape) * (double)dtype_size(s->dtype);
    }
    return bytes / 1e6;
}

static void label_node(const struct program *p, int node, struct buf *label) {
    char shape[256];
    const struct graph_node *n = &program_graph(p)->node[node];
    const struct op_sig *s = &program_graph(p)->value[n->out].sig;
    const char *way = program_way(p, node);
    print_ops(n, label);
    if (way) buf_printf(label, " (%s)", way);
    buf_printf(label, " -> %s%s", dtype_name(s->dtype), shape_text(&s->shape, shape, sizeof shape));
}

/* The nodes by their labels: ops, as far as they fit, way and shape. What there is no memory for is missing. */
static struct totals labelled(const struct entry *p) {
    const struct graph *g = program_graph(p->program);
    struct totals t = {0};
    struct err e = {0};
    for (int i = 0; i < g->nnode && e.status == OK; i++) {
        struct buf label = {0};
        label_node(p->program, i, &label);
        const struct total one = {.nodes = 1, .seconds = p->seconds[i], .megabytes = megabytes(g, &g->node[i])};
        add_total(&t, buf_text(&label), &one, &e);
        buf_free(&label);
    }
    if (t.count) qsort(t.total, (size_t)t.count, sizeof *t.total, slower_first);
    return t;
}

static void print_label(const struct entry *p, const struct total *t, double whole, struct buf *out) {
    buf_printf(out, "%8.3f %5.1f %9.2f  ", t->seconds * 1e3 / (double)p->calls, 100 * t->seconds / whole, t->megabytes);
    if (t->nodes > 1) buf_printf(out, "%d x ", t->nodes);
    buf_printf(out, "%s\n", t->name);
}

/* Labels below a thousandth of the whole are summed up in one line. */
static void print_entry(const struct entry *p, struct buf *out) {
    const struct graph *g = program_graph(p->program);
    const struct totals t = labelled(p);
    double whole = 0, rest = 0;
    int shown = 0, left = 0;
    for (int i = 0; i < g->nnode; i++) whole += p->seconds[i];
    buf_printf(out, "program of %d nodes: %llu call%s, %.3f ms each, %.1f MB planned\n      ms     %%        MB  op\n",
               g->nnode, (unsigned long long)p->calls, p->calls == 1 ? "" : "s", whole * 1e3 / (double)p->calls,
               (double)program_arena(p->program) / 1e6);
    for (; shown < t.count && t.total[shown].seconds * 1000 >= whole; shown++)
        print_label(p, &t.total[shown], whole, out);
    for (int i = shown; i < t.count; i++) rest += t.total[i].seconds, left += t.total[i].nodes;
    if (left)
        buf_printf(out, "%8.3f %5.1f            %d more\n", rest * 1e3 / (double)p->calls, 100 * rest / whole, left);
    mem_free(t.total);
}

static void print_totals(struct totals *t, double whole, struct buf *out) {
    if (t->count == 0) return;
    qsort(t->total, (size_t)t->count, sizeof *t->total, slower_first);
    buf_puts(out, "     %        ms     calls  op\n");
    for (int i = 0; i < t->count && i < MOST_TOTALS; i++)
        buf_printf(out, "%6.1f %9.1f %9llu  %s\n", 100 * t->total[i].seconds / whole, t->total[i].seconds * 1e3,
                   (unsigned long long)t->total[i].calls, t->total[i].name);
    if (t->count > MOST_TOTALS) buf_printf(out, "                          %d more\n", t->count - MOST_TOTALS);
}

static void add_program(struct totals *t, const struct entry *p, struct err *e) {
    const struct graph *g = program_graph(p->program);
    for (int i = 0; i < g->nnode && e->status == OK; i++) {
        struct buf name = {0};
        print_ops(&g->node[i], &name);
        add_total(t, buf_text(&name), &(struct total){.seconds = p->seconds[i], .calls = p->calls}, e);
        buf_free(&name);
    }
}

void profile_totals(const struct run *r, double whole, struct buf *out) {
    const struct profile *f = r->profile;
    struct totals t = {0};
    struct err unused = {0}; /* what there is no memory for is missing */
    for (int i = 0; i < f->eager.count; i++) add_total(&t, f->eager.total[i].name, &f->eager.total[i], &unused);
    for (int i = 0; i < f->count; i++) add_program(&t, &f->entry[i], &unused);
    print_totals(&t, whole, out);
    mem_free(t.total);
}

static void print_eager(struct totals *t, struct buf *out) {
    double whole = 0;
    for (int i = 0; i < t->count; i++) whole += t->total[i].seconds;
    if (t->count == 0) return;
    buf_puts(out, "called one by one:\n");
    print_totals(t, whole, out);
}

void profile_end(struct run *r, struct buf *out) {
    struct profile *f = r->profile;
    r->profile = NULL;
    if (f->count == 0 && f->eager.count == 0 && out)
        buf_puts(out, "no compiled step ran: fit, evaluate and predict make them\n");
    for (int i = 0; i < f->count; i++) {
        if (out) print_entry(&f->entry[i], out);
        program_release(f->entry[i].program);
        mem_free(f->entry[i].seconds);
    }
    if (out) print_eager(&f->eager, out);
    mem_free(f->eager.total);
    mem_free(f->entry);
    mem_free(f);
}
