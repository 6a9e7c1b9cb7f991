/* Top-level locals that persist from cell to cell. A session variable is a real Lua upvalue shared by the cells that
 * name it; inside a cell Lua's own scoping holds. */
#ifndef SESSION_LOCALS_H
#define SESSION_LOCALS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct locals;

enum status locals_open(struct locals **out, struct err *e);
/* Before lua_close of the state it was used with, or after it: it touches no Lua state. */
void locals_close(struct locals *s);

/* Compiles a cell as lua_load does: LUA_OK and pushes the function, or LUA_ERRSYNTAX / LUA_ERRMEM and pushes the
 * message ("[3]:2: unexpected symbol near 'x'" for the chunk name "=[3]"). The function takes the cell's `...` and
 * returns the values of its last expression (or of its `return`); its lines are the cell's own. Never raises; takes up
 * to 5 stack slots. After each LUA_OK, run the function and then call locals_keep, whether it returned or raised. */
int locals_load(lua_State *L, struct locals *s, const char *source, size_t n, const char *chunkname);

/* Takes over what the cell loaded last has declared so far, and ends that cell. LUA_OK, or LUA_ERRMEM with nothing
 * pushed. Loads may nest (a cell that runs another). Keep hooks off while it runs. */
int locals_keep(lua_State *L, struct locals *s);

/* Whether the function at `index` is a cell's: debug.getinfo calls it "Lua", but a traceback should say "main chunk".
 */
bool locals_is_cell(lua_State *L, int index);

/* Whether a cell's function has a variable of this name for its own work, which nobody wrote. */
bool locals_is_internal(const char *name);

/* ---- the variables, in order of declaration ---------------------------------------------------------------------- */

int locals_count(const struct locals *s);
const char *locals_name(const struct locals *s, int i);
bool locals_is_const(const struct locals *s, int i);
int locals_find(const struct locals *s, const char *name);    /* -1: no such variable */
void locals_get(lua_State *L, const struct locals *s, int i); /* pushes the value */
void locals_set(lua_State *L, const struct locals *s, int i); /* pops a value; a constant may be set too (undo) */

/* Pushes a list of all variables, as they are held: not their values. Setting such a list brings back those in it, forgets
 * the others, and leaves values alone. Both may raise for lack of memory. */
void locals_push_list(lua_State *L, const struct locals *s);
void locals_set_list(lua_State *L, struct locals *s, int index);
/* Pushes the function whose one upvalue variable i is. */
void locals_push_carrier(lua_State *L, const struct locals *s, int i);
/* Pops such a closure: the variable of that name is in it from now on. May raise for lack of memory. */
void locals_put(lua_State *L, struct locals *s, const char *name, bool constant);

/* Forgets one variable, or all. Functions that use them keep them. */
void locals_forget(lua_State *L, struct locals *s, int i);
void locals_forget_all(lua_State *L, struct locals *s);

#endif
