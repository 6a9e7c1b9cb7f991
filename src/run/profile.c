/* What %profile shows: the programs that were called while a profile was taken, with the time of each node. Invariant: a
 * profiled program is held until the end, so that its graph can be named. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/internal.h"

enum { MOST_OPS = 60 }; /* characters of a fused node's ops */

struct entry {
    struct program *program; /* retained */
    double *seconds;         /* by node */
    uint64_t calls;
};

struct profile {
    int count, cap;
    struct entry *entry;
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

enum status profile_tune(struct run *r, struct buf *out, struct err *e) {
    const struct profile *f = r->profile;
    for (int i = 0; e->status == OK && i < f->count; i++) program_tune(f->entry[i].program, out, e);
    return e->status;
}

/* ---- the report --------------------------------------------------------------------------------------------------- */

struct row {
    int node;
    double seconds;
};

static int slower_first(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    return x->seconds > y->seconds ? -1 : x->seconds < y->seconds ? 1 : x->node - y->node;
}

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

static void print_row(const struct entry *p, const struct row *row, double total, struct buf *out) {
    char shape[256];
    const struct graph *g = program_graph(p->program);
    const struct graph_node *n = &g->node[row->node];
    const struct op_sig *s = &g->value[n->out].sig;
    buf_printf(out, "%8.3f %5.1f %9.2f  ", row->seconds * 1e3 / (double)p->calls, 100 * row->seconds / total,
               megabytes(g, n));
    print_ops(n, out);
    const char *way = program_way(p->program, row->node);
    if (way) buf_printf(out, " (%s)", way);
    buf_printf(out, " -> %s%s\n", dtype_name(s->dtype), shape_text(&s->shape, shape, sizeof shape));
}

/* Nodes below a thousandth of the whole are summed up in one line. */
static void print_entry(const struct entry *p, struct buf *out) {
    const struct graph *g = program_graph(p->program);
    struct err e = {0};
    struct row *row = mem_alloc(sizeof *row * (size_t)(g->nnode + 1), &e);
    double total = 0, rest = 0;
    int shown = 0;
    if (!row) return;
    for (int i = 0; i < g->nnode; i++) row[i] = (struct row){i, p->seconds[i]}, total += p->seconds[i];
    qsort(row, (size_t)g->nnode, sizeof *row, slower_first);
    buf_printf(out, "program of %d nodes: %llu call%s, %.3f ms each, %.1f MB planned\n      ms     %%        MB  op\n",
               g->nnode, (unsigned long long)p->calls, p->calls == 1 ? "" : "s", total * 1e3 / (double)p->calls,
               (double)program_arena(p->program) / 1e6);
    for (; shown < g->nnode && row[shown].seconds * 1000 >= total; shown++) print_row(p, &row[shown], total, out);
    for (int i = shown; i < g->nnode; i++) rest += row[i].seconds;
    if (shown < g->nnode)
        buf_printf(out, "%8.3f %5.1f            %d more\n", rest * 1e3 / (double)p->calls, 100 * rest / total,
                   g->nnode - shown);
    mem_free(row);
}

void profile_end(struct run *r, struct buf *out) {
    struct profile *f = r->profile;
    r->profile = NULL;
    if (f->count == 0 && out)
        buf_puts(out, "no compiled step ran: fit, evaluate, predict and celda.compile make them\n");
    for (int i = 0; i < f->count; i++) {
        if (out) print_entry(&f->entry[i], out);
        program_release(f->entry[i].program);
        mem_free(f->entry[i].seconds);
    }
    mem_free(f->entry);
    mem_free(f);
}
