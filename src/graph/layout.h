/* How a graph lies in memory when a device runs it node by node: each value has a header made at compile time. Views are
 * resolved into strides; intermediates lie in one arena where the memory plan says, outputs in the caller's buffers. */
#ifndef GRAPH_LAYOUT_H
#define GRAPH_LAYOUT_H

#include "graph/graph.h"

enum graph_home { GRAPH_IN_ARENA, GRAPH_IN_CONSTANT, GRAPH_IN_INPUT, GRAPH_IN_OUTPUT };

/* A value's header, and of whose bytes it shows which. */
struct graph_place {
    struct tensor header;
    int root;       /* the value whose bytes this one shows: itself, unless it is a view */
    int64_t offset; /* of the first element, from the root's, in elements */
    /* Of a root: where its bytes are. */
    enum graph_home home;
    int argument; /* GRAPH_IN_INPUT, GRAPH_IN_OUTPUT: which */
    size_t at;    /* GRAPH_IN_ARENA */
    bool copied;  /* a view that strides cannot say: a copy of its input, which lives as long as the layout */
};

enum graph_call_kind {
    GRAPH_CALL_NOTHING, /* a view */
    GRAPH_CALL_COPY,    /* tensor[0] to tensor[1]: a view that must be copied */
    GRAPH_CALL_FUSED,
    GRAPH_CALL_OP,
};

/* A node as a call over headers. */
struct graph_call {
    enum graph_call_kind kind;
    struct op_call call;    /* op NULL: a fused region */
    struct tensor **tensor; /* what call.in and call.out point to: headers of values, or of contiguous copies */
    struct tensor *copy;    /* inputs that the op needs contiguous: one header for each input, or NULL */
    size_t workspace;       /* bytes that the device asks for while the node runs */
    size_t copies;          /* bytes of the contiguous copies */
    size_t at;              /* of the workspace, in the arena */
    size_t kept, kept_at;   /* bytes that the device asks for from this node's turn to that of node kept_until */
    int kept_until;
};

struct graph_layout {
    const struct graph *graph; /* outlives the layout */
    struct graph_place *value;
    struct graph_call *call; /* one for each node */
    struct graph_plan *plan;
    int *with;    /* by node, and */
    bool *absent; /* by value: the device's, see graph_needs; at first each node runs alone, and no value is absent */
    struct storage *arena; /* the device's; its bytes and handle may change */
    size_t bytes, copied;  /* of the arena; of the copied views, at its end */
};

/* Values and calls, without places. The device then sets the workspace of each call it wants one for (64-byte aligned),
 * `with` and `absent`, and calls graph_layout_plan. */
enum status graph_layout_new(const struct graph *g, struct storage *arena, struct graph_layout **out, struct err *e);
enum status graph_layout_plan(struct graph_layout *l, struct err *e);
void graph_layout_free(struct graph_layout *l);

/* Whether output `output` can be computed into the bytes of input `input`: element by element from it, when nobody reads the
 * input any more, in a run that ends with its last node. */
bool graph_layout_overwrites(const struct graph_layout *l, int output, int input);

/* Points the headers of inputs and outputs at a run's arguments, those of constants at their tensors. */
void graph_layout_bind(struct graph_layout *l, struct tensor *const *in, struct tensor *const *out);

/* Device copies: `from` with any strides to `to`, contiguous. */
typedef enum status graph_copy_fn(void *device, const struct tensor *from, const struct tensor *to, struct err *e);
/* Makes the contiguous copies that node i needs. */
enum status graph_layout_copy_inputs(struct graph_layout *l, int i, graph_copy_fn *copy, void *device, struct err *e);
/* Fills the outputs that no node writes: views, inputs, constants, and what is another output already. `out` NULL: to
 * themselves, for a device that only finds out what will run. */
enum status graph_layout_copy_outputs(struct graph_layout *l, struct tensor *const *out, graph_copy_fn *copy,
                                      void *device, struct err *e);

#endif
