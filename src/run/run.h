/* What happens when an op is called: eager dispatch to the runtime device, recording on tapes, tracing into a graph,
 * compiled programs over variables, and moving state between devices. One `struct run` is one session's runtime. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "base/rng.h"
#include "graph/graph.h"
#include "tensor/device.h"

#define RUN_MAX_TAPES 16
#define RUN_MAX_DEVICES 16

struct variable;
struct trace;
struct profile;
struct run_name;
struct run_snapshot;

struct run {
    struct device *device;                /* where new tensors go */
    struct device *cpu;                   /* always open */
    struct device *open[RUN_MAX_DEVICES]; /* all that were asked for, until run_close */
    int nopen;
    void (*notice)(void *arg, const struct device *d, const char *text); /* what devices tell; may be NULL */
    void *notice_arg;
    struct tape *tape[RUN_MAX_TAPES]; /* recording now, outermost first */
    int ntape;
    struct trace *trace;        /* tracing now, or NULL */
    struct variable *variables; /* all that live: a doubly linked list */
    unsigned passes;            /* enum graph_pass */
    uint64_t eager_calls;       /* ops run one by one: a test counts that fit makes none */
    uint64_t program_calls;
    struct profile *profile;        /* being taken now, or NULL */
    struct rng_mt seeds;            /* Keras's global generator: one draw for each layer that needs a seed */
    uint32_t seed;                  /* what set_random_seed was given: the sample order's key */
    bool seeded;                    /* ... by set_random_seed */
    bool seeds_ready;               /* `seeds` was seeded, by that or from the system */
    struct run_name *names;         /* how often each automatic name was given; a list */
    struct run_snapshot *recording; /* the snapshot that keeps what is overwritten now, or NULL */
    uint64_t epoch;                 /* how many snapshots were taken: every open device's */
    void (*make_room)(void *arg);   /* memory is short: what is kept for undoing should go; may be NULL */
    void *make_room_arg;
};

enum status run_open(struct run **out, struct err *e);
void run_close(struct run *r);

/* ---- devices ----------------------------------------------------------------------------------------------------- */

/* "cpu", "gpu", "gpu:1", "/device:GPU:0", "tpu", ... ERR_UNSUPPORTED carries the driver's reason, ERR_NOT_FOUND names
 * the nearest kind. Opened once and kept. */
enum status run_device(struct run *r, const char *name, struct device **out, struct err *e);
/* Makes it the runtime device and moves there, byte for byte, all that lives on the one before: tensors, variables, what
 * tapes and programs hold. What was put on another device by run_move stays there. Nothing is computed again. On an error
 * (too little memory there, a late error of the device before) everything is as it was. */
enum status run_set_device(struct run *r, const char *name, struct err *e);
/* How the device computes products of float32 from now on, whichever the session is on: "float32", "tf32". */
enum status run_set_precision(struct device *d, const char *precision, struct err *e);
/* t on device d: itself (retained) if it is there already. */
enum status run_move(struct run *r, struct tensor *t, struct device *d, struct tensor **out, struct err *e);

/* ---- names: "conv2d", "conv2d_1", ... as Keras counts ------------------------------------------------------------ */

/* The next name of that prefix; the caller frees it with mem_free. */
enum status run_unique_name(struct run *r, const char *prefix, char **out, struct err *e);
/* How often each prefix was given: number i, or NULL after the last; and the count of a prefix set. */
const char *run_name_at(const struct run *r, int i, unsigned long *given);
enum status run_set_name(struct run *r, const char *prefix, unsigned long given, struct err *e);
/* Counts from the start again (keras.backend.clear_session); run_close calls it, too. */
void run_reset_names(struct run *r);

/* ---- ops --------------------------------------------------------------------------------------------------------- */

/* Calls an op. All inputs concrete: it runs now. One symbolic (or none, while tracing): a node is added to the trace,
 * concrete inputs are captured as constants. Tapes that watch an input record it. Views make no copy; inputs that a
 * kernel cannot take as they lie are made contiguous; inputs on another device are an error that names both. `out`
 * receives op->nout references. The inputs' dtypes are taken as they are: see run_promote. */
enum status run_op(struct run *r, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *a,
                   struct tensor **out, struct err *e);
/* An emitter over run_op. */
struct op_emitter run_emitter(struct run *r, struct err *e);
/* Row-major without gaps: t itself (retained) or a copy. */
enum status run_contiguous(struct run *r, struct tensor *t, struct tensor **out, struct err *e);
/* In place: t[...] = value (cast and broadcast to t's shape), through storage_begin_write. t may be any view. */
enum status run_assign(struct run *r, struct tensor *t, struct tensor *value, struct err *e);

/* ---- variables: named state that training changes ---------------------------------------------------------------- */

struct variable {
    atomic_int refs;
    char *name;           /* Keras's: "kernel" */
    char *path;           /* "conv2d/kernel" */
    struct tensor *value; /* contiguous; replaced, and overwritten only while nobody else holds it */
    struct tensor *spare; /* the value before: its storage is the next program's output when nobody else holds it */
    bool trainable;
    struct run *run;
    struct variable *next, *previous;
};

/* `path` is Keras's: "conv2d/kernel"; the name is what follows the last slash. */
enum status variable_new(struct run *r, struct tensor *value, const char *path, bool trainable, struct variable **out,
                         struct err *e);
/* Makes v one that was saved: `value` (retained) has its shape and dtype, is contiguous and lies where v's value does. */
enum status variable_restore(struct variable *v, const char *path, bool trainable, struct tensor *value, struct err *e);
struct variable *variable_retain(struct variable *v);
void variable_release(struct variable *v);
/* The value: while tracing, the symbolic tensor that stands for it (or for what was last assigned in the trace). Tapes
 * watch trainable variables of themselves. Borrowed from the variable or the trace. */
enum status variable_read(struct run *r, struct variable *v, struct tensor **out, struct err *e);
/* Same shape (else ERR_VALUE that names both), cast to its dtype. While tracing: an update at the program's end. */
enum status variable_assign(struct run *r, struct variable *v, struct tensor *value, struct err *e);

/* ---- tracing and programs ---------------------------------------------------------------------------------------- */

/* A compiled graph over variables: reads its inputs and the variables' values, returns outputs, and at its end swaps
 * all updated variables at once, so that an error or a cancel leaves the last finished call's state. */
struct program;

enum status trace_begin(struct run *r, struct err *e); /* ERR_STATE if one is under way */
/* A symbolic input; borrowed from the trace. */
enum status trace_input(struct run *r, enum dtype d, const struct shape *s, struct tensor **out, struct err *e);
/* Ends the trace and compiles it for the runtime device. Outputs may be symbolic or concrete. */
enum status trace_end(struct run *r, struct tensor *const *outputs, int noutput, struct program **out, struct err *e);
void trace_abort(struct run *r);

/* Inputs as traced (shape and dtype are checked: ERR_VALUE); a program compiled for another device is compiled again.
 * `out` receives references. */
enum status program_call(struct run *r, struct program *p, struct tensor *const *in, int nin, struct tensor **out,
                         struct err *e);
struct program *program_retain(struct program *p);
void program_release(struct program *p);
int program_outputs(const struct program *p);               /* how many a call gives */
const struct graph *program_graph(const struct program *p); /* after the passes */
/* tensor/device.h's program_way and program_tune; a device without them has one way to run anything. */
const char *program_way(const struct program *p, int node);
enum status program_tune(struct program *p, struct buf *out, struct err *e);
size_t program_arena(const struct program *p); /* planned bytes */
size_t program_bound(const struct program *p); /* the most bytes, workspaces included, alive at once */

/* ---- snapshots --------------------------------------------------------------------------------------------------- */

/* The runtime at one moment: its device, the variables' values, the random state, and the bytes of all storages, which
 * cost nothing until they are overwritten: then they are copied, as long as this snapshot records, which is until the
 * next one is taken. So a snapshot can be gone back to while it records, or once the runtime is again as it was when the
 * next one was taken. `budget`: the most bytes it may copy; one that would need more is lost. */
enum status run_snapshot_new(struct run *r, size_t budget, struct run_snapshot **out, struct err *e);
/* ERR_STATE if it is lost, with the reason. Tensors and variables stay the same objects. */
enum status run_snapshot_restore(struct run_snapshot *s, struct err *e);
/* Whether the storage was written to, or the variable assigned (or made), since. */
bool run_snapshot_written(const struct run_snapshot *s, const struct storage *storage);
bool run_snapshot_assigned(const struct run_snapshot *s, const struct variable *v);
/* Whether nothing was changed between s and the next one that was taken. */
bool run_snapshot_same(const struct run_snapshot *s, const struct run_snapshot *next);
size_t run_snapshot_bytes(const struct run_snapshot *s); /* held for it alone */
void run_snapshot_free(struct run_snapshot *s);

/* ---- profiling --------------------------------------------------------------------------------------------------- */

/* From here on the programs that are called are timed, node by node, and so are ops that are called one by one; ERR_STATE
 * if that is so already. */
enum status profile_begin(struct run *r, struct err *e);
/* Measures how the programs called since then run fastest, and takes that from now on; a line for each finding. */
enum status profile_tune(struct run *r, struct buf *out, struct err *e);
/* Appends what each op took, whatever called it, the slowest first: its share of `whole` seconds, milliseconds and calls.
 * Nothing where none ran. */
void profile_totals(const struct run *r, double whole, struct buf *out);
/* Ends it and writes what was measured: for each program its calls and a line a node, the slowest first - milliseconds
 * a call, the share of the whole, the bytes it makes, the op and its result; then the ops that were called one by one. */
void profile_end(struct run *r, struct buf *out);

#endif
