/* How a cell shows a value: as one would type it. Invariant: the output is bounded, whatever the table. */
#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

#include "session/internal.h"

enum { MAX_DEPTH = 4, MAX_ITEMS = 100, MAX_STRING = 2000, WIDTH = 78 };

static void inspect(lua_State *L, int index, int depth, struct buf *out);

static void quote(const char *s, size_t n, struct buf *out) {
    buf_putc(out, '"');
    for (size_t i = 0; i < n && i < MAX_STRING; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_puts(out, "\\n");
        else if (c < 32 || c == 127)
            buf_printf(out, "\\%03d", c);
        else
            buf_putc(out, (char)c);
    }
    buf_puts(out, n > MAX_STRING ? "\"..." : "\"");
}

static bool is_name(const char *s, size_t n) {
    if (n == 0 || isdigit((unsigned char)s[0])) return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '_') return false;
    return true;
}

static void write_key(lua_State *L, int index, int depth, struct buf *out) {
    size_t n;
    const char *s = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &n) : NULL;
    if (s && is_name(s, n)) {
        buf_put(out, s, n);
    } else {
        buf_putc(out, '[');
        inspect(L, index, depth, out);
        buf_putc(out, ']');
    }
    buf_puts(out, " = ");
}

/* Text keys in alphabetical order before all others, so that a table shows the same each time. Leaves a list of keys on
 * the stack. */
static int key_before(lua_State *L) {
    bool a = lua_type(L, 1) == LUA_TSTRING, b = lua_type(L, 2) == LUA_TSTRING;
    bool numbers = lua_type(L, 1) == LUA_TNUMBER && lua_type(L, 2) == LUA_TNUMBER;
    lua_pushboolean(L, a && b ? lua_compare(L, 1, 2, LUA_OPLT) : numbers ? lua_compare(L, 1, 2, LUA_OPLT) : a && !b);
    return 1;
}

static lua_Integer push_sorted_keys(lua_State *L, int index, lua_Integer length) {
    lua_Integer n = 0;
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && lua_tointeger(L, -1) <= length) continue;
        lua_pushvalue(L, -1);
        lua_seti(L, -3, ++n);
    }
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, -3);
    lua_pushcfunction(L, key_before);
    lua_call(L, 2, 0);
    lua_pop(L, 1);
    return n;
}

/* Items one after another, or each on a line of its own where they are long. */
static void break_or_blank(struct buf *out, size_t start, int depth) {
    if (out->len - start > WIDTH)
        buf_printf(out, "\n%*s", 2 * (depth + 1), "");
    else
        buf_putc(out, ' ');
}

static void write_table(lua_State *L, int index, int depth, struct buf *out) {
    lua_Integer length = (lua_Integer)lua_rawlen(L, index), shown = 0;
    size_t start = out->len;
    buf_putc(out, '{');
    for (lua_Integer i = 1; i <= length && shown < MAX_ITEMS; i++, shown++) {
        if (shown) buf_putc(out, ','), break_or_blank(out, start, depth);
        if (out->len - start > WIDTH) start = out->len;
        lua_rawgeti(L, index, i);
        inspect(L, lua_gettop(L), depth + 1, out);
        lua_pop(L, 1);
    }
    lua_Integer keys = push_sorted_keys(L, index, length);
    for (lua_Integer i = 1; i <= keys && shown < MAX_ITEMS; i++, shown++) {
        if (shown) buf_putc(out, ','), break_or_blank(out, start, depth);
        if (out->len - start > WIDTH) start = out->len;
        lua_rawgeti(L, -1, i);
        write_key(L, lua_gettop(L), depth + 1, out);
        lua_rawget(L, index);
        inspect(L, lua_gettop(L), depth + 1, out);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (length + keys > shown) buf_printf(out, ", ... %d more", (int)(length + keys - shown));
    buf_putc(out, '}');
}

static void inspect(lua_State *L, int index, int depth, struct buf *out) {
    size_t n;
    luaL_checkstack(L, 16, "value nested too deeply");
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *s = lua_tolstring(L, index, &n);
        quote(s, n, out);
        return;
    }
    if (lua_type(L, index) == LUA_TTABLE && luaL_getmetafield(L, index, "__tostring") == LUA_TNIL &&
        luaL_getmetafield(L, index, "__name") == LUA_TNIL) {
        if (depth < MAX_DEPTH)
            write_table(L, index, depth, out);
        else
            buf_puts(out, "{...}");
        return;
    }
    const char *s = luaL_tolstring(L, index, &n);
    buf_put(out, s, n);
    lua_pop(L, 1);
}

void session_inspect(lua_State *L, int index, struct buf *out) {
    int top = lua_gettop(L);
    inspect(L, lua_absindex(L, index), 0, out);
    lua_settop(L, top);
}
