/* Copying a graph node by node into a new one, which then takes the old one's place: what every pass does. */
#ifndef GRAPH_REWRITE_H
#define GRAPH_REWRITE_H

#include "graph/graph.h"

struct graph_rewrite {
    const struct graph *from;
    struct graph *to;
    int *map; /* value of `from` -> value of `to`, -1: not there yet */
};

/* Copies the inputs and nothing else. */
enum status graph_rewrite_begin(struct graph_rewrite *r, const struct graph *from, struct err *e);
/* The new value for an old one; constants are copied when first asked for. -1 with the error set. */
int graph_rewrite_value(struct graph_rewrite *r, int value, struct err *e);
/* Copies a node with its inputs mapped. */
enum status graph_rewrite_node(struct graph_rewrite *r, int node, struct err *e);
/* Copies the outputs and puts the new graph into g (which is `from`); after an error g stays as it was. */
enum status graph_rewrite_end(struct graph_rewrite *r, struct graph *g, struct err *e);

/* The passes, each in a file of its own. */
enum status graph_prune(struct graph *g, unsigned passes, struct err *e); /* GRAPH_CSE, GRAPH_DCE */
enum status graph_unpad(struct graph *g, unsigned passes, struct err *e); /* GRAPH_UNPAD, and GRAPH_DCE after it */
enum status graph_adjoint(struct graph *g, struct err *e);
enum status graph_trim(struct graph *g, struct err *e);
enum status graph_recompute(struct graph *g, struct err *e);
enum status graph_fuse(struct graph *g, struct err *e);

/* Of fuse.c: whether a node can be part of an elementwise region; and by node its region's number, the same for nodes that
 * would be fused. */
bool graph_is_fusable(const struct graph *g, int node);
enum status graph_regions(const struct graph *g, int *region, struct err *e);
/* The nodes that read value v: node[first[v]] .. node[first[v + 1] - 1], in their order, one that reads it twice twice; and
 * whether it is an output. */
struct graph_readers {
    int *first, *node;
    bool *output;
};
/* After an error, too, it is freed. */
enum status graph_readers_new(const struct graph *g, struct graph_readers *r, struct err *e);
void graph_readers_free(struct graph_readers *r);

/* Whether a value that a node makes is an output or read outside of that node's region. */
bool graph_leaves(const struct graph *g, const struct graph_readers *r, const int *region, int value);

#endif
