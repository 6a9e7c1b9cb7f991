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

/* The tensor at `index`, or a Variable's value; NULL where it is something else. Borrowed. */
const struct tensor *bind_tensor_at(lua_State *L, int index);

/* Raises e as a Lua error object: a table with `name` ("ValueError"), `message`, and `where`, the position of the user's
 * code that called ("[3]:2: "); its tostring is all of these. Does nothing for OK. */
void bind_check(lua_State *L, enum status s, const struct err *e);
/* Pushes "[3]:2: ": the innermost Lua frame that is not one of celda's own modules; "" where there is none. */
void bind_push_where(lua_State *L);
int bind_raise(lua_State *L, enum status s, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- snapshots: what the core holds of a session at one moment ------------------------------------------------------ */

struct bind_snapshot;
/* The runtime (run_snapshot_new, with its budget) and the random state, math.random's too. */
enum status bind_snapshot_new(lua_State *L, size_t budget, struct bind_snapshot **out, struct err *e);
/* Adds the value at `index` where it is one of the core's: a layer's or an optimizer's state, a tensor's storage. After
 * the last one bind_snapshot_end. */
enum status bind_snapshot_add(struct bind_snapshot *s, lua_State *L, int index, struct err *e);
void bind_snapshot_end(struct bind_snapshot *s);
/* Whether the core's side is the same in `next`, taken after it. */
bool bind_snapshot_same(const struct bind_snapshot *s, const struct bind_snapshot *next);
/* Whether the core's value at `index` is not as it was: a tensor that was written to, a Variable or an object with one that
 * was assigned. False for what is none of these. */
bool bind_snapshot_changed(const struct bind_snapshot *s, lua_State *L, int index);
/* Bytes that are held for s alone, where `next` is the state after it. */
size_t bind_snapshot_bytes(const struct bind_snapshot *s, const struct bind_snapshot *next);
/* As run_snapshot_restore. */
enum status bind_snapshot_restore(struct bind_snapshot *s, lua_State *L, struct err *e);
void bind_snapshot_free(struct bind_snapshot *s);

#endif
