/* Showing values: the last expression's of a cell, and what celda.display is given. A value may say how in a __mimebundle;
 * the sink picks the representation that it can show. */
#include <lauxlib.h>
#include <string.h>

#include "session/internal.h"

enum { MAX_TYPES = 8 };

/* A value's representations: its own __mimebundle (a table of type -> text), else text alone. Pushes what it uses. */
static int collect_bundle(lua_State *L, int index, struct sink_mime *bundle, int most) {
    int n = 0;
    if (luaL_getmetafield(L, index, "__mimebundle") == LUA_TNIL) return 0;
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    if (!lua_istable(L, -1)) return 0;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (n < most && lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING) {
            bundle[n] = (struct sink_mime){.type = lua_tostring(L, -2)};
            bundle[n].data = lua_tolstring(L, -1, &bundle[n].size);
            n++;
        }
        lua_pop(L, 1);
    }
    return n;
}

static bool has_type(const struct sink_mime *bundle, int n, const char *type) {
    for (int i = 0; i < n; i++)
        if (strcmp(bundle[i].type, type) == 0) return true;
    return false;
}

/* A table with string keys alone, to plain values. */
static bool is_record(lua_State *L, int index) {
    if (!lua_istable(L, index) || lua_getmetatable(L, index) || lua_rawlen(L, index) > 0) return false;
    bool plain = true, empty = true;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        empty = false;
        plain = plain && lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) <= LUA_TSTRING;
    }
    return plain && !empty;
}

static bool is_list_of_records(lua_State *L, int index) {
    int top = lua_gettop(L);
    if (!lua_istable(L, index) || lua_getmetatable(L, index) || lua_rawlen(L, index) < 2) return false;
    bool all = true;
    lua_Integer n = (lua_Integer)lua_rawlen(L, index), found = 0;
    for (lua_pushnil(L); all && lua_next(L, index); lua_pop(L, 1)) {
        all = lua_isinteger(L, -2) && is_record(L, lua_gettop(L));
        lua_settop(L, top + 2);
        found++;
    }
    lua_settop(L, top);
    return all && found == n;
}

/* Replaces the text by the table that tabulate makes of the value. */
static void tabulate(lua_State *L, int index, struct buf *text) {
    size_t n;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "tabulate");
    lua_call(L, 1, 1);
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    const char *lines = luaL_tolstring(L, -1, &n);
    buf_free(text);
    buf_put(text, lines, n);
    lua_pop(L, 2);
}

int session_display_values(lua_State *L) {
    struct session *s = session_of(L);
    struct sink_mime bundle[MAX_TYPES];
    struct buf *text = lua_touserdata(L, 1);
    lua_remove(L, 1);
    int n = lua_gettop(L);
    lua_pushglobaltable(L);
    lua_pushliteral(L, "_");
    lua_pushvalue(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    for (int i = 1; i <= n; i++) {
        if (i > 1) buf_puts(text, ", ");
        session_inspect(L, i, text);
    }
    if (n == 1 && strchr(buf_text(text), '\n') && is_list_of_records(L, 1)) tabulate(L, 1, text);
    int count = n == 1 ? collect_bundle(L, 1, bundle, MAX_TYPES - 1) : 0;
    if (!has_type(bundle, count, "text/plain"))
        bundle[count++] = (struct sink_mime){"text/plain", buf_text(text), text->len};
    if (!s->sink->quiet) s->sink->display(s->sink, bundle, count);
    return 0;
}

int session_display(lua_State *L) {
    struct session *s = session_of(L);
    struct sink_mime bundle[MAX_TYPES];
    luaL_checkany(L, 1);
    int n = collect_bundle(L, 1, bundle, MAX_TYPES - 1);
    if (!has_type(bundle, n, "text/plain")) {
        bundle[n] = (struct sink_mime){.type = "text/plain"};
        bundle[n].data = luaL_tolstring(L, 1, &bundle[n].size);
        n++;
    }
    s->sink->display(s->sink, bundle, n);
    return 0;
}
