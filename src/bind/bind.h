/* The Lua face of the core: one file a type. A binding parses its arguments (may raise), allocates the result's userdata,
 * calls the core (cannot raise), then fills the userdata or raises: so an error leaks nothing. */
#ifndef BIND_BIND_H
#define BIND_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "run/run.h"

/* Sets the globals tensor, gzip, safetensors, json, idx and celda, and package.loaded["celda.core"], which lua/keras is
 * written on. The run must outlive L. May raise for lack of memory. */
void bind_open(lua_State *L, struct run *r);
struct run *bind_run(lua_State *L);

/* Raises e as a Lua error object: a table with `name` ("ValueError"), `message`, and `where`, the position of the user's
 * code that called ("[3]:2: "); its tostring is all of these. Does nothing for OK. */
void bind_check(lua_State *L, enum status s, const struct err *e);
/* Pushes "[3]:2: ": the innermost Lua frame that is not one of celda's own modules; "" where there is none. */
void bind_push_where(lua_State *L);
int bind_raise(lua_State *L, enum status s, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
