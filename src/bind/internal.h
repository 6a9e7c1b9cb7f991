/* What the files of bind/ share. */
#ifndef BIND_INTERNAL_H
#define BIND_INTERNAL_H

#include "bind/bind.h"

/* Each opens one type or module: bind_open calls them all. */
void bind_open_tensor(lua_State *L);
void bind_open_tensor_functions(lua_State *L);
void bind_open_random(lua_State *L);
void bind_open_variable(lua_State *L);
void bind_open_tape(lua_State *L);
void bind_open_program(lua_State *L);
void bind_open_files(lua_State *L);
void bind_open_json(lua_State *L);
void bind_open_objects(lua_State *L);

/* Pushes a tensor and takes over the reference. Tells Lua's collector about the bytes it holds. */
void bind_push_tensor(lua_State *L, struct tensor *t);
/* Calls an op on tensors that stay alive on the stack; pushes its first output. */
void bind_op(lua_State *L, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *a);
/* x as floating: integers and bool become float32. May push the cast tensor. */
struct tensor *bind_float(lua_State *L, struct tensor *x);
/* x cast to d where it has another dtype; may push the result. */
struct tensor *bind_cast(lua_State *L, struct tensor *x, enum dtype d);

/* The tensor of a Lua value (number, boolean, nested table) with dtype `d`, or the natural one where d is DT_COUNT:
 * float32, int64, bool. Pushes it. */
struct tensor *bind_make_tensor(lua_State *L, int index, enum dtype d);

/* tensor[key] and tensor[key] = value, for numbers, slice strings and integer tensors. */
int bind_tensor_index(lua_State *L, struct tensor *t, int key);
void bind_tensor_assign(lua_State *L, struct tensor *t, int key, int value);

/* A number as a weak operand: whether it is floating. */
bool bind_is_number(lua_State *L, int index, bool *floating);

/* Reads keyword `name` of the options table at `index` (nil or absent: false) and leaves its value on the stack. */
bool bind_option(lua_State *L, int index, const char *name);

#endif
