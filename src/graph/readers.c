/* Which nodes read each value, found once instead of by a look at all nodes for each. */
#include "base/mem.h"
#include "graph/rewrite.h"

/* v's readers are counted at v + 2; summed up they begin where v + 1 says, which, as they are filled in, becomes where they
 * end: where v + 1's begin. */
enum status graph_readers_new(const struct graph *g, struct graph_readers *r, struct err *e) {
    int reads = 0;
    for (int i = 0; i < g->nnode; i++) reads += g->node[i].nin;
    r->first = mem_zalloc(((size_t)g->nvalue + 2) * sizeof *r->first, e);
    r->node = mem_alloc(((size_t)reads + 1) * sizeof *r->node, e);
    r->output = mem_zalloc(((size_t)g->nvalue + 1) * sizeof *r->output, e);
    if (e->status) return e->status;
    for (int i = 0; i < g->noutput; i++) r->output[g->output[i]] = true;
    for (int i = 0; i < g->nnode; i++)
        for (int k = 0; k < g->node[i].nin; k++) r->first[g->node[i].in[k] + 2]++;
    for (int v = 0; v < g->nvalue; v++) r->first[v + 2] += r->first[v + 1];
    for (int i = 0; i < g->nnode; i++)
        for (int k = 0; k < g->node[i].nin; k++) r->node[r->first[g->node[i].in[k] + 1]++] = i;
    return OK;
}

void graph_readers_free(struct graph_readers *r) {
    mem_free(r->first);
    mem_free(r->node);
    mem_free(r->output);
}
