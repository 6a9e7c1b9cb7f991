/* What a user reads of an error: the message, then the frames of their own cells. Invariant: frames of celda's own Lua and
 * C are not shown. */
#include <lauxlib.h>
#include <string.h>

#include "bind/bind.h"
#include "session/internal.h"

enum { MAX_FRAMES = 20, HEAD = 10 };

/* Embedded modules are loaded under names that start so. */
static bool is_ours(const lua_Debug *ar) {
    return strncmp(ar->short_src, "celda:", 6) == 0;
}

static void describe(lua_State *L, lua_Debug *ar, struct buf *out) {
    bool cell = locals_is_cell(L, -1);
    if (ar->currentline > 0)
        buf_printf(out, "  %s:%d: in ", ar->short_src, ar->currentline);
    else
        buf_printf(out, "  %s: in ", ar->short_src);
    if (cell || strcmp(ar->what, "main") == 0)
        buf_puts(out, "main chunk");
    else if (*ar->namewhat && ar->name)
        buf_printf(out, "%s '%s'", ar->namewhat, ar->name);
    else if (strcmp(ar->what, "C") == 0)
        buf_puts(out, "?");
    else
        buf_printf(out, "function <%s:%d>", ar->short_src, ar->linedefined);
    buf_putc(out, '\n');
}

/* One frame, unless it is ours. C functions are named only between frames of Lua (`error`, `pcall`). */
static bool show_frame(lua_State *L, lua_Debug *ar, struct buf *out) {
    lua_getinfo(L, "Slnf", ar);
    bool show =
        !is_ours(ar) && lua_tocfunction(L, -1) != session_on_error && !(strcmp(ar->what, "C") == 0 && !ar->name);
    if (show) describe(L, ar, out);
    lua_pop(L, 1);
    return show;
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

static void write_traceback(lua_State *L, struct buf *out) {
    lua_Debug ar;
    int depth = stack_depth(L), shown = 0;
    for (int level = 0; level < depth; level++) {
        if (shown == HEAD && depth - level > MAX_FRAMES - HEAD) {
            buf_printf(out, "  ... (%d more)\n", depth - level - (MAX_FRAMES - HEAD));
            level = depth - (MAX_FRAMES - HEAD);
        }
        if (!lua_getstack(L, level, &ar)) break;
        shown += show_frame(L, &ar, out);
    }
}

/* A message that begins with a place in our own Lua gets the user's place instead. */
static void relocate(lua_State *L) {
    const char *message = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    const char *rest = strncmp(message, "celda:", 6) == 0 ? strstr(message, ": ") : NULL;
    if (!rest) return;
    bind_push_where(L);
    lua_pushstring(L, rest + 2);
    lua_concat(L, 2);
    lua_replace(L, 1);
}

int session_on_error(lua_State *L) {
    struct session *s = session_of(L);
    buf_free(&s->traceback);
    if (!lua_checkstack(L, 8)) return 1;
    relocate(L);
    write_traceback(L, &s->traceback);
    return 1;
}

void session_error_text(lua_State *L, int index, struct buf *out) {
    size_t n;
    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, index, &n);
        if (strcmp(text, "not enough memory") == 0) buf_puts(out, "MemoryError: ");
        buf_put(out, text, n);
    } else if (luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
        lua_pushvalue(L, index);
        if (lua_pcall(L, 1, 1, 0) != LUA_OK || !lua_tostring(L, -1)) {
            buf_puts(out, "(error object whose __tostring failed)");
        } else {
            const char *text = lua_tolstring(L, -1, &n);
            buf_put(out, text, n);
        }
        lua_pop(L, 1);
    } else {
        buf_printf(out, "(error object is a %s value)", luaL_typename(L, index));
    }
}
