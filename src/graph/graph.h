/* A computation as data: nodes that call ops, values with a shape and a dtype. Built by tracing (run/), rewritten by
 * passes, planned by liveness, compiled by a device. Nodes stand in an order in which they can run. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "op/op.h"

enum graph_kind { GRAPH_INPUT, GRAPH_CONSTANT, GRAPH_RESULT };

struct graph_value {
    struct op_sig sig;
    enum graph_kind kind;
    int node;                /* GRAPH_RESULT: the node that makes it, as its output number `output` */
    int output;              /* GRAPH_INPUT: which input */
    struct tensor *constant; /* GRAPH_CONSTANT, retained */
};

/* One step of a fused elementwise node: operands < nin are the node's inputs, nin + k is the result of step k. */
struct graph_step {
    const struct op *op;
    union op_attrs attrs;
    int nin, in[4];
    enum dtype dtype; /* of the result */
};

/* An elementwise region that runs as one loop: all steps have the node's shape after broadcasting. */
struct graph_fused {
    int nstep;
    struct graph_step *step;
    int nout, *out; /* which steps' results leave the region */
};

struct graph_node {
    const struct op *op; /* NULL for a fused node */
    union op_attrs attrs;
    int nin, *in;  /* value ids */
    int nout, out; /* values out .. out+nout-1 */
    struct graph_fused *fused;
    bool late; /* it computes again what its readers need: fused with them alone */
};

struct graph {
    int nnode, node_cap;
    struct graph_node *node;
    int nvalue, value_cap;
    struct graph_value *value;
    int ninput, input_cap, *input;    /* value ids */
    int noutput, output_cap, *output; /* value ids; a value may stand twice, and may be an input */
};

enum status graph_new(struct graph **out, struct err *e);
void graph_free(struct graph *g);
void graph_fused_free(struct graph_fused *f);

/* Each returns the new value's id (a node's first output), or -1 with the error set. graph_add infers the outputs. */
int graph_add_input(struct graph *g, const struct op_sig *sig, struct err *e);
int graph_add_constant(struct graph *g, struct tensor *t, struct err *e); /* the same tensor twice is one value */
int graph_add(struct graph *g, const struct op *op, const int *in, int nin, const union op_attrs *a, struct err *e);
enum status graph_add_output(struct graph *g, int value, struct err *e);
/* Adds a node as it is, for passes: takes over its `in` and `fused` unless it fails. */
int graph_add_node(struct graph *g, const struct graph_node *node, const struct op_sig *out, struct err *e);

/* Whether value is one of the graph's outputs. */
bool graph_is_output(const struct graph *g, int value);
/* The node of this op that makes value; -1: something else does. */
int graph_made_by(const struct graph *g, int value, const struct op *op);
/* Whether a node has value among its inputs; whether it is a fused region or one elementwise op. */
bool graph_reads(const struct graph_node *n, int value);
bool graph_is_elementwise(const struct graph_node *n);

/* A readable listing, one node a line: "%7 float32(128, 10) = softmax(%6) axis=1". */
void graph_print(const struct graph *g, struct buf *out);

/* ---- passes: each rewrites g in place, and taking one out changes time, never a result (unpad: a zero's sign) ---------------------------- */

enum graph_pass {
    GRAPH_CSE = 1,        /* equal nodes become one */
    GRAPH_DCE = 2,        /* what no output needs goes */
    GRAPH_FUSE = 4,       /* elementwise regions become one node */
    GRAPH_POOL_FIRST = 8, /* while tracing: max pooling goes before increasing functions */
    GRAPH_ADJOINT = 16,   /* sums of a first convolution's input gradient come from its kernel's */
    GRAPH_TRIM = 32,      /* convolutions compute only what max pooling reads */
    GRAPH_RECOMPUTE = 64, /* what is cheap to compute again is not kept in memory for another region */
    GRAPH_UNPAD = 128,    /* sums of padded parts become their concatenation */
    GRAPH_ALL = 255,
};
enum status graph_optimize(struct graph *g, unsigned passes, struct err *e);

/* ---- memory plan -------------------------------------------------------------------------------------------------- */

/* Where each intermediate value lives in one arena. Inputs, constants and outputs have buffers of their own; the result
 * of a view op shares its input's place. */
struct graph_plan {
    size_t arena;    /* bytes to allocate */
    size_t bound;    /* the most bytes alive at one node: no plan can be smaller */
    size_t *offset;  /* by value; SIZE_MAX where it has no place in the arena */
    int *last_use;   /* by value: the last node that reads it (through views too); nnode: an output; -1: nobody */
    size_t *scratch; /* by node: where its workspace lies in the arena, */
    size_t *kept;    /* and what it leaves for a later one */
};
/* What a device asks of a plan; each may be NULL. */
struct graph_needs {
    size_t (*scratch)(void *arg, int node); /* a node's workspace bytes, alive only while it runs */
    /* Bytes that a node leaves for a later one, alive until that has run. */
    size_t (*kept)(void *arg, int node, int *until);
    void *arg;
    const int *with;    /* by node: the node that it runs together with; itself: it runs alone */
    const bool *absent; /* by value: it needs no place, since it is used as soon as it is there */
};
enum status graph_plan_new(const struct graph *g, const struct graph_needs *needs, struct graph_plan **out,
                           struct err *e);
void graph_plan_free(struct graph_plan *p);

/* ---- tape --------------------------------------------------------------------------------------------------------- */

/* A record of op calls on tensors, eager or symbolic alike, from which gradients are emitted: the one autodiff. */
struct tape;
enum status tape_new(bool persistent, struct tape **out, struct err *e);
void tape_free(struct tape *t);
enum status tape_watch(struct tape *t, const struct tensor *x, struct err *e);
bool tape_watches(const struct tape *t, const struct tensor *x); /* watched, or reached from something watched */
/* Records a call if it reaches a watched tensor; retains its tensors. */
enum status tape_record(struct tape *t, const struct op_call *call, struct err *e);
/* d sum(target * seed) / d source for each source, borrowed from the emitter; NULL where target does not depend on it.
 * `seed` NULL: ones. ERR_STATE if a tensor needed was written to since, or a non-persistent tape was used before. */
enum status tape_gradient(struct tape *t, struct op_emitter *emit, struct tensor *target, struct tensor *seed,
                          struct tensor *const *source, int nsource, struct tensor **gradient, struct err *e);

#endif
