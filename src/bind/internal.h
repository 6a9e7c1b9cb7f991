/* What the bindings share: boxes for core objects, reading arguments, and turning Lua values into tensors and JSON. */
#ifndef BIND_INTERNAL_H
#define BIND_INTERNAL_H

#include <stdbool.h>

#include "bind/bind.h"
#include "nn/nn.h"

/* What one Lua state's bindings keep. It outlives the state while a tensor shares a Lua string's bytes. */
struct bind_state {
    struct run *run;
    lua_State *L; /* that called last; NULL once it is closed */
    int refs;
    struct bind_anchor *released; /* strings whose bytes nobody needs any more */
    int64_t random[2];            /* keras.random's global generator ... */
    bool random_ready;            /* ... drawn since the last set_random_seed */
    size_t unseen;                /* bytes of tensors that the collector has not heard of yet */
    bool training;                /* what a layer's `training` is where it is not given: that of the model around it */
};
struct bind_state *bind_state(lua_State *L);
void bind_state_release(struct bind_state *s);
/* Lets go of the strings in `released`. */
void bind_release_strings(struct bind_state *s);
/* keras.utils.set_random_seed(seed). */
int bind_set_random_seed(lua_State *L);

/* ---- boxes: userdata with one pointer, filled after the core succeeded --------------------------------------------- */

#define BIND_TENSOR "tensor"
#define BIND_VARIABLE "keras.Variable"
#define BIND_OBJECT "keras.object" /* layers, losses, optimizers, metrics, initializers */
#define BIND_TAPE "keras.GradientTape"
#define BIND_PROGRAM "celda.program"
#define BIND_GZIP "gzip.file"

/* Pushes an empty box of that type and returns where its pointer goes. */
void **bind_box(lua_State *L, const char *type);
/* bind_check for a call that was to fill the box: what it may have left there after an error is no reference. */
void bind_made(lua_State *L, void *box, enum status s, const struct err *e);
/* The pointer; raises a TypeError that names the argument and the type. */
void *bind_unbox(lua_State *L, int index, const char *type);
/* NULL where it is something else. */
void *bind_test(lua_State *L, int index, const char *type);
/* A metatable for boxes: `events` go into it, `release` frees the pointer. Leaves it on the stack. */
void bind_new_type(lua_State *L, const char *type, const luaL_Reg *events, lua_CFunction release);

/* For __gc: the pointer in the box at 1, which is empty from now on; NULL where there is none. */
void *bind_take(lua_State *L, const char *type);

/* An empty buf that Lua frees, pushed; bind_push_buf pushes its text as a string and returns 1. */
struct buf *bind_new_buf(lua_State *L);
int bind_push_buf(lua_State *L, struct buf *b);

/* A box for a tensor; after the core filled it, bind_filled lets Lua's collector know the bytes. */
struct tensor **bind_new_tensor(lua_State *L);
void bind_filled(lua_State *L, const struct tensor *t);
/* Pushes a box with one more reference to t. */
void bind_push_shared(lua_State *L, struct tensor *t);
/* Pushes the result of an op with one output; returns it. */
struct tensor *bind_op(lua_State *L, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *a);
/* The same for a function of another name than the op's: an error names the function, which is what the user called. */
struct tensor *bind_op_for(lua_State *L, const char *function, const struct op *op, struct tensor *const *in, int nin,
                           const union op_attrs *a);

/* ---- arguments ----------------------------------------------------------------------------------------------------- */

/* f(a, b, {key = v}) and f{a, key = v}: afterwards the slots first .. first+n-1 hold the values in the order of `names`
 * (n of them, NULL-terminated), nil where absent, and nothing is above. A final plain table is keywords when it has a
 * string key, or nothing at all after other arguments. An unknown keyword is an error that names it and the nearest; too
 * many positional arguments, or one given twice, too. `function` names the callee in errors. */
void bind_args(lua_State *L, int first, const char *function, const char *const *names);
/* f{} as f(), where the first argument is no list: goes before bind_args, for which an empty table alone is a value. */
void bind_drop_empty(lua_State *L, int first);
/* f{1, 2, key = v} where the list is one argument: a lone table at `first` becomes two, its list and its keywords. */
void bind_split_list(lua_State *L, int first);
/* Raises unless slot `index` is not nil. */
void bind_want(lua_State *L, int index, const char *function, const char *name);
/* Whether the value is a table without a metatable that has a string key. */
bool bind_is_keywords(lua_State *L, int index);
/* A table with nothing in it, as {sample_weight = nil} is. */
bool bind_is_empty(lua_State *L, int index);
/* Integers and whole floats; raises a TypeError that says what `what` must be. */
int64_t bind_integer(lua_State *L, int index, const char *what);
double bind_number(lua_State *L, int index, const char *what);
bool bind_boolean(lua_State *L, int index, bool none);

/* A tensor argument: a tensor, a Variable (its value), or a number, boolean or nested table (made into a tensor that takes
 * the argument's slot, so that it stays alive). */
struct tensor *bind_tensor(lua_State *L, int index);
/* The same, in an exact dtype: casts where needed. */
struct tensor *bind_tensor_as(lua_State *L, int index, enum dtype d);
/* The operands of an op brought to one dtype that it takes; numbers are weak (dtype_promote_weak). Integers meet as
 * float32 in an op that takes floats alone, bool as int64 in arithmetic. New tensors are left on the stack. */
void bind_operands(lua_State *L, const struct op *op, int first, int n, struct tensor **out);
/* A new tensor from a number, boolean or nested table, pushed. `d` DT_COUNT: floats give float32, integers int64. */
struct tensor *bind_from_lua(lua_State *L, int index, enum dtype d);
enum dtype bind_dtype(lua_State *L, int index, enum dtype none); /* a name, or `none` where nil */
/* An integer or a list of integers. */
void bind_shape(lua_State *L, int index, struct shape *out);
/* A list in which -1, false or json.null stands for an unknown dimension: -1. */
void bind_partial_shape(lua_State *L, int index, struct shape *out);
/* nil (all), an integer or a list: 0-based, negative from the end, as in NumPy. */
void bind_axes(lua_State *L, int index, const struct shape *s, struct op_axes *out);
void bind_push_shape(lua_State *L, const struct shape *s); /* a list that prints as (2, 3); -1 as None */
const char *bind_kind_name(lua_State *L, int index);       /* "tensor", "Variable", "table", ...: for errors */

/* A value whose metatable has __layer_call (a KerasTensor) stands for a tensor to come, and so does a list with one: that
 * function (layer, value, training) says what a layer makes of it. Pushes it; false, with nothing pushed, for other values. */
bool bind_push_symbolic_call(lua_State *L, int index);
/* core.set_layer_ends(f): f(layer, "output") gives what layer.output is, likewise "input". */
int bind_set_layer_ends(lua_State *L);

/* ---- members -------------------------------------------------------------------------------------------------------- */

/* Makes methods of the functions in the table on the stack's top: called on something else than a value of one of the
 * types (NULL-terminated), as in x.sum(), they raise an error that asks for a colon. `receiver` ("x") is its example. */
void bind_methods(lua_State *L, const char *receiver, const char *const *types);
/* A name that the table on the top does not hold is an error with the nearest; `name` is the table's. */
void bind_strict(lua_State *L, const char *name);

/* ---- values -------------------------------------------------------------------------------------------------------- */

/* A Lua value as JSON (a table with the keys 1..n alone is an array, so is the empty one; json.null is null). Raises on
 * functions, cycles and mixed tables. bind_to_json gives the caller a reference; of bind_hold_as_json's result the
 * userdata that is pushed has the only one. */
json_t *bind_to_json(lua_State *L, int index);
json_t *bind_hold_as_json(lua_State *L, int index);
/* Pushes a userdata that takes over a reference (NULL is fine). */
void bind_hold_json(lua_State *L, json_t *j);
void bind_push_json(lua_State *L, const json_t *j);
bool bind_is_null(lua_State *L, int index); /* json.null */

/* Pushes one element, given by its bytes. */
void bind_push_element(lua_State *L, enum dtype d, const void *element);
/* x[key] and x[key] = value (x at 1, key at 2, value at 3). */
int bind_index_get(lua_State *L);
int bind_index_set(lua_State *L);
/* An index in a string's words, "2, :, ::-1": whether the text looks like one at all. */
bool bind_is_index(const char *text);

/* Pushes a variable's box: the same one while it is alive, so that == and tables know it again. */
void bind_push_variable(lua_State *L, struct variable *v);
struct nn_object *bind_object(lua_State *L, int index, enum nn_kind kind);

/* Makes the box on the stack's top the one for p. */
void bind_remember(lua_State *L, void *p);
/* Lists of variables and the like. */
void bind_push_variables(lua_State *L, struct variable *const *v, int n);
/* A list of variables at `index` as pointers, in a userdata that is pushed; returns how many. */
int bind_variables(lua_State *L, int index, struct variable ***out);

/* The name of one of the functions in keras.activations; NULL: something else. */
const char *bind_activation_name(lua_State *L, int index);
/* Replaces the initializer (an object, a name or a function of the shape) at `index` by a tensor of the shape. */
void bind_initial_value(lua_State *L, int index, int shape);

/* ---- objects: one table of methods for each kind --------------------------------------------------------------------- */

/* A field beside the methods: pushes it and returns true. */
typedef bool bind_field_fn(lua_State *L, struct nn_object *o, const char *name);
/* Sets a field; false: there is none of that name that can be set. The value is at 3. */
typedef bool bind_set_field_fn(lua_State *L, struct nn_object *o, const char *name);

struct bind_kind {
    const char *module, *word; /* "layers", "layer" */
    const luaL_Reg *methods;
    lua_CFunction call; /* object(...) */
    bind_field_fn *field;
    bind_set_field_fn *set_field;
    const char *const *fields; /* what these two know, for "did you mean": NULL-terminated */
};
extern const struct bind_kind bind_layers, bind_initializers, bind_losses, bind_optimizers, bind_metrics,
    bind_schedules;
/* The kind whose module is named by the string at `index`: "layers". */
enum nn_kind bind_kind_named(lua_State *L, int index);

/* ---- what bind_open opens; `core` is the index of the table that lua/keras is written on ------------------------------- */

void bind_open_errors(lua_State *L, int core);
void bind_open_members(lua_State *L, int core);
void bind_open_tensor(lua_State *L);
void bind_open_variable(lua_State *L, int core);
void bind_open_objects(lua_State *L, int core);
void bind_open_activations(lua_State *L, int core);
void bind_open_tape(lua_State *L, int core);
void bind_open_program(lua_State *L, int core);
void bind_open_training(lua_State *L, int core);
void bind_open_files(lua_State *L, int core);
void bind_open_json(lua_State *L);
void bind_open_celda(lua_State *L, int core);
void bind_open_parts(lua_State *L, int core);
void bind_open_parts_object(lua_State *L, int core);
void bind_open_archive(lua_State *L, int core);
void bind_open_randomness(lua_State *L, int core);
void bind_open_draw(lua_State *L, int core);
/* celda.device, celda.devices, into the table on the stack's top, and the global device. */
void bind_open_device(lua_State *L);
/* The op that a method of that name calls, NumPy's other names included; NULL: none. */
const struct op *bind_op_named(const char *name);
/* Arithmetic events, into the metatable on the stack. */
void bind_open_operators(lua_State *L);
/* Methods and functions of tensors: registered in both tables, where a function's first argument is a method's self. */
void bind_open_tensor_ops(lua_State *L, int methods, int functions);
void bind_open_tensor_shape(lua_State *L, int methods, int functions);
void bind_open_tensor_values(lua_State *L, int methods, int functions);
void bind_open_tensor_create(lua_State *L, int functions);
void bind_open_tensor_random(lua_State *L, int functions);

#endif
