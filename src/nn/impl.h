/* What the files of this folder share: the kinds' tables, and the helpers that layers, losses, optimizers and metrics
 * are written with. */
#ifndef NN_IMPL_H
#define NN_IMPL_H

#include "nn/nn.h"

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

/* What all classes of one kind share. */
struct nn_kind_info {
    const char *word;            /* "layer" */
    const char *module;          /* "keras.layers" */
    const struct nn_arg *common; /* keyword arguments that every class of the kind takes; NULL: none */
    bool counts_names;           /* "dense", "dense_1", ... where no name is given */
    enum status (*init)(struct nn_object *o, struct err *e); /* before the class's own */
    void (*fini)(struct nn_object *o);
};
extern const struct nn_kind_info nn_kinds[NN_KINDS];

extern const struct nn_arg nn_layer_args[];
enum status nn_layer_init(struct nn_object *o, struct err *e);
void nn_layer_fini(struct nn_object *o);
enum status nn_metric_init(struct nn_object *o, struct err *e);
enum status nn_optimizer_init(struct nn_object *o, struct err *e);
void nn_optimizer_fini(struct nn_object *o);
void nn_slots_free(struct nn_slots *slots, int n);

/* ---- arguments --------------------------------------------------------------------------------------------------- */

struct nn_arg_type {
    const char *wanted; /* for errors: "an integer" */
    /* From a value that is not null. ERR_TYPE with e untouched: the value is not what is wanted. */
    enum status (*set)(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v, struct err *e);
    void (*set_null)(void *field);
    json_t *(*get)(const struct nn_arg *a, const void *field, struct err *e); /* NULL: lack of memory */
    void (*clear)(void *field);
};
extern const struct nn_arg_type nn_arg_types[]; /* by enum nn_type */
json_t *nn_arg_default(const struct nn_arg *a, struct err *e);
/* The field of an argument that may be an object, and of which kind; NULL: another argument. */
struct nn_object **nn_arg_object(const struct nn_object *o, const struct nn_arg *a, enum nn_kind *kind);

/* Fills every argument of o; the fields are zero before. */
enum status nn_args_set(struct nn_object *o, const json_t *config, const struct nn_given *given, int ngiven,
                        struct err *e);
void nn_args_clear(struct nn_object *o);
/* A new reference to what get_config shows of argument a; NULL with the error set. */
json_t *nn_arg_get(const struct nn_object *o, const struct nn_arg *a, struct err *e);

/* "Conv2D: argument filters must be positive, not -1"; OK where it is. */
enum status nn_want_positive(const struct nn_object *o, const char *argument, int64_t value, struct err *e);
enum status nn_want_positive_pair(const struct nn_object *o, const char *argument, const int64_t pair[2],
                                  struct err *e);

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Keras's to_snake_case: "BatchNormalization" to "batch_normalization", "ReLU" to "re_lu". */
void nn_snake_case(const char *name, char *out, size_t cap);
/* A word of a list separated by blanks, or the name itself. */
bool nn_is_named(const char *name, const char *aliases, const char *word);
/* As shape_text, with None for an unknown dimension. */
const char *nn_shape_text(const struct shape *s, char *text, size_t cap);

/* ---- state ------------------------------------------------------------------------------------------------------- */

/* A variable made of host bytes, on the runtime device. */
enum status nn_new_variable(struct run *r, const char *path, enum dtype d, const struct shape *s, const void *bytes,
                            bool trainable, struct variable **out, struct err *e);
/* A weight of a layer that is being built: drawn from the initializer, added to the layer's variables. */
enum status nn_add_weight(struct nn_layer *l, const char *name, const struct shape *s, struct nn_object *initializer,
                          bool trainable, struct variable **out, struct err *e);
/* One with these values, which is trained. */
enum status nn_add_weight_of(struct nn_layer *l, const char *name, const struct shape *s, const float *values,
                             struct variable **out, struct err *e);
/* An argument's seed; NN_NONE: the next of the global generator. */
int64_t nn_seed_or_draw(struct run *r, int64_t given);
/* The seed state of a layer that draws; `seed` NN_NONE: the global generator gives one. */
enum status nn_add_seed(struct nn_layer *l, int64_t seed, struct err *e);

/* ---- formulas ---------------------------------------------------------------------------------------------------- */

/* An emitter over the runtime, for one formula. */
struct nn_call nn_call_begin(struct run *r, struct op_emitter *emit, bool training, struct err *e);
/* Gives the caller a reference to y in out and closes the emitter; returns the error that stands. */
enum status nn_call_end(struct nn_call *c, struct tensor *y, struct tensor **out);

/* A variable's value, NULL after an error; an assigned variable's old value stays valid. */
struct tensor *nn_read(struct nn_call *c, struct variable *v);
void nn_assign(struct nn_call *c, struct variable *v, struct tensor *value);
/* softmax, noting its logits for the crossentropies. */
struct tensor *nn_softmax(struct nn_call *c, struct tensor *x, int axis);
/* Axes first..rank-1. */
struct op_axes nn_axes_from(int first, int rank);
/* x @ kernel along the last dimension of x, of any rank, as one matrix product. */
struct tensor *nn_matmul_last(struct nn_call *c, struct tensor *x, struct tensor *kernel);
/* x without its last dimension, which has size 1, and the other way. */
struct tensor *nn_drop_last(struct nn_call *c, struct tensor *x);
struct tensor *nn_add_last(struct nn_call *c, struct tensor *x);
/* Keras's squeeze_or_expand_to_same_rank: a last dimension of 1 goes or comes where the ranks differ by one. */
void nn_same_rank(struct nn_call *c, struct tensor **a, struct tensor **b);
/* Emits an error of this formula; returns NULL. */
struct tensor *nn_fail(struct nn_call *c, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* x * min(rsqrt(sum(x^2)), 1e12) along an axis, which may be negative. */
struct tensor *nn_unit_vectors(struct nn_call *c, struct tensor *x, int64_t axis);
/* a / b, 0 where b is 0. */
struct tensor *nn_divide_no_nan(struct nn_call *c, struct tensor *a, struct tensor *b);

/* ---- losses and metrics ------------------------------------------------------------------------------------------ */

/* Rows of argument tables. */
#define NN_NAME_ARG(DEFAULT)                                                                                           \
    { "name", NN_STRING, offsetof(struct nn_object, name), "\"" DEFAULT "\"", .doc = "shown in logs" }
#define NN_REDUCTION_ARG                                                                                               \
    {                                                                                                                  \
        "reduction", NN_STRING, offsetof(struct nn_loss, reduction), "\"sum_over_batch_size\"",                        \
            .choices = "sum_over_batch_size sum mean mean_with_sample_weight none", .flags = NN_NULLABLE,              \
            .doc = "how the samples' losses become one"                                                                \
    }
#define NN_LOSS_DTYPE_ARG                                                                                              \
    { "dtype", NN_POLICY, 0, "null", .flags = NN_HIDDEN, .doc = "float32" }
#define NN_METRIC_DTYPE_ARG                                                                                            \
    { "dtype", NN_DTYPE, offsetof(struct nn_metric, dtype), "null", .choices = "float32", .doc = "float32" }

#define NN_EPSILON 1e-7 /* Keras's backend.epsilon() */

/* mean((a - b)^2) along the last axis. */
struct tensor *nn_mean_squared_error(struct nn_call *c, struct tensor *a, struct tensor *b);
/* mean(|a - b|) along the last axis. */
struct tensor *nn_mean_absolute_error(struct nn_call *c, struct tensor *a, struct tensor *b);
/* The mean along the last axis. */
struct tensor *nn_mean_last(struct nn_call *c, struct tensor *x);
/* What y_pred's softmax or sigmoid was taken of, or y_pred where it is logits itself, or its logarithm. */
struct tensor *nn_logits(struct nn_call *c, struct tensor *y_pred, bool from_logits);
/* Kept 1e-7 away from 0 and 1. */
struct tensor *nn_clip_probability(struct nn_call *c, struct tensor *p);
/* ERR_VALUE in Keras's words where the shapes differ. */
enum status nn_check_same_shape(struct nn_call *c, const struct tensor *y_true, const struct tensor *y_pred);
/* 1.0 where a and b are equal. */
struct tensor *nn_matches(struct nn_call *c, struct tensor *a, struct tensor *b);

/* ---- optimizers -------------------------------------------------------------------------------------------------- */

/* Rows of argument tables: the learning rate, and what all optimizers take after their own. */
#define NN_LEARNING_RATE_ARG(DEFAULT)                                                                                  \
    {                                                                                                                  \
        "learning_rate", NN_RATE, offsetof(struct nn_optimizer, rate), DEFAULT,                                        \
            .doc = "size of the steps: a number, or one of keras.optimizers.schedules"                                 \
    }
#define NN_WEIGHT_DECAY_ARG(DEFAULT)                                                                                   \
    {                                                                                                                  \
        "weight_decay", NN_FLOAT, offsetof(struct nn_optimizer, weight_decay), DEFAULT,                                \
            .flags = NN_NULLABLE, .doc = "part of each weight, times the learning rate, taken off before each step"    \
    }
/* Rows of a struct's own fields. */
#define NN_EPSILON_ARG(STRUCT)                                                                                         \
    { "epsilon", NN_FLOAT, offsetof(STRUCT, epsilon), "1e-07", .doc = "keeps the divisor away from 0" }
#define NN_ADAM_ARGS(STRUCT, SECOND)                                                                                   \
    {"beta_1", NN_FLOAT, offsetof(STRUCT, beta_1), "0.9", .doc = "decay of the mean of the gradients"},                \
        {"beta_2", NN_FLOAT, offsetof(STRUCT, beta_2), "0.999", .doc = "decay of " SECOND}, NN_EPSILON_ARG(STRUCT)
#define NN_OPTIMIZER_ARGS NN_WEIGHT_DECAY_ARG("null"), NN_DECAYED_OPTIMIZER_ARGS
#define NN_DECAYED_OPTIMIZER_ARGS                                                                                      \
    {"clipnorm", NN_FLOAT, offsetof(struct nn_optimizer, clipnorm), "null", .doc = "largest norm of one gradient"},    \
        {"clipvalue", NN_FLOAT, offsetof(struct nn_optimizer, clipvalue), "null",                                      \
         .doc = "largest absolute value in a gradient"},                                                               \
        {"global_clipnorm", NN_FLOAT, offsetof(struct nn_optimizer, global_clipnorm), "null",                          \
         .doc = "largest norm of all gradients together"},                                                             \
        {"use_ema", NN_REJECT, 0, "false", .doc = "keeps moving averages of the weights"},                             \
        {"ema_momentum", NN_REJECT, 0, "0.99", .doc = "momentum of these averages"},                                   \
        {"ema_overwrite_frequency", NN_REJECT, 0, "null", .doc = "steps after which they replace the weights"},        \
        {"loss_scale_factor", NN_REJECT, 0, "null", .doc = "factor of the loss and its gradients"},                    \
        {"gradient_accumulation_steps", NN_REJECT, 0, "null", .doc = "steps whose gradients make one update"}, {       \
        "name", NN_STRING, offsetof(struct nn_object, name), "null", .doc = "counted by class if not given"            \
    }

/* The rate of o's schedule, at this step, an integer scalar. */
struct tensor *nn_scheduled(struct nn_object *schedule, struct nn_call *c, struct tensor *step);
/* What every schedule of decay_steps asks for. */
enum status nn_want_decay_steps(const struct nn_object *o, const char *argument, double steps, struct err *e);

/* mean + (x - mean) * (1 - decay) */
struct tensor *nn_towards(struct nn_call *c, struct tensor *mean, struct tensor *x, double decay);

/* A row of argument tables: of a struct's field data_format, whose dimensions, in words, are these. */
#define NN_DATA_FORMAT_ARG(STRUCT, DIMENSIONS)                                                                         \
    {                                                                                                                  \
        "data_format", NN_STRING, offsetof(STRUCT, data_format), "\"channels_last\"", .choices = "channels_last",      \
                                                                                      .doc = "(" DIMENSIONS ")"        \
    }

/* ---- windows ----------------------------------------------------------------------------------------------------- */

/* Fills w for an input of height and width in[2] and gives the output's: TensorFlow's "same" (the extra cell of padding
 * comes after) or "valid". An unknown size (-1) stays unknown. False: the output would be empty. */
bool nn_window(struct op_window *w, const int64_t in[2], const int64_t size[2], const int64_t stride[2],
               const int64_t dilation[2], bool same, int64_t out[2]);
/* Keras's error for a convolution where that is so. */
enum status nn_empty_output(const struct shape *in, const struct op_window *w, const char *padding, struct err *e);
/* Sizes as Keras shows them, of height and width, "(2, 3)", or of a sequence's steps, "(3,)". */
enum { NN_SIZES_TEXT = 48 };
const char *nn_sizes_text(bool sequence, const int64_t sizes[2], char text[NN_SIZES_TEXT]);
/* Whether a layer takes sequences, (batch, steps, channels), which it works on as images of height 1; a sequence's shape as
 * such an image's, an image's as it is; and the shape that comes of `in` where height and width become `size`. */
bool nn_is_sequence(const struct nn_object *o);
struct shape nn_as_image(const struct shape *s);
struct shape nn_from_image(const struct shape *in, const int64_t size[2], int64_t channels);
/* For a layer that is built for so many channels, the last dimension; unknown (-1) is an error. */
enum status nn_want_channels(struct nn_layer *l, int64_t channels, struct err *e);
/* Keras's error for strides and dilation at once. */
enum status nn_check_strides(const struct nn_object *o, const int64_t strides[2], const int64_t dilation[2],
                             struct err *e);

#endif
