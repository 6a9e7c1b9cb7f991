/* The Lua face of the core: one file a type. A binding parses its arguments (may raise), allocates the result's userdata,
 * calls the core (cannot raise), then fills the userdata or raises: so an error leaks nothing. */
#ifndef BIND_BIND_H
#define BIND_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "nn/nn.h"
#include "run/run.h"

/* Registers everything (tensor, keras's C half, json, gzip, safetensors, ...) in L; the run must outlive L. */
void bind_open(lua_State *L, struct run *r);
struct run *bind_run(lua_State *L);

/* Raises e as a Lua error object: a table with `status`, `name` ("ValueError") and `message`, whose tostring is
 * "ValueError: message" with the position of the Lua caller. Does nothing for OK. */
void bind_check(lua_State *L, enum status s, const struct err *e);

/* ---- userdata: a box with one pointer, filled after the core succeeded ---------------------------------------------- */

#define BIND_TENSOR "tensor"
#define BIND_VARIABLE "keras.Variable"
#define BIND_OBJECT "keras.object" /* layers, losses, optimizers, metrics, initializers */
#define BIND_TAPE "keras.GradientTape"
#define BIND_PROGRAM "celda.program"

/* Pushes an empty box of that type and returns where its pointer goes. */
void **bind_box(lua_State *L, const char *type);
void *bind_unbox(lua_State *L, int index, const char *type); /* raises a TypeError that names argument and type */
void *bind_test(lua_State *L, int index, const char *type);  /* NULL where it is something else */

/* A tensor argument: a tensor, a Variable (its value), or a number, boolean or nested table (made into a tensor; pushed
 * on the stack in place of the argument, so that it stays alive). */
struct tensor *bind_tensor(lua_State *L, int index);
/* Two operands of a binary op brought to one dtype: numbers are weak (dtype_promote_weak). Both stay on the stack. */
void bind_operands(lua_State *L, int a, int b, struct tensor *out[2]);
enum dtype bind_dtype(lua_State *L, int index, enum dtype none);       /* a name, or `none` where nil */
void bind_shape(lua_State *L, int index, struct shape *out);           /* an integer or a list of integers */
int bind_axes(lua_State *L, int index, int rank, struct op_axes *out); /* nil, an int or a list; 0-based, negative from
                                                                          the end, as in NumPy */

/* ---- positional and keyword arguments ------------------------------------------------------------------------------- */

/* f(a, b, {key = v}) and f{a, key = v}: after the call stack slots base+1..base+n hold the values in the order of
 * `names` (NULL-terminated), nil where absent. Unknown keywords raise an error that names them and the nearest known
 * one; too many positional arguments, or one given twice, raise as in Python. A final table is keywords when it has a
 * string key. `function` names the callee in errors. */
void bind_args(lua_State *L, int first, const char *function, const char *const *names);

/* A Lua value as JSON (tables with only 1..n keys are arrays, the empty table is an array) and back (null is
 * json.null). New reference; raises on functions, cycles, NaN. */
json_t *bind_to_json(lua_State *L, int index);
void bind_push_json(lua_State *L, const json_t *j);

#endif
