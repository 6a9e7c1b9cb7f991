/* Which lines of the user's code led to an error: a frame a line, innermost first. Invariant: neither frames of celda's
 * own Lua and C nor of Lua's library are shown. */
#include <lauxlib.h>
#include <string.h>

#include "session/internal.h"

enum { HEAD = 6, TAIL = 4 }; /* frames shown of a long chain of calls */

/* Embedded modules are loaded under names that start so. */
static bool is_shown(const lua_Debug *ar) {
    return ar->currentline > 0 && strncmp(ar->short_src, "celda:", 6) != 0;
}

/* "  [3]:2: in function 'f'"; the function itself is on the stack's top. */
static void describe(lua_State *L, const lua_Debug *ar, struct buf *out) {
    buf_printf(out, "  %s:%d: in ", ar->short_src, ar->currentline);
    if (locals_is_cell(L, -1) || strcmp(ar->what, "main") == 0)
        buf_puts(out, "main chunk\n");
    else if (!ar->name)
        buf_printf(out, "function <%s:%d>\n", ar->short_src, ar->linedefined);
    else
        buf_printf(out, "%s '%s'\n", strcmp(ar->namewhat, "metamethod") == 0 ? "metamethod" : "function", ar->name);
}

static bool put_frame(lua_State *L, lua_Debug *ar, struct buf *out) {
    lua_getinfo(L, "Slnf", ar);
    bool shown = is_shown(ar);
    if (shown) describe(L, ar, out);
    lua_pop(L, 1);
    return shown;
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

int session_traceback(lua_State *L, struct buf *out) {
    lua_Debug ar;
    int depth = stack_depth(L), shown = 0;
    if (!lua_checkstack(L, 8)) return 0;
    for (int level = 0; level < depth; level++) {
        if (shown == HEAD && depth - level > TAIL + 1) {
            buf_printf(out, "  ... (%d more)\n", depth - level - TAIL);
            level = depth - TAIL;
        }
        if (!lua_getstack(L, level, &ar)) break;
        shown += put_frame(L, &ar, out);
    }
    return shown;
}
