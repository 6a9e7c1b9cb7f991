/* Graphs written by hand and drawn at random, and running them on the cpu. */
#ifndef SUPPORT_GRAPHS_H
#define SUPPORT_GRAPHS_H

#include "graph/graph.h"
#include "op/ops.h"
#include "support/test.h"

struct graph *graphs_new(void);
int graphs_input(struct graph *g, struct shape s); /* of float32 */
/* A call of an op of n inputs: graphs_call(g, &op_add, 2, a, b). */
int graphs_call(struct graph *g, const struct op *op, int n, ...);
/* A call with attributes on one value (b: -1) or two. */
int graphs_with(struct graph *g, const struct op *op, int a, int b, union op_attrs attrs);
int graphs_sum(struct graph *g, int x, int axis); /* keepdims */
void graphs_output(struct graph *g, int v);

/* The same for the same seed: `nodes` calls of elementwise ops, sums, transpositions and matrix products on values of
 * side x side, side x 1 and 1 x side, some of them equal and some of use to nobody, with up to four outputs. */
struct graph *graphs_random(unsigned seed, int nodes, int side);

/* The graph's outputs for inputs drawn from `seed`, one after the other, on the cpu: graphs_floats(g) floats. The caller
 * frees them with test_free. */
float *graphs_run(const struct graph *g, unsigned seed);
size_t graphs_floats(const struct graph *g);

/* The outputs of g on device d; the caller releases them. */
void graphs_execute(struct device *d, const struct graph *g, struct tensor *const *in, struct tensor **out);
/* Whether some node of g runs with `what` on d. */
bool graphs_runs_with(struct device *d, const struct graph *g, const char *what);

#endif
