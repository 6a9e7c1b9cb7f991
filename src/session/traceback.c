/* Which lines of the user's code led to an error: a frame a line, innermost first. Invariant: neither frames of celda's
 * own Lua and C nor of Lua's library are shown. */
#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "session/internal.h"

enum { HEAD = 6, TAIL = 4 }; /* frames shown of a long chain of calls */

/* Embedded modules are loaded under names that start so. */
bool session_is_users(const lua_Debug *ar) {
    return ar->currentline > 0 && strncmp(ar->short_src, "celda:", 6) != 0;
}

/* The global that the function on the stack's top is, or NULL: a tail call leaves no other name. */
static const char *global_name(lua_State *L) {
    const char *name = NULL;
    const int function = lua_gettop(L);
    lua_pushglobaltable(L);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !lua_rawequal(L, -1, function)) continue;
        name = lua_tostring(L, -2); /* the table holds it */
        break;
    }
    lua_settop(L, function);
    return name;
}

void session_describe_frame(lua_State *L, const lua_Debug *ar, struct buf *out) {
    const char *global;
    buf_printf(out, "%s:%d: in ", ar->short_src, ar->currentline);
    if (locals_is_cell(L, -1) || strcmp(ar->what, "main") == 0)
        buf_puts(out, "main chunk");
    else if (ar->name)
        buf_printf(out, "%s '%s'", strcmp(ar->namewhat, "metamethod") == 0 ? "metamethod" : "function", ar->name);
    else if ((global = global_name(L)))
        buf_printf(out, "function '%s'", global);
    else
        buf_printf(out, "function <%s:%d>", ar->short_src, ar->linedefined);
}

/* The number of levels, by doubling and halving: lua_getstack takes time with the level, and a runaway recursion has
 * 200,000. */
static int stack_depth(lua_State *L) {
    lua_Debug ar;
    int low = 0, high = 1;
    while (lua_getstack(L, high, &ar)) low = high, high *= 2;
    while (low + 1 < high) {
        int middle = (low + high) / 2;
        if (lua_getstack(L, middle, &ar))
            low = middle;
        else
            high = middle;
    }
    return high;
}

int session_each_frame(lua_State *L, int head, int tail, session_frame_fn *fn, void *arg) {
    lua_Debug ar;
    int depth = tail > 0 ? stack_depth(L) : INT_MAX, shown = 0, skipped = 0;
    if (!lua_checkstack(L, 8)) return 0;
    for (int level = 0; level < depth; level++) {
        if (shown == head && depth - level > tail + 1) {
            skipped = depth - level - tail;
            level = depth - tail;
        }
        if (!lua_getstack(L, level, &ar)) break;
        lua_getinfo(L, "Slnftu", &ar);
        if (session_is_users(&ar)) {
            fn(arg, L, &ar, skipped);
            shown++;
            skipped = 0;
        }
        lua_pop(L, 1);
    }
    return shown;
}

static void put_frame(void *arg, lua_State *L, lua_Debug *ar, int skipped) {
    struct buf *out = arg;
    if (skipped) buf_printf(out, "  ... (%d more)\n", skipped);
    buf_puts(out, "  ");
    session_describe_frame(L, ar, out);
    buf_putc(out, '\n');
    if (ar->istailcall) buf_puts(out, "  (...tail calls...)\n");
}

int session_traceback(lua_State *L, struct buf *out) {
    const int left = session_put_coroutines(L, HEAD, out);
    return left + session_each_frame(L, HEAD, TAIL, put_frame, out);
}
