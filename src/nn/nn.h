/* Layers, initializers, losses, optimizers, metrics. Each is one file with one class description: name, arguments with
 * types and defaults in one table, and its formulas in ops. From the table come the Lua constructor, its errors,
 * completion, help and Keras's JSON. Registries are generated from the definitions. */
#ifndef NN_NN_H
#define NN_NN_H

#include <jansson.h>

#include "base/rng.h"
#include "op/emit.h"
#include "run/run.h"

/* ---- arguments ---------------------------------------------------------------------------------------------------- */

enum nn_type {
    NN_INT,         /* int64_t */
    NN_FLOAT,       /* double; an int is taken too */
    NN_BOOL,        /* bool */
    NN_STRING,      /* char *, or one of `choices` */
    NN_PAIR,        /* int64_t[2]: an int is taken for both, as Keras does for kernel_size */
    NN_SHAPE,       /* struct shape, without the batch; rank -1: not given */
    NN_INITIALIZER, /* struct nn_object *: a name or an object */
    NN_ACTIVATION,  /* char *: an activation's name; NULL: linear */
    NN_AXIS,        /* int64_t; Keras also writes it as [axis] */
    NN_REJECT,      /* known to Keras, not to celda yet: only its default is accepted, anything else is an error that
                       names it */
};

struct nn_arg {
    const char *name; /* Keras's */
    enum nn_type type;
    size_t offset;       /* in the object's struct */
    const char *initial; /* the default as JSON ("null", "1", "\"valid\""); NULL: required */
    const char *choices; /* NN_STRING: "valid same"; NULL: any */
    const char *doc;
};

/* ---- objects ------------------------------------------------------------------------------------------------------ */

enum nn_kind { NN_LAYER, NN_INITIALIZERS, NN_LOSS, NN_OPTIMIZER, NN_METRIC };

struct nn_class {
    const char *name; /* Keras's class name: "Conv2D" */
    const char *alias; /* Keras's function name: "sparse_categorical_crossentropy"; NULL: none */
    enum nn_kind kind;
    const char *doc;           /* one paragraph: the formula, shapes in and out */
    const struct nn_arg *args; /* positional order; ends with a NULL name */
    size_t size;               /* of the struct that begins with struct nn_object */
    /* Optional: checks of arguments against each other, and the seeds drawn when the object is constructed. */
    enum status (*init)(struct nn_object *o, struct err *e);
    void (*fini)(struct nn_object *o);
};

#define NN_MAX_VARIABLES 16

/* What every layer, loss, ... begins with. */
struct nn_object {
    const struct nn_class *class;
    atomic_int refs;
    struct run *run;
    char *name;      /* "conv2d_1", unique by class as Keras counts */
    bool name_given;
    struct variable *variable[NN_MAX_VARIABLES]; /* a layer's weights in Keras's order; slots; a metric's state */
    int nvariable;
    struct nn_object *child[8]; /* initializers made from arguments */
    int nchild;
};

/* From a JSON object of arguments by name (unknown: ERR_VALUE with the nearest known one; wrong type: what is wanted). */
enum status nn_new(struct run *r, const struct nn_class *c, const json_t *config, struct nn_object **out,
                   struct err *e);
/* From Keras's serialised form: {"class_name": ..., "config": {...}}, or a bare name. Keys that only Keras needs
 * (module, registered_name, build_config, dtype policy float32) are understood; any other is an error that names it. */
enum status nn_deserialize(struct run *r, enum nn_kind kind, const json_t *json, struct nn_object **out,
                           struct err *e);
/* The config as Keras's get_config gives it; NULL on lack of memory. */
json_t *nn_config(const struct nn_object *o);
const struct nn_class *nn_find(enum nn_kind kind, const char *name, struct err *e); /* error: the nearest name */
/* All classes of a kind; ends with NULL. */
const struct nn_class *const *nn_all(enum nn_kind kind);
struct nn_object *nn_retain(struct nn_object *o);
void nn_release(struct nn_object *o);

/* ---- layers ------------------------------------------------------------------------------------------------------- */

struct nn_call {
    struct run *run;
    struct op_emitter *emit;
    bool training;
};

struct nn_layer {
    struct nn_object object;
    bool built;
    bool trainable;
    struct shape input_shape;      /* from input_shape=, without the batch; rank -1: not given */
    struct variable *seed;         /* of layers that draw: int64[2] = (seed, step); not a weight. NULL: none */
};

struct nn_layer_class {
    struct nn_class base;
    /* Creates the weights for inputs of this signature (batch included; the batch size does not matter). */
    enum status (*build)(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e);
    /* The output's shape for the inputs' shapes; dimension 0 may be -1 (unknown batch). */
    enum status (*output)(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e);
    /* Borrowed from the emitter; NULL with the emitter's error set. */
    struct tensor *(*call)(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx);
    int nin; /* inputs a call takes; -1: a list */
};

/* Once; later calls check the signature and name the layer, what it expects and what it got. */
enum status nn_layer_build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e);
/* Builds if needed, casts inputs to float32 (Keras's autocast), calls. One reference in out. */
enum status nn_layer_call(struct nn_layer *l, struct tensor *const *x, int nx, bool training, struct tensor **out,
                          struct err *e);
/* Declares a weight while building: draws it from the initializer. */
enum status nn_add_weight(struct nn_layer *l, const char *name, const struct shape *s, struct nn_object *initializer,
                          bool trainable, struct variable **out, struct err *e);
struct tensor *nn_read(struct nn_call *c, struct variable *v); /* for use in formulas: NULL after an error */
void nn_assign(struct nn_call *c, struct variable *v, struct tensor *value);
struct tensor *nn_activate(struct nn_call *c, const char *activation, struct tensor *x);

/* ---- initializers: drawn on the host, bit for bit Keras's ---------------------------------------------------------- */

struct nn_initializer_class {
    struct nn_class base;
    enum status (*draw)(struct nn_object *o, const struct shape *s, float *out, struct err *e);
};

/* ---- losses -------------------------------------------------------------------------------------------------------- */

struct nn_loss_class {
    struct nn_class base;
    /* The loss of each sample, unreduced: y_pred's shape without the last axis. */
    struct tensor *(*call)(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred);
};
/* Reduced as the loss says (sum_over_batch_size); sample_weight may be NULL. One reference in out. */
enum status nn_loss_call(struct nn_object *o, struct tensor *y_true, struct tensor *y_pred, struct tensor *weight,
                         struct tensor **out, struct err *e);

/* ---- metrics ------------------------------------------------------------------------------------------------------- */

struct nn_metric_class {
    struct nn_class base;
    enum status (*build)(struct nn_object *o, struct err *e); /* creates the state variables, zero */
    void (*update)(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred,
                   struct tensor *weight);
    struct tensor *(*result)(struct nn_object *o, struct nn_call *c);
};
enum status nn_metric_update(struct nn_object *o, struct tensor *y_true, struct tensor *y_pred, struct tensor *weight,
                             struct err *e);
enum status nn_metric_result(struct nn_object *o, struct tensor **out, struct err *e);
enum status nn_metric_reset(struct nn_object *o, struct err *e);

/* ---- optimizers ---------------------------------------------------------------------------------------------------- */

#define NN_MAX_SLOTS 3

struct nn_optimizer {
    struct nn_object object; /* variable[0] = iterations (int64), [1] = learning_rate (float32) */
    int nslot_vars, slot_cap;
    struct variable **slot_of;  /* the variables it has slots for ... */
    struct variable *(*slot)[NN_MAX_SLOTS]; /* ... and their slots, zero at first */
};

struct nn_optimizer_class {
    struct nn_class base;
    int nslot;
    const char *slot_name[NN_MAX_SLOTS];
    /* Emits the new value of v and of its slots for gradient g and assigns them; `step` is iterations + 1. */
    void (*update)(struct nn_optimizer *o, struct nn_call *c, struct variable *v, struct variable *const *slot,
                   struct tensor *g, struct tensor *learning_rate, struct tensor *step);
};
/* Makes the slots (once) and updates all; iterations count at the end. A NULL gradient is an error that names its
 * variable. */
enum status nn_optimizer_apply(struct nn_optimizer *o, struct tensor *const *gradient, struct variable *const *v,
                               int n, struct err *e);
enum status nn_optimizer_build(struct nn_optimizer *o, struct variable *const *v, int n, struct err *e);

/* ---- seeds --------------------------------------------------------------------------------------------------------- */

/* Keras's global generator (Python's MT19937): utils.set_random_seed. Without a call it is seeded from the system. */
void nn_set_random_seed(struct run *r, uint32_t seed);
uint64_t nn_draw_seed(struct run *r); /* the next layer's seed */

#endif
