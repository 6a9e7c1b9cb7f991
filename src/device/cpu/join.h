/* Which nodes of a graph run together on the cpu, so that what one makes is used while it is in the cache. */
#ifndef DEVICE_CPU_JOIN_H
#define DEVICE_CPU_JOIN_H

#include "device/cpu/cpu.h"
#include "graph/layout.h"

/* What runs with a node: reductions with an elementwise one; pooling with the convolution that makes its operand, and
 * unpooling with each convolution that reads it. */
struct cpu_join {
    struct cpu_tails tails;
    int node[CPU_MAX_TAILS]; /* by tail: the reduction's */
    int pool;                /* the pooling's, or -1 */
    int input, kernel;       /* of a convolution's two gradients, of which this node is one; -1: they run apart */
    int kept;                /* the convolution that keeps something for these gradients, or -1 */
    int kept_for;            /* of such a convolution: the gradients' node, or -1 */
    int scaled;              /* of a convolution: the node whose scaling of x it does, or -1 */
    int factor[3];           /* which of that one's operands are x, the scale and the shift */
    int ones;                /* of a kernel's gradient: the node that adds a channel of ones to x, or -1 */
    int finished;            /* the node of bias and relu that a convolution does, or of relu's gradient that an input's
                              * gradient does, or -1 */
    int bias, positive;      /* of the former: the operand, and which output is whether y is positive, or -1 */
    bool relu;
    char way[96]; /* how the node runs: "fft, with max_pool2d" */
};

/* Finds that for each node: join[i] is NULL or allocated, the caller's to free, also after an error. Sets the
 * layout's `with` and `absent`. */
enum status cpu_join(struct cpu *c, struct graph_layout *l, struct cpu_join **join, struct err *e);

/* ---- for join.c and join_conv.c ------------------------------------------------------------------------------------ */

/* Those of node i, if it is a convolution, a gradient of one, or unpooling; in the nodes' order. */
enum status cpu_join_conv(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e);
/* And those that depend on them. */
enum status cpu_join_conv_after(struct cpu *c, struct graph_layout *l, struct cpu_join **join, struct err *e);

/* join[i], with which nothing runs yet if there was none; NULL and an error without memory. */
struct cpu_join *cpu_join_at(struct cpu_join **join, int i, struct err *e);
/* Node n runs with node i from now on, and value v, which only they need, is not in memory: join[i], or NULL likewise. */
struct cpu_join *cpu_join_run_with(const struct graph_layout *l, struct cpu_join **join, int i, int n, int v,
                                   struct err *e);
/* Whether node i, which is more than a view, reads value v. */
bool cpu_join_reads(const struct graph_layout *l, int i, int v);
/* The number of nodes: nobody. */
int cpu_join_first_reader(const struct graph_layout *l, int v);
/* The only node that reads value v, which is no output; -1: none, or several. */
int cpu_join_only_reader(const struct graph_layout *l, int v);
/* Whether value v shows all bytes of its root in their order. */
bool cpu_join_is_whole(const struct graph_layout *l, int v);
/* Whether value v is an output, or shown by one. */
bool cpu_join_is_output(const struct graph_layout *l, int v);

#endif
