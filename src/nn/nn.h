/* Layers, initializers, losses, optimizers, metrics. Each is one file with one class description: name, arguments with
 * types and defaults in one table, and its formulas in ops. From the table come the Lua constructor, its errors,
 * completion, help and Keras's JSON. Registries are generated from the definitions.
 * Names, defaults, formulas and the words of errors are Keras 3.15's. */
#ifndef NN_NN_H
#define NN_NN_H

#include <jansson.h>
#include <stddef.h>

#include "base/rng.h"
#include "op/emit.h"
#include "run/run.h"

struct nn_activation;
struct nn_object;

/* ---- arguments --------------------------------------------------------------------------------------------------- */

enum nn_type {
    NN_INT,         /* int64_t; null: NN_NONE. A float without a fraction is taken */
    NN_FLOAT,       /* double; null: NAN. An int is taken too */
    NN_BOOL,        /* bool */
    NN_STRING,      /* char *, or one of `choices`; null: NULL */
    NN_PAIR,        /* int64_t[2]: an int is taken for both, as Keras does for kernel_size; null: NN_NONE in both */
    NN_SHAPE,       /* struct shape; a dimension null is -1; null: rank -1 */
    NN_MARGINS,     /* int64_t[4], before and after two dimensions: n, [n, m] or [[a, b], [c, d]] */
    NN_INITIALIZER, /* struct nn_object *: a name, a serialised form or an object */
    NN_RATE,        /* struct nn_rate: a number, or a learning rate schedule */
    NN_NUMBERS,     /* json_t *: a list of numbers */
    NN_ACTIVATION,  /* const struct nn_activation *; null: linear */
    NN_SINGLE,      /* int64_t; [n] is taken, too: an axis, a size of one dimension; null: NN_NONE */
    NN_DTYPE,       /* enum dtype: a name; null: float32; `choices` limits it */
    NN_POLICY,      /* nothing: a dtype or Keras's DTypePolicy; float32 alone is accepted */
    NN_REJECT,      /* nothing: known to Keras, not to celda yet. Its default alone is accepted; anything else is an
                       error that names it */
};

#define NN_NONE INT64_MIN

enum nn_arg_flags {
    NN_HIDDEN = 1,   /* taken, but not part of get_config (input_shape) */
    NN_NULLABLE = 2, /* null is taken though it is not the default */
    NN_WILDCARD = 4, /* NN_SHAPE: an unknown size is written -1, not null */
    NN_LISTED = 8,   /* NN_SINGLE: written as [n] */
};

struct nn_arg {
    const char *name; /* Keras's */
    enum nn_type type;
    unsigned offset;     /* in the object's struct */
    const char *initial; /* the default as JSON ("null", "1", "\"valid\""); NULL: required. null is taken where it is
                            the default */
    const char *choices; /* NN_STRING, NN_DTYPE: "valid same"; NULL: any */
    const char *doc;
    unsigned flags; /* enum nn_arg_flags */
};

/* ---- objects ----------------------------------------------------------------------------------------------------- */

enum nn_kind { NN_LAYER, NN_INITIALIZERS, NN_LOSS, NN_OPTIMIZER, NN_METRIC, NN_SCHEDULE, NN_KINDS };
/* Where Keras has its classes: "keras.layers". */
const char *nn_module(enum nn_kind kind);

struct nn_class {
    const char *name;  /* Keras's class name: "Conv2D" */
    const char *alias; /* Keras's other names for it, separated by blanks: "mean_squared_error mse"; NULL: none */
    enum nn_kind kind;
    const char *doc;           /* one paragraph: the formula, shapes in and out */
    const struct nn_arg *args; /* in positional order; ends with a NULL name. Read them through nn_arg_at */
    size_t size;               /* of the struct that begins with struct nn_object */
    /* Optional: checks of arguments against each other, and the seeds drawn when the object is constructed. */
    enum status (*init)(struct nn_object *o, struct err *e);
};

#define NN_MAX_VARIABLES 16

/* What every layer, loss, ... begins with. */
struct nn_object {
    const struct nn_class *class;
    atomic_int refs;
    struct run *run;
    char *name; /* "conv2d_1", unique by class as Keras counts; NULL for initializers */
    struct variable *variable[NN_MAX_VARIABLES]; /* a layer's weights in Keras's order; a metric's state; an optimizer's
                                                    iteration and learning_rate */
    int nvariable;
};

/* Argument number i of a class: its own in positional order (i < nn_positional), then those that all of its kind take
 * by keyword (name, trainable, dtype, input_shape, ... of layers). NULL after the last. */
const struct nn_arg *nn_arg_at(const struct nn_class *c, int i);
int nn_positional(const struct nn_class *c);
/* What it may be, in words: "an integer"; "": it has one value and no other yet. */
const char *nn_arg_wanted(const struct nn_arg *a);

/* An argument whose value is a live object (an initializer, a schedule), not its JSON: two layers that are given one initializer
 * share its seed. */
struct nn_given {
    const char *name;
    struct nn_object *object;
};

/* From a JSON object of arguments by name (NULL: none) and live objects. Unknown: ERR_VALUE with the nearest known one;
 * missing or of a wrong type: what is wanted; given twice: which. Seeds are drawn here, in Keras's order. */
enum status nn_new(struct run *r, const struct nn_class *c, const json_t *config, const struct nn_given *given,
                   int ngiven, struct nn_object **out, struct err *e);
/* From Keras's serialised form: {"class_name": ..., "config": {...}}, or a bare name. Keys that only Keras needs
 * (module, registered_name, shared_object_id, dtype policy float32) are understood; a build_config builds the layer;
 * any other is an error that names it. */
enum status nn_deserialize(struct run *r, enum nn_kind kind, const json_t *json, struct nn_object **out, struct err *e);
/* The config as Keras's get_config gives it; an optimizer's learning_rate is what it is now. A new reference; NULL with
 * the error set. */
json_t *nn_config(const struct nn_object *o, struct err *e);
/* The serialised form that nn_deserialize takes. */
json_t *nn_serialize(const struct nn_object *o, struct err *e);
/* By class name or alias; the error gives the nearest known name. */
const struct nn_class *nn_find(enum nn_kind kind, const char *name, struct err *e);
/* All classes of a kind; ends with NULL. */
const struct nn_class *const *nn_all(enum nn_kind kind);
/* What o was made with and nn_new makes it of again: its arguments as JSON, hidden ones included, but for those that are
 * objects, which nn_held gives (borrowed; at most `cap`). A new reference; NULL with the error set. */
json_t *nn_arguments(const struct nn_object *o, struct err *e);
int nn_held(const struct nn_object *o, struct nn_given *out, int cap);
/* The seed that an initializer has, or drew when it was made; NULL where there is none. */
int64_t *nn_seed_of(struct nn_object *o);
/* The variables of o itself, at most NN_MAX_VARIABLES + 1: its weights or state, and the seed of a layer that draws; not an
 * optimizer's slots. Borrowed. */
int nn_variables(const struct nn_object *o, struct variable **out);
struct nn_object *nn_retain(struct nn_object *o);
void nn_release(struct nn_object *o);

/* What an object is at one moment beside its variables' values: which variables it has, whether it is built, ... */
struct nn_snapshot;
enum status nn_snapshot_new(struct nn_object *o, struct nn_snapshot **out, struct err *e);
enum status nn_snapshot_restore(const struct nn_snapshot *s, struct err *e);
void nn_snapshot_free(struct nn_snapshot *s);

/* What formulas are emitted with. */
struct nn_call {
    struct run *run;
    struct op_emitter *emit;
    bool training;
};

/* ---- activations ------------------------------------------------------------------------------------------------- */

struct nn_activation {
    const char *name; /* Keras's: "elu" */
    const char *alias;
    struct tensor *(*call)(struct nn_call *c, struct tensor *x);
};
extern const struct nn_activation nn_activations[]; /* ends with a NULL name */
const struct nn_activation *nn_activation_find(const char *name, struct err *e);

/* ---- layers ------------------------------------------------------------------------------------------------------ */

struct nn_layer {
    struct nn_object object;
    bool built;
    bool trainable;
    unsigned weights_trained; /* bit i: weight i is trained while the layer is trainable */
    struct shape input_shape; /* from input_shape= or input_dim=, without the batch; rank -1: not given */
    struct shape built_shape; /* what it was built for; rank -1: not built, or it has no weights */
    int rank;                 /* the rank an input must have; 0: what the class says */
    int axis;                 /* input dimension that must be `axis_size`, from the end (-1: the last); 0: none */
    int64_t axis_size;
    struct variable *seed; /* of layers that draw: int64[2] = (seed, step); not a weight. NULL: none */
    int64_t input_dim;
    const char *scope; /* while it is being built: the model's name */
};

#define NN_ANY_INPUTS (-1)

struct nn_layer_class {
    struct nn_class base;
    int nin;        /* inputs a call takes; 0 means 1; NN_ANY_INPUTS: a list */
    int rank;       /* the rank an input must have; 0: any */
    int min_rank;   /* the least rank; 0: any */
    bool any_dtype; /* integers pass as they are; other layers have them cast to float32 */
    /* Optional: creates the weights for inputs of this signature (batch included, may be -1). */
    enum status (*build)(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e);
    /* The output's shape for the inputs' shapes; -1 where unknown. Optional: the first input's. */
    enum status (*output)(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e);
    /* Borrowed from the emitter; NULL with the emitter's error set. */
    struct tensor *(*call)(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx);
};

/* Builds once; later calls do nothing. Weights are named "scope/layer/kernel", or "layer/kernel" where scope is NULL.
 */
enum status nn_layer_build(struct nn_layer *l, const struct op_sig *in, int nin, const char *scope, struct err *e);
/* Checks the inputs' shapes (batch included, -1 where unknown) in Keras's words, and gives the output's. */
enum status nn_layer_output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e);
/* Builds if needed, checks, casts (Keras's autocast), calls. One reference in out. */
enum status nn_layer_call(struct nn_layer *l, struct tensor *const *x, int nx, bool training, struct tensor **out,
                          struct err *e);
void nn_layer_set_trainable(struct nn_layer *l, bool trainable); /* of the layer and its weights */

/* ---- initializers: drawn on the host, bit for bit Keras's -------------------------------------------------------- */

struct nn_initializer_class {
    struct nn_class base;
    enum status (*draw)(struct nn_object *o, const struct shape *s, float *out, struct err *e);
    size_t seed; /* where the object's seed is, an int64_t; 0: it has none */
};
/* A new float32 tensor on the runtime device. */
enum status nn_initializer_call(struct nn_object *o, const struct shape *s, struct tensor **out, struct err *e);

/* ---- losses ------------------------------------------------------------------------------------------------------ */

struct nn_loss {
    struct nn_object object;
    char *reduction;
};

struct nn_loss_class {
    struct nn_class base;
    bool labels; /* y_true holds integer labels: cast to int64, not float32 */
    /* The loss of each sample, unreduced: y_pred's shape without the last axis. */
    struct tensor *(*call)(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred);
};
/* Reduced as the loss says (sum_over_batch_size); sample_weight may be NULL. One reference in out. */
enum status nn_loss_call(struct nn_object *o, struct tensor *y_true, struct tensor *y_pred, struct tensor *weight,
                         struct tensor **out, struct err *e);

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

struct nn_metric {
    struct nn_object object; /* variable[0] = total, [1] = count: float32 scalars */
    enum dtype dtype;
};

struct nn_metric_class {
    struct nn_class base;
    bool labels;      /* as for losses */
    bool values_only; /* takes one tensor of values (Mean): y_pred is NULL */
    /* The metric of each sample (y_pred is y_true's shape up to the last axis), or the values to be averaged. */
    struct tensor *(*call)(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred);
    /* In the place of `call`: what is added to the total and to the count, of each element before its weight. */
    void (*ratio)(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred,
                  struct tensor *part[2]);
    /* What comes of the mean at the end; optional. */
    struct tensor *(*result)(struct nn_object *o, struct nn_call *c, struct tensor *mean);
};
/* `weight` may be NULL. */
enum status nn_metric_update(struct nn_object *o, struct tensor *y_true, struct tensor *y_pred, struct tensor *weight,
                             struct err *e);
enum status nn_metric_result(struct nn_object *o, struct tensor **out, struct err *e);
enum status nn_metric_reset(struct nn_object *o, struct err *e);

/* ---- optimizers -------------------------------------------------------------------------------------------------- */

#define NN_MAX_SLOTS 3

/* A learning rate: what a schedule says, or a number. */
struct nn_rate {
    struct nn_object *schedule; /* retained; NULL: none */
    double number;
};

struct nn_slots {
    struct variable *of;                 /* retained, as are the slots */
    struct variable *slot[NN_MAX_SLOTS]; /* zero at first, or as the class says */
};

struct nn_optimizer {
    /* variable[0] = iteration (int64), [1] = learning_rate (float32) if there is no schedule; the last one what the class
     * shares, if it does. */
    struct nn_object object;
    struct nn_rate rate; /* as constructed; variable[1] is what counts, or the schedule */
    double weight_decay, clipnorm, global_clipnorm, clipvalue; /* NAN: none */
    bool built;
    int nslots;
    struct nn_slots *slots;
};

/* One variable's update: `value` and `slot[i]` are what they are before; set `value` and `slot[i]` to what they become.
 */
struct nn_update {
    struct tensor *value, *slot[NN_MAX_SLOTS];
    struct tensor *gradient, *learning_rate;
    struct tensor *step;   /* iteration + 1 as float32 */
    struct tensor *shared; /* the number that the class's `shared` made, or NULL */
};

struct nn_optimizer_class {
    struct nn_class base;
    const char *slot_name[NN_MAX_SLOTS];
    int (*nslot)(const struct nn_optimizer *o);              /* how many of them it uses; NULL: all that have a name */
    double (*start)(const struct nn_optimizer *o, int slot); /* what one begins with; NULL: 0 */
    /* Optional: a number that all variables share, at first 1, and what it becomes before each step. */
    const char *shared_name;
    struct tensor *(*shared)(const struct nn_optimizer *o, struct nn_call *c, const struct nn_update *u);
    void (*update)(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u);
};
/* What the next step is taken with, a float32 scalar. */
enum status nn_optimizer_rate(struct nn_optimizer *o, struct tensor **out, struct err *e);
/* Makes the slots for these variables; only once. */
enum status nn_optimizer_build(struct nn_optimizer *o, struct variable *const *v, int n, struct err *e);
/* Builds if needed, clips the gradients, decays the weights, updates all; the iteration counts at the end. A NULL
 * gradient and a variable it was not built with are errors that name the variable. */
enum status nn_optimizer_apply(struct nn_optimizer *o, struct tensor *const *gradient, struct variable *const *v, int n,
                               struct err *e);

/* ---- learning rate schedules ------------------------------------------------------------------------------------- */

struct nn_schedule_class {
    struct nn_class base;
    /* The rate, a float32 scalar, after so many steps, which are one, too. */
    struct tensor *(*rate)(struct nn_object *o, struct nn_call *c, struct tensor *step);
};
/* schedule(step): of a scalar of any dtype. One reference in out. */
enum status nn_schedule_call(struct nn_object *o, struct tensor *step, struct tensor **out, struct err *e);

/* ---- seeds ------------------------------------------------------------------------------------------------------- */

/* Keras's global generator (Python's MT19937): utils.set_random_seed. Without a call it is seeded from the system. */
void nn_set_random_seed(struct run *r, uint32_t seed);
void nn_ready_seed(struct run *r);    /* seeds it from the system, unless it is seeded */
uint64_t nn_draw_seed(struct run *r); /* the next layer's seed */

#endif
